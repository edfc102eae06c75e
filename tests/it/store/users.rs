//! `store::users`.

use rosterd::model::id::OktaUserId;
use rosterd::model::user::{Facts, OktaStatus, Origin};
use rosterd::store::profile::Profile;
use rosterd::store::users::{self, NewUser};
use rosterd::store::{StoreError, Tx};
use serde_json::json;

use crate::support::stores::on_each_store;

pub(crate) const OKTA_ID: &str = "00uq3v9m2LxExample69";

pub(crate) fn new_user(user_name: &str, okta_id: Option<&str>) -> NewUser {
    let attributes = json!({
        "userName": user_name,
        "displayName": "Mira Okafor",
        "name": {"givenName": "Mira", "familyName": "Okafor"},
        "emails": [{"value": "A@x", "type": "Home"}, {"value": "B@x", "type": "work", "primary": true}],
    });
    NewUser {
        origin: Origin::Okta,
        scim: true,
        okta_id: okta_id.and_then(OktaUserId::parse),
        facts: Facts {
            entitled: true,
            status: None,
            blocked: false,
        },
        pending: false,
        profile: Profile::of(user_name, okta_id, attributes.as_object().unwrap()),
    }
}

on_each_store! {
    async fn a_user_is_found_by_each_of_his_keys(store) {
        let made = store
            .write(async |tx: &mut Tx| users::insert(tx, &new_user("Mira@X", Some(OKTA_ID))).await)
            .await
            .unwrap()
            .unwrap();
        let mut tx = store.read().await.unwrap();
        let okta_id = OktaUserId::parse(OKTA_ID).unwrap();
        let by_id = users::find(&mut tx, &made.id).await.unwrap();
        assert_eq!(by_id.as_ref(), Some(&made));
        assert_eq!(users::find_by_okta_id(&mut tx, &okta_id).await.unwrap(), by_id);
        assert_eq!(users::find_by_user_name(&mut tx, " MIRA@x").await.unwrap(), by_id);
        assert_eq!(users::find_by_member_key(&mut tx, OKTA_ID).await.unwrap(), by_id);
        assert_eq!(users::find_by_external_id(&mut tx, OKTA_ID).await.unwrap(), [made.clone()]);
        assert_eq!(users::find_many(&mut tx, &[made.id.as_str(), "x"]).await.unwrap(), [made.clone()]);
        assert_eq!(users::find_many_by_member_key(&mut tx, &[OKTA_ID, "x"]).await.unwrap(), [made.clone()]);
        assert_eq!(users::find_claimants(&mut tx, None, "mira@x").await.unwrap(), [made.clone()]);
        assert_eq!(users::find_claimants(&mut tx, Some(&okta_id), "other").await.unwrap(), [made.clone()]);
        assert_eq!(users::find_claimants(&mut tx, None, "other").await.unwrap(), []);
        assert_eq!(users::find_by_user_name(&mut tx, "other").await.unwrap(), None);
    }

    async fn a_taken_user_name_is_no_error_and_no_row(store) {
        let second = store
            .write(async |tx: &mut Tx| {
                users::insert(tx, &new_user("mira@x", Some(OKTA_ID))).await?;
                users::insert(tx, &new_user("MIRA@X", None)).await
            })
            .await
            .unwrap();
        assert_eq!(second, None);
        assert_eq!(store.number("SELECT COUNT(*) FROM users").await, 1);
    }

    async fn an_update_writes_what_it_is_given_and_refuses_a_stale_version(store) {
        let made = store
            .write(async |tx: &mut Tx| users::insert(tx, &new_user("mira@x", None)).await)
            .await
            .unwrap()
            .unwrap();
        store.clock.advance(5);
        let mut wanted = made.clone();
        wanted.okta_id = OktaUserId::parse(OKTA_ID);
        wanted.scim = false;
        wanted.facts = Facts { entitled: false, status: Some(OktaStatus::new("SUSPENDED")), blocked: true };
        let wanted = wanted;
        let updated = store
            .write(async |tx: &mut Tx| users::update(tx, &wanted).await)
            .await
            .unwrap();
        let mut profile = new_user("mira@y", None).profile;
        profile.emails.pop();
        let profiled = store
            .write(async |tx: &mut Tx| users::update_with_profile(tx, &updated, &profile).await)
            .await
            .unwrap();
        let mut tx = store.read().await.unwrap();
        let stored = users::find(&mut tx, &made.id).await.unwrap().unwrap();
        assert_eq!(stored, profiled);
        assert_eq!(stored.version, 3);
        assert_eq!(stored.updated_at.since(stored.created_at), 5);
        assert_eq!((stored.user_name.as_str(), stored.member_key()), ("mira@y", OKTA_ID));
        assert_eq!(stored.facts, wanted.facts);
        let stale = users::update(&mut tx, &made).await;
        // A reader may not write on either engine; the stale version is tried in a write of its own.
        assert!(stale.is_err());
        tx.rollback().await.unwrap();
        assert_eq!(store.texts("SELECT value FROM user_emails ORDER BY ordinal").await, ["A@x"]);
        assert_eq!(store.texts("SELECT value_fold FROM user_emails").await, ["a@x"]);
        let mut unit = 0;
        let stale = store
            .write(async |tx: &mut Tx| {
                unit += 1;
                match users::update(tx, &made).await {
                    Err(StoreError::Stale) => Ok::<_, StoreError>(true),
                    _ => Ok(false),
                }
            })
            .await
            .unwrap();
        assert!(stale && unit == 1);
    }

    async fn r18_released_user_names_can_be_permuted(store) {
        let (a, b) = store
            .write(async |tx: &mut Tx| {
                let a = users::insert(tx, &new_user("a@x", None)).await?.unwrap();
                let b = users::insert(tx, &new_user("b@x", None)).await?.unwrap();
                Ok::<_, StoreError>((a, b))
            })
            .await
            .unwrap();
        store
            .write(async |tx: &mut Tx| {
                users::release_user_names(tx, &[a.id.as_str(), b.id.as_str()]).await?;
                users::update_with_profile(tx, &a, &new_user("b@x", None).profile).await?;
                users::update_with_profile(tx, &b, &new_user("a@x", None).profile).await
            })
            .await
            .unwrap();
        let mut tx = store.read().await.unwrap();
        let found = users::find_by_user_name(&mut tx, "b@x").await.unwrap().unwrap();
        assert_eq!(found.id, a.id);
    }

    async fn removing_a_user_takes_his_emails_along(store) {
        let gone = store
            .write(async |tx: &mut Tx| {
                let made = users::insert(tx, &new_user("a@x", None)).await?.unwrap();
                users::remove(tx, &made.id).await
            })
            .await
            .unwrap();
        assert!(gone);
        assert_eq!(store.number("SELECT COUNT(*) FROM user_emails").await, 0);
    }
}
