//! The shapes of PATCH on a group, and what each means.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{BEGAN, Shapes, made, user};
use crate::support::stores::on_each_store;

const ALL: [&str; 4] = ["a@x", "b@x", "c@x", "d@x"];

on_each_store! {
    async fn a7_the_name_restated_after_the_post_is_200_and_changes_nothing(store) {
        let okta = Shapes::new(store).await;
        let restate = json!([{"op": "replace", "value": {"id": okta.group, "displayName": "Platform Admins"}}]);
        okta.unchanged(okta.patched(restate.clone())).await;
        let bare = json!({"Operations": restate});
        let answer = okta.daemon.scim("PATCH", &okta.path(), Some(&bare)).await;
        assert_eq!(answer.status, 200, "schemas may be absent: {}", answer.text);
        okta.holds(&BEGAN).await;
    }

    async fn a7_add_is_a_union(store) {
        let okta = Shapes::new(store).await;
        okta.patched(json!([{"op": "add", "path": "members", "value": okta.members(&["b@x", "c@x", "d@x"])}])).await;
        okta.holds(&ALL).await;
        okta.unchanged(okta.patched(json!([{"op": "add", "path": "members", "value": okta.members(&ALL)}]))).await;
    }

    async fn a7_a_filtered_remove_removes_exactly_one_and_persists(store) {
        let okta = Shapes::new(store).await;
        okta.patched(json!([{"op": "add", "path": "members", "value": okta.members(&["c@x"])}])).await;
        okta.patched(json!([{"op": "remove", "path": okta.filtered("a@x")}])).await;
        okta.holds(&["b@x", "c@x"]).await;
        okta.patched(json!([{"op": "remove", "path": okta.filtered("b@x")}])).await;
        okta.holds(&["c@x"]).await;
        let edges = okta.daemon.audit(&okta.group).await;
        let removed = edges.iter().filter(|(action, ..)| action == "edge.removed").count();
        assert_eq!(removed, 2, "{edges:?}");
    }

    async fn a7_removing_a_non_member_succeeds(store) {
        let okta = Shapes::new(store).await;
        okta.unchanged(okta.patched(json!([{"op": "remove", "path": okta.filtered("d@x")}]))).await;
        okta.unchanged(okta.patched(json!([{"op": "remove", "path": "members[value eq \"nobody\"]"}]))).await;
        okta.holds(&BEGAN).await;
    }

    async fn a7_replace_of_the_path_members_is_the_full_set(store) {
        let okta = Shapes::new(store).await;
        okta.patched(json!([{"op": "replace", "path": "members", "value": okta.members(&["b@x", "c@x"])}])).await;
        okta.holds(&["b@x", "c@x"]).await;
        okta.patched(json!([{"op": "replace", "path": "members", "value": []}])).await;
        okta.holds(&[]).await;
    }

    async fn a7_a_pathless_replace_of_members_is_the_full_set(store) {
        let okta = Shapes::new(store).await;
        okta.patched(json!([{"op": "replace", "value": {"members": okta.members(&["c@x"])}}])).await;
        okta.holds(&["c@x"]).await;
        assert_eq!(okta.group().await["displayName"], "Platform Admins");
    }

    async fn a7_a_pathless_replace_with_empty_members_and_a_name_clears_and_renames(store) {
        let okta = Shapes::new(store).await;
        let group = okta.patched(json!([{"op": "replace", "value": {"members": [], "id": okta.group, "displayName": "X"}}])).await;
        assert_eq!(group["displayName"], "X");
        assert_eq!(okta.group().await["displayName"], "X");
        okta.holds(&[]).await;
        okta.patched(json!([{"op": "add", "path": "members", "value": okta.members(&["d@x"])}])).await;
        okta.holds(&["d@x"]).await;
    }

    async fn a7_a_replace_without_members_touches_nobody(store) {
        let okta = Shapes::new(store).await;
        okta.patched(json!([{"op": "replace", "value": {"id": okta.group, "displayName": "Renamed"}}])).await;
        assert_eq!(okta.group().await["displayName"], "Renamed");
        okta.holds(&BEGAN).await;
        okta.put(&okta.path(), &json!({"displayName": "Renamed again"})).await;
        assert_eq!(okta.group().await["displayName"], "Renamed again");
        okta.holds(&BEGAN).await;
        let audit = okta.daemon.audit(&okta.group).await;
        let names: Vec<_> = audit.iter().filter(|(action, ..)| action == "group.updated").collect();
        assert_eq!(names.len(), 2, "{audit:?}");
        assert_eq!((&names[0].1["displayName"], &names[0].2["displayName"]), (&json!("Platform Admins"), &json!("Renamed")));
    }

    async fn a7_the_rename_is_repeated_with_every_membership_update(store) {
        let okta = Shapes::new(store).await;
        okta.patched(json!([
            {"op": "replace", "value": {"id": okta.group, "displayName": "New name"}},
            {"op": "add", "path": "members", "value": okta.members(&["c@x", "d@x"])},
            {"op": "remove", "path": okta.filtered("a@x")},
        ])).await;
        assert_eq!(okta.group().await["displayName"], "New name");
        okta.holds(&["b@x", "c@x", "d@x"]).await;
    }

    async fn a7_an_unknown_member_is_skipped_logged_and_the_rest_applies(store) {
        let okta = Shapes::new(store).await;
        let mut members = okta.members(&["c@x"]);
        let unknown = "0190aaaa-0000-7000-8000-000000000000";
        members.as_array_mut().unwrap().extend([json!({"value": unknown}), json!({"value": "no-uuid"})]);
        okta.patched(json!([{"op": "add", "path": "members", "value": members}])).await;
        okta.holds(&["a@x", "b@x", "c@x"]).await;
        let row = okta.daemon.logged(|row| row.method == "PATCH" && !row.skipped.is_empty()).await;
        assert_eq!((row.status, row.skipped), (200, vec![unknown.to_owned(), "no-uuid".to_owned()]));
        okta.put(&okta.path(), &json!({"displayName": "Platform Admins", "members": members})).await;
        okta.holds(&["c@x"]).await;
    }

    async fn a7_a_member_who_comes_after_his_push_is_in_by_the_next(store) {
        let okta = Shapes::new(store).await;
        okta.unchanged(okta.patched(json!([{"op": "add", "path": "members", "value": [{"value": "late"}]}]))).await;
        let late = made(&okta.daemon.scim("POST", "/Users", Some(&user("late@x"))).await);
        okta.holds(&BEGAN).await;
        okta.patched(json!([{"op": "add", "path": "members", "value": [{"value": late}]}])).await;
        okta.holds(&["a@x", "b@x", "late@x"]).await;
    }

    async fn a7_a_thousand_changes_in_one_patch(store) {
        let okta = Shapes::new(store).await;
        let names: Vec<String> = (0..1_000).map(|number| format!("u{number}@x")).collect();
        let operations: Value = names
            .iter()
            .map(|name| json!({"method": "POST", "path": "/Users", "bulkId": name, "data": {"userName": name}}))
            .collect();
        let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
        let answer = okta.daemon.scim("POST", "/Bulk", Some(&bulk)).await;
        assert_eq!(answer.status, 200);
        let answer = answer.json();
        let ids: Vec<&str> = answer["Operations"].as_array().unwrap().iter()
            .map(|line| line["location"].as_str().unwrap().rsplit('/').next().unwrap())
            .collect();
        let members: Value = ids.iter().map(|id| json!({"value": id, "display": null})).collect();
        let add = json!([
            {"op": "replace", "value": {"id": okta.group, "displayName": "Platform Admins"}},
            {"op": "add", "path": "members", "value": members},
        ]);
        okta.patched(add).await;
        let all: Vec<&str> = BEGAN.into_iter().chain(names.iter().map(String::as_str)).collect();
        okta.holds(&all).await;
        let removes = ids[1..].iter().map(|id| json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}));
        okta.patched(removes.collect()).await;
        okta.holds(&["a@x", "b@x", "u0@x"]).await;
    }

    async fn a7_concurrent_patches_of_one_group_lose_nothing(store) {
        let okta = Arc::new(Shapes::new(store).await);
        let mut ids = Vec::new();
        for number in 0..12 {
            ids.push(made(&okta.daemon.scim("POST", "/Users", Some(&user(&format!("u{number}@x")))).await));
        }
        let six: Vec<Value> = ids[..6].iter().map(|id| json!({"value": id})).collect();
        okta.patched(json!([{"op": "add", "path": "members", "value": six}])).await;
        let mut calls = tokio::task::JoinSet::new();
        for (number, id) in ids.into_iter().enumerate() {
            let okta = Arc::clone(&okta);
            calls.spawn(async move {
                let operation = if number < 6 {
                    json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})
                } else {
                    json!({"op": "add", "path": "members", "value": [{"value": id}]})
                };
                okta.patch(json!([{"op": "replace", "value": {"id": okta.group, "displayName": "Platform Admins"}}, operation])).await.status
            });
        }
        assert_eq!(calls.join_all().await, [200; 12]);
        okta.holds(&["a@x", "b@x", "u10@x", "u11@x", "u6@x", "u7@x", "u8@x", "u9@x"]).await;
    }
}
