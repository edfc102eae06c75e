#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "tests"
)]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::scim::ScimType;

pub(super) fn fold(text: &str) -> String {
    text.to_lowercase()
}

fn group(body: &Value) -> GroupDoc {
    parse(body.to_string().as_bytes()).unwrap()
}

pub(super) fn patch(operations: &Value) -> Result<GroupPatch, ScimError> {
    parse_patch(
        "g1",
        json!({"Operations": operations}).to_string().as_bytes(),
    )
}

#[track_caller]
fn ops(operations: Value) -> Vec<GroupOp> {
    patch(&operations)
        .unwrap_or_else(|error| panic!("{operations}: {error}"))
        .ops
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn the_create_and_the_replacement_of_okta() {
    let created =
        group(&json!({"schemas": [GROUP_URN], "displayName": "Platform Admins", "members": []}));
    assert_eq!(
        (created.display_name.as_str(), created.members),
        ("Platform Admins", Some(vec![]))
    );
    let put = group(
        &json!({"schemas": [GROUP_URN], "id": "g1", "meta": {}, "displayName": "X", "description": "d",
        "members": [{"value": "u1", "display": null}, {"value": "u2", "display": "b@x", "type": "User", "$ref": "x"}]}),
    );
    let expected = [("u1", None), ("u2", Some("b@x"))].map(|(value, display)| MemberRef {
        value: value.into(),
        display: display.map(str::to_owned),
    });
    assert_eq!(put.members.unwrap(), expected);
}

#[test]
fn no_members_and_null_say_nothing_and_an_empty_list_says_none() {
    assert_eq!(group(&json!({"displayName": "X"})).members, None);
    assert_eq!(
        group(&json!({"displayName": "X", "members": null})).members,
        None
    );
    assert_eq!(
        group(&json!({"DISPLAYNAME": "X", "MEMBERS": [null]})).members,
        Some(vec![])
    );
}

#[test]
fn what_is_no_group_is_refused() {
    for body in [
        json!({}),
        json!({"displayName": null}),
        json!({"displayName": " "}),
        json!({"displayName": 1}),
        json!({"displayName": "x".repeat(513)}),
        json!({"displayName": "X", "externalId": 5}),
        json!({"displayName": "X", "members": 5}),
        json!({"displayName": "X", "members": [5]}),
        json!({"displayName": "X", "members": [{"display": "a"}]}),
        json!({"displayName": "X", "members": [{"value": 5}]}),
        json!({"displayName": "X", "members": [{"value": ""}]}),
        json!({"displayName": "X", "schemas": [USER_URN]}),
    ] {
        let error = parse(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(
            (error.status, error.scim_type),
            (400, Some(ScimType::InvalidValue)),
            "{body}"
        );
    }
    for body in [
        "[]",
        "",
        r#"{"displayName":"X","members":[{"value":"a","Value":"b"}]}"#,
        r#"{"displayName":"X","DisplayName":"Y"}"#,
        r#"{"displayName":"X","other":"\u0000"}"#,
        r#"{"displayName":"X","members":[{"value":"\ud800"}]}"#,
    ] {
        assert_eq!(
            parse(body.as_bytes()).unwrap_err().scim_type,
            Some(ScimType::InvalidSyntax),
            "{body}"
        );
    }
    parse(format!(r#"{{"displayName":"X","members":{}"#, "[".repeat(1_000_000)).as_bytes())
        .unwrap_err();
    parse(
        format!(
            r#"{{"displayName":"X","x":{}{}}}"#,
            "[".repeat(1_000_000),
            "]".repeat(1_000_000)
        )
        .as_bytes(),
    )
    .unwrap_err();
}

#[test]
fn a_hundred_thousand_members_are_read() {
    let members: Vec<Value> =
        (0..100_000).map(|n| json!({"value": format!("019a0000-0000-7000-8000-{n:012}"), "display": format!("user{n}@example.test")})).collect();
    let body = json!({"displayName": "All", "members": members});
    assert_eq!(group(&body).members.unwrap().len(), 100_000);
    assert_eq!(
        from_object(body.as_object().unwrap())
            .unwrap()
            .members
            .unwrap()
            .len(),
        100_000
    );
    let patch = patch(&json!([{"op": "replace", "path": "members", "value": members}])).unwrap();
    assert_eq!(
        patch.net(&[], fold).unwrap().members.unwrap().add.len(),
        100_000
    );
}

#[test]
fn the_extension_of_okta_is_kept_and_schemas_name_it() {
    let doc = group(
        &json!({"displayName": "X", "externalId": "e", "urn:okta:custom:group:1.0": {"description": "d", "x": null}}),
    );
    let meta = Meta {
        resource_type: crate::scim::ResourceType::Group,
        created: "c".into(),
        last_modified: "m".into(),
        location: "l".into(),
        version: 1,
    };
    let given = doc.to_resource("g1", &meta);
    assert_eq!(
        given["schemas"],
        json!([GROUP_URN, "urn:okta:custom:group:1.0"])
    );
    assert_eq!(
        given["urn:okta:custom:group:1.0"],
        json!({"description": "d"})
    );
    assert_eq!(
        (&given["externalId"], &given["meta"]["version"]),
        (&json!("e"), &json!("W/\"1\""))
    );
}

#[test]
fn every_shape_of_membership_patch() {
    let cases = [
        (
            json!({"op": "add", "path": "members", "value": [{"value": "u1", "display": "a@x"}, {"value": "u2", "display": "b@x"}]}),
            GroupOp::AddMembers(ids(&["u1", "u2"])),
        ),
        (
            json!({"op": "Add", "path": "members", "value": {"value": "u1"}}),
            GroupOp::AddMembers(ids(&["u1"])),
        ),
        (
            json!({"op": "add", "value": {"members": [{"value": "u1"}]}}),
            GroupOp::AddMembers(ids(&["u1"])),
        ),
        (
            json!({"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:Group:MEMBERS", "value": ["u1"]}),
            GroupOp::AddMembers(ids(&["u1"])),
        ),
        (
            json!({"op": "add", "path": "members[value eq \"u1\"]", "value": {"value": "u1"}}),
            GroupOp::AddMembers(ids(&["u1"])),
        ),
        (
            json!({"op": "remove", "path": "members[value eq \"u1\"]"}),
            GroupOp::RemoveMembers(ids(&["u1"])),
        ),
        (
            json!({"op": "Remove", "path": "members[Value EQ \"u1\" or value eq \"u2\"]"}),
            GroupOp::RemoveMembers(ids(&["u1", "u2"])),
        ),
        (
            json!({"op": "remove", "path": "members", "value": [{"value": "u1"}]}),
            GroupOp::RemoveMembers(ids(&["u1"])),
        ),
        (
            json!({"op": "remove", "path": "members", "value": []}),
            GroupOp::RemoveMembers(vec![]),
        ),
        (
            json!({"op": "remove", "path": "members"}),
            GroupOp::ReplaceMembers(vec![]),
        ),
        (
            json!({"op": "replace", "path": "members", "value": [{"value": "u1"}]}),
            GroupOp::ReplaceMembers(ids(&["u1"])),
        ),
        (
            json!({"op": "replace", "path": "members", "value": []}),
            GroupOp::ReplaceMembers(vec![]),
        ),
        (
            json!({"op": "replace", "value": {"members": [{"value": "u1"}]}}),
            GroupOp::ReplaceMembers(ids(&["u1"])),
        ),
        (
            json!({"op": "remove", "path": "members[display sw \"a\"]"}),
            GroupOp::RemoveMembersWhere(crate::scim::filter::parse("display sw \"a\"").unwrap()),
        ),
    ];
    for (operation, expected) in cases {
        assert_eq!(ops(json!([operation])), [expected], "{operation}");
    }
}

#[test]
fn okta_renames_without_touching_members() {
    let renamed = ops(json!([{"op": "replace", "value": {"id": "g1", "displayName": "X"}}]));
    assert_eq!(renamed, [GroupOp::SetDisplayName("X".into())]);
    let cleared =
        ops(json!([{"op": "replace", "value": {"members": [], "id": "g1", "displayName": "X"}}]));
    assert_eq!(
        cleared,
        [
            GroupOp::ReplaceMembers(vec![]),
            GroupOp::SetDisplayName("X".into())
        ]
    );
    assert_eq!(
        ops(
            json!([{"op": "replace", "value": {"members": null, "unknown": [1], "meta": {}, "no name": 1}}])
        ),
        []
    );
    assert_eq!(
        ops(json!([{"op": "replace", "path": "members[value eq \"u1\"].display", "value": "x"}])),
        []
    );
}

#[test]
fn other_attributes_of_a_group() {
    assert_eq!(
        ops(json!([{"op": "replace", "path": "displayName", "value": "X"}])),
        [GroupOp::SetDisplayName("X".into())]
    );
    assert_eq!(
        ops(
            json!([{"op": "add", "path": "externalId", "value": "e"}, {"op": "remove", "path": "externalId"}])
        ),
        [
            GroupOp::SetExternalId(Some("e".into())),
            GroupOp::SetExternalId(None)
        ]
    );
    let mut extensions = Object::from_iter([(
        "urn:okta:custom:group:1.0".to_owned(),
        json!({"description": "d", "x": 1}),
    )]);
    let patch = ops(
        json!([{"op": "replace", "value": {"urn:okta:custom:group:1.0": {"description": "e"}}},
        {"op": "remove", "path": "urn:okta:custom:group:1.0:x"}, {"op": "add", "path": "urn:y:2.0:Group", "value": {"a": 1}}]),
    );
    for op in patch {
        let GroupOp::Extension(change) = op else {
            panic!("{op:?}")
        };
        change.apply(&mut extensions);
    }
    assert_eq!(
        Value::Object(extensions),
        json!({"urn:okta:custom:group:1.0": {"description": "e"}, "urn:y:2.0:Group": {"a": 1}})
    );
}

#[test]
fn what_cannot_be_done_is_refused() {
    for (operation, kind) in [
        (
            json!({"op": "replace", "value": {"id": "g2"}}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "remove", "path": "displayName"}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "replace", "path": "displayName", "value": ""}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "replace", "value": {"displayName": 5}}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "replace", "path": "members", "value": null}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "add", "path": "members", "value": ""}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "add", "path": "members", "value": [{"display": "x"}]}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "replace", "path": "members[value eq \"u1\"]", "value": {"value": "u2"}}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "replace", "path": "members[value eq \"u1\"].value", "value": "u2"}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "remove", "path": "members[nope eq \"u1\"]"}),
            ScimType::InvalidFilter,
        ),
        (
            json!({"op": "remove", "path": "members[value eq u1]"}),
            ScimType::InvalidFilter,
        ),
        (json!({"op": "remove"}), ScimType::NoTarget),
        (
            json!({"op": "add", "path": "members"}),
            ScimType::InvalidValue,
        ),
        (json!({"op": "add", "value": []}), ScimType::InvalidValue),
        (
            json!({"op": "add", "path": "displayName[a pr]", "value": "x"}),
            ScimType::InvalidPath,
        ),
        (
            json!({"op": "add", "value": {"urn:y:2.0:Group": {}, "meta": 1, "members": 5}}),
            ScimType::InvalidValue,
        ),
    ] {
        let error = patch(&json!([operation])).expect_err(&operation.to_string());
        assert_eq!(
            (error.status, error.scim_type),
            (400, Some(kind)),
            "{operation}: {error}"
        );
    }
    let many = vec![json!({"op": "remove", "path": "members[value eq \"u\"]"}); 10_001];
    assert_eq!(patch(&Value::Array(many)).unwrap_err().status, 413);
    let chain = vec!["value eq \"u\""; 10_001].join(" or ");
    assert_eq!(
        patch(&json!([{"op": "remove", "path": format!("members[{chain}]")}]))
            .unwrap_err()
            .scim_type,
        Some(ScimType::InvalidFilter)
    );
}

#[test]
fn a_filter_is_resolved_against_who_is_there_and_who_was_just_added() {
    let patch = patch(&json!([
        {"op": "add", "path": "members", "value": [{"value": "new"}]},
        {"op": "remove", "path": "members[display sw \"A\" or value eq \"new\"]"},
    ]))
    .unwrap();
    assert!(patch.needs_members());
    assert_eq!(patch.added(), ["new"]);
    let candidates = [
        json!({"value": "u1", "display": "ann"}),
        json!({"value": "u2", "display": "bo"}),
        json!({"value": "new", "display": "cy"}),
    ];
    let delta = patch.net(&candidates, fold).unwrap().members.unwrap();
    assert_eq!(
        delta,
        MemberDelta {
            base: Base::Keep,
            add: BTreeSet::new(),
            remove: ids(&["new", "u1"]).into_iter().collect()
        }
    );
}

#[test]
fn a_patch_that_does_not_speak_of_members_has_no_change_of_them() {
    let delta = patch(&json!([{"op": "replace", "value": {"displayName": "A"}}, {"op": "replace", "value": {"displayName": "B"}}])).unwrap().net(&[], fold).unwrap();
    assert_eq!(
        delta,
        GroupDelta {
            display_name: Some("B".into()),
            ..GroupDelta::default()
        }
    );
}
