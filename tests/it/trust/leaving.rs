//! Who is deactivated is out at once, and silence is seen: defects 13, 14 and 23.

use rosterd::model::run::{RunKind, RunState};
use rosterd::model::time::Timestamp;
use rosterd::service::sync::{find_request, request};
use rosterd::service::tokens::Scope;
use rosterd::service::{runs, tokens};
use serde_json::{Value, json};

use super::{group, okta_on, patch, team_is, user};
use crate::scim_http::Answer;
use crate::support::daemon::{Daemon, admin};
use crate::support::stores::on_each_store;
use crate::support::tenant::Tenant;

/// A filter in a query, as Okta writes it.
fn filtered(kind: &str, filter: &str) -> String {
    let filter = percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
    format!("{kind}?filter={filter}&startIndex=1&count=100")
}

async fn status(daemon: &Daemon, path: &str, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    daemon
        .send("GET", path, &[("authorization", &bearer)], None)
        .await
}

/// A run that is asked for and fails.
async fn fails(daemon: &Daemon, kind: RunKind) {
    let asked = request(&daemon.service, &admin(), kind, false)
        .await
        .unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        assert!(std::time::Instant::now() < deadline, "no run took it up");
        let found = find_request(&daemon.service, &asked.id).await.unwrap();
        if let Some(id) = found.run_id {
            let run = runs::show(&daemon.service, &id).await.unwrap().run;
            if run.state != RunState::Running {
                assert_eq!(run.state, RunState::Failed);
                return;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// When a full run last ended without failing, as the metrics have it.
fn last_success(metrics: &str) -> f64 {
    let name = "rosterd_sync_last_success_timestamp_seconds{kind=\"full\"}";
    let line = metrics.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("{metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

on_each_store! {
    async fn trust_13_active_false_in_every_shape_takes_every_team_and_voids_what_he_holds(store) {
        let daemon = Daemon::alone(store).await;
        okta_on(&daemon).await;
        for (number, shape) in [
            json!([{"op": "replace", "value": {"active": false}}]), json!([{"op": "Replace", "path": "active", "value": "False"}]),
            json!([{"op": "add", "path": "active", "value": false}]), json!([{"op": "replace", "path": "active", "value": false}]),
            json!([{"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": "false"}]),
            json!("PUT"), json!("DELETE"),
        ].into_iter().enumerate() {
            let (name, team) = (format!("u{number}@x"), format!("team{number}"));
            let id = user(&daemon, &name).await;
            let crowd = group(&daemon, &format!("g{number}"), &[&id]).await;
            daemon.map(&crowd, &team).await;
            team_is(&daemon, &team, &[&name]).await;
            let path = format!("/Users/{id}");
            let answer = match shape.as_str() {
                Some("PUT") => daemon.scim("PUT", &path, Some(&json!({"userName": name, "active": false}))).await,
                Some(_) => daemon.scim("DELETE", &path, None).await,
                None => patch(&daemon, &path, shape.clone()).await,
            };
            assert!(matches!(answer.status, 200 | 204), "{shape}: {}", answer.text);
            assert!(daemon.team(&team).await.is_empty(), "{shape}");
            if answer.status == 200 {
                assert_eq!(daemon.get(&path).await["active"], false, "{shape}");
                let off = daemon.get(&filtered("/Users", &format!("active eq false and userName eq \"{name}\""))).await;
                assert_eq!(off["totalResults"], 1, "{shape}");
            } else {
                daemon.scim("GET", &path, None).await.is_error(404);
            }
        }
        // Sessions and tokens of the departed are void from that instant: whatever will show one is measured by these.
        let alive = "SELECT COUNT(*) FROM users WHERE active = 0 AND (sessions_from = 0 OR tokens_from = 0)";
        assert_eq!(daemon.store.number(alive).await, 0);
        assert_eq!(daemon.store.number("SELECT COUNT(*) FROM users WHERE active = 0").await, 6);
    }

    async fn trust_13_a_filter_that_is_not_understood_lists_nobody(store) {
        let daemon = Daemon::alone(store).await;
        for name in ["a@x", "b@x", "c@x"] {
            user(&daemon, name).await;
        }
        for bad in [
            "userName", "userName eq", "userName xx \"a\"", "nonsense eq \"a\"", "userName eq \"a@x\" and", "userName eq a@x",
            "userName eq \"a@x\" and nonsense eq \"b\"", "userName eq \"a@x\" xor active eq true", "password sw \"h\"", "password pr",
            "not password pr", "(userName eq \"a@x\"", "userName eq 'a@x'", "userName eq \"a@x\"; DROP TABLE users", "active gt true",
            "userName eq \"a@x\" or 1=1", "emails[type eq \"work\"", "meta.created gt \"yesterday\"",
        ] {
            for answer in [
                daemon.scim("GET", &filtered("/Users", bad), None).await,
                daemon.scim("POST", "/Users/.search", Some(&json!({"schemas": [super::SEARCH], "filter": bad}))).await,
                daemon.scim("POST", "/.search", Some(&json!({"schemas": [super::SEARCH], "filter": bad}))).await,
            ] {
                assert_eq!(answer.is_error(400)["scimType"], "invalidFilter", "{bad}");
            }
        }
        // And what is understood is understood whole.
        for (filter, expected) in [
            ("userName eq \"a@x\" and active eq false", 0), ("userName eq \"a@x\" and active eq true", 1),
            ("userName eq \"a@x\" or userName eq \"b@x\"", 2), ("not (userName eq \"a@x\")", 2), ("userName eq \"nobody\"", 0),
            ("emails[type eq \"work\" and value eq \"c@x\"]", 1), ("USERNAME EQ \"a@x\"", 1),
        ] {
            assert_eq!(daemon.get(&filtered("/Users", filter)).await["totalResults"], expected, "{filter}");
        }
    }

    async fn trust_14_and_23_a_token_opens_nothing_in_a_url_nor_after_it_was_revoked(store) {
        let daemon = Daemon::alone(store).await;
        let manage = daemon.issue(Scope::Manage).await;
        for (path, token) in [("/scim/v2/Users", &daemon.token), ("/status", &manage), ("/api/v1/scim-requests", &manage)] {
            for name in ["access_token", "token", "bearer", "authorization", "api_key"] {
                assert_eq!(daemon.send("GET", &format!("{path}?{name}={token}"), &[], None).await.status, 401, "{path} {name}");
            }
            assert_eq!(status(&daemon, path, token).await.status, 200, "{path}");
        }
        for token in tokens::list(&daemon.service).await.unwrap() {
            tokens::revoke(&daemon.service, &admin(), &token.id).await.unwrap();
        }
        // A second is what any daemon may take to notice.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        for (path, token) in [("/scim/v2/Users", &daemon.token), ("/status", &manage)] {
            assert_eq!(status(&daemon, path, token).await.status, 401);
        }
    }

    async fn trust_23_a_credential_of_ours_that_ended_is_a_problem_and_not_a_silence(store) {
        let okta = Tenant::new(store).await;
        let token = okta.daemon.issue(Scope::Status).await;
        let good = status(&okta.daemon, "/status", &token).await.json();
        assert!(good["problems"].as_array().unwrap().iter().all(|problem| problem["code"] != "run_failed"), "{good}");
        let before = status(&okta.daemon, "/metrics", &token).await.text;
        let (at, members) = (last_success(&before), okta.daemon.team("keepers").await);
        assert!(before.contains("rosterd_sync_last_ok{kind=\"full\"} 1"), "{before}");
        okta.sim.access().revoke_ssws(okta.sim.ssws_token());
        fails(&okta.daemon, RunKind::Full).await;
        let since = okta.daemon.store.number("SELECT ended_at FROM runs WHERE state = 'failed'").await;
        fails(&okta.daemon, RunKind::Full).await;
        let bad = status(&okta.daemon, "/status", &token).await;
        let problems = bad.json()["problems"].clone();
        let failed = problems.as_array().unwrap().iter().find(|problem| problem["code"] == "run_failed").cloned();
        let failed: Value = failed.unwrap_or_else(|| panic!("{problems}"));
        assert_eq!(failed["severity"], "error");
        assert!(!failed["next"].as_str().unwrap().is_empty());
        assert_eq!(failed["since"], json!(Timestamp::from_millis(since)), "since the first that failed, not the last");
        assert!(!bad.text.contains(okta.sim.ssws_token()));
        let after = status(&okta.daemon, "/metrics", &token).await.text;
        assert!(after.contains("rosterd_sync_last_ok{kind=\"full\"} 0"), "{after}");
        assert!((last_success(&after) - at).abs() < f64::EPSILON, "the time of the last success stays");
        // Ready it is all the same: a load balancer must not take the pushes away as well. And nobody lost anything.
        assert_eq!(okta.daemon.send("GET", "/readyz", &[], None).await.status, 200);
        assert_eq!(okta.daemon.team("keepers").await, members);
    }

    async fn trust_23_the_last_success_is_known_to_whoever_asks_only_after_a_failure(store) {
        let okta = Tenant::new(store).await;
        let token = okta.daemon.issue(Scope::Status).await;
        okta.sim.access().revoke_ssws(okta.sim.ssws_token());
        fails(&okta.daemon, RunKind::Full).await;
        // As after a restart: this daemon has shown no success before.
        let known = status(&okta.daemon, "/status", &token).await.json()["okta"]["last_good_full"].clone();
        let known: Timestamp = serde_json::from_value(known).unwrap();
        let metrics = status(&okta.daemon, "/metrics", &token).await.text;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let seconds = known.as_millis() as f64 / 1000.0;
        assert!((last_success(&metrics) - seconds).abs() < f64::EPSILON, "{metrics}");
        assert!(metrics.contains("rosterd_sync_last_ok{kind=\"full\"} 0"), "{metrics}");
    }

    async fn trust_23_a_scim_token_that_ends_is_a_problem_before_and_after(store) {
        let daemon = Daemon::alone(store).await;
        user(&daemon, "one@x").await;
        let manage = daemon.issue(Scope::Manage).await;
        let codes = async || {
            let shown = status(&daemon, "/status", &manage).await.json();
            let problems = shown["problems"].as_array().unwrap().iter();
            problems.map(|problem| problem["code"].as_str().unwrap().to_owned()).filter(|code| code.starts_with("scim_token")).collect::<Vec<_>>()
        };
        let day = 24 * 60 * 60 * 1000;
        let now = daemon.service.store.now().await.unwrap().as_millis();
        let ends = async |at: i64, used: i64| {
            let set = format!("UPDATE tokens SET expires_at = {at}, last_used_at = {used} WHERE scope = 'scim'");
            super::dump::arrange(&daemon.store, set).await;
        };
        assert!(codes().await.is_empty());
        ends(now + 20 * day, now).await;
        assert!(codes().await.is_empty());
        ends(now + 3 * day, now - 30 * day).await;
        assert!(codes().await.is_empty(), "nobody shows that one any more");
        ends(now + 3 * day, now).await;
        assert_eq!(codes().await, ["scim_token_ending"]);
        ends(1, now).await;
        assert_eq!(codes().await, ["scim_token_unset"]);
    }
}
