#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::parse;
use super::tests::{refused, start};
use crate::scim::{ENTERPRISE_URN, ScimType};

#[test]
fn what_must_stay_cannot_be_taken() {
    refused(
        json!([{"op": "remove", "path": "userName"}]),
        ScimType::Mutability,
    );
    refused(
        json!([{"op": "replace", "path": "userName", "value": ""}]),
        ScimType::InvalidValue,
    );
    refused(
        json!([{"op": "replace", "value": {"userName": null}}]),
        ScimType::InvalidValue,
    );
    refused(
        json!([{"op": "replace", "path": "meta.version", "value": "1"}]),
        ScimType::Mutability,
    );
}

#[test]
fn the_whole_request_or_nothing() {
    let before = start();
    refused(
        json!([{"op": "replace", "value": {"title": "Lead"}}, {"op": "replace", "path": "active", "value": "perhaps"}]),
        ScimType::InvalidValue,
    );
    assert_eq!(start(), before);
}

#[test]
fn what_is_no_patch_is_refused() {
    for (operations, kind) in [
        (
            json!([{"op": "move", "path": "title"}]),
            ScimType::InvalidSyntax,
        ),
        (
            json!([{"path": "title", "value": 1}]),
            ScimType::InvalidSyntax,
        ),
        (json!([]), ScimType::InvalidSyntax),
        (json!({}), ScimType::InvalidSyntax),
        (json!(["x"]), ScimType::InvalidSyntax),
        (json!([{"op": "remove"}]), ScimType::NoTarget),
        (
            json!([{"op": "add", "path": "title"}]),
            ScimType::InvalidValue,
        ),
        (json!([{"op": "add", "value": "x"}]), ScimType::InvalidValue),
        (
            json!([{"op": "add", "path": 5, "value": "x"}]),
            ScimType::InvalidPath,
        ),
        (
            json!([{"op": "add", "path": "a b", "value": "x"}]),
            ScimType::InvalidPath,
        ),
        (
            json!([{"op": "add", "path": "title[value eq \"x\"]", "value": "x"}]),
            ScimType::InvalidPath,
        ),
        (
            json!([{"op": "remove", "path": "emails[type eq]"}]),
            ScimType::InvalidFilter,
        ),
        (
            json!([{"op": "remove", "path": "emails[nope eq \"x\"]"}]),
            ScimType::InvalidFilter,
        ),
        (
            json!([{"op": "replace", "path": "title", "value": 5}]),
            ScimType::InvalidValue,
        ),
        (
            json!([{"op": "replace", "path": "emails", "value": [5]}]),
            ScimType::InvalidValue,
        ),
        (
            json!([{"op": "replace", "path": ENTERPRISE_URN, "value": 5}]),
            ScimType::InvalidValue,
        ),
    ] {
        refused(operations, kind);
    }
    assert_eq!(
        parse(b"{}").unwrap_err().scim_type,
        Some(ScimType::InvalidSyntax)
    );
    assert_eq!(
        parse(br#"{"Operations":[],"operations":[]}"#)
            .unwrap_err()
            .scim_type,
        Some(ScimType::InvalidSyntax)
    );
    let many = json!({"Operations": vec![json!({"op": "remove", "path": "title"}); 1001]});
    assert_eq!(parse(many.to_string().as_bytes()).unwrap_err().status, 413);
}

#[test]
fn deep_values_are_refused_at_once() {
    let deep = format!(
        r#"{{"Operations":[{{"op":"add","path":"title","value":{}}}]}}"#,
        "[".repeat(1_000_000)
    );
    parse(deep.as_bytes()).unwrap_err();
    let closed = format!(
        r#"{{"Operations":[{{"op":"add","value":{}{}}}]}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    parse(closed.as_bytes()).unwrap_err();
    let path = format!(
        r#"{{"Operations":[{{"op":"add","value":1,"path":"a[{}"}}]}}"#,
        "(".repeat(1_000_000)
    );
    parse(path.as_bytes()).unwrap_err();
}
