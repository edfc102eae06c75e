//! `store::groups`.

use rosterd::model::group::{JoinedBy, OktaSide};
use rosterd::model::id::OktaGroupId;
use rosterd::store::groups::{self, ScimSide};
use rosterd::store::{StoreError, Tx};
use serde_json::{Map, json};

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
}
