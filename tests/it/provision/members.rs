//! R15 and the shapes of membership changes.

use rosterd::model::actor::Channel;
use rosterd::service::{mappings, teams};
use rosterd::store::edges::{self, Edge};
use serde_json::{Value, json};

use super::actor::{BASE, Client, ONE, TWO};
use crate::support::stores::on_each_store;

fn add(ids: &[&str]) -> Value {
    let ids: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
    json!([{"op": "add", "path": "members", "value": ids}])
}

on_each_store! {
    async fn r15_whom_scim_cannot_see_is_skipped_and_the_rest_applies(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", None).await;
        let local = okta.local_user("root@x").await;
        let polled = okta.polled_user("polled@x", TWO).await;
        let group = okta.group("Admins", &[]).await;
        let named = [mira.id.as_str(), local.id.as_str(), polled.id.as_str(), "no-uuid"];
        let written = okta.patch_group(&group, add(&named)).await.unwrap();
        assert_eq!(okta.members(&group).await, [mira.id.as_str()]);
        let mut skipped = written.skipped;
        skipped.sort();
        let mut expected = vec![local.id.to_string(), polled.id.to_string(), "no-uuid".to_owned()];
        expected.sort();
        assert_eq!(skipped, expected);
        assert_eq!((written.resource.member_count, written.resource.version), (1, 2));
    }

    async fn r15_a_full_replacement_speaks_only_of_whom_scim_can_see(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        let noor = okta.user("noor@x", None).await;
        let group = okta.group("Admins", &[&mira]).await;
        okta.polled_user("polled@x", TWO).await;
        let foreign = [TWO, "00uNobodyHere"].map(|member| Edge { group: group.id.clone(), member: member.to_owned() });
        okta.arrange(async |tx| edges::insert_many(tx, Channel::Poll, &foreign).await).await;
        let put = json!({"displayName": "Admins", "members": [{"value": noor.id, "display": null}]});
        let written = okta.put_group(&group, put).await.unwrap();
        let mut expected = vec![TWO.to_owned(), "00uNobodyHere".to_owned(), noor.id.to_string()];
        expected.sort();
        let mut members = okta.members(&group).await;
        members.sort();
        assert_eq!(members, expected);
        assert_eq!(written.resource.member_count, 3);
        okta.put_group(&group, json!({"displayName": "Admins"})).await.unwrap();
        assert_eq!(okta.members(&group).await.len(), 3, "no word about members");
        okta.put_group(&group, json!({"displayName": "Admins", "members": []})).await.unwrap();
        assert_eq!(okta.members(&group).await.len(), 2);
    }

    async fn only_rows_that_change_are_written(store) {
        let okta = Client::new(&store);
        let mut users = Vec::new();
        for n in 0..5 {
            users.push(okta.user(&format!("u{n}@x"), None).await);
        }
        let group = okta.group("Admins", &[&users[0], &users[1], &users[2]]).await;
        store.clock.advance(1_000);
        let members: Vec<Value> = users[1..4].iter().map(|user| json!({"value": user.id})).collect();
        okta.put_group(&group, json!({"displayName": "Admins", "members": members})).await.unwrap();
        assert_eq!(store.number("SELECT COUNT(*) FROM edges WHERE at = 1800000001000").await, 1);
        assert_eq!(store.number("SELECT COUNT(*) FROM edges WHERE at = 1800000000000").await, 2);
        assert_eq!(store.number("SELECT COUNT(*) FROM audit WHERE action = 'edge.added'").await, 4);
        assert_eq!(store.number("SELECT COUNT(*) FROM audit WHERE action = 'edge.removed'").await, 1);
    }

    async fn concurrent_patches_of_one_group_lose_nothing(store) {
        let okta = Client::new(&store);
        let group = okta.group("Admins", &[]).await;
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..24 {
            let user = okta.user(&format!("u{n}@x"), None).await;
            let (service, cx, id) = (okta.service.clone(), okta.cx.clone(), group.id.clone());
            tasks.spawn(async move {
                let body = json!({"Operations": add(&[user.id.as_str()])}).to_string();
                let patch = rosterd::scim::group::parse_patch(id.as_str(), body.as_bytes()).unwrap();
                rosterd::service::provision::patch_group(&service, &cx, BASE, &id, &patch, None).await.unwrap();
            });
        }
        tasks.join_all().await;
        assert_eq!(okta.members(&group).await.len(), 24);
        let now = okta.find_group(&group).await.unwrap();
        assert_eq!((now.member_count, now.version), (24, 25));
    }

    async fn a_member_is_removed_by_what_he_is_shown_as(store) {
        let okta = Client::new(&store);
        let body = json!({"userName": "mira@x", "displayName": "Mira Okafor"});
        let mira = okta.post_user(body).await.unwrap();
        let noor = okta.user("Noor@x", None).await;
        let group = okta.group("Admins", &[&mira, &noor]).await;
        let remove = |filter: String| json!({"op": "remove", "path": format!("members[{filter}]")});
        okta.patch_group(&group, json!([remove("display eq \"mira@x\"".to_owned())])).await.unwrap();
        assert_eq!(okta.members(&group).await.len(), 2, "he is not shown so");
        let add = json!({"op": "add", "path": "members", "value": [{"value": mira.id}]});
        for (filter, left) in [
            ("display eq \"mira OKAFOR\"".to_owned(), &noor),
            (format!("$ref eq \"{BASE}/Users/{}\"", mira.id), &noor),
            ("display eq \"noor@X\"".to_owned(), &mira),
        ] {
            // Whoever is added in the same request is shown the same way.
            for operations in [json!([remove(filter.clone())]), json!([add, remove(filter.clone())])] {
                let full = json!({"displayName": "Admins", "members": [{"value": mira.id}, {"value": noor.id}]});
                okta.put_group(&group, full).await.unwrap();
                okta.patch_group(&group, operations).await.unwrap();
                assert_eq!(okta.members(&group).await, [left.id.as_str()], "{filter}");
            }
        }
        okta.put_group(&group, json!({"displayName": "Admins", "members": []})).await.unwrap();
        okta.patch_group(&group, json!([add, remove("display eq \"Mira Okafor\"".to_owned())])).await.unwrap();
        assert_eq!(okta.members(&group).await.len(), 0);
    }

    async fn more_members_than_one_statement_takes_are_replaced_in_one_transaction(store) {
        let okta = Client::new(&store);
        store
            .arrange("INSERT INTO users (id, seq, origin, scim, okta_id, member_key, user_name, user_name_fold, resource, \
                      folded, entitled, blocked, pending, active, deleting, absent_runs, sessions_from, tokens_from, \
                      created_at, updated_at, version) \
                      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) \
                      SELECT 'id-' || i, 100 + i, 'okta', 1, NULL, 'id-' || i, 'n' || i, 'n' || i, '{}', '{}', 1, 0, 0, 1, 0, \
                      0, 0, 0, 1, 1, 1 FROM n")
            .await;
        let group = okta.group("All", &[]).await;
        let full = |range: std::ops::Range<i32>| {
            let members: Vec<Value> = range.map(|n| json!({"value": format!("id-{n}")})).collect();
            json!({"displayName": "All", "members": members})
        };
        let written = okta.put_group(&group, full(1..5_001)).await.unwrap();
        assert_eq!((written.resource.member_count, written.skipped.len()), (5_000, 0));
        let written = okta.put_group(&group, full(2_400..5_100)).await.unwrap();
        assert_eq!((written.resource.member_count, written.skipped.len()), (2_601, 99));
        assert_eq!(store.number("SELECT COUNT(*) FROM edges").await, 2_601);
    }

    async fn r9_a_mapped_group_emptied_at_one_stroke_is_seen_however_large_it_was(store) {
        let okta = Client::new(&store);
        store
            .arrange("INSERT INTO users (id, seq, origin, scim, okta_id, member_key, user_name, user_name_fold, resource, \
                      folded, entitled, blocked, pending, active, deleting, absent_runs, sessions_from, tokens_from, \
                      created_at, updated_at, version) \
                      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2001) \
                      SELECT 'id-' || i, 100 + i, 'okta', 1, NULL, 'id-' || i, 'n' || i, 'n' || i, '{}', '{}', 1, 0, 0, 1, 0, \
                      0, 0, 0, 1, 1, 1 FROM n")
            .await;
        let group = okta.group("All", &[]).await;
        let team = teams::create(&okta.service, &okta.cx, "all", None).await.unwrap();
        mappings::add(&okta.service, &okta.cx, group.id.as_str(), team.id.as_str()).await.unwrap();
        let members: Vec<Value> = (1..=2_001).map(|n| json!({"value": format!("id-{n}")})).collect();
        okta.put_group(&group, json!({"displayName": "All", "members": members})).await.unwrap();
        store.arrange("UPDATE organization SET idp_mapping_enabled = 1, konnect_mapping_enabled = 0").await;
        store.clock.advance(25 * 60 * 60 * 1000);
        okta.put_group(&group, json!({"displayName": "All", "members": []})).await.unwrap();
        let raised = store.texts("SELECT object FROM problems WHERE code = 'guard_push'").await;
        assert!(raised.contains(&group.id.to_string()), "{raised:?}");
    }
}
