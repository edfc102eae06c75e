//! R11, R18: whom a write means.

use rosterd::model::user::Origin;
use rosterd::service::Settings;
use rosterd::service::provision;
use rosterd::store::{edges, users};
use serde_json::json;

use super::actor::{Client, ONE, TWO, status};
use crate::support::stores::on_each_store;

on_each_store! {
    async fn r18_a_user_name_is_taken_whatever_its_case(store) {
        let okta = Client::new(&store);
        let mira = okta.user("Mira@x", None).await;
        assert_eq!(mira.user_name, "Mira@x");
        let again = okta.post_user(json!({"userName": " mIRA@X"})).await.unwrap_err();
        assert_eq!((again.status, again.scim_type.unwrap().as_str()), (409, "uniqueness"));
        let other = okta.user("other@x", None).await;
        assert_eq!(status(okta.patch_user(&other.id, json!({"userName": "MIRA@x"})).await), 409);
        assert_eq!(status(okta.put_user(&mira.id, json!({"userName": "MIRA@x"})).await), 200, "his own name");
    }

    async fn r18_of_64_creates_at_once_one_wins(store) {
        let okta = Client::new(&store);
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..64 {
            let (service, cx) = (okta.service.clone(), okta.cx.clone());
            tasks.spawn(async move {
                let name = if n % 2 == 0 { "same@x" } else { "SAME@X" };
                let body = json!({"userName": name}).to_string();
                let received = rosterd::scim::user::parse(body.as_bytes()).unwrap();
                provision::create_user(&service, &cx, &received).await
            });
        }
        let done = tasks.join_all().await;
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
        for refused in done.into_iter().filter_map(Result::err) {
            assert!(matches!(&refused, rosterd::service::Error::Scim(error) if error.status == 409), "{refused:?}");
        }
        assert_eq!(store.number("SELECT COUNT(*) FROM users").await, 1);
    }

    async fn r11_a_create_adopts_whom_the_poll_made(store) {
        let okta = Client::new(&store);
        let polled = okta.polled_user("mira@x", ONE).await;
        let adopted = okta.user("Mira@X", Some(ONE)).await;
        assert_eq!(adopted.id, polled.id);
        let stored = okta.find_user(&polled.id).await.unwrap();
        assert!(stored.scim);
        assert_eq!((stored.user_name.as_str(), stored.version), ("Mira@X", 2));
        let again = okta.post_user(json!({"userName": "mira@x", "externalId": ONE})).await;
        assert_eq!(status(again), 409);
    }

    async fn r11_a_create_adopts_who_is_not_entitled(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        okta.patch_user(&mira.id, json!({"active": false})).await.unwrap();
        assert_eq!(okta.user("mira.new@x", Some(ONE)).await.id, mira.id);
        assert!(okta.find_user(&mira.id).await.unwrap().facts.entitled);
    }

    async fn r11_only_00u_and_17_is_an_okta_id(store) {
        let okta = Client::new(&store);
        let plain = okta.user("a@x", Some("0001")).await;
        assert_eq!((plain.okta_id, plain.external_id.as_deref()), (None, Some("0001")));
        let same = okta.user("b@x", Some("0001")).await;
        assert_ne!(same.id, plain.id, "another externalId is a plain attribute and need not be unique");
    }

    async fn r11_a_user_gets_his_okta_id_and_his_edges_follow(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", None).await;
        let group = okta.group("Admins", &[&mira]).await;
        assert_eq!(okta.members(&group).await, [mira.id.as_str()]);
        okta.patch_user(&mira.id, json!({"externalId": ONE})).await.unwrap();
        assert_eq!(okta.members(&group).await, [ONE]);
        let other = okta.user("other@x", None).await;
        assert_eq!(status(okta.patch_user(&other.id, json!({"externalId": ONE})).await), 409);
    }

    async fn r11_an_account_made_anew_takes_an_inactive_users_row_as_a_new_person(store) {
        let okta = Client::new(&store);
        let old = okta.user("mira@x", Some(ONE)).await;
        let group = okta.group("Admins", &[&old]).await;
        let anew = json!({"userName": "mira@x", "externalId": TWO});
        assert_eq!(status(okta.post_user(anew.clone()).await), 409, "the old one is active");
        assert_eq!(status(okta.put_user(&old.id, anew.clone()).await), 409);
        okta.patch_user(&old.id, json!({"active": false})).await.unwrap();
        store
            .arrange("INSERT INTO memberships (team_id, user_id, origin, since) \
                      SELECT '01800000-0000-7000-8000-000000000006', id, 'local', 1 FROM users")
            .await;
        store.arrange("UPDATE users SET password_hash = 'x', tokens_from = 0, sessions_from = 0").await;
        store.clock.advance(1_000);
        let anew = okta.post_user(anew).await.unwrap();
        assert_eq!(anew.id, old.id);
        assert_eq!(anew.okta_id.as_ref().unwrap().as_str(), TWO);
        assert!(anew.facts.entitled);
        assert_eq!(okta.members(&group).await, Vec::<String>::new());
        assert_eq!(store.number("SELECT COUNT(*) FROM memberships").await, 0);
        assert_eq!(store.number("SELECT COUNT(*) FROM users WHERE password_hash IS NULL").await, 1);
        let from = "SELECT COUNT(*) FROM users WHERE tokens_from = 1800000001000 AND sessions_from = 1800000001000";
        assert_eq!(store.number(from).await, 1);
        assert_eq!(store.number("SELECT COUNT(*) FROM audit WHERE action = 'user.rebound'").await, 1);
    }

    async fn r11_a_put_binds_an_inactive_match_to_the_new_account(store) {
        let okta = Client::new(&store);
        let old = okta.user("mira@x", Some(ONE)).await;
        okta.patch_user(&old.id, json!({"active": false})).await.unwrap();
        let put = json!({"userName": "mira@x", "externalId": TWO, "active": true});
        let anew = okta.put_user(&old.id, put).await.unwrap();
        assert_eq!(anew.okta_id.unwrap().as_str(), TWO);
        assert_eq!(store.number("SELECT COUNT(*) FROM audit WHERE action = 'user.rebound'").await, 1);
    }

    async fn r11_an_echo_of_the_old_account_s_id_is_no_news(store) {
        let okta = Client::new(&store);
        let old = okta.user("mira@x", Some(ONE)).await;
        // A poll has bound the row to the account made anew; SCIM still shows the attribute as it was sent.
        store.arrange("UPDATE users SET okta_id = '00u22222222222222222', member_key = '00u22222222222222222'").await;
        let echo = json!({"userName": "mira@x", "externalId": ONE, "active": false});
        let put = okta.put_user(&old.id, echo).await.unwrap();
        assert_eq!((put.okta_id.unwrap().as_str(), put.facts.entitled), (TWO, false));
        let back = okta.patch_user(&old.id, json!({"active": true})).await.unwrap();
        assert_eq!(back.okta_id.unwrap().as_str(), TWO);
        assert_eq!(store.number("SELECT COUNT(*) FROM audit WHERE action = 'user.rebound'").await, 0);
    }

    async fn r11_polled_edges_of_the_old_account_are_not_the_new_ones(store) {
        let okta = Client::new(&store);
        let old = okta.user("mira@x", Some(ONE)).await;
        let group = okta.okta_group("00g1", "Admins", "OKTA_GROUP").await;
        let edge = edges::Edge { group: group.id.clone(), member: ONE.to_owned() };
        okta.arrange(async |tx| {
            edges::insert_many(tx, rosterd::model::actor::Channel::Poll, std::slice::from_ref(&edge)).await
        }).await;
        okta.patch_user(&old.id, json!({"active": false})).await.unwrap();
        okta.user("mira@x", Some(TWO)).await;
        assert_eq!(okta.members(&group).await, [ONE], "the mirror keeps what Okta said of the old account");
        let mut tx = store.read().await.unwrap();
        assert_eq!(users::find_by_member_key(&mut tx, ONE).await.unwrap(), None);
    }

    async fn r11_a_local_user_is_409_with_the_way_to_link_him(store) {
        let okta = Client::new(&store);
        let local = okta.local_user("mira@x").await;
        let refused = okta.post_user(json!({"userName": "MIRA@x", "externalId": ONE})).await.unwrap_err();
        assert_eq!(refused.status, 409);
        assert!(refused.detail.contains(&format!("rosterd users link {}", local.id)), "{}", refused.detail);
        provision::link_user(&okta.service, &okta.cx, &local.id, None).await.unwrap();
        assert_eq!(okta.user("mira@x", Some(ONE)).await.id, local.id);
    }

    async fn r11_linking_by_name_is_a_setting_and_never_an_organization_admins(store) {
        let okta = Client::with(&store, Settings { link_by_user_name: true, ..Settings::default() });
        let local = okta.local_user("mira@x").await;
        let admin = okta.local_user("root@x").await;
        let team = rosterd::model::team::organization_admin();
        let permit = rosterd::model::team::Permit::break_glass(&admin.id);
        okta.arrange(async |tx| rosterd::store::local::insert(tx, &permit).await).await;
        store.arrange("UPDATE users SET password_hash = 'x'").await;
        assert_eq!(team.as_str(), rosterd::model::team::ORGANIZATION_ADMIN);
        let linked = okta.user("mira@x", Some(ONE)).await;
        assert_eq!((linked.id, linked.origin), (local.id, Origin::Okta));
        assert_eq!(store.number("SELECT COUNT(*) FROM users WHERE password_hash = 'x'").await, 1);
        assert_eq!(status(okta.post_user(json!({"userName": "root@x"})).await), 409);
    }
}
