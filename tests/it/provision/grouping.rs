//! R17: names of groups, their deletion, and mappings by name.

use rosterd::model::group::IdpGroup;
use rosterd::model::team::organization_admin;
use rosterd::store::mappings;
use serde_json::json;

use super::actor::{Client, ONE, status};
use crate::support::stores::on_each_store;

async fn map(okta: &Client<'_>, written: &str, group: Option<&IdpGroup>) {
    let group = group.map(|group| group.id.clone());
    let made = okta
        .arrange(async |tx| {
            mappings::insert(tx, &organization_admin(), group.as_ref(), written, "root").await
        })
        .await;
    assert!(made.is_some());
}

on_each_store! {
    async fn r17_two_scim_groups_cannot_bear_one_name(store) {
        let okta = Client::new(&store);
        let admins = okta.group("Admins", &[]).await;
        let again = okta.post_group(json!({"displayName": "ADMINS"})).await.unwrap_err();
        assert_eq!((again.status, again.scim_type.unwrap().as_str()), (409, "uniqueness"));
        let other = okta.group("Others", &[]).await;
        assert_eq!(status(okta.put_group(&other, json!({"displayName": "admins"})).await), 409);
        assert_eq!(status(okta.put_group(&admins, json!({"displayName": "ADMINS"})).await), 200);
    }

    async fn r17_a_deleted_group_goes_unless_mappings_point_to_it(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        let free = okta.group("Free", &[&mira]).await;
        let mapped = okta.group("Mapped", &[&mira]).await;
        map(&okta, "Mapped", Some(&mapped)).await;
        okta.delete_group(&free).await.unwrap();
        okta.delete_group(&mapped).await.unwrap();
        assert_eq!(okta.find_group(&free).await, None);
        let gone = okta.find_group(&mapped).await.expect("kept for its mapping");
        assert!(gone.gone() && gone.member_count == 0);
        assert_eq!(store.number("SELECT COUNT(*) FROM edges").await, 0);
        assert_eq!(store.number("SELECT COUNT(*) FROM memberships").await, 0);
        let newcomer = okta.group("Mapped", &[&mira]).await;
        assert_ne!(newcomer.id, mapped.id);
        assert_eq!(store.texts("SELECT group_id FROM mappings").await, [mapped.id.as_str()], "no newcomer takes its place");
    }

    async fn r17_a_mapping_by_name_binds_when_exactly_one_group_bears_it(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        map(&okta, "Admins", None).await;
        let wrong = okta.group("admins", &[]).await;
        assert_eq!(store.texts("SELECT group_id FROM mappings").await, [""], "case matters");
        okta.delete_group(&wrong).await.unwrap();
        okta.okta_group("00g1", "Admins", "APP_GROUP").await;
        okta.group("Admins", &[&mira]).await;
        assert_eq!(store.texts("SELECT group_id FROM mappings").await, [""], "two bear it");
        store.arrange("DELETE FROM idp_groups WHERE okta_id = '00g1'").await;
        let later = okta.group("Later", &[]).await;
        map_team(&store).await;
        okta.put_group(&later, json!({"displayName": "Builders", "members": [{"value": mira.id}]})).await.unwrap();
        let bound = store.texts("SELECT group_id FROM mappings WHERE written = 'Builders'").await;
        assert_eq!(bound, [later.id.as_str()]);
        assert_eq!(store.number("SELECT COUNT(*) FROM memberships").await, 1, "and its members are in the team at once");
    }
}

async fn map_team(store: &crate::support::stores::TestStore) {
    store
        .arrange(
            "INSERT INTO mappings (id, seq, team_id, written, bind_key, created_by, created_at, updated_at) \
             VALUES ('m2', 900, '01800000-0000-7000-8000-000000000006', 'Builders', '=Builders', 'root', 1, 1)",
        )
        .await;
}
