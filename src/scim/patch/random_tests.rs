#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::patched;
use super::*;
use crate::scim::{ENTERPRISE_URN, user};

fn any_operation() -> impl Strategy<Value = Value> {
    let path = proptest::option::of(prop_oneof![
        "(emails|name|title|manager|active|userName|urn:x:y|urn:x:custom:2.0:User)(\\[(type eq \"work\"|value pr|primary eq true)\\])?(\\.(value|type|primary|givenName|a))?",
        Just(format!("{ENTERPRISE_URN}:manager")),
        Just(ENTERPRISE_URN.to_owned()),
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        "(a|work|home|b|)".prop_map(Value::from)
    ];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        let names = "(value|type|primary|emails|name|givenName|title|manager|active|urn:x:custom:2.0:User|emails\\[type eq \"work\"\\]\\.value)";
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::btree_map(names, inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    (0..3usize, path, value).prop_map(|(op, path, value)| json!({"op": (["add", "remove", "replace"][op]), "path": path, "value": value}))
}

proptest! {
    #[test]
    fn whatever_comes_out_is_a_valid_user(operations in proptest::collection::vec(any_operation(), 1..6)) {
        if let Ok(patched) = patched(&Value::Array(operations)) {
            let mut attributes = patched.doc.attributes().clone();
            attributes.shift_remove("active");
            let read = user::from_object(attributes.clone()).unwrap().doc;
            prop_assert_eq!(read.attributes(), &attributes);
            for values in attributes.values().filter_map(Value::as_array) {
                prop_assert!(values.iter().filter(|value| value["primary"] == true).count() <= 1);
            }
        }
    }

    #[test]
    fn never_panics(body in ".*", path in ".*") {
        let _ = parse(body.as_bytes());
        let _ = patched(&json!([{"op": "add", "path": path, "value": {"a": body}}]));
    }
}
