//! R17: the two sides of a group.

use rosterd::model::actor::Channel;
use rosterd::model::group::JoinedBy;
use rosterd::model::team::organization_admin;
use rosterd::service::{Settings, sides};
use rosterd::store::edges::{self, Edge};
use rosterd::store::mappings;
use serde_json::json;

use super::actor::{Client, ONE, TWO};
use crate::support::stores::on_each_store;

on_each_store! {
    async fn r17_a_post_gives_the_one_okta_group_of_that_name_its_scim_side(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        let known = okta.okta_group("00g1", "Admins", "OKTA_GROUP").await;
        let edge = Edge { group: known.id.clone(), member: TWO.to_owned() };
        okta.arrange(async |tx| edges::insert_many(tx, Channel::Poll, std::slice::from_ref(&edge)).await).await;
        let joined = okta.group("Admins", &[&mira]).await;
        assert_eq!((&joined.id, joined.joined_by), (&known.id, Some(JoinedBy::Name)));
        assert_eq!(okta.members(&joined).await, [ONE, TWO]);
        okta.delete_group(&joined).await.unwrap();
        let left = okta.find_group(&joined).await.unwrap();
        assert!(!left.scim && left.okta.is_some());
        assert_eq!(okta.members(&left).await, [ONE, TWO], "Okta keeps whom it knows by id");
    }

    async fn r17_with_an_app_id_names_join_nothing(store) {
        let settings = Settings { app_id: Some("0oa1".to_owned()), ..Settings::default() };
        let okta = Client::with(&store, settings);
        let known = okta.okta_group("00g1", "Admins", "OKTA_GROUP").await;
        let own = okta.group("Admins", &[]).await;
        assert_ne!(own.id, known.id);
        assert_eq!(own.joined_by, None);
    }

    async fn r17_two_candidates_join_nothing_and_raise_a_problem(store) {
        let okta = Client::new(&store);
        okta.okta_group("00g1", "Admins", "OKTA_GROUP").await;
        okta.okta_group("00g2", "Admins", "BUILT_IN").await;
        assert!(okta.group("Admins", &[]).await.okta.is_none());
        assert_eq!(store.texts("SELECT object FROM problems WHERE code = 'group_ambiguous'").await, ["Admins"]);
    }

    async fn r17_a_renamed_group_is_united_with_okta_s_and_keeps_its_scim_id(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        let noor = okta.user("noor@x", None).await;
        let known = okta.okta_group("00g1", "Admins", "OKTA_GROUP").await;
        let polled = [ONE, TWO].map(|member| Edge { group: known.id.clone(), member: member.to_owned() });
        store.clock.advance(1_000);
        let scim = okta.group("Temporary", &[&mira, &noor]).await;
        okta.arrange(async |tx| {
            edges::insert_many(tx, Channel::Poll, &polled).await?;
            let team = organization_admin();
            mappings::insert(tx, &team, Some(&known.id), "Admins", "root").await?;
            mappings::insert(tx, &team, Some(&scim.id), "Temporary", "root").await
        }).await;
        let rename = json!([{"op": "replace", "value": {"displayName": "Admins"}}]);
        let united = okta.patch_group(&scim, rename).await.unwrap().resource;
        assert_eq!((&united.id, united.joined_by), (&scim.id, Some(JoinedBy::Name)));
        assert_eq!(united.okta.as_ref().unwrap().id.as_str(), "00g1");
        let stored = okta.find_group(&scim).await.unwrap();
        assert_eq!(stored, united);
        assert_eq!(stored.member_count, 3);
        assert_eq!(okta.members(&united).await.len(), 3);
        assert_eq!(okta.find_group(&known).await, None);
        assert_eq!(store.texts("SELECT group_id FROM mappings").await, [scim.id.as_str()], "the second of one team is merged");
        assert_eq!(store.number("SELECT COUNT(*) FROM memberships").await, 2, "mira and noor");
    }

    async fn r17_an_okta_group_made_after_the_scim_group_is_another(store) {
        let okta = Client::new(&store);
        let scim = okta.group("Temporary", &[]).await;
        store.clock.advance(10_000);
        okta.okta_group("00g1", "Admins", "OKTA_GROUP").await;
        let rename = json!([{"op": "replace", "value": {"displayName": "Admins"}}]);
        assert!(okta.patch_group(&scim, rename).await.unwrap().resource.okta.is_none());
    }

    async fn r17_an_admin_joins_and_parts_what_names_would_not(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        let directory = okta.okta_group("00g1", "Admins", "APP_GROUP").await;
        let polled = [TWO].map(|member| Edge { group: directory.id.clone(), member: member.to_owned() });
        okta.arrange(async |tx| edges::insert_many(tx, Channel::Poll, &polled).await).await;
        let scim = okta.group("Admins", &[&mira]).await;
        assert!(scim.okta.is_none(), "an APP_GROUP is never joined by its name");
        let joined = sides::join(&okta.service, &okta.cx, &scim.id, &directory.id).await.unwrap();
        assert_eq!((&joined.id, joined.joined_by), (&scim.id, Some(JoinedBy::Admin)));
        assert_eq!(okta.members(&joined).await, [ONE, TWO]);
        assert!(sides::join(&okta.service, &okta.cx, &scim.id, &scim.id).await.is_err());
        let (scim, parted) = sides::part(&okta.service, &okta.cx, &joined.id).await.unwrap();
        assert_eq!(okta.find_group(&scim).await.unwrap(), scim);
        assert_eq!(okta.find_group(&parted).await.unwrap(), parted);
        assert_eq!((scim.id.clone(), scim.okta.is_none(), scim.parted), (joined.id, true, true));
        assert_eq!(okta.members(&scim).await, [ONE, TWO]);
        assert_eq!(okta.members(&parted).await, [ONE, TWO], "left as they are until the group is read anew");
        assert_eq!((parted.member_count, parted.members_read_at, parted.parted), (2, None, true));
        okta.put_group(&scim, json!({"displayName": "Other"})).await.unwrap();
        let back = okta.put_group(&scim, json!({"displayName": "Admins"})).await.unwrap();
        assert!(back.resource.okta.is_none(), "names do not join the parted again");
        assert!(sides::part(&okta.service, &okta.cx, &scim.id).await.is_err());
    }
}
