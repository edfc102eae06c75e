//! What Okta asked and was shown, and the groups it spoke of.

use rosterd::service::tokens::Scope;
use serde_json::json;

use super::caller::Caller;
use crate::support::daemon::Daemon;
use crate::support::stores::on_each_store;

on_each_store! {
    async fn an_admin_sees_what_okta_saw_and_no_secret(store) {
        let daemon = Daemon::alone(store).await;
        let caller = Caller::with(&daemon, Scope::Manage).await;
        let body = json!({"userName": "mira@example.test", "password": "hT4k9QzP"});
        let made = daemon.scim("POST", "/Users", Some(&body)).await;
        let mira = made.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(daemon.scim("POST", "/Users", Some(&body)).await.status, 409);
        let members = json!([{"value": mira}, {"value": "nobody-here"}]);
        let group = daemon.scim("POST", "/Groups", Some(&json!({"displayName": "Readers", "members": members}))).await;
        assert_eq!(group.status, 201, "{}", group.text);
        daemon.logged(|row| row.path.ends_with("/Groups") && row.status == 201).await;

        let page = caller.get("/api/v1/scim-requests?limit=2").await;
        let newest = &page["data"][0];
        assert_eq!((&newest["method"], &newest["path"], &newest["status"]), (&json!("POST"), &json!("/scim/v2/Groups"), &json!(201)));
        assert_eq!(newest["skipped_members"], json!(["nobody-here"]));
        assert!(newest["at"].is_string() && newest["token_id"].is_string() && newest["request_id"].is_string(), "{newest}");
        let older = caller.get(&format!("/api/v1/scim-requests?before={}", page["next"].as_str().unwrap())).await;
        assert_eq!(older["data"].as_array().unwrap().len(), 1, "{older}");
        let wrong = caller.get("/api/v1/scim-requests?errors=true").await;
        assert_eq!(wrong["data"].as_array().unwrap().len(), 1, "{wrong}");
        assert_eq!(wrong["data"][0]["status"], 409);
        assert!(wrong["data"][0]["error"].as_str().unwrap().contains("exists already"), "{wrong}");
        let all = caller.ask("GET", "/api/v1/scim-requests?limit=1000", None).await.text;
        for secret in ["hT4k9QzP", daemon.token.as_str()] {
            assert!(!all.contains(secret), "{all}");
        }

        let groups = caller.get("/api/v1/groups?limit=1").await;
        let readers = &groups["data"][0];
        assert_eq!((&readers["scim_name"], &readers["members"]), (&json!("Readers"), &json!(1)), "{groups}");
        let rest = caller.get(&format!("/api/v1/groups?before={}", groups["next"].as_str().unwrap())).await;
        assert_eq!(rest, json!({"data": [], "next": null}));
    }
}
