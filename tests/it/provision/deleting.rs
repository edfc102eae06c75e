//! R12: whom SCIM sees, and what a DELETE leaves.

use rosterd::model::mode::OktaMode;
use rosterd::model::team::organization_admin;
use rosterd::store::{mappings, organization};
use serde_json::json;

use super::actor::{Client, ONE, RUN, status};
use crate::support::stores::on_each_store;

on_each_store! {
    async fn r12_a_local_user_and_one_only_the_poll_knows_are_404_to_every_verb(store) {
        let okta = Client::new(&store);
        for unseen in [okta.local_user("root@x").await, okta.polled_user("mira@x", ONE).await] {
            let body = json!({"userName": "new@x"});
            assert_eq!(status(okta.put_user(&unseen.id, body.clone()).await), 404);
            assert_eq!(status(okta.patch_user(&unseen.id, body).await), 404);
            assert_eq!(status(okta.delete_user(&unseen.id).await), 404);
        }
        let group = okta.okta_group("00g1", "Admins", "OKTA_GROUP").await;
        let rename = json!([{"op": "replace", "value": {"displayName": "x"}}]);
        assert_eq!(status(okta.put_group(&group, json!({"displayName": "x"})).await), 404);
        assert_eq!(status(okta.patch_group(&group, rename).await), 404);
        assert_eq!(status(okta.delete_group(&group).await), 404);
    }

    async fn r12_a_delete_takes_the_user_and_the_edges_only_scim_gave(store) {
        let okta = Client::new(&store);
        let known = okta.user("known@x", Some(ONE)).await;
        let unknown = okta.user("unknown@x", None).await;
        let group = okta.group("Admins", &[&known, &unknown]).await;
        store.arrange(RUN).await;
        for gone in [&known, &unknown] {
            okta.delete_user(&gone.id).await.unwrap();
            assert_eq!(okta.find_user(&gone.id).await, None);
            assert_eq!(status(okta.delete_user(&gone.id).await), 404);
        }
        assert_eq!(okta.members(&group).await, [ONE], "an edge by Okta id is Okta's");
        let now = okta.find_group(&group).await.unwrap();
        assert_eq!(now.member_count, 1);
        assert!(now.version > group.version, "its members look different to SCIM");
        let tombstones = store.texts("SELECT object FROM stamps WHERE kind = 'user' ORDER BY object").await;
        assert!(tombstones.contains(&ONE.to_owned()) && tombstones.len() == 2);
    }

    async fn r12_the_last_organization_admin_stays_and_is_404_to_scim(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        let group = okta.group("Admins", &[&mira]).await;
        okta.arrange(async |tx| {
            mappings::insert(tx, &organization_admin(), Some(&group.id), "Admins", "root").await?;
            organization::update_mode(tx, OktaMode::On).await
        }).await;
        let again = json!([{"op": "replace", "path": "members", "value": [{"value": mira.id}]}]);
        okta.patch_group(&group, json!([{"op": "replace", "path": "members", "value": []}])).await.unwrap();
        okta.patch_group(&group, again).await.unwrap();
        okta.delete_user(&mira.id).await.unwrap();
        let kept = okta.find_user(&mira.id).await.expect("R5 keeps him");
        assert!(kept.deleting && kept.active && !kept.facts.entitled);
        assert_eq!(status(okta.patch_user(&mira.id, json!({"active": true})).await), 404);
        let second = okta.user("second@x", None).await;
        okta.patch_group(&group, json!([{"op": "add", "path": "members", "value": [{"value": second.id}]}])).await.unwrap();
        assert_eq!(okta.find_user(&mira.id).await, None, "applied when another one appears");
    }

    async fn r12_who_is_kept_from_deletion_comes_back_by_a_create(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        store.arrange("UPDATE users SET deleting = 1, entitled = 0").await;
        assert_eq!(okta.user("mira@x", Some(ONE)).await.id, mira.id);
        assert!(!okta.find_user(&mira.id).await.unwrap().deleting);
    }
}
