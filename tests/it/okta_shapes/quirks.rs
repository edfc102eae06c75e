//! The quirks of Okta's SCIM client, one test a line.

use rosterd::model::run::RunKind;
use rosterd::service::users;
use rosterd::sim::scim_client::{Auth, ScimTarget};
use serde_json::{Value, json};

use super::{BEGAN, GROUP, PATCH, Shapes, USER, made, user};
use crate::support::stores::on_each_store;
use crate::support::tenant::{DIALECTS, Tenant};

impl Shapes {
    fn user_path(&self, name: &str) -> String {
        format!("/Users/{}", self.id(name))
    }

    async fn user(&self, name: &str) -> Value {
        self.daemon.get(&self.user_path(name)).await
    }

    /// A path-less replace on a user; 200.
    async fn replace(&self, name: &str, value: Value) -> Value {
        let body = json!({"schemas": [PATCH], "Operations": [{"op": "replace", "value": value}]});
        let answer = self
            .daemon
            .scim("PATCH", &self.user_path(name), Some(&body))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// The actions logged of a user, oldest first.
    async fn actions(&self, name: &str) -> Vec<String> {
        let audit = self.daemon.audit(self.id(name)).await;
        audit.into_iter().map(|(action, ..)| action).collect()
    }
}

on_each_store! {
    async fn a11_01_booleans_may_be_texts(store) {
        let okta = Shapes::new(store).await;
        for (off, on) in [(json!("False"), json!("True")), (json!("false"), json!("true")), (json!(false), json!(true))] {
            assert_eq!(okta.replace("a@x", json!({"active": off})).await["active"], false);
            assert_eq!(okta.user("a@x").await["active"], false);
            okta.daemon.holds_team("platform", &["b@x"]).await;
            let mut whole = okta.user("a@x").await;
            whole["active"] = on;
            okta.put(&okta.user_path("a@x"), &whole).await;
            assert_eq!(okta.user("a@x").await["active"], true);
            okta.holds(&BEGAN).await;
        }
        let mut body = user("text@x");
        body["active"] = "False".into();
        body["emails"][0]["primary"] = "True".into();
        let id = made(&okta.daemon.scim("POST", "/Users", Some(&body)).await);
        let shown = okta.daemon.get(&format!("/Users/{id}")).await;
        assert_eq!((&shown["active"], &shown["emails"][0]["primary"]), (&json!(false), &json!(true)));
        let actions = okta.actions("a@x").await;
        assert_eq!(actions.iter().filter(|action| *action == "user.deactivated").count(), 3, "{actions:?}");
    }

    async fn a11_02_a_pathless_patch_is_the_norm(store) {
        let okta = Shapes::new(store).await;
        okta.replace("a@x", json!({"name": {"givenName": "Mira", "familyName": "Okafor-Li"}, "title": "Lead"})).await;
        let shown = okta.user("a@x").await;
        assert_eq!((&shown["name"]["familyName"], &shown["title"]), (&json!("Okafor-Li"), &json!("Lead")));
        okta.patched(json!([{"op": "replace", "value": {"members": okta.members(&["a@x", "c@x"])}}])).await;
        okta.holds(&["a@x", "c@x"]).await;
        let audit = okta.daemon.audit(okta.id("a@x")).await;
        let (_, before, after) = audit.iter().find(|(action, ..)| action == "user.updated").unwrap();
        assert_eq!((before.get("title"), &after["title"]), (None, &json!("Lead")));
    }

    async fn a11_03_an_equal_id_in_a_patch_is_ignored(store) {
        let okta = Shapes::new(store).await;
        okta.replace("a@x", json!({"id": okta.id("a@x"), "title": "Lead"})).await;
        let shown = okta.user("a@x").await;
        assert_eq!((&shown["id"], &shown["title"]), (&json!(okta.id("a@x")), &json!("Lead")));
        okta.patched(json!([{"op": "replace", "value": {"id": okta.group, "displayName": "Other"}}])).await;
        assert_eq!(okta.group().await["displayName"], "Other");
        okta.holds(&BEGAN).await;
        assert!(okta.actions("a@x").await.contains(&"user.updated".to_owned()));
    }

    async fn a11_04_members_have_no_type_and_perhaps_no_display(store) {
        let okta = Shapes::new(store).await;
        let bare = json!([{"value": okta.id("c@x")}, {"value": okta.id("d@x"), "display": null}]);
        okta.patched(json!([{"op": "add", "path": "members", "value": bare}])).await;
        okta.holds(&["a@x", "b@x", "c@x", "d@x"]).await;
        okta.put(&okta.path(), &json!({"displayName": "Platform Admins", "members": bare})).await;
        okta.holds(&["c@x", "d@x"]).await;
    }

    async fn a11_05_groups_on_a_user_are_noise(store) {
        let okta = Shapes::new(store).await;
        let mut whole = okta.user("a@x").await;
        assert_eq!(whole["groups"][0]["value"], okta.group.as_str());
        whole["groups"] = json!([]);
        okta.unchanged(okta.put(&okta.user_path("a@x"), &whole)).await;
        let mut outsider = okta.user("c@x").await;
        outsider["groups"] = json!([{"value": okta.group}]);
        okta.unchanged(okta.put(&okta.user_path("c@x"), &outsider)).await;
        okta.unchanged(okta.replace("c@x", json!({"groups": [{"value": okta.group}], "id": okta.id("c@x")}))).await;
        let mut body = user("new@x");
        body["groups"] = json!([{"value": okta.group}]);
        let id = made(&okta.daemon.scim("POST", "/Users", Some(&body)).await);
        assert_eq!(okta.daemon.get(&format!("/Users/{id}")).await.get("groups"), None);
        okta.holds(&BEGAN).await;
    }

    async fn a11_06_external_id_is_the_okta_id_where_it_is_mapped(store) {
        let okta = Shapes::new(store).await;
        let (mapped, unmapped) = (okta.user("a@x").await, okta.user("b@x").await);
        assert_eq!((&mapped["externalId"], unmapped.get("externalId")), (&json!("00ua1111111111111111"), None));
        assert_eq!(okta.group().await.get("externalId"), None);
        let known = |name: &'static str| users::show(&okta.daemon.service, name);
        assert_eq!(known("a@x").await.unwrap().okta_id.unwrap().as_str(), "00ua1111111111111111");
        assert_eq!(known("b@x").await.unwrap().okta_id, None);
        // Mapped later, he keeps his place.
        okta.replace("b@x", json!({"externalId": "00ub2222222222222222"})).await;
        assert_eq!(known("b@x").await.unwrap().okta_id.unwrap().as_str(), "00ub2222222222222222");
        assert_eq!(okta.user("b@x").await["externalId"], "00ub2222222222222222");
        assert_eq!(okta.daemon.team("platform").await, BEGAN.map(str::to_owned).into());
        assert!(okta.actions("b@x").await.contains(&"user.updated".to_owned()));
    }

    async fn a11_07_an_email_may_differ_from_the_name_and_may_go(store) {
        let okta = Shapes::new(store).await;
        let mut whole = okta.user("a@x").await;
        whole["emails"] = json!([{"primary": true, "value": "mira@elsewhere.test", "type": "work"}]);
        okta.put(&okta.user_path("a@x"), &whole).await;
        let shown = okta.user("a@x").await;
        assert_eq!((&shown["userName"], &shown["emails"]), (&json!("a@x"), &whole["emails"]));
        assert_eq!(okta.daemon.look_up("a@x").await.len(), 1);
        assert_eq!(okta.daemon.look_up("mira@elsewhere.test").await.len(), 0);
        whole.as_object_mut().unwrap().remove("emails");
        okta.put(&okta.user_path("a@x"), &whole).await;
        assert_eq!(okta.user("a@x").await.get("emails"), None);
        okta.holds(&BEGAN).await;
        let audit = okta.daemon.audit(okta.id("a@x")).await;
        let last = audit.iter().rfind(|(action, ..)| action == "user.updated").unwrap();
        assert_eq!((&last.1["emails"][0]["value"], last.2.get("emails")), (&json!("mira@elsewhere.test"), None));
    }

    async fn a11_08_a_user_name_keeps_its_case_and_matches_in_any(store) {
        let okta = Shapes::new(store).await;
        let id = made(&okta.daemon.scim("POST", "/Users", Some(&user("Mira.OKAFOR@example.test"))).await);
        for name in ["mira.okafor@example.test", "MIRA.OKAFOR@EXAMPLE.TEST"] {
            let found = okta.daemon.look_up(name).await;
            assert_eq!((found.len(), &found[0]["userName"], &found[0]["id"]), (1, &json!("Mira.OKAFOR@example.test"), &json!(id)));
            let refused = okta.daemon.scim("POST", "/Users", Some(&user(name))).await.is_error(409);
            assert_eq!(refused["scimType"], "uniqueness");
        }
        okta.patched(json!([{"op": "add", "path": "members", "value": [{"value": id, "display": "mira.okafor@example.test"}]}])).await;
        okta.holds(&["a@x", "b@x", "Mira.OKAFOR@example.test"]).await;
    }

    async fn a11_09_a_put_echoes_what_was_shown_and_that_is_no_error(store) {
        let okta = Shapes::new(store).await;
        okta.replace("a@x", json!({"name": {"formatted": "Mira the Elder"}, "nickName": "M"})).await;
        let mut whole = okta.user("a@x").await;
        okta.unchanged(okta.put(&okta.user_path("a@x"), &whole)).await;
        whole["meta"] = json!({"version": "W/\"0\"", "created": "2001-01-01T00:00:00Z", "location": "elsewhere", "resourceType": "User"});
        whole["unheardOf"] = json!({"a": 1});
        okta.unchanged(okta.put(&okta.user_path("a@x"), &whole)).await;
        whole["name"]["givenName"] = "Myra".into();
        okta.put(&okta.user_path("a@x"), &whole).await;
        let shown = okta.user("a@x").await;
        assert_eq!(shown["name"], json!({"formatted": "Mira the Elder", "givenName": "Myra", "familyName": "Okafor"}));
        assert_eq!((&shown["nickName"], &shown["id"], shown.get("unheardOf")), (&json!("M"), &json!(okta.id("a@x")), None));
        assert_ne!(shown["meta"]["created"], "2001-01-01T00:00:00Z");
        okta.holds(&BEGAN).await;
    }

    async fn a11_10_the_password_of_a_create_is_dropped(store) {
        let okta = Shapes::new(store).await;
        assert_eq!(okta.user("a@x").await.get("password"), None);
        okta.replace("a@x", json!({"password": "Zq8rT2mW"})).await;
        let everything = [
            "SELECT COALESCE(before, '') || COALESCE(after, '') FROM audit",
            "SELECT resource || folded || COALESCE(password_hash, '') FROM users",
        ];
        for statement in everything {
            let texts = okta.daemon.store.texts(statement).await.concat().to_lowercase();
            assert!(!texts.contains("ht4k9qzp") && !texts.contains("zq8rt2mw") && !texts.contains("password"), "{statement}");
        }
        okta.holds(&BEGAN).await;
    }

    async fn a11_11_a_suspended_user_is_active_over_scim_and_out_of_his_teams(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let login = okta.login("mira");
            let mira = okta.hire(&login).await;
            let team = format!("{dialect:?}");
            let group = okta.push_mapped(&format!("Group {dialect:?}"), &team, &[mira]).await;
            okta.sim.org().suspend(mira).unwrap();
            assert_eq!(okta.settle().await, []);
            okta.daemon.poll(RunKind::Delta).await;
            let id = okta.scim_id(mira);
            assert_eq!(okta.read(&id).await["active"], true);
            okta.daemon.holds_group(&group.id, &[&login]).await;
            okta.daemon.holds_team(&team, &[]).await;
            let shown = users::show(&okta.daemon.service, &login).await.unwrap();
            assert_eq!((shown.entitled, shown.active, shown.status.unwrap().as_str()), (true, false, "SUSPENDED"));
            // A push that echoes `active: true` does not lift the suspension.
            let title = serde_json::Map::from_iter([("title".to_owned(), json!("Lead"))]);
            okta.sim.org().update_profile(mira, &title).unwrap();
            assert_ne!(okta.settle().await, []);
            assert_eq!(okta.read(&id).await["title"], "Lead");
            okta.daemon.holds_team(&team, &[]).await;
        }
    }

    async fn a11_12_errors_are_json_and_their_detail_is_what_the_admin_reads(store) {
        let okta = Tenant::new(store).await;
        let right = okta.daemon.target();
        okta.engine.set_target(ScimTarget { auth: Auth::Bearer("wrong".to_owned()), ..right.clone() });
        let shown = okta.engine.test_connection().await.unwrap_err();
        assert!(shown.starts_with("Errors reported by remote server: ") && shown.contains("token"), "{shown}");
        okta.engine.set_target(right);
        // A user who came in another way has the name: Okta's lookup cannot see him, so its create is refused.
        rosterd::service::teams::create_admin(&okta.daemon.service, &crate::support::daemon::admin(), "root@example.test", "Root").await.unwrap();
        let rows = okta.daemon.audit_rows().await;
        {
            let mut org = okta.sim.org();
            let root = org.create_user(rosterd::sim::org::Profile::new("root@example.test", "R", "T"), true).unwrap();
            org.assign_user(root).unwrap();
        }
        okta.sim.settle().await;
        let failed = okta.engine.failed();
        assert_eq!(failed.len(), 1);
        assert!(failed[0].1.contains("link"), "the way to link him: {}", failed[0].1);
        assert_eq!(okta.daemon.audit_rows().await, rows);
        assert_eq!(okta.daemon.team("organization-admin").await, ["root@example.test".to_owned()].into());
        for (method, path, status) in [("GET", "/Nothing", 404), ("GET", "/Users/none", 404), ("PATCH", "/Users", 405)] {
            okta.daemon.scim(method, path, None).await.is_error(status);
        }
    }

    async fn a11_13_unknown_members_do_not_fail_the_batch(store) {
        let okta = Shapes::new(store).await;
        let batch = json!([
            {"op": "add", "path": "members", "value": [{"value": "unknown-1"}, {"value": okta.id("c@x")}, {"value": "unknown-2"}]},
            {"op": "remove", "path": "members[value eq \"unknown-3\"]"},
            {"op": "remove", "path": okta.filtered("a@x")},
            {"op": "add", "path": "members", "value": [{"value": okta.id("d@x")}]},
        ]);
        okta.patched(batch).await;
        okta.holds(&["b@x", "c@x", "d@x"]).await;
        let row = okta.daemon.logged(|row| row.skipped.len() == 3).await;
        assert_eq!((row.method.as_str(), row.status, row.error), ("PATCH", 200, None));
    }

    async fn a11_14_every_write_answers_with_the_resource(store) {
        let okta = Shapes::new(store).await;
        let posted = okta.daemon.scim("POST", "/Users", Some(&user("new@x"))).await;
        assert_eq!(posted.status, 201);
        let new = posted.json();
        let path = format!("/Users/{}", new["id"].as_str().unwrap());
        assert_eq!((&new["schemas"], &new["meta"]["resourceType"]), (&json!([USER]), &json!("User")));
        assert_eq!(posted.header("location"), new["meta"]["location"]);
        assert_eq!(new["meta"]["location"], format!("{}/scim/v2{path}", okta.daemon.url));
        assert_eq!(okta.daemon.get(&path).await, new);
        let mut whole = new.clone();
        whole["title"] = "Lead".into();
        assert_eq!(okta.put(&path, &whole).await, okta.daemon.get(&path).await);
        let off = json!({"Operations": [{"op": "replace", "value": {"active": false}}]});
        let patched = okta.daemon.scim("PATCH", &path, Some(&off)).await;
        assert_eq!((patched.status, patched.json()), (200, okta.daemon.get(&path).await));
        let body = json!({"schemas": [GROUP], "displayName": "New", "members": okta.members(&["a@x"])});
        let group = okta.daemon.scim("POST", "/Groups", Some(&body)).await;
        let path = format!("/Groups/{}", group.json()["id"].as_str().unwrap());
        assert_eq!((group.status, group.json()), (201, okta.daemon.get(&path).await));
        okta.daemon.map(group.json()["id"].as_str().unwrap(), "new").await;
        okta.daemon.holds_team("new", &["a@x"]).await;
        let mut whole = group.json();
        whole["members"] = okta.members(&["a@x", "b@x"]);
        assert_eq!(okta.put(&path, &whole).await, okta.daemon.get(&path).await);
        okta.daemon.holds_group(group.json()["id"].as_str().unwrap(), &BEGAN).await;
        okta.daemon.holds_team("new", &BEGAN).await;
    }

    async fn a11_15_a_base_url_with_a_slash_at_the_end_works(store) {
        let okta = Tenant::new(store).await;
        let right = okta.daemon.target();
        okta.engine.set_target(ScimTarget { base_url: format!("{}/", right.base_url), ..right });
        assert_eq!(okta.engine.test_connection().await, Ok(()));
        for dialect in DIALECTS {
            okta.speak(dialect);
            let login = okta.login("mira");
            let mira = okta.hire(&login).await;
            let team = format!("{dialect:?}");
            let group = okta.push_mapped(&format!("Group {dialect:?}"), &team, &[mira]).await;
            okta.daemon.holds_group(&group.id, &[&login]).await;
            okta.daemon.holds_team(&team, &[&login]).await;
            okta.sim.org().deactivate(mira).unwrap();
            okta.settle().await;
            okta.daemon.holds_team(&team, &[]).await;
        }
        assert_eq!(okta.daemon.look_up("keeper@example.test").await.len(), 1);
    }

    async fn a11_16_nothing_is_probed_so_nothing_advertised_counts(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let login = okta.login("mira");
            let mira = okta.hire(&login).await;
            let group = okta.push_mapped(&format!("Group {dialect:?}"), &format!("{dialect:?}"), &[mira]).await;
            okta.daemon.holds_group(&group.id, &[&login]).await;
            okta.daemon.holds_team(&format!("{dialect:?}"), &[&login]).await;
        }
        assert_eq!(okta.engine.test_connection().await, Ok(()));
        // The log is written behind the answers and in their order: with the last one, all are there.
        okta.daemon.scim("GET", "/Users/last", None).await.is_error(404);
        okta.daemon.logged(|row| row.path.ends_with("/Users/last")).await;
        let asked = okta.daemon.lines("SELECT method || '|' || path FROM scim_requests").await;
        assert!(asked.len() > 10, "{asked:?}");
        for (method, path) in &asked {
            assert!(["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()), "{method} {path}");
            assert!(path.contains("/Users") || path.contains("/Groups"), "{method} {path}");
        }
        // Whoever does probe changes nothing by it.
        let everything = async || {
            let mut all = Vec::new();
            for statement in ["SELECT id || '|' || resource || '|' || version FROM users ORDER BY id", "SELECT id FROM audit ORDER BY id",
                "SELECT id || '|' || version || '|' || member_count FROM idp_groups ORDER BY id"] {
                all.push(okta.daemon.store.texts(statement).await);
            }
            all
        };
        let before = everything().await;
        for path in ["/Users", "/Groups", "/ServiceProviderConfig", "/Schemas", "/ResourceTypes"] {
            assert_eq!(okta.daemon.get(path).await["schemas"].as_array().map(Vec::len), Some(1), "{path}");
            let head = okta.daemon.scim("HEAD", path, None).await;
            assert!(matches!(head.status, 200 | 405) && head.text.is_empty(), "{path}: {} {}", head.status, head.text);
            let options = okta.daemon.scim("OPTIONS", path, None).await;
            assert!((200..500).contains(&options.status), "{path}: {} {}", options.status, options.text);
        }
        assert_eq!(everything().await, before);
    }
}
