//! Runs over HTTP: asked for, read page by page, approved and rejected.

use std::time::{Duration, Instant};

use rosterd::service::tokens::Scope;
use serde_json::json;

use super::caller::Caller;
use crate::support::stores::on_each_store;
use crate::support::tenant::{Pushed, Tenant};

/// A mapped group of six, which Okta then empties without a word over SCIM.
async fn emptied(tenant: &Tenant, name: &str) -> Pushed {
    let mut six = Vec::new();
    for index in 0..6 {
        six.push(tenant.hire(&format!("{name}{index}@example.test")).await);
    }
    let pushed = tenant
        .push_mapped(name, &format!("team-{name}"), &six)
        .await;
    for person in six {
        tenant
            .sim
            .org()
            .remove_member(pushed.source, person)
            .unwrap();
    }
    tenant.engine.collect();
    tenant.engine.drop_waiting();
    pushed
}

on_each_store! {
    async fn a_run_is_asked_for_followed_and_read_page_by_page(store) {
        let tenant = Tenant::new(store).await;
        let caller = Caller::with(&tenant.daemon, Scope::Manage).await;
        let reader = Caller::with(&tenant.daemon, Scope::Status).await;
        caller.kick(&json!({"kind": "delta"})).await;
        for name in ["Red", "Green", "Blue"] {
            tenant.sim.org().create_group(name, "");
        }
        let planned = caller.kick(&json!({"kind": "full", "dry_run": true})).await;
        assert_eq!((&planned["state"], &planned["dry_run"]), (&json!("planned"), &json!(true)), "{planned}");
        assert_eq!(planned["channel"], "api");
        let applied = caller.kick(&json!({})).await;
        assert_eq!((&applied["kind"], &applied["state"]), (&json!("delta"), &json!("applied")), "{applied}");
        assert_eq!(applied["outcomes"]["applied"], 3, "{applied}");

        let path = format!("/api/v1/runs/{}/changes", applied["id"].as_str().unwrap());
        let mut seen = Vec::new();
        let mut after = 0;
        loop {
            let page = reader.get(&format!("{path}?limit=2&after={after}")).await;
            for change in page["data"].as_array().unwrap() {
                assert!(!change["reason"].as_str().unwrap().is_empty(), "{change}");
                assert_eq!(change["outcome"], "applied");
                seen.push(change["text"].as_str().unwrap().to_owned());
            }
            match page["next"].as_i64() {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!(seen.len(), 3, "{seen:?}");
        assert!(seen.iter().any(|text| text.contains("Green")), "{seen:?}");
        assert_eq!(reader.get(&format!("{path}?outcome=held")).await["data"], json!([]));

        let first = reader.get("/api/v1/runs?limit=1").await;
        assert_eq!(first["data"][0]["id"], applied["id"]);
        let next = reader.get(&format!("/api/v1/runs?limit=1&before={}", first["next"].as_str().unwrap())).await;
        assert_eq!(next["data"][0]["id"], planned["id"]);
        let id = applied["id"].as_str().unwrap();
        for word in ["approve", "reject"] {
            let refused = caller.ask("POST", &format!("/api/v1/runs/{id}/{word}"), None).await;
            assert_eq!(refused.status, 409, "nothing is held: {}", refused.text);
        }
    }

    async fn r9_what_is_held_is_shown_rejected_and_approved(store) {
        let tenant = Tenant::new(store).await;
        let caller = Caller::with(&tenant.daemon, Scope::Manage).await;
        emptied(&tenant, "amber").await;
        let held = caller.kick(&json!({"kind": "full"})).await;
        assert_eq!(held["state"], "held", "{held}");
        assert_eq!(held["outcomes"]["held"], 6, "{held}");
        let id = held["id"].as_str().unwrap();
        let status = caller.get("/status").await;
        assert_eq!((&status["held_run"]["id"], &status["held_run"]["changes"]), (&json!(id), &json!(6)));
        assert_eq!(status["problems"][0]["code"], "run_held", "{status}");
        // Counted once the poller has it back.
        let give_up = Instant::now() + Duration::from_secs(20);
        while !caller.ask("GET", "/metrics", None).await.text.contains("rosterd_guard_stops_total 1") {
            assert!(Instant::now() < give_up, "the guard's stop is not counted");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let changes = caller.get(&format!("/api/v1/runs/{id}/changes?outcome=held")).await;
        assert!(changes["data"][0]["text"].as_str().unwrap().contains("amber"), "{changes}");

        let rejected = caller.ask("POST", &format!("/api/v1/runs/{id}/reject"), None).await;
        assert_eq!(rejected.status, 200, "{}", rejected.text);
        assert!(caller.get("/status").await["held_run"].is_null());
        assert_eq!(tenant.daemon.team("team-amber").await.len(), 6);

        emptied(&tenant, "blue").await;
        let held = caller.kick(&json!({"kind": "full"})).await;
        assert_eq!((&held["state"], &held["outcomes"]["held"]), (&json!("held"), &json!(6)), "amber is muted: {held}");
        let id = held["id"].as_str().unwrap();
        let approved = caller.ask("POST", &format!("/api/v1/runs/{id}/approve"), None).await;
        assert_eq!(approved.status, 200, "{}", approved.text);
        assert_eq!(tenant.daemon.team("team-blue").await.len(), 0);
        assert_eq!(tenant.daemon.team("team-amber").await.len(), 6);
        let run = caller.get(&format!("/api/v1/runs/{id}")).await;
        assert_eq!(run["state"], "approved", "{run}");
        assert!(run["decided_by"].as_str().unwrap().contains("caller"), "{run}");
    }
}
