//! R7: what pushes leave for runs that began before them.

use serde_json::json;

use super::actor::{Client, ONE, RUN};
use crate::support::stores::on_each_store;

const STAMPS: &str = "SELECT kind || ' ' || CASE WHEN kind IN ('edge', 'members') THEN member ELSE object END \
                      FROM stamps ORDER BY 1";
const REREADS: &str = "SELECT kind || ' ' || object FROM rereads ORDER BY 1";

on_each_store! {
    async fn r7_nothing_is_stamped_while_no_run_could_undo_it(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        okta.group("Admins", &[&mira]).await;
        assert_eq!(store.number("SELECT COUNT(*) FROM stamps").await, 0);
        assert_eq!(store.number("SELECT COUNT(*) FROM rereads").await, 0);
    }

    async fn r7_every_object_a_push_names_is_stamped_while_a_run_is_in_flight(store) {
        let okta = Client::new(&store);
        okta.okta_group("00g1", "Admins", "OKTA_GROUP").await;
        let noor = okta.user("noor@x", Some("00u33333333333333333")).await;
        store.arrange(RUN).await;
        let mira = okta.user("mira@x", Some(ONE)).await;
        let expected: Vec<String> = ["facts", "profile", "user"].map(|kind| format!("{kind} {ONE}")).into();
        assert_eq!(store.texts(STAMPS).await, expected);
        assert_eq!(store.texts(REREADS).await, [format!("user {ONE}")]);
        store.arrange("DELETE FROM stamps").await;
        let group = okta.group("Admins", &[]).await;
        assert_eq!(store.texts(STAMPS).await, ["members "]);
        assert!(store.texts(REREADS).await.contains(&"group 00g1".to_owned()));
        store.arrange("DELETE FROM stamps").await;
        let both = json!([
            {"op": "add", "path": "members", "value": [{"value": mira.id}]},
            {"op": "remove", "path": format!("members[value eq \"{}\"]", noor.id)},
        ]);
        okta.patch_group(&group, both).await.unwrap();
        assert_eq!(store.texts(STAMPS).await, [format!("edge {ONE}"), "edge 00u33333333333333333".to_owned()]);
        store.arrange("DELETE FROM stamps").await;
        okta.put_user(&mira.id, json!({"userName": "mira@x", "externalId": ONE})).await.unwrap();
        assert_eq!(store.texts(STAMPS).await, [format!("profile {ONE}"), format!("user {ONE}")], "a PUT without active says nothing of it");
    }

    async fn r7_a_joined_group_that_lost_an_edge_is_read_again(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        okta.okta_group("00g1", "Joined", "OKTA_GROUP").await;
        let joined = okta.group("Joined", &[&mira]).await;
        let alone = okta.group("Alone", &[&mira]).await;
        for group in [&joined, &alone] {
            let remove = json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", mira.id)}]);
            okta.patch_group(group, remove).await.unwrap();
        }
        assert_eq!(store.texts(REREADS).await, ["group 00g1"]);
    }

    async fn r7_a_user_without_an_okta_id_is_looked_up_by_login(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", None).await;
        assert_eq!(store.texts(REREADS).await, [format!("login {}", mira.id)]);
    }
}
