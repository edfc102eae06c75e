//! `store::groups`.

use rosterd::model::group::{IdpGroup, JoinedBy, OktaSide};
use rosterd::model::id::{GroupId, OktaGroupId};
use rosterd::store::groups::{self, ScimSide};
use rosterd::store::{StoreError, Tx};
use serde_json::{Map, json};

use super::setup::{at, group, join, okta_group, read, run_id, write};
use crate::support::stores::on_each_store;

pub(crate) fn scim_side(name: &str) -> ScimSide {
    ScimSide {
        name: name.to_owned(),
        external_id: Some("ext".to_owned()),
        resource: Map::new(),
    }
}

pub(crate) fn okta_side(id: &str, name: &str) -> OktaSide {
    OktaSide {
        id: OktaGroupId::parse(id).unwrap(),
        kind: "OKTA_GROUP".to_owned(),
        name: name.to_owned(),
        description: Some("text".to_owned()),
        source: None,
        created_at: None,
    }
}

on_each_store! {
    async fn a_group_is_found_by_each_of_its_names(store) {
        let (scim, okta) = store
            .write(async |tx: &mut Tx| {
                let scim = groups::insert(tx, Some(&scim_side("Admins")), None).await?.unwrap();
                let okta = groups::insert(tx, None, Some(&okta_side("00g1", "Admins"))).await?.unwrap();
                Ok::<_, StoreError>((scim, okta))
            })
            .await
            .unwrap();
        let mut tx = store.read().await.unwrap();
        assert_eq!(groups::find(&mut tx, &scim.id).await.unwrap(), Some(scim.clone()));
        assert_eq!(groups::find_by_scim_name(&mut tx, "ADMINS").await.unwrap(), [scim.clone()]);
        assert_eq!(groups::find_by_okta_name(&mut tx, "Admins").await.unwrap(), [okta.clone()]);
        assert_eq!(groups::find_by_okta_name(&mut tx, "admins").await.unwrap(), []);
        let id = OktaGroupId::parse("00g1").unwrap();
        assert_eq!(groups::find_by_okta_id(&mut tx, &id).await.unwrap(), Some(okta.clone()));
        assert_eq!(groups::find_many(&mut tx, &[scim.id.as_str()]).await.unwrap(), [scim.clone()]);
        assert_eq!(groups::find_many_by_okta_id(&mut tx, &["00g1", "x"]).await.unwrap(), [okta]);
    }

    async fn an_update_writes_both_sides_and_counts_members(store) {
        let made = store
            .write(async |tx: &mut Tx| groups::insert(tx, Some(&scim_side("Admins")), None).await)
            .await
            .unwrap()
            .unwrap();
        let mut wanted = made.clone();
        wanted.okta = Some(okta_side("00g1", "Admins of Okta"));
        wanted.joined_by = Some(JoinedBy::Name);
        wanted.resource = json!({"urn:x": {"A": "B"}}).to_string();
        let updated = store
            .write(async |tx: &mut Tx| groups::update(tx, &wanted, 3).await)
            .await
            .unwrap();
        let mut tx = store.read().await.unwrap();
        assert_eq!(groups::find(&mut tx, &made.id).await.unwrap(), Some(updated.clone()));
        assert_eq!((updated.version, updated.member_count), (2, 3));
        assert_eq!(store.texts("SELECT folded FROM idp_groups").await, [r#"{"urn:x":{"a":"b"}}"#]);
        let stale = store
            .write(async |tx: &mut Tx| Ok::<_, StoreError>(groups::update(tx, &made, 0).await.is_err()))
            .await
            .unwrap();
        assert!(stale);
        let gone = store.write(async |tx: &mut Tx| groups::remove(tx, &made.id).await).await.unwrap();
        assert!(gone);
    }

    async fn members_that_come_and_go_are_counted_with_a_new_version_and_nothing_else(store) {
        let (a, b) = (group(&store, "a").await, group(&store, "b").await);
        let find = async |id: &GroupId| {
            let found = read(&store, async |tx| groups::find(tx, id).await).await;
            found.expect("a group")
        };
        let before = find(&a).await;
        store.clock.advance(5);
        let otherwise = IdpGroup { scim_name: Some("c".to_owned()), ..before.clone() };
        let given = write(&store, async |tx| groups::update_members(tx, &otherwise, 4).await).await;
        let counted = IdpGroup { member_count: 4, version: 2, updated_at: at(5), ..before.clone() };
        assert_eq!(find(&a).await, counted);
        assert_eq!((given.member_count, given.version, given.updated_at), (4, 2, at(5)));
        let stale = store
            .write(async |tx: &mut Tx| Ok::<_, StoreError>(groups::update_members(tx, &before, 1).await.err()))
            .await;
        assert!(matches!(stale, Ok(Some(StoreError::Stale))), "{stale:?}");
        let nobody = GroupId::parse(run_id(1).as_str()).expect("an id");
        write(&store, async |tx| {
            groups::update_counts(tx, &[]).await?;
            groups::update_counts(tx, &[(&a, -3), (&b, 2), (&nobody, 7)]).await
        })
        .await;
        assert_eq!(find(&a).await, IdpGroup { member_count: 1, version: 3, ..counted });
        let of_b = find(&b).await;
        assert_eq!((of_b.member_count, of_b.version, of_b.updated_at), (2, 2, at(5)));
    }

    async fn r15_groups_that_scim_sees_change_when_a_member_appears_in_them(store) {
        let (pushed, other) = (group(&store, "pushed").await, group(&store, "other").await);
        let listed = okta_group(&store, "00g1", "listed").await;
        join(&store, &pushed, &["00u1"]).await;
        join(&store, &listed, &["00u1"]).await;
        join(&store, &other, &["00u2"]).await;
        store.clock.advance(5);
        write(&store, async |tx| groups::update_shown_members(tx, "00u1").await).await;
        let mut seen = Vec::new();
        for id in [&pushed, &other, &listed] {
            let found = read(&store, async |tx| groups::find(tx, id).await).await.expect("a group");
            seen.push((found.version, found.updated_at));
        }
        assert_eq!(seen, [(3, at(5)), (2, at(0)), (2, at(0))]);
    }

    async fn an_okta_id_is_that_of_one_group_and_names_may_be_shared(store) {
        okta_group(&store, "00g1", "Name").await;
        let side = okta_side("00g1", "Another");
        let taken = write(&store, async |tx| groups::insert(tx, Some(&scim_side("Pushed")), Some(&side)).await).await;
        assert_eq!(taken, None);
        assert_eq!(store.number("SELECT COUNT(*) FROM idp_groups").await, 1);
        okta_group(&store, "00g2", "Name").await;
        group(&store, "Name").await;
        assert_eq!(store.number("SELECT COUNT(*) FROM idp_groups").await, 3);
        let nobody = GroupId::parse(run_id(1).as_str()).expect("an id");
        assert!(!write(&store, async |tx| groups::remove(tx, &nobody).await).await);
        assert_eq!(read(&store, async |tx| groups::find(tx, &nobody).await).await, None);
    }
}
