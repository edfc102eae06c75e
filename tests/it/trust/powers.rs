//! What a credential of Okta's cannot do: defects 16 and 22.

use rosterd::model::run::RunKind;
use rosterd::service::tokens::Scope;
use serde_json::{Value, json};

use super::dump::dump;
use super::{group, made, okta_on, patch, team_is, user};
use crate::support::daemon::Daemon;
use crate::support::stores::on_each_store;
use crate::support::tenant::Tenant;

on_each_store! {
    async fn trust_16_what_scim_calls_roles_and_our_own_columns_give_no_power(store) {
        let daemon = Daemon::alone(store).await;
        okta_on(&daemon).await;
        let team = "01800000-0000-7000-8000-000000000001";
        let hostile = json!({
            "userName": "mallory@x", "roles": [{"value": "organization-admin", "primary": true}], "entitlements": [{"value": team}],
            "groups": [{"value": team, "display": "organization-admin"}], "teams": [team], "origin": "local", "scim": 0, "blocked": false,
            "system_team": true, "isAdmin": true, "admin": true, "scopes": ["manage"], "tokens_from": 0, "okta_id": "00uq3v9m2LxExample69",
            "member_key": "keeper", "password_hash": "x", "pending": false, "status": "ACTIVE", "seq": 1, "version": 99,
            "urn:ietf:params:scim:schemas:extension:rosterd:2.0:User": {"teams": [team], "role": "organization-admin"},
        });
        let id = made(&daemon.scim("POST", "/Users", Some(&hostile)).await);
        let path = format!("/Users/{id}");
        assert_eq!(daemon.scim("PUT", &path, Some(&hostile)).await.status, 200);
        let mut laid = hostile.clone();
        laid.as_object_mut().unwrap().retain(|name, _| name != "userName");
        let laid = patch(&daemon, &path, json!([{"op": "replace", "value": laid}])).await;
        assert!(matches!(laid.status, 200 | 400), "{}", laid.text);
        for (path_of, value) in [("groups", json!([{"value": team}])), ("teams", json!([team])), ("origin", json!("local")), ("roles", json!([{"value": "admin"}]))] {
            let answer = patch(&daemon, &path, json!([{"op": "add", "path": path_of, "value": value}])).await;
            assert!(matches!(answer.status, 200 | 400), "{path_of}: {}", answer.text);
        }
        assert_eq!(daemon.team("organization-admin").await.len(), 0);
        let row = "SELECT origin || '|' || scim || '|' || COALESCE(okta_id, 'none') || '|' || blocked || '|' || COALESCE(password_hash, 'none') \
                   || '|' || COALESCE(status, 'none') FROM users WHERE user_name = 'mallory@x'";
        assert_eq!(daemon.store.texts(row).await, ["okta|1|none|0|none|none"]);
        let joined = "SELECT COUNT(*) FROM memberships m JOIN users u ON u.id = m.user_id WHERE u.user_name = 'mallory@x'";
        assert_eq!(daemon.store.number(joined).await, 0);
        // A deprovisioned person's row is no way to a live one: the version and seq are ours.
        assert_eq!(daemon.store.number("SELECT COUNT(*) FROM users WHERE seq = 1 AND user_name = 'mallory@x'").await, 0);
    }

    async fn trust_16_no_kind_of_token_does_what_another_may(store) {
        let daemon = Daemon::alone(store).await;
        let status = daemon.issue(Scope::Status).await;
        let manage = daemon.issue(Scope::Manage).await;
        daemon.get("/Users").await;
        let before = dump(&daemon.store).await;
        for token in [&status, &manage] {
            let bearer = format!("Bearer {token}");
            for (method, path) in [("POST", "/Users"), ("POST", "/Groups"), ("POST", "/Bulk"), ("GET", "/Users"), ("DELETE", "/Users/1")] {
                let answer = daemon.send(method, &format!("/scim/v2{path}"), &[("authorization", &bearer)], Some(&json!({"userName": "x"}))).await;
                answer.is_error(401);
            }
        }
        let bearer = format!("Bearer {}", daemon.token);
        for (method, path) in [("POST", "/api/v1/runs"), ("GET", "/api/v1/scim-requests"), ("GET", "/api/v1/groups"), ("GET", "/status")] {
            assert_eq!(daemon.send(method, path, &[("authorization", &bearer)], None).await.status, 403, "{path}");
        }
        // Reading how it stands is not reading what Okta asked, nor setting anything going.
        let bearer = format!("Bearer {status}");
        for (method, path) in [("POST", "/api/v1/runs"), ("GET", "/api/v1/scim-requests"), ("GET", "/api/v1/groups"), ("GET", "/api/v1/okta/preview")] {
            assert_eq!(daemon.send(method, path, &[("authorization", &bearer)], None).await.status, 403, "{path}");
        }
        assert_eq!(dump(&daemon.store).await, before);
    }

    async fn trust_22_membership_of_what_scim_did_not_push_is_not_its_to_change(store) {
        let okta = Tenant::new(store).await;
        let (one, two) = (okta.hire("one@x.test").await, okta.hire("two@x.test").await);
        let source = okta.sim.org().create_group("Only Okta's", "");
        okta.sim.org().add_member(source, one).unwrap();
        okta.daemon.poll(RunKind::Full).await;
        okta.daemon.map("Only Okta's", "core").await;
        okta.daemon.poll(RunKind::Full).await;
        team_is(&okta.daemon, "core", &["one@x.test"]).await;
        let ids = okta.daemon.store.texts("SELECT id FROM idp_groups WHERE scim = 0 AND okta_name = 'Only Okta''s'").await;
        let teams = okta.daemon.store.texts("SELECT id FROM teams").await;
        let before = dump(&okta.daemon.store).await;
        let (in_it, out_of_it) = (okta.scim_id(one), okta.scim_id(two));
        let targets = ids.iter().chain(&teams).map(String::as_str).chain([source.as_str(), "core", "organization-admin", in_it.as_str()]);
        for id in targets {
            let path = format!("/Groups/{id}");
            let requests: [(&str, Option<Value>); 5] = [
                ("GET", None), ("DELETE", None), ("PUT", Some(json!({"displayName": "Only Okta's", "members": []}))),
                ("PATCH", Some(json!({"Operations": [{"op": "remove", "path": format!("members[value eq \"{in_it}\"]")}]}))),
                ("PATCH", Some(json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": out_of_it}]}]}))),
            ];
            for (method, body) in requests {
                okta.daemon.scim(method, &path, body.as_ref()).await.is_error(404);
            }
        }
        assert_eq!(dump(&okta.daemon.store).await, before);
        // A group of that name is a group of its own, and not the mapped one.
        let twin = group(&okta.daemon, "Only Okta's", &[&out_of_it]).await;
        assert!(!ids.contains(&twin));
        team_is(&okta.daemon, "core", &["one@x.test"]).await;
        let _ = user(&okta.daemon, "later@x.test").await;
    }
}
