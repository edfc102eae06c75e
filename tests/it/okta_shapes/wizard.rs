//! Group push of an app made in the wizard, and what both kinds of apps do to a group as a whole.

use serde_json::{Value, json};

use super::{BEGAN, GROUP, Shapes, made};
use crate::support::stores::on_each_store;

on_each_store! {
    async fn a7_the_wizards_sequence_of_a_new_push(store) {
        let okta = Shapes::new(store).await;
        let lookup = "/Groups?filter=displayName%20eq%20%22Data%20Admins%22&startIndex=1&count=100";
        let none = okta.daemon.get(lookup).await;
        assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(0), &json!([])));
        let body = json!({"schemas": [GROUP], "displayName": "Data Admins", "members": []});
        let id = made(&okta.daemon.scim("POST", "/Groups", Some(&body)).await);
        let path = format!("/Groups/{id}");
        okta.daemon.map(&id, "data").await;
        let mut group = okta.daemon.get(&path).await;
        assert_eq!((&group["displayName"], &group["members"]), (&json!("Data Admins"), &json!([])));
        group["members"] = json!([{"value": okta.id("a@x"), "display": "a@x"}, {"value": okta.id("d@x"), "display": "d@x"}]);
        okta.put(&path, &group).await;
        okta.daemon.holds_group(&id, &["a@x", "d@x"]).await;
        okta.daemon.holds_team("data", &["a@x", "d@x"]).await;
        assert_eq!(okta.daemon.get(lookup).await["Resources"][0]["id"], id.as_str());
    }

    async fn a7_a_null_display_and_no_type_lose_nobody(store) {
        let okta = Shapes::new(store).await;
        let members: Value = ["a@x", "b@x", "c@x"].iter().map(|name| json!({"value": okta.id(name), "display": null})).collect();
        okta.put(&okta.path(), &json!({"displayName": "Platform Admins", "members": members})).await;
        okta.holds(&["a@x", "b@x", "c@x"]).await;
    }

    async fn a7_an_empty_group_is_an_empty_list_on_post_and_put(store) {
        let okta = Shapes::new(store).await;
        let body = json!({"schemas": [GROUP], "displayName": "Nobody", "members": []});
        let id = made(&okta.daemon.scim("POST", "/Groups", Some(&body)).await);
        okta.daemon.holds_group(&id, &[]).await;
        let mut group = okta.group().await;
        group["members"] = json!([]);
        okta.put(&okta.path(), &group).await;
        okta.holds(&[]).await;
    }

    async fn a7_a_group_read_lists_its_members(store) {
        let okta = Shapes::new(store).await;
        let group = okta.group().await;
        let mut values: Vec<&str> = group["members"].as_array().unwrap().iter().map(|member| member["value"].as_str().unwrap()).collect();
        values.sort_unstable();
        let mut wanted = [okta.id("a@x"), okta.id("b@x")];
        wanted.sort_unstable();
        assert_eq!(values, wanted);
        okta.unchanged(okta.put(&okta.path(), &group)).await;
        okta.holds(&BEGAN).await;
    }

    async fn a7_a_rename_by_put_keeps_id_members_and_mapping(store) {
        let okta = Shapes::new(store).await;
        let mut group = okta.group().await;
        group["displayName"] = "Platform Owners".into();
        assert_eq!(okta.put(&okta.path(), &group).await["id"], okta.group.as_str());
        assert_eq!(okta.group().await["displayName"], "Platform Owners");
        okta.holds(&BEGAN).await;
        group["members"] = okta.members(&["c@x"]);
        okta.put(&okta.path(), &group).await;
        okta.holds(&["c@x"]).await;
    }

    async fn a7_a_second_group_of_a_name_is_409(store) {
        let okta = Shapes::new(store).await;
        let body = json!({"schemas": [GROUP], "displayName": "Platform Admins", "members": okta.members(&["d@x"])});
        okta.unchanged(async {
            let refused = okta.daemon.scim("POST", "/Groups", Some(&body)).await.is_error(409);
            assert_eq!(refused["scimType"], "uniqueness");
            refused
        }).await;
        okta.holds(&BEGAN).await;
    }

    async fn a7_a_linked_group_keeps_its_members_until_push_now(store) {
        let okta = Shapes::new(store).await;
        // Linking is an import, then perhaps a rename, then additions.
        let groups = okta.daemon.get("/Groups?startIndex=1&count=100").await;
        assert!(groups["Resources"].as_array().unwrap().iter().any(|group| group["id"] == okta.group.as_str()));
        okta.patched(json!([{"op": "replace", "value": {"id": okta.group, "displayName": "Okta's name"}}])).await;
        okta.patched(json!([{"op": "add", "path": "members", "value": okta.members(&["c@x"])}])).await;
        okta.holds(&["a@x", "b@x", "c@x"]).await;
        okta.patched(json!([{"op": "replace", "path": "members", "value": okta.members(&["c@x"])}])).await;
        okta.holds(&["c@x"]).await;
        assert_eq!(okta.daemon.get("/Groups").await["totalResults"], groups["totalResults"], "no second group");
    }

    async fn a7_a_delete_is_204_and_leaves_the_users(store) {
        let okta = Shapes::new(store).await;
        let answer = okta.daemon.scim("DELETE", &okta.path(), None).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        okta.daemon.holds_team("platform", &[]).await;
        for name in BEGAN {
            let user = okta.daemon.get(&format!("/Users/{}", okta.id(name))).await;
            assert_eq!((&user["active"], user.get("groups")), (&json!(true), None));
        }
        let audit = okta.daemon.audit(&okta.group).await;
        assert!(audit.iter().any(|(action, before, _)| action == "group.deleted" && before["members"] == 2), "{audit:?}");
    }

    async fn a7_a_group_that_is_gone_is_404_to_every_verb(store) {
        let okta = Shapes::new(store).await;
        let group = okta.group().await;
        assert_eq!(okta.daemon.scim("DELETE", &okta.path(), None).await.status, 204);
        let rows = okta.daemon.audit_rows().await;
        okta.daemon.scim("GET", &okta.path(), None).await.is_error(404);
        okta.daemon.scim("PUT", &okta.path(), Some(&group)).await.is_error(404);
        okta.patch(json!([{"op": "add", "path": "members", "value": okta.members(&["a@x"])}])).await.is_error(404);
        okta.daemon.scim("DELETE", &okta.path(), None).await.is_error(404);
        assert_eq!(okta.daemon.audit_rows().await, rows);
        okta.daemon.holds_team("platform", &[]).await;
        // The admin unlinks and pushes again: another group, of which the mapping knows nothing.
        let again = json!({"schemas": [GROUP], "displayName": "Platform Admins", "members": okta.members(&["a@x"])});
        let id = made(&okta.daemon.scim("POST", "/Groups", Some(&again)).await);
        assert_ne!(id, okta.group);
        okta.daemon.holds_group(&id, &["a@x"]).await;
        okta.daemon.holds_team("platform", &[]).await;
    }

    async fn a7_the_description_extension_is_tolerated(store) {
        let okta = Shapes::new(store).await;
        let urn = "urn:okta:custom:group:1.0";
        let body = json!({"schemas": [GROUP, urn], "displayName": "Described", "members": okta.members(&["d@x"]), urn: {"description": "who"}});
        let id = made(&okta.daemon.scim("POST", "/Groups", Some(&body)).await);
        assert_eq!(okta.daemon.get(&format!("/Groups/{id}")).await[urn]["description"], "who");
        let group = okta.patched(json!([{"op": "replace", "value": {"id": okta.group, "displayName": "Platform Admins", urn: {"description": "we"}}}])).await;
        assert_eq!(group[urn]["description"], "we");
        okta.daemon.holds_group(&id, &["d@x"]).await;
        okta.holds(&BEGAN).await;
        assert_eq!(okta.group().await.get("externalId"), None, "a pushed group has none");
    }
}
