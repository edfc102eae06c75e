//! `/status` and `/metrics`: every field, and right.

use std::time::{Duration, Instant};

use rosterd::model::time::{Clock as _, SystemClock, Timestamp};
use rosterd::service::tokens::Scope;
use rosterd::service::{mappings, mode, teams};
use serde_json::{Value, json};

use super::caller::Caller;
use crate::support::daemon::{Daemon, admin};
use crate::support::stores::on_each_store;
use crate::support::tenant::Tenant;

/// `/status`, once the poller has written down how its last run went, and the request log what was answered.
async fn settled(caller: &Caller<'_>) -> Value {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let status = caller.get("/status").await;
        let polled =
            status["okta"]["next_full"].is_string() && status["okta"]["lag_seconds"].is_number();
        if polled && status["scim"]["last_request_at"].is_string() {
            return status;
        }
        assert!(Instant::now() < give_up, "{status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[track_caller]
fn code<'s>(status: &'s Value, code: &str) -> Option<&'s Value> {
    let problems = status["problems"].as_array().unwrap();
    for problem in problems {
        for field in ["code", "text", "next"] {
            assert!(!problem[field].as_str().unwrap().is_empty(), "{problem}");
        }
        let severity = problem["severity"].as_str().unwrap();
        assert!(
            ["info", "warning", "error", "critical"].contains(&severity),
            "{problem}"
        );
        assert!(problem.get("since").is_some(), "{problem}");
    }
    problems.iter().find(|problem| problem["code"] == code)
}

on_each_store! {
    async fn status_says_how_everything_stands(store) {
        let engine = store.engine().name();
        let tenant = Tenant::new(store).await;
        tenant.push_mapped("Readers", "readers", &[tenant.hire("mira@example.test").await]).await;
        let caller = Caller::with(&tenant.daemon, Scope::Status).await;
        let status = settled(&caller).await;
        assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(status["store"]["engine"], engine);
        let okta = &status["okta"];
        assert_eq!((&okta["mode"], &okta["configured"]), (&json!("on"), &json!(true)));
        assert_eq!(okta["org_id"], tenant.sim.org().id().to_string());
        assert_eq!(okta["app_id"], tenant.sim.org().app().id.to_string());
        assert_eq!((&okta["last_full"]["kind"], &okta["last_full"]["state"]), (&json!("full"), &json!("applied")));
        assert!(okta["last_full"]["ended_at"].is_string() && okta["last_full"]["summary"]["read"]["groups"].is_number(), "{okta}");
        assert!(okta["next_delta"].is_string(), "{okta}");
        assert!(okta["lag_seconds"].as_i64().unwrap() < 60, "{okta}");
        assert_eq!(okta["poller"]["epoch"], 1);
        assert_eq!(okta["skipped_runs"], 0);
        let room = &okta["health"]["rate_limits"][0];
        assert!(room["bucket"].is_string() && room["limit"].as_u64() > Some(0) && room["resets_at"].is_string(), "{okta}");
        let scim = &status["scim"];
        assert!(scim["last_request_at"].is_string() && scim["requests"].as_i64() > Some(0), "{scim}");
        assert_eq!((&scim["tokens"], &scim["errors"]), (&json!(1), &json!(0)));
        let counts = &status["counts"];
        for (what, number) in [("users", 2), ("active_users", 2), ("scim_users", 2), ("teams", 10), ("scim_groups", 2), ("mappings", 2), ("bound_mappings", 2), ("memberships", 2)] {
            assert_eq!(counts[what], number, "{what}: {counts}");
        }
        assert_eq!((&status["held_run"], &status["withheld_run"], &status["pause"]), (&Value::Null, &Value::Null, &Value::Null));
        let problem = code(&status, "no_admin").expect("nobody is in organization-admin");
        assert!(problem["next"].as_str().unwrap().contains("rosterd admin create"), "{problem}");
        assert!(problem["since"].is_string(), "{problem}");
        assert_eq!(status["overall"], "warning");

        mode::pause(&tenant.daemon.service, &admin(), None).await.unwrap();
        let status = caller.get("/status").await;
        assert_eq!(status["pause"]["by"], "test");
        assert!(code(&status, "sync_paused").is_some(), "{status}");
    }

    async fn a_problem_whose_beginning_is_known_says_since_when(store) {
        let daemon = Daemon::alone(store).await;
        let caller = Caller::with(&daemon, Scope::Status).await;
        let made = daemon.scim("POST", "/Groups", Some(&json!({"displayName": "Readers"}))).await.json();
        daemon.scim("POST", "/Users", Some(&json!({"userName": "mira@example.test"}))).await;
        let service = &daemon.service;
        teams::create(service, &admin(), "readers", None).await.unwrap();
        mappings::add(service, &admin(), "Readers", "readers").await.unwrap();
        let path = format!("/Groups/{}", made["id"].as_str().unwrap());
        assert_eq!(daemon.scim("DELETE", &path, None).await.status, 204);
        mode::pause(service, &admin(), None).await.unwrap();
        let day = 86_400_000;
        let end = Timestamp::from_millis(SystemClock::default().now().as_millis() + 10 * day);
        let ends = format!("UPDATE tokens SET expires_at = {0}, last_used_at = {0} - {1} WHERE scope = 'scim'", end.as_millis(), 10 * day);
        daemon.store.arrange(ends.leak()).await;

        let status = caller.get("/status").await;
        let since = |status: &Value, wanted: &str| code(status, wanted).expect(wanted)["since"].clone();
        for (problem, known) in [
            ("mapping_gone", "SELECT updated_at FROM idp_groups"),
            ("sync_paused", "SELECT at FROM audit WHERE action = 'sync.paused'"),
        ] {
            let known = Timestamp::from_millis(daemon.store.number(known).await);
            assert_eq!(since(&status, problem), json!(known), "{problem}");
        }
        assert_eq!(since(&status, "scim_token_ending"), json!(end.minus_millis(14 * day)));
        daemon.store.arrange("UPDATE tokens SET revoked_at = 1700000000000 WHERE scope = 'scim'").await;
        let status = caller.get("/status").await;
        assert_eq!(since(&status, "scim_token_unset"), json!(Timestamp::from_millis(1_700_000_000_000)));
    }

    async fn metrics_have_the_fields_names_and_nobody_in_their_labels(store) {
        let tenant = Tenant::new(store).await;
        let caller = Caller::with(&tenant.daemon, Scope::Status).await;
        settled(&caller).await;
        let answer = caller.ask("GET", "/metrics", None).await;
        assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
        let text = &answer.text;
        assert!(text.ends_with("# EOF\n"), "{text}");
        for name in [
            "rosterd_build_info{version=",
            "rosterd_sync_last_success_timestamp_seconds{kind=\"full\"}",
            "rosterd_sync_last_ok{kind=\"full\"} 1",
            "rosterd_sync_duration_seconds_count{kind=\"full\"}",
            "rosterd_sync_changes_total{kind=\"full\",action=\"group_created\",outcome=\"applied\"}",
            "rosterd_scim_requests_total{route=\"/Users\",method=\"POST\",code=\"201\"} 1",
            "rosterd_scim_request_duration_seconds_bucket",
            "rosterd_okta_requests_total{code=\"200\"}",
            "rosterd_okta_rate_limit_remaining{bucket=",
            "rosterd_okta_lag_seconds",
            "rosterd_guard_stops_total 0",
            "rosterd_problems{kind=\"critical\"} 0",
            "rosterd_rows{kind=\"memberships\"} 1",
        ] {
            assert!(text.contains(name), "{name} is not in\n{text}");
        }
        for secret in ["keeper", "Keepers", "example.test", &tenant.daemon.token] {
            assert!(!text.contains(secret), "{secret}");
        }
    }

    async fn r3_the_preview_says_who_gains_and_loses_which_team(store) {
        let tenant = Tenant::new(store).await;
        let caller = Caller::with(&tenant.daemon, Scope::Manage).await;
        let preview = caller.get("/api/v1/okta/preview?to=off").await;
        assert_eq!((&preview["from"], &preview["to"], &preview["gains"]), (&json!("on"), &json!("off"), &json!([])));
        assert_eq!(preview["loses"][0]["user_name"], "keeper@example.test", "{preview}");
        assert_eq!(preview["loses"][0]["team_name"], "keepers", "{preview}");
        mode::switch(&tenant.daemon.service, &admin(), rosterd::model::mode::OktaMode::Off, false).await.unwrap();
        let preview = caller.get("/api/v1/okta/preview").await;
        assert_eq!((&preview["from"], &preview["to"]), (&json!("off"), &json!("on")));
        assert_eq!(preview["gains"][0]["user_name"], "keeper@example.test", "{preview}");
    }
}
