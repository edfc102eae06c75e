#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::*;
use crate::scim::{ENTERPRISE_URN, ResourceType, ScimType};

fn read(body: &Value) -> UserDoc {
    parse(body.to_string().as_bytes()).unwrap().doc
}

fn refused(body: &Value) -> ScimError {
    let error = parse(body.to_string().as_bytes()).unwrap_err();
    assert_eq!(
        (error.status, error.scim_type),
        (400, Some(ScimType::InvalidValue)),
        "{body}"
    );
    error
}

fn meta() -> Meta {
    Meta {
        resource_type: ResourceType::User,
        created: "2026-01-01T00:00:00Z".into(),
        last_modified: "2026-01-02T00:00:00Z".into(),
        location: "https://rosterd.example.test/scim/v2/Users/u1".into(),
        version: 3,
    }
}

#[test]
fn the_create_of_okta_is_read_and_given_back() {
    let body = br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName":"Mira.Okafor@example.test","name":{"givenName":"Mira","familyName":"Okafor"},
        "emails":[{"primary":true,"value":"mira.okafor@example.test","type":"work"}],
        "displayName":"Mira Okafor","locale":"en-US","externalId":"00uq3v9m2LxExample697",
        "groups":[],"password":"hT4k9QzP","active":true}"#;
    let received = parse(body).unwrap();
    assert!(!format!("{received:?}").contains("hT4k9QzP"));
    assert_eq!(received.password.unwrap().expose_secret(), "hT4k9QzP");
    let doc = received.doc;
    assert_eq!(
        (doc.user_name(), doc.active),
        ("Mira.Okafor@example.test", Some(true))
    );
    assert_eq!(
        (doc.given_name(), doc.family_name(), doc.formatted_name()),
        (Some("Mira"), Some("Okafor"), None)
    );
    assert_eq!(doc.external_id(), Some("00uq3v9m2LxExample697"));
    assert_eq!(doc.email(), Some("mira.okafor@example.test"));
    assert_eq!(
        Value::Object(doc.to_resource("u1", true, &meta(), None)),
        json!({
            "schemas": [USER_URN], "id": "u1", "userName": "Mira.Okafor@example.test",
            "name": {"givenName": "Mira", "familyName": "Okafor"},
            "emails": [{"primary": true, "value": "mira.okafor@example.test", "type": "work"}],
            "displayName": "Mira Okafor", "locale": "en-US", "externalId": "00uq3v9m2LxExample697", "active": true,
            "meta": {"resourceType": "User", "created": "2026-01-01T00:00:00Z", "lastModified": "2026-01-02T00:00:00Z",
                     "location": "https://rosterd.example.test/scim/v2/Users/u1", "version": "W/\"3\""}
        })
    );
}

#[test]
fn reading_back_what_was_given_out_changes_nothing() {
    let doc = read(&json!({
        "userName": "a", "emails": [{"value": "a@x", "type": "work", "primary": true}], "addresses": [{"locality": "Oslo"}],
        (ENTERPRISE_URN): {"manager": {"value": "7", "displayName": "Bo"}}, "urn:x:custom:2.0:User": {"level": [1, {"a": null}]}
    }));
    let given = doc.to_resource(
        "u1",
        false,
        &meta(),
        Some(vec![json!({"value": "g1", "display": "G"})]),
    );
    assert_eq!(
        given["schemas"],
        json!([USER_URN, ENTERPRISE_URN, "urn:x:custom:2.0:User"])
    );
    assert_eq!(given["groups"][0]["value"], "g1");
    let again = read(&Value::Object(given));
    assert_eq!(again.attributes, doc.attributes);
    assert_eq!(again.active, Some(false));
}

#[test]
fn names_are_taken_in_any_case_and_kept_in_the_schemas() {
    let doc = read(
        &json!({"USERNAME": "a", "Name": {"FAMILYNAME": "B"}, "EMAILS": [{"Value": "a@x", "TYPE": "work"}],
        "URN:IETF:params:scim:schemas:extension:enterprise:2.0:user": {"DEPARTMENT": "R&D"}}),
    );
    assert_eq!(
        Value::Object(doc.attributes),
        json!({"userName": "a", "name": {"familyName": "B"}, "emails": [{"value": "a@x", "type": "work"}],
            (ENTERPRISE_URN): {"department": "R&D"}})
    );
}

#[test]
fn read_only_and_unknown_attributes_are_ignored() {
    let doc = read(
        &json!({"userName": "a", "id": "1", "meta": {"version": "W/\"9\""}, "groups": [{"value": "admin"}],
        "isAdmin": true, "name": {"nope": 1}, "schemas": ["urn:x:y"], "urn:x:notAnObject": 5}),
    );
    assert_eq!(Value::Object(doc.attributes), json!({"userName": "a"}));
}

#[test]
fn null_and_empty_count_as_absent() {
    let doc = read(
        &json!({"userName": "a", "title": null, "nickName": "", "emails": [], "name": {"givenName": null},
        "phoneNumbers": [{"value": "", "type": "work", "primary": true}], "active": null, (ENTERPRISE_URN): {"department": ""},
        "urn:x:y": {"a": null}}),
    );
    assert_eq!(
        doc,
        UserDoc {
            active: None,
            attributes: Object::from_iter([("userName".into(), "a".into())])
        }
    );
}

#[test]
fn a_missing_user_name_is_refused() {
    for body in [
        json!({}),
        json!({"userName": null}),
        json!({"userName": ""}),
        json!({"userName": "  "}),
    ] {
        assert!(refused(&body).detail.contains("userName"));
    }
}

#[test]
fn wrong_types_are_refused() {
    for body in [
        json!({"userName": 1}),
        json!({"userName": ["a"]}),
        json!({"userName": "a", "active": "yes"}),
        json!({"userName": "a", "active": 1}),
        json!({"userName": "a", "externalId": 1}),
        json!({"userName": "a", "name": "A B"}),
        json!({"userName": "a", "name": {"givenName": {}, "familyName": 5}}),
        json!({"userName": "a", "emails": 5}),
        json!({"userName": "a", "emails": [{"value": 5}]}),
        json!({"userName": "a", "emails": [{"value": "a@x", "primary": "maybe"}]}),
        json!({"userName": "a", "password": 5}),
        json!({"userName": "a", "schemas": "urn:x"}),
        json!({"userName": "a", "schemas": [crate::scim::GROUP_URN]}),
        json!({"userName": "a", (ENTERPRISE_URN): {"department": {"value": "x"}}}),
        json!({"userName": "x".repeat(513)}),
        json!({"userName": "a", "emails": [{"value": "x".repeat(513)}]}),
        json!({"userName": "a", "roles": (0..1001).map(|n| json!({"value": n.to_string()})).collect::<Vec<_>>()}),
    ] {
        refused(&body);
    }
}

#[test]
fn booleans_may_be_strings() {
    for (sent, read_as) in [
        (json!("True"), true),
        (json!("false"), false),
        (json!(true), true),
    ] {
        assert_eq!(
            read(&json!({"userName": "a", "active": sent})).active,
            Some(read_as)
        );
    }
}

#[test]
fn repeated_e_mails_stand_there_once_and_the_first_primary_stays() {
    let doc = read(&json!({"userName": "a", "emails": [
        {"value": "a@x", "type": "work"}, {"value": "A@x", "type": "Work", "primary": true}, {"value": "a@x", "type": "home"},
        {"value": "b@x", "type": "work", "primary": true}]}));
    assert_eq!(
        doc.attributes["emails"],
        json!([{"value": "a@x", "type": "work", "primary": true}, {"value": "a@x", "type": "home"},
               {"value": "b@x", "type": "work", "primary": false}])
    );
    assert_eq!(doc.email(), Some("a@x"));
}

#[test]
fn a_value_alone_stands_for_a_complex_one() {
    let doc = read(
        &json!({"userName": "a", "emails": ["a@x"], "roles": {"value": "r"}, (ENTERPRISE_URN): {"manager": "7"}}),
    );
    assert_eq!(doc.attributes["emails"], json!([{"value": "a@x"}]));
    assert_eq!(doc.attributes["roles"], json!([{"value": "r"}]));
    assert_eq!(
        doc.attributes[ENTERPRISE_URN]["manager"],
        json!({"value": "7"})
    );
}

proptest! {
    #[test]
    fn what_is_read_is_a_fixed_point(body in json_like()) {
        let mut body = body;
        if let Some(object) = body.as_object_mut() {
            object.insert("userName".into(), "a".into());
        }
        if let Ok(received) = parse(body.to_string().as_bytes()) {
            let given = received.doc.to_resource("u1", true, &meta(), None);
            prop_assert_eq!(read(&Value::Object(given)).attributes, received.doc.attributes);
        }
    }
}

/// Objects whose names are mostly those of the schema.
fn json_like() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3i64).prop_map(Value::from),
        "(True|work|a|b|)".prop_map(Value::from),
    ];
    let name = "(userName|name|emails|value|type|primary|active|password|roles|manager|urn:x:y|id|schemas|nope|familyName|urn:ietf:params:scim:schemas:extension:enterprise:2.0:User)";
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::btree_map(name, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
