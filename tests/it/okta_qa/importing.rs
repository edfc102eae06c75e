//! Okta reads what is here.

use std::collections::BTreeSet;

use rosterd::model::run::RunKind;
use rosterd::sim::scim_client::{Imported, ScimHabits};
use serde_json::{Value, json};

use super::shown;
use crate::support::stores::on_each_store;
use crate::support::tenant::{DIALECTS, Tenant};

fn ids(list: &[Value]) -> BTreeSet<&str> {
    let ids: BTreeSet<&str> = list
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), list.len(), "nothing is read twice");
    ids
}

impl Tenant {
    /// Users past Okta's first page, made at once, of whom every tenth is inactive.
    async fn crowd(&self, count: usize) {
        let operations: Vec<Value> = (0..count)
            .map(|at| {
                let name = format!("crowd{at:03}@example.test");
                let data = json!({
                    "userName": name, "name": {"givenName": "Crowd", "familyName": format!("{at:03}")},
                    "emails": [{"value": name, "primary": true, "type": "work"}], "active": at % 10 != 0,
                });
                json!({"method": "POST", "path": "/Users", "bulkId": name, "data": data})
            })
            .collect();
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
        assert_eq!(
            self.daemon.scim("POST", "/Bulk", Some(&body)).await.status,
            200
        );
    }

    fn import_groups(&self) {
        self.engine.set_habits(ScimHabits {
            imports_groups: true,
            ..self.engine.habits()
        });
    }

    async fn import(&self) -> Imported {
        self.engine.import().await.unwrap()
    }
}

on_each_store! {
    async fn c9303_an_import_reads_every_user(store) {
        let okta = Tenant::new(store).await;
        okta.crowd(230).await;
        let before = shown(&okta).await;
        okta.engine.forget_exchanges();
        let imported = okta.import().await;
        let pages: Vec<String> = okta.engine.exchanges().into_iter().map(|exchange| exchange.path).collect();
        assert_eq!(pages, ["/Users?startIndex=1&count=100", "/Users?startIndex=101&count=100", "/Users?startIndex=201&count=100"]);
        // The keeper, and all but every tenth.
        assert_eq!(ids(&imported.users).len(), 1 + 207);
        assert_eq!(imported.groups, [] as [Value; 0], "groups are not read unless that is ticked");
        for user in &imported.users {
            assert!(user["userName"].is_string() && user["name"]["familyName"].is_string() && user["emails"].is_array(), "{user}");
            assert_eq!((&user["active"], &user["emails"][0]["primary"]), (&json!(true), &json!(true)));
        }
        assert_eq!(shown(&okta).await, before, "reading changes nothing");
    }

    async fn c9304_an_import_reads_every_group_with_its_members(store) {
        let okta = Tenant::new(store).await;
        let login = okta.login("mira");
        let mira = okta.hire(&login).await;
        let body = json!({"displayName": "From here", "members": [{"value": okta.scim_id(mira)}]});
        let made = okta.daemon.scim("POST", "/Groups", Some(&body)).await;
        assert_eq!(made.status, 201);
        let own = made.json()["id"].as_str().unwrap().to_owned();
        okta.import_groups();
        assert_eq!(okta.engine.test_connection().await, Ok(()));
        let imported = okta.import().await;
        let names: BTreeSet<&str> = imported.groups.iter().map(|group| group["displayName"].as_str().unwrap()).collect();
        assert_eq!(names, ["From here", "Keepers"].into());
        let read = imported.groups.iter().find(|group| group["id"] == own.as_str()).unwrap();
        assert_eq!((read["members"].as_array().unwrap().len(), &read["members"][0]["value"]), (1, &json!(okta.scim_id(mira))));
        // Okta has it as an APP_GROUP of ours now: our own echo, of which a poll makes nothing.
        let echo = okta.sim.org().imported_group(&own).unwrap();
        assert_eq!(okta.okta("GET", &format!("/api/v1/groups/{echo}"), None).await.json()["type"], "APP_GROUP");
        let before = shown(&okta).await;
        okta.daemon.poll(RunKind::Full).await;
        assert_eq!(shown(&okta).await, before);
        okta.daemon.holds_group(&own, &[&login]).await;
        assert_eq!(okta.daemon.store.number("SELECT COUNT(*) FROM idp_groups WHERE okta_name = 'From here'").await, 0);
    }

    async fn c9305_a_later_import_reads_what_changed(store) {
        let okta = Tenant::new(store).await;
        okta.import_groups();
        let mut groups = Vec::new();
        for name in ["Stays", "Goes"] {
            let made = okta.daemon.scim("POST", "/Groups", Some(&json!({"displayName": name}))).await;
            groups.push(made.json()["id"].as_str().unwrap().to_owned());
        }
        let first = okta.import().await;
        assert_eq!((first.users.len(), first.groups.len()), (1, 3));
        assert_eq!(okta.daemon.scim("DELETE", &format!("/Groups/{}", groups[1]), None).await.status, 204);
        let rename = json!({"Operations": [{"op": "replace", "value": {"displayName": "Stays, renamed"}}]});
        assert_eq!(okta.daemon.scim("PATCH", &format!("/Groups/{}", groups[0]), Some(&rename)).await.status, 200);
        okta.crowd(5).await;
        let second = okta.import().await;
        assert_eq!((ids(&second.users).len(), ids(&second.groups).len()), (5, 2));
        let echo = okta.sim.org().imported_group(&groups[0]).unwrap();
        assert_eq!(okta.sim.org().group(echo).unwrap().name(), "Stays, renamed");
        assert_eq!(okta.sim.org().imported_group(&groups[1]), None);
    }

    async fn c9338_only_active_users_are_offered(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let logins = ["stays", "goes", "suspended"].map(|first| okta.login(first));
            let mut people = Vec::new();
            for login in &logins {
                people.push(okta.hire(login).await);
            }
            okta.sim.org().deactivate(people[1]).unwrap();
            okta.sim.org().suspend(people[2]).unwrap();
            okta.settle().await;
            okta.daemon.poll(RunKind::Delta).await;
            let imported = okta.import().await;
            let offered: BTreeSet<&str> = imported.users.iter().map(|user| user["userName"].as_str().unwrap()).collect();
            // Over SCIM a suspended user is active: what is imported must not look as if he had been taken out of the app.
            let wanted = [(0, true), (1, false), (2, true)];
            for (at, is_offered) in wanted {
                assert_eq!(offered.contains(logins[at].as_str()), is_offered, "{}", logins[at]);
            }
            let listed = okta.daemon.get("/Users?count=100").await;
            let inactive = listed["Resources"].as_array().unwrap().iter().find(|user| user["userName"] == logins[1].as_str());
            assert_eq!(inactive.unwrap()["active"], false, "it is listed, as inactive");
        }
    }
}
