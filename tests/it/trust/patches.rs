//! What clients really send, against what must be there afterwards: defects 13, 14 and 15.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{group, patch, user};
use crate::support::daemon::Daemon;
use crate::support::stores::on_each_store;

const NAMES: [&str; 5] = ["a@x", "b@x", "c@x", "d@x", "e@x"];

/// Operations on a group that begins with a, b and c, and who is in it after. `$a` stands for a's id.
fn on_members() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "okta: add",
            json!([{"op": "add", "path": "members", "value": [{"value": "$d", "display": "d@x"}]}]),
            "abcd",
        ),
        (
            "okta: add who is there",
            json!([{"op": "add", "path": "members", "value": [{"value": "$a"}]}]),
            "abc",
        ),
        (
            "okta: remove by filter",
            json!([{"op": "remove", "path": "members[value eq \"$a\"]"}]),
            "bc",
        ),
        (
            "okta: replace all",
            json!([{"op": "replace", "path": "members", "value": [{"value": "$c"}, {"value": "$d"}]}]),
            "cd",
        ),
        (
            "okta: rename and join",
            json!([
                {"op": "replace", "value": {"id": "$group", "displayName": "$title"}},
                {"op": "add", "path": "members", "value": [{"value": "$d", "display": null}]},
                {"op": "remove", "path": "members[value eq \"$b\"]"},
            ]),
            "acd",
        ),
        (
            "okta: empty",
            json!([{"op": "replace", "value": {"id": "$group", "displayName": "$title", "members": []}}]),
            "",
        ),
        (
            "entra: add",
            json!([{"op": "Add", "path": "members", "value": [{"value": "$d"}, {"value": "$e"}]}]),
            "abcde",
        ),
        (
            "entra: remove with a list",
            json!([{"op": "Remove", "path": "members", "value": [{"value": "$a"}]}]),
            "bc",
        ),
        (
            "entra: remove two with a list",
            json!([{"op": "Remove", "path": "members", "value": [{"value": "$a"}, {"value": "$c"}]}]),
            "b",
        ),
        (
            "entra: remove with a reference",
            json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "$b"}]}]),
            "ac",
        ),
        (
            "entra: replace the name only",
            json!([{"op": "Replace", "path": "displayName", "value": "$title"}]),
            "abc",
        ),
        (
            "entra: add and remove",
            json!([
                {"op": "Add", "path": "members", "value": [{"value": "$e"}]}, {"op": "Remove", "path": "members", "value": [{"value": "$e"}]},
            ]),
            "abc",
        ),
        (
            "rfc: remove all",
            json!([{"op": "remove", "path": "members"}]),
            "",
        ),
        (
            "rfc: remove one",
            json!([{"op": "remove", "path": "members[value eq \"$c\"]"}]),
            "ab",
        ),
        (
            "rfc: remove and add",
            json!([
                {"op": "remove", "path": "members"}, {"op": "add", "path": "members", "value": [{"value": "$d"}]},
            ]),
            "d",
        ),
        (
            "rfc: add without a path",
            json!([{"op": "add", "value": {"members": [{"value": "$d"}]}}]),
            "abcd",
        ),
        (
            "rfc: replace without a path",
            json!([{"op": "replace", "value": {"members": [{"value": "$d"}]}}]),
            "d",
        ),
        (
            "rfc: a full path",
            json!([{"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:Group:members", "value": [{"value": "$e"}]}]),
            "abce",
        ),
        (
            "rfc: a filter of two",
            json!([{"op": "remove", "path": "members[value eq \"$a\" or value eq \"$b\"]"}]),
            "c",
        ),
        (
            "a single object",
            json!([{"op": "add", "path": "members", "value": {"value": "$d"}}]),
            "abcd",
        ),
        (
            "a filter that meets nobody",
            json!([{"op": "remove", "path": "members[value eq \"$d\"]"}]),
            "abc",
        ),
        (
            "a list of strangers",
            json!([{"op": "remove", "path": "members", "value": [{"value": "0190aaaa-0000-7000-8000-000000000000"}]}]),
            "abc",
        ),
        (
            "an empty list removes nobody",
            json!([{"op": "remove", "path": "members", "value": []}]),
            "abc",
        ),
        (
            "the same twice",
            json!([{"op": "add", "path": "members", "value": [{"value": "$d"}, {"value": "$d"}]}]),
            "abcd",
        ),
    ]
}

/// Operations on a user, and what is at some places after (null: nothing).
fn on_a_user() -> Vec<(&'static str, Value, Value)> {
    vec![
        (
            "okta: off",
            json!([{"op": "replace", "value": {"active": false}}]),
            json!({"/active": false, "/title": "Lead"}),
        ),
        (
            "okta: profile",
            json!([{"op": "replace", "value": {"name.givenName": "Zoë", "title": "Boss"}}]),
            json!({"/name/givenName": "Zoë", "/name/familyName": "Okafor", "/title": "Boss", "/active": true}),
        ),
        (
            "entra: off as a text",
            json!([{"op": "Replace", "path": "active", "value": "False"}]),
            json!({"/active": false}),
        ),
        (
            "entra: on as a text",
            json!([{"op": "Replace", "path": "active", "value": "True"}]),
            json!({"/active": true}),
        ),
        (
            "entra: work e-mail",
            json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "new@x"}]),
            json!({"/emails/0/value": "new@x", "/emails/0/primary": true, "/emails/1/value": "home@x"}),
        ),
        (
            "entra: an e-mail that is not there",
            json!([{"op": "Add", "path": "emails[type eq \"other\"].value", "value": "other@x"}]),
            json!({"/emails/0/value": "a@x", "/emails/2/value": "other@x", "/emails/2/type": "other"}),
        ),
        (
            "entra: manager",
            json!([{"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "m1"}]),
            json!({"/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager/value": "m1"}),
        ),
        (
            "entra: department without a path",
            json!([{"op": "Add", "value": {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "R&D"}}]),
            json!({"/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department": "R&D"}),
        ),
        (
            "entra: remove",
            json!([{"op": "Remove", "path": "title"}]),
            json!({"/title": null, "/displayName": "A"}),
        ),
        (
            "rfc: replace a filtered value",
            json!([{"op": "replace", "path": "emails[type eq \"home\"]", "value": {"type": "home", "value": "h2@x"}}]),
            json!({"/emails/0/value": "a@x", "/emails/1/value": "h2@x"}),
        ),
        (
            "rfc: remove a filtered value",
            json!([{"op": "remove", "path": "emails[type eq \"home\"]"}]),
            json!({"/emails/0/value": "a@x", "/emails/1": null}),
        ),
        (
            "rfc: add to a list",
            json!([{"op": "add", "path": "emails", "value": [{"value": "n@x", "type": "other"}]}]),
            json!({"/emails/0/value": "a@x", "/emails/1/value": "home@x", "/emails/2/value": "n@x"}),
        ),
        (
            "rfc: a new primary",
            json!([{"op": "add", "path": "emails", "value": [{"value": "p@x", "primary": true}]}]),
            json!({"/emails/2/primary": true, "/emails/2/value": "p@x"}),
        ),
        (
            "one after the other",
            json!([{"op": "replace", "path": "title", "value": "x"}, {"op": "remove", "path": "title"}, {"op": "add", "path": "title", "value": "y"}]),
            json!({"/title": "y"}),
        ),
        (
            "an unknown attribute",
            json!([{"op": "add", "path": "shoeSize", "value": 44}]),
            json!({"/shoeSize": null, "/title": "Lead"}),
        ),
    ]
}

/// Puts ids where `$name` stands.
fn with_ids(text: &str, ids: &[(String, String)]) -> Value {
    let text = ids.iter().fold(text.to_owned(), |text, (name, id)| {
        text.replace(&format!("${name}"), id)
    });
    serde_json::from_str(&text).unwrap()
}

on_each_store! {
    async fn trust_14_each_dialects_patch_of_a_group_leaves_who_the_model_says(store) {
        let daemon = Daemon::alone(store).await;
        let mut ids = Vec::new();
        for name in NAMES {
            ids.push((name[..1].to_owned(), user(&daemon, name).await));
        }
        let began: Vec<&str> = ids[..3].iter().map(|(_, id)| id.as_str()).collect();
        for (number, (name, operations, after)) in on_members().into_iter().enumerate() {
            let id = group(&daemon, &format!("g{number}"), &began).await;
            let mut named = vec![("group".to_owned(), id.clone()), ("title".to_owned(), format!("T{number}"))];
            named.extend(ids.iter().cloned());
            let operations = with_ids(&operations.to_string(), &named);
            let answer = patch(&daemon, &format!("/Groups/{id}"), operations).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text);
            let shown = daemon.get(&format!("/Groups/{id}")).await;
            let members: BTreeSet<String> = shown["members"].as_array().unwrap().iter()
                .map(|member| ids.iter().find(|(_, id)| member["value"] == id.as_str()).unwrap().0.clone())
                .collect();
            assert_eq!(members.into_iter().collect::<String>(), after, "{name}");
        }
    }

    async fn trust_14_each_dialects_patch_of_a_user_leaves_what_the_model_says(store) {
        let daemon = Daemon::alone(store).await;
        for (number, (name, operations, after)) in on_a_user().into_iter().enumerate() {
            let body = json!({
                "userName": format!("u{number}@x"), "displayName": "A", "title": "Lead", "name": {"givenName": "Mira", "familyName": "Okafor"},
                "emails": [{"value": "a@x", "type": "work", "primary": true}, {"value": "home@x", "type": "home"}],
            });
            let id = super::made(&daemon.scim("POST", "/Users", Some(&body)).await);
            let answer = patch(&daemon, &format!("/Users/{id}"), operations).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text);
            let shown = daemon.get(&format!("/Users/{id}")).await;
            for (place, expected) in after.as_object().unwrap() {
                assert_eq!(shown.pointer(place).unwrap_or(&Value::Null), expected, "{name}: {place} of {shown}");
            }
            let primary = shown["emails"].as_array().unwrap().iter().filter(|email| email["primary"] == true).count();
            assert_eq!(primary, 1, "{name}: {shown}");
        }
    }

    async fn trust_15_who_is_renamed_and_deactivated_at_once_is_the_one_by_id(store) {
        let daemon = Daemon::alone(store).await;
        let bystander = user(&daemon, "bystander@x").await;
        for (number, way) in ["PUT", "PATCH", "PATCH by path", "PATCH off first"].into_iter().enumerate() {
            let (old, new) = (format!("old{number}@x"), format!("new{number}@x"));
            let id = user(&daemon, &old).await;
            // Somebody bears the new e-mail address, and the old one, already: an address is nobody's key.
            let other = json!({"userName": format!("other{number}@x"), "emails": [{"value": new, "primary": true}, {"value": old}]});
            let other = super::made(&daemon.scim("POST", "/Users", Some(&other)).await);
            let path = format!("/Users/{id}");
            let answer = match way {
                "PUT" => daemon.scim("PUT", &path, Some(&json!({
                    "id": id, "userName": new, "emails": [{"value": new, "type": "work", "primary": true}], "active": false,
                }))).await,
                "PATCH" => patch(&daemon, &path, json!([{"op": "replace", "value": {
                    "userName": new, "emails": [{"value": new, "type": "work", "primary": true}], "active": false,
                }}])).await,
                "PATCH by path" => patch(&daemon, &path, json!([
                    {"op": "replace", "path": "userName", "value": new}, {"op": "replace", "path": "emails[type eq \"work\"].value", "value": new},
                    {"op": "replace", "path": "active", "value": false},
                ])).await,
                _ => patch(&daemon, &path, json!([
                    {"op": "replace", "path": "active", "value": "false"}, {"op": "replace", "path": "emails[type eq \"work\"].value", "value": new},
                    {"op": "replace", "path": "userName", "value": new},
                ])).await,
            };
            assert_eq!(answer.status, 200, "{way}: {}", answer.text);
            let shown = daemon.get(&path).await;
            assert_eq!((&shown["active"], &shown["userName"], &shown["emails"][0]["value"]), (&json!(false), &json!(new), &json!(new)), "{way}");
            for id in [&other, &bystander] {
                assert_eq!(daemon.get(&format!("/Users/{id}")).await["active"], true, "{way}");
            }
            assert!(daemon.look_up(&old).await.is_empty(), "{way}");
        }
        assert_eq!(daemon.store.number("SELECT COUNT(*) FROM users WHERE active = 0").await, 4);
        assert_eq!(daemon.store.number("SELECT COUNT(*) FROM users WHERE active = 0 AND tokens_from > 0 AND sessions_from > 0").await, 4);
    }
}
