//! R13 as pushes hold it, and what a write leaves alone.

use rosterd::model::actor::Channel;
use rosterd::scim::etag::Condition;
use rosterd::scim::user;
use rosterd::service::{Error, Settings, provision};
use rosterd::store::edges::{self, Edge};
use serde_json::json;

use super::actor::{Client, ONE, RUN, status};
use crate::support::stores::on_each_store;

on_each_store! {
    async fn r13_a_put_without_active_leaves_it_and_a_post_without_it_means_true(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        assert!(mira.facts.entitled && mira.active);
        okta.patch_user(&mira.id, json!({"active": "False"})).await.unwrap();
        let put = okta.put_user(&mira.id, json!({"userName": "mira@x", "title": "Lead"})).await.unwrap();
        assert!(!put.facts.entitled);
        let stored = okta.find_user(&mira.id).await.unwrap();
        assert!(!stored.active, "settled in the same transaction");
        assert!(store.number("SELECT sessions_from FROM users").await > 0, "sessions have ended");
    }

    async fn r13_coming_back_lifts_deprovisioned_and_has_him_and_his_groups_read_again(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        let group = okta.okta_group("00g1", "Admins", "OKTA_GROUP").await;
        let edge = Edge { group: group.id, member: ONE.to_owned() };
        okta.arrange(async |tx| edges::insert_many(tx, Channel::Poll, std::slice::from_ref(&edge)).await).await;
        for (status, after) in [("DEPROVISIONED", ""), ("DELETED", ""), ("SUSPENDED", "SUSPENDED")] {
            okta.patch_user(&mira.id, json!({"active": false})).await.unwrap();
            store.arrange("DELETE FROM rereads").await;
            store.arrange(match status {
                "DEPROVISIONED" => "UPDATE users SET status = 'DEPROVISIONED'",
                "DELETED" => "UPDATE users SET status = 'DELETED'",
                _ => "UPDATE users SET status = 'SUSPENDED'",
            }).await;
            okta.patch_user(&mira.id, json!({"active": true})).await.unwrap();
            assert_eq!(store.texts("SELECT status FROM users").await, [after]);
            assert_eq!(store.texts("SELECT object FROM rereads ORDER BY object").await, ["00g1", ONE]);
        }
        assert!(!okta.find_user(&mira.id).await.unwrap().active, "only Okta lifts a suspension");
    }

    async fn a_write_that_changes_nothing_writes_nothing(store) {
        let okta = Client::new(&store);
        let body = json!({"userName": "mira@x", "externalId": ONE, "name": {"familyName": "O", "givenName": "M"},
                          "emails": [{"value": "m@x", "primary": true}], "active": true});
        let mira = okta.post_user(body.clone()).await.unwrap();
        let group = okta.group("Admins", &[&mira]).await;
        let lines = store.number("SELECT COUNT(*) FROM audit").await;
        store.clock.advance(1_000);
        store.arrange(RUN).await;
        let echo = json!({"active": true, "emails": [{"primary": true, "value": "m@x"}], "userName": "mira@x",
                          "name": {"givenName": "M", "familyName": "O"}, "externalId": ONE, "groups": [], "password": "p"});
        okta.put_user(&mira.id, echo).await.unwrap();
        okta.patch_user(&mira.id, json!({"active": true})).await.unwrap();
        okta.put_group(&group, json!({"displayName": "Admins", "members": [{"value": mira.id}]})).await.unwrap();
        okta.patch_group(&group, json!([{"op": "replace", "value": {"id": group.id, "displayName": "Admins"}}]))
            .await
            .unwrap();
        let remove = json!([{"op": "remove", "path": "members[value eq \"nobody\"]"}]);
        okta.patch_group(&group, remove).await.unwrap();
        assert_eq!(okta.find_user(&mira.id).await.unwrap(), mira);
        assert_eq!(okta.find_group(&group).await.unwrap(), group);
        assert_eq!(store.number("SELECT COUNT(*) FROM audit").await, lines);
        assert!(store.number("SELECT COUNT(*) FROM stamps").await > 0, "and is stamped all the same");
    }

    async fn if_match_of_another_version_is_412(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", None).await;
        let received = user::parse(br#"{"userName": "other@x"}"#).unwrap();
        let put = async |header: &str| {
            let condition = Condition::parse(header);
            provision::replace_user(&okta.service, &okta.cx, &mira.id, &received, Some(&condition)).await
        };
        let Err(Error::Scim(refused)) = put("W/\"7\"").await else { panic!("a refusal") };
        assert_eq!(refused.status, 412);
        assert_eq!(put("W/\"1\"").await.unwrap().resource.version, 2);
    }

    async fn r14_a_password_is_nowhere(store) {
        let okta = Client::new(&store);
        let mira = okta.post_user(json!({"userName": "mira@x", "password": "hT4k9QzP"})).await.unwrap();
        okta.patch_user(&mira.id, json!({"password": "hT4k9QzP", "title": "Lead"})).await.unwrap();
        for text in ["SELECT resource || folded FROM users", "SELECT COALESCE(before, '') || COALESCE(after, '') FROM audit"] {
            let rows = store.texts(text).await;
            assert!(!rows.is_empty() && rows.iter().all(|row| !row.contains("hT4k9QzP") && !row.contains("password")), "{rows:?}");
        }
        assert_eq!(store.number("SELECT COUNT(password_hash) FROM users").await, 0);
    }

    async fn c9301_with_password_sync_a_hash_is_kept_and_an_equal_password_changes_nothing(store) {
        let okta = Client::with(&store, Settings { password_sync: true, ..Settings::default() });
        let mira = okta.post_user(json!({"userName": "mira@x", "password": "hT4k9QzP"})).await.unwrap();
        let hash = async || store.texts("SELECT password_hash FROM users").await.remove(0);
        let first = hash().await;
        assert!(first.starts_with("$argon2id$") && mira.version == 1, "{first}");
        let same = okta.patch_user(&mira.id, json!({"password": "hT4k9QzP"})).await.unwrap();
        assert_eq!((same.version, hash().await), (1, first.clone()));
        let body = json!({"userName": "mira@x", "password": "Zz7-other"});
        let other = okta.put_user(&mira.id, body).await.unwrap();
        let second = hash().await;
        assert!(other.version == 2 && second.starts_with("$argon2id$") && second != first);
        let third = okta.patch_user(&mira.id, json!({"password": "hT4k9QzP"})).await.unwrap();
        assert!(third.version == 3 && hash().await != second);
        let told = store.texts("SELECT COALESCE(before, '') || COALESCE(after, '') FROM audit").await;
        assert!(told.iter().all(|row| !row.contains("hT4k9QzP") && !row.contains("Zz7") && !row.contains("argon2")), "{told:?}");
        assert_eq!(told.iter().filter(|row| row.contains(r#""password":"changed""#)).count(), 2);
    }

    async fn r14_every_change_is_logged_with_before_and_after(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", None).await;
        okta.patch_user(&mira.id, json!({"title": "Lead", "active": false})).await.unwrap();
        let after = store.texts("SELECT after FROM audit WHERE action = 'user.updated'").await;
        assert_eq!(after, [r#"{"title":"Lead","active":false}"#]);
        assert_eq!(store.number("SELECT COUNT(*) FROM audit WHERE action = 'user.deactivated'").await, 1);
        assert_eq!(store.texts("SELECT DISTINCT channel || actor FROM audit").await, ["scimokta"]);
        assert_eq!(status(okta.delete_user(&mira.id).await), 200);
        assert_eq!(store.number("SELECT COUNT(*) FROM audit WHERE action = 'user.deleted'").await, 1);
    }
}
