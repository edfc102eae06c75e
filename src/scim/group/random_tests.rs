#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::{fold, patch};
use super::*;

fn member_op() -> impl Strategy<Value = Value> {
    let id = "[a-f]";
    let list = proptest::collection::vec(id.prop_map(|id| json!({"value": id})), 0..4);
    prop_oneof![
        list.clone()
            .prop_map(|ids| json!({"op": "add", "path": "members", "value": ids})),
        list.clone()
            .prop_map(|ids| json!({"op": "remove", "path": "members", "value": ids})),
        list.clone()
            .prop_map(|ids| json!({"op": "replace", "path": "members", "value": ids})),
        list.prop_map(
            |ids| json!({"op": "replace", "value": {"members": ids, "displayName": "X"}})
        ),
        id.prop_map(|id| json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})),
        id.prop_map(|id| json!({"op": "remove", "path": format!("members[display eq \"{id}\"]")})),
        Just(json!({"op": "remove", "path": "members"})),
    ]
}

/// The members after the operations, one at a time, on a set. Everybody's display is his id.
fn one_by_one(mut members: BTreeSet<String>, operations: &[Value]) -> BTreeSet<String> {
    for operation in operations {
        let value = operation
            .get("value")
            .map(|value| value.get("members").unwrap_or(value));
        let named: BTreeSet<String> = value
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|member| member["value"].as_str().unwrap().to_owned())
            .collect();
        let path = operation["path"].as_str().unwrap_or_default();
        match operation["op"].as_str().unwrap() {
            "add" => members.extend(named),
            "replace" => members = named,
            _ if path.contains("value eq") => {
                members.remove(&path[18..19]);
            }
            _ if path.contains("display eq") => {
                members.remove(&path[20..21]);
            }
            _ if value.is_none() => members.clear(),
            _ => members.retain(|id| !named.contains(id)),
        }
    }
    members
}

proptest! {
    #[test]
    fn the_net_effect_is_that_of_the_operations_one_by_one(
        start in proptest::collection::btree_set("[a-f]", 0..5),
        operations in proptest::collection::vec(member_op(), 1..7),
    ) {
        let candidates: Vec<Value> = ["a", "b", "c", "d", "e", "f"].iter().map(|id| json!({"value": id, "display": id, "type": "User"})).collect();
        let delta = patch(&Value::Array(operations.clone())).unwrap().net(&candidates, fold).unwrap().members.unwrap();
        prop_assert!(delta.add.is_disjoint(&delta.remove));
        prop_assert!(delta.base == Base::Keep || delta.remove.is_empty());
        let mut found = if delta.base == Base::Keep { start.clone() } else { BTreeSet::new() };
        found.retain(|id| !delta.remove.contains(id));
        found.extend(delta.add);
        prop_assert_eq!(found, one_by_one(start.clone(), &operations));
    }

    #[test]
    fn never_panics(body in ".*", path in ".*", value in "(\\[|\\]|\\{|\\}|\"members\"|\"value\"|:|,|\"a\"|null|1){0,20}") {
        let _ = parse(body.as_bytes());
        let _ = parse(value.as_bytes());
        let _ = parse_patch("g1", body.as_bytes());
        let _ = parse_patch("g1", format!(r#"{{"Operations":[{{"op":"add","value":{value}}}]}}"#).as_bytes());
        let _ = patch(&json!([{"op": "remove", "path": path, "value": [{"value": body}]}]));
    }
}
