//! R9: pushes that empty a mapped group, in every shape in which they can.

use rosterd::model::actor::Channel;
use rosterd::model::user::User;
use rosterd::service::{mappings, teams};
use rosterd::store::edges::{self, Edge};
use serde_json::json;

use super::actor::{Client, ONE};
use crate::support::stores::{TestStore, on_each_store};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn alerts(store: &TestStore) -> Vec<String> {
    store
        .texts("SELECT object FROM problems WHERE code = 'guard_push'")
        .await
}

on_each_store! {
    async fn r9_a_mapped_group_emptied_in_any_shape_is_an_alert(store) {
        let okta = Client::new(&store);
        let team = teams::create(&okta.service, &okta.cx, "team", None).await.unwrap();
        let mut people: Vec<User> = Vec::new();
        for n in 0..5 {
            people.push(okta.user(&format!("u{n}@x"), None).await);
        }
        for shape in ["remove", "filter", "replace", "put", "delete"] {
            let group = okta.group(shape, &people.iter().collect::<Vec<_>>()).await;
            mappings::add(&okta.service, &okta.cx, group.id.as_str(), team.id.as_str()).await.unwrap();
            store.clock.advance(DAY_MS + 1_000);
            match shape {
                "remove" => {
                    okta.patch_group(&group, json!([{"op": "remove", "path": "members"}])).await.unwrap();
                }
                "filter" => {
                    let one = |user: &User| json!({"op": "remove", "path": format!("members[value eq \"{}\"]", user.id)});
                    okta.patch_group(&group, people.iter().map(one).collect()).await.unwrap();
                }
                "replace" => {
                    okta.patch_group(&group, json!([{"op": "replace", "value": {"members": []}}])).await.unwrap();
                }
                "put" => {
                    okta.put_group(&group, json!({"displayName": shape, "members": []})).await.unwrap();
                }
                _ => okta.delete_group(&group).await.unwrap(),
            }
            assert!(alerts(&store).await.contains(&group.id.to_string()), "{shape}");
        }
    }

    async fn r9_users_deleted_one_by_one_empty_a_mapped_group(store) {
        let okta = Client::new(&store);
        let team = teams::create(&okta.service, &okta.cx, "team", None).await.unwrap();
        let mut people: Vec<User> = Vec::new();
        for n in 0..6 {
            people.push(okta.user(&format!("u{n}@x"), None).await);
        }
        let group = okta.group("Here", &people.iter().collect::<Vec<_>>()).await;
        mappings::add(&okta.service, &okta.cx, group.id.as_str(), team.id.as_str()).await.unwrap();
        for user in &people {
            assert_eq!(alerts(&store).await, Vec::<String>::new());
            okta.delete_user(&user.id).await.unwrap();
        }
        assert_eq!(alerts(&store).await, [group.id.to_string()]);
    }

    async fn r9_who_comes_and_goes_alone_never_empties_a_group_of_five(store) {
        let okta = Client::new(&store);
        let team = teams::create(&okta.service, &okta.cx, "team", None).await.unwrap();
        let mira = okta.user("mira@x", Some(ONE)).await;
        let group = okta.group("On call", &[&mira]).await;
        mappings::add(&okta.service, &okta.cx, group.id.as_str(), team.id.as_str()).await.unwrap();
        let value = json!([{"value": mira.id}]);
        for _ in 0..6 {
            for op in ["remove", "add"] {
                okta.patch_group(&group, json!([{"op": op, "path": "members", "value": value}])).await.unwrap();
                assert_eq!(alerts(&store).await, Vec::<String>::new());
            }
        }
    }

    async fn r9_so_many_members_at_one_stroke_are_counted_as_well(store) {
        let okta = Client::new(&store);
        let team = teams::create(&okta.service, &okta.cx, "team", None).await.unwrap();
        let mira = okta.user("mira@x", Some(ONE)).await;
        let group = okta.group("Large", &[&mira]).await;
        mappings::add(&okta.service, &okta.cx, group.id.as_str(), team.id.as_str()).await.unwrap();
        // Edges of people who are not here yet: what SCIM deletes with its group, and what no team shows.
        let many: Vec<Edge> = (0..edges::CHUNK)
            .map(|n| Edge { group: group.id.clone(), member: format!("01900000-0000-7000-8000-{n:012}") })
            .collect();
        okta.arrange(async |tx| edges::insert_many(tx, Channel::Scim, &many).await).await;
        store.clock.advance(DAY_MS + 1_000);
        let group = okta.find_group(&group).await.unwrap();
        okta.delete_group(&group).await.unwrap();
        assert_eq!(alerts(&store).await, [group.id.to_string()]);
    }
}
