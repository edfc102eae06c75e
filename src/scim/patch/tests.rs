#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "tests"
)]

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::*;
use crate::scim::user::{self, UserDoc};
use crate::scim::{ENTERPRISE_URN, ScimType};

fn fold(text: &str) -> String {
    text.to_lowercase()
}

pub(super) fn start() -> UserDoc {
    let body = json!({
        "userName": "mira@x", "externalId": "00u1", "displayName": "Mira", "title": "Dev",
        "name": {"givenName": "Mira", "familyName": "Okafor"},
        "emails": [{"value": "w@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"}],
        (ENTERPRISE_URN): {"department": "R&D", "manager": {"value": "7", "displayName": "Bo"}},
        "urn:x:custom:2.0:User": {"level": 1, "tags": ["a"]},
    });
    user::parse(body.to_string().as_bytes()).unwrap().doc
}

pub(super) fn patched(operations: &Value) -> Result<Patched, ScimError> {
    let body = json!({"schemas": [crate::scim::PATCH_URN], "Operations": operations});
    apply_user("u1", &start(), &parse(body.to_string().as_bytes())?, fold)
}

/// Applies operations and compares what became of the attributes named in `expected`; null: it is gone. All others must
/// be as they were.
#[track_caller]
fn golden(operations: Value, expected: Value) -> Patched {
    let patched = patched(&operations).unwrap_or_else(|error| panic!("{operations}: {error}"));
    let mut wanted = start().attributes().clone();
    for (name, value) in expected.as_object().unwrap() {
        if value.is_null() {
            wanted.shift_remove(name);
        } else {
            wanted.insert(name.clone(), value.clone());
        }
    }
    let found = Value::Object(patched.doc.attributes().clone());
    assert_eq!(found, Value::Object(wanted), "{operations}");
    patched
}

#[track_caller]
pub(super) fn refused(operations: Value, kind: ScimType) {
    let error = patched(&operations).expect_err(&operations.to_string());
    assert_eq!(
        (error.status, error.scim_type),
        (400, Some(kind)),
        "{operations}: {error}"
    );
}

#[test]
fn okta_deactivates_without_a_path() {
    let patched = golden(
        json!([{"op": "replace", "value": {"active": false}}]),
        json!({}),
    );
    assert_eq!(patched.doc.active, Some(false));
}

#[test]
fn okta_updates_a_profile_without_a_path() {
    let patched = golden(
        json!([{"op": "replace", "value": {"name": {"givenName": "Mira", "familyName": "Okafor-Li"}, "title": "Lead"}}]),
        json!({"name": {"givenName": "Mira", "familyName": "Okafor-Li"}, "title": "Lead"}),
    );
    assert_eq!(patched.doc.active, None);
}

#[test]
fn okta_sets_a_password_which_is_kept_apart_and_not_shown() {
    let body = br#"{"Operations":[{"op":"replace","value":{"password":"hunter2"}}]}"#;
    let operations = parse(body).unwrap();
    assert!(!format!("{operations:?}").contains("hunter2"));
    let patched = apply_user("u1", &start(), &operations, fold).unwrap();
    assert!(!format!("{patched:?}").contains("hunter2"));
    assert_eq!(patched.password.unwrap().expose_secret(), "hunter2");
    assert_eq!(patched.doc, start());
}

#[test]
fn an_equal_id_is_ignored_and_another_refused() {
    golden(
        json!([{"op": "replace", "value": {"id": "u1", "title": "Lead"}}]),
        json!({"title": "Lead"}),
    );
    golden(
        json!([{"op": "replace", "path": "id", "value": "u1"}]),
        json!({}),
    );
    refused(
        json!([{"op": "replace", "value": {"id": "u2"}}]),
        ScimType::Mutability,
    );
    refused(
        json!([{"op": "add", "path": "ID", "value": 1}]),
        ScimType::Mutability,
    );
    refused(
        json!([{"op": "remove", "path": "id"}]),
        ScimType::Mutability,
    );
}

#[test]
fn entra_writes_op_in_capitals_and_booleans_as_strings() {
    let patched = golden(
        json!([{"op": "Replace", "path": "active", "value": "False"}]),
        json!({}),
    );
    assert_eq!(patched.doc.active, Some(false));
    let patched = golden(
        json!([{"op": "Add", "value": {"ACTIVE": "True"}}]),
        json!({}),
    );
    assert_eq!(patched.doc.active, Some(true));
}

#[test]
fn entra_adds_to_a_value_that_is_not_there_yet() {
    golden(
        json!([{"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "123"}]),
        json!({"phoneNumbers": [{"type": "mobile", "value": "123"}]}),
    );
    golden(
        json!([{"op": "Add", "path": "addresses[type eq \"work\" and primary eq true]", "value": {"locality": "Oslo"}}]),
        json!({"addresses": [{"type": "work", "primary": true, "locality": "Oslo"}]}),
    );
}

#[test]
fn dotted_and_qualified_names_in_a_value_without_a_path() {
    golden(
        json!([{"op": "replace", "value": {
            "name.familyName": "Li", "urn:ietf:params:scim:schemas:core:2.0:User:title": "Lead",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Ops",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName": "Jo",
            "emails[type eq \"work\"].value": "new@x", "phoneNumbers[type eq \"work\"].value": "1"}}]),
        json!({
            "name": {"givenName": "Mira", "familyName": "Li"}, "title": "Lead",
            "emails": [{"value": "new@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"}],
            "phoneNumbers": [{"type": "work", "value": "1"}],
            (ENTERPRISE_URN): {"department": "Ops", "manager": {"value": "7", "displayName": "Jo"}}}),
    );
}

#[test]
fn whole_extensions_are_merged() {
    golden(
        json!([{"op": "add", "value": {(ENTERPRISE_URN): {"costCenter": "9", "department": null},
            "urn:x:custom:2.0:User": {"level": 2, "tags": ["b"]}}}]),
        json!({(ENTERPRISE_URN): {"department": "R&D", "manager": {"value": "7", "displayName": "Bo"}, "costCenter": "9"},
            "urn:x:custom:2.0:User": {"level": 2, "tags": ["a", "b"]}}),
    );
    golden(
        json!([{"op": "replace", "path": ENTERPRISE_URN, "value": {"department": "", "manager": null}}]),
        json!({(ENTERPRISE_URN): null}),
    );
    golden(
        json!([{"op": "remove", "path": "URN:x:custom:2.0:user"}]),
        json!({"urn:x:custom:2.0:User": null}),
    );
    golden(
        json!([{"op": "add", "path": "urn:y:new:2.0:User", "value": {"a": 1}}, {"op": "add", "path": "urn:x:custom:2.0:User:b.c", "value": 2}]),
        json!({"urn:y:new:2.0:User": {"a": 1}, "urn:x:custom:2.0:User": {"level": 1, "tags": ["a"], "b": {"c": 2}}}),
    );
}

#[test]
fn a_manager_may_be_a_string_or_an_object_and_takes_its_name_along() {
    let path = format!("{ENTERPRISE_URN}:manager");
    let with =
        |manager: Value| json!({(ENTERPRISE_URN): {"department": "R&D", "manager": manager}});
    golden(
        json!([{"op": "replace", "path": path, "value": "8"}]),
        with(json!({"value": "8"})),
    );
    golden(
        json!([{"op": "add", "path": path, "value": {"value": "8", "$ref": "../Users/8"}}]),
        with(json!({"value": "8", "$ref": "../Users/8"})),
    );
    golden(
        json!([{"op": "replace", "path": path, "value": {"displayName": "Jo"}}]),
        with(json!({"value": "7", "displayName": "Jo"})),
    );
    golden(
        json!([{"op": "replace", "value": {(path.clone()): {"value": "8"}}}]),
        with(json!({"value": "8"})),
    );
    golden(
        json!([{"op": "remove", "path": path}]),
        json!({(ENTERPRISE_URN): {"department": "R&D"}}),
    );
    golden(
        json!([{"op": "replace", "path": path, "value": ""}]),
        json!({(ENTERPRISE_URN): {"department": "R&D"}}),
    );
}

#[test]
fn the_rfc_on_multi_valued_attributes() {
    let (work, home) = (
        json!({"value": "w@x", "type": "work", "primary": true}),
        json!({"value": "h@x", "type": "home"}),
    );
    golden(
        json!([{"op": "add", "path": "emails", "value": [{"value": "o@x", "type": "other"}]}]),
        json!({"emails": [work, home, {"value": "o@x", "type": "other"}]}),
    );
    golden(
        json!([{"op": "add", "path": "emails", "value": {"value": "H@x", "type": "home"}}]),
        json!({}),
    );
    golden(
        json!([{"op": "replace", "path": "emails", "value": [{"value": "o@x"}]}]),
        json!({"emails": [{"value": "o@x"}]}),
    );
    golden(
        json!([{"op": "replace", "value": {"emails": []}}]),
        json!({"emails": null}),
    );
    golden(
        json!([{"op": "remove", "path": "emails"}]),
        json!({"emails": null}),
    );
    golden(
        json!([{"op": "remove", "path": "emails[type eq \"WORK\"]"}]),
        json!({"emails": [home]}),
    );
    golden(
        json!([{"op": "remove", "path": "emails[type eq \"nope\"]"}]),
        json!({}),
    );
    golden(
        json!([{"op": "remove", "path": "emails", "value": [{"value": "w@x"}]}]),
        json!({"emails": [home]}),
    );
    golden(
        json!([{"op": "remove", "path": "emails[type eq \"work\"].primary"}]),
        json!({"emails": [{"value": "w@x", "type": "work"}, home]}),
    );
    golden(
        json!([{"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "n@x", "type": "work"}}]),
        json!({"emails": [{"value": "n@x", "type": "work"}, home]}),
    );
    golden(
        json!([{"op": "add", "path": "emails[type eq \"home\"]", "value": {"display": "H"}}]),
        json!({"emails": [work, {"value": "h@x", "type": "home", "display": "H"}]}),
    );
    golden(
        json!([{"op": "remove", "path": "emails[value pr]"}]),
        json!({"emails": null}),
    );
    refused(
        json!([{"op": "replace", "path": "emails[type eq \"nope\"].value", "value": "x"}]),
        ScimType::NoTarget,
    );
    refused(
        json!([{"op": "replace", "path": "emails[type eq \"nope\"]", "value": {"value": "x"}}]),
        ScimType::NoTarget,
    );
}

#[test]
fn a_new_primary_value_takes_it_from_the_former() {
    let work = json!({"value": "w@x", "type": "work", "primary": false});
    let home = json!({"value": "h@x", "type": "home", "primary": true});
    golden(
        json!([{"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}]),
        json!({"emails": [work, home]}),
    );
    golden(
        json!([{"op": "add", "path": "emails", "value": [{"value": "h@x", "type": "home", "primary": "true"}]}]),
        json!({"emails": [work, home]}),
    );
    golden(
        json!([{"op": "add", "path": "emails", "value": [{"value": "n@x", "primary": true}]}]),
        json!({"emails": [work, {"value": "h@x", "type": "home"}, {"value": "n@x", "primary": true}]}),
    );
}

#[test]
fn clearing_and_removing_single_attributes() {
    for operation in [
        json!({"op": "remove", "path": "title"}),
        json!({"op": "replace", "path": "title", "value": null}),
        json!({"op": "replace", "path": "title", "value": ""}),
        json!({"op": "replace", "value": {"title": null}}),
        json!({"op": "Remove", "path": "urn:ietf:params:scim:schemas:core:2.0:User:Title", "value": "ignored"}),
    ] {
        golden(json!([operation]), json!({"title": null}));
    }
    golden(json!([{"op": "add", "value": {"title": null}}]), json!({}));
    golden(
        json!([{"op": "remove", "path": "name.givenName"}]),
        json!({"name": {"familyName": "Okafor"}}),
    );
    golden(
        json!([{"op": "remove", "path": "name"}]),
        json!({"name": null}),
    );
    golden(json!([{"op": "remove", "path": "nickName"}]), json!({}));
}

#[test]
fn unknown_and_read_only_attributes_are_ignored() {
    golden(
        json!([{"op": "replace", "value": {"isAdmin": true, "groups": [{"value": "g"}], "meta": {}, "schemas": ["x"], "no name": 1, "name.nope": 1}},
               {"op": "add", "path": "groups", "value": [{"value": "g"}]}, {"op": "add", "path": "nope.deeper", "value": 1}]),
        json!({}),
    );
}

#[test]
fn a_new_name_and_deactivation_in_one_request() {
    let patched = golden(
        json!([{"op": "replace", "value": {"userName": "new@x", "emails": [{"value": "new@x", "type": "work"}], "active": false}}]),
        json!({"userName": "new@x", "emails": [{"value": "new@x", "type": "work"}]}),
    );
    assert_eq!(patched.doc.active, Some(false));
}

#[test]
fn a_removed_active_is_not_shown_and_says_nothing() {
    let meta = crate::scim::Meta {
        resource_type: crate::scim::ResourceType::User,
        created: String::new(),
        last_modified: String::new(),
        location: String::new(),
        version: 1,
    };
    let removed = patched(&json!([{"op": "remove", "path": "active"}]))
        .unwrap()
        .doc;
    assert_eq!(removed.active, None);
    assert!(
        !removed
            .to_resource("u1", true, &meta, None)
            .contains_key("active")
    );
    let stored = UserDoc::from_stored(removed.attributes().clone());
    let body = br#"{"Operations":[{"op":"add","path":"active","value":true}]}"#;
    let again = apply_user("u1", &stored, &parse(body).unwrap(), fold)
        .unwrap()
        .doc;
    assert_eq!(again.active, Some(true));
    assert_eq!(again.to_resource("u1", true, &meta, None)["active"], true);
    for nothing in [Value::Null, json!("")] {
        for operation in [
            json!({"op": "replace", "value": {"active": nothing}}),
            json!({"op": "add", "path": "active", "value": nothing}),
        ] {
            assert_eq!(patched(&json!([operation])).unwrap().doc, start());
        }
    }
}
