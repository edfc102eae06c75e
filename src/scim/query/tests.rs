#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::scim::ScimType;
use proptest::prelude::*;

fn read(pairs: &[(&str, &str)]) -> Result<ListQuery, ScimError> {
    ListQuery::from_pairs(pairs.iter().copied())
}

#[test]
fn the_lookup_of_okta() {
    let query = read(&[
        ("filter", "userName eq \"Mira@x\""),
        ("startIndex", "1"),
        ("count", "100"),
        ("_", "x"),
    ])
    .unwrap();
    assert_eq!(query.filter.unwrap().to_string(), "userName eq \"Mira@x\"");
    assert_eq!((query.page, query.count), (Page::Index(1), Some(100)));
    assert_eq!(read(&[]).unwrap(), ListQuery::default());
}

#[test]
fn indexes_below_one_are_one_and_negative_counts_none() {
    for text in ["0", "-5", "-9223372036854775808", ""] {
        assert_eq!(read(&[("startIndex", text)]).unwrap().page, Page::Index(1));
    }
    let query = read(&[("count", "-1")]).unwrap();
    assert_eq!((query.count, query.limit(100, 500)), (Some(0), 0));
    assert_eq!(read(&[("count", "9999")]).unwrap().limit(100, 500), 500);
    assert_eq!(ListQuery::default().limit(100, 500), 100);
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    for (pairs, name) in [
        (&[("count", "x")][..], "count"),
        (&[("startIndex", "1e9")], "startIndex"),
        (&[("startIndex", "99999999999999999999")], "startIndex"),
        (&[("sortOrder", "up")], "sortOrder"),
        (&[("sortBy", "a b")], "sortBy"),
        (&[("count", "1"), ("COUNT", "2")], "count"),
        (
            &[("attributes", "a"), ("excludedAttributes", "b")],
            "attributes",
        ),
        (&[("startIndex", "1"), ("cursor", "")], "cursor"),
        (&[("count", "0"), ("cursor", "")], "count"),
    ] {
        let error = read(pairs).unwrap_err();
        assert!(
            error.status == 400 && error.detail.contains(name),
            "{error}"
        );
    }
    assert_eq!(
        read(&[("filter", "x")]).unwrap_err().scim_type,
        Some(ScimType::InvalidFilter)
    );
}

#[test]
fn a_blank_filter_is_refused_and_none_names_everybody() {
    for blank in ["", " ", "\t"] {
        let error = read(&[("filter", blank)]).unwrap_err();
        assert_eq!(error.status, 400);
        assert_eq!(error.scim_type, Some(ScimType::InvalidFilter), "{blank:?}");
        let body = json!({ "filter": blank }).to_string();
        let error = ListQuery::from_search(body.as_bytes()).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidFilter), "{blank:?}");
    }
    for body in [&b"{}"[..], br#"{"filter":null}"#] {
        assert_eq!(ListQuery::from_search(body).unwrap().filter, None);
    }
    assert_eq!(read(&[]).unwrap().filter, None);
}

#[test]
fn with_a_cursor_a_count_that_is_none_is_an_invalid_count() {
    let cursor = ("cursor", "");
    for count in ["0", "-1", "x", "99999999999999999999"] {
        let error = read(&[cursor, ("count", count)]).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidCount), "{count}");
        let body = format!(r#"{{"cursor":"","count":{}}}"#, json!(count));
        let error = ListQuery::from_search(body.as_bytes()).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidCount), "{count}");
    }
    let by_index = read(&[("count", "x")]).unwrap_err();
    assert_eq!(by_index.scim_type, Some(ScimType::InvalidValue));
}

#[test]
fn a_search_body_says_the_same_as_parameters() {
    let body = br#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"title pr",
        "sortBy":"name.familyName","sortOrder":"descending","STARTINDEX":3,"count":7,"attributes":["userName","emails"]}"#;
    let pairs = [
        ("filter", "title pr"),
        ("sortBy", "name.familyName"),
        ("sortOrder", "Descending"),
        ("startIndex", "3"),
        ("count", "7"),
        ("attributes", "userName,emails"),
    ];
    assert_eq!(ListQuery::from_search(body).unwrap(), read(&pairs).unwrap());
    for body in [
        &br#"{"count":"x"}"#[..],
        br#"{"filter":5}"#,
        br#"{"attributes":[5]}"#,
        br#"{"count":1.5}"#,
        b"[]",
    ] {
        assert_eq!(ListQuery::from_search(body).unwrap_err().status, 400);
    }
}

#[test]
fn a_cursor_is_bound_to_filter_and_order_but_not_to_the_page() {
    let one = read(&[("filter", "title pr"), ("cursor", "")]).unwrap();
    assert_eq!(one.position("/Users").unwrap(), None);
    let cursor = cursor::encode("p", one.fingerprint("/Users"));
    let at = |filter, endpoint| {
        read(&[
            ("filter", filter),
            ("cursor", &cursor),
            ("count", "5"),
            ("attributes", "id"),
        ])
        .unwrap()
        .position(endpoint)
    };
    assert_eq!(at("title  PR", "/Users").unwrap().as_deref(), Some("p"));
    assert_eq!(
        at("name pr", "/Users").unwrap_err().scim_type,
        Some(ScimType::InvalidCursor)
    );
    assert_eq!(
        at("title pr", "/Groups").unwrap_err().scim_type,
        Some(ScimType::InvalidCursor)
    );
}

#[test]
fn order_needs_an_attribute_that_has_one() {
    for (path, ok) in [
        ("userName", true),
        ("emails", true),
        ("meta.created", true),
        ("name", false),
        ("password", false),
        ("nope", false),
    ] {
        assert_eq!(
            read(&[("sortBy", path)])
                .unwrap()
                .check(ResourceType::User)
                .is_ok(),
            ok,
            "{path}"
        );
    }
}

proptest! {
    #[test]
    fn never_panics(name in 0..NAMES.len(), value in ".*", body in ".*") {
        let _ = read(&[(NAMES[name], &value)]);
        let _ = ListQuery::from_search(body.as_bytes());
        let _ = ListQuery::from_search(json!({(NAMES[name]): value}).to_string().as_bytes());
    }
}
