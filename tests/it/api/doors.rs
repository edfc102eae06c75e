//! Which token opens what.

use rosterd::service::tokens::{self, Scope};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::caller::Caller;
use crate::scim_http::Answer;
use crate::support::daemon::{Daemon, admin};
use crate::support::stores::on_each_store;

/// What a status token opens, and a manage token too.
const READ: [(&str, &str); 8] = [
    ("GET", "/status"),
    ("GET", "/metrics"),
    ("GET", "/livez?verbose"),
    ("GET", "/readyz?verbose"),
    ("GET", "/api/v1/runs"),
    ("GET", "/api/v1/runs/r1"),
    ("GET", "/api/v1/runs/r1/changes"),
    ("GET", "/api/v1/run-requests/r1"),
];

/// What takes a manage token.
const MANAGE: [(&str, &str); 6] = [
    ("POST", "/api/v1/runs"),
    ("POST", "/api/v1/runs/r1/approve"),
    ("POST", "/api/v1/runs/r1/reject"),
    ("GET", "/api/v1/okta/preview"),
    ("GET", "/api/v1/groups"),
    ("GET", "/api/v1/scim-requests"),
];

/// Holds a problem of this status and kind.
#[track_caller]
fn is_problem(answer: &Answer, status: u16, kind: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let body = answer.json();
    assert_eq!(body["type"], kind, "{body}");
    assert_eq!(body["status"], status, "{body}");
    assert!(!body["detail"].as_str().unwrap().is_empty(), "{body}");
}

on_each_store! {
    async fn a_token_opens_the_doors_of_its_kind_and_no_other(store) {
        let daemon = Daemon::alone(store).await;
        let nobody = Caller::showing(&daemon, None);
        let liar = Caller::showing(&daemon, Some("rst_manage_0000000000000000000000000000000000000000000000000"));
        let scim = Caller::showing(&daemon, Some(&daemon.token));
        let status = Caller::with(&daemon, Scope::Status).await;
        let manage = Caller::with(&daemon, Scope::Manage).await;
        for (method, path) in READ.into_iter().chain(MANAGE) {
            for caller in [&nobody, &liar] {
                let refused = caller.ask(method, path, None).await;
                is_problem(&refused, 401, "about:blank");
                assert!(refused.header("www-authenticate").starts_with("Bearer"), "{path}");
            }
            is_problem(&scim.ask(method, path, None).await, 403, "urn:rosterd:problem:wrong-scope");
            let opened = manage.ask(method, path, None).await;
            assert!(![401, 403].contains(&opened.status), "{path}: {}", opened.text);
        }
        for (method, path) in READ {
            let opened = status.ask(method, path, None).await;
            assert!(![401, 403].contains(&opened.status), "{path}: {}", opened.text);
        }
        for (method, path) in MANAGE {
            is_problem(&status.ask(method, path, None).await, 403, "urn:rosterd:problem:wrong-scope");
        }
        for caller in [&status, &manage] {
            assert_eq!(caller.ask("GET", "/scim/v2/Users", None).await.status, 401);
        }
    }

    async fn a_revoked_token_opens_nothing(store) {
        let daemon = Daemon::alone(store).await;
        let issued = tokens::issue(&daemon.service, &admin(), Scope::Status, "short", None).await.unwrap();
        let caller = Caller::showing(&daemon, Some(issued.secret.expose_secret()));
        assert_eq!(caller.ask("GET", "/status", None).await.status, 200);
        tokens::revoke(&daemon.service, &admin(), &issued.token.id).await.unwrap();
        // It holds on every daemon within a second.
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        is_problem(&caller.ask("GET", "/status", None).await, 401, "about:blank");
    }

    async fn health_is_open_names_no_version_and_says_more_to_a_status_token(store) {
        let daemon = Daemon::alone(store).await;
        let nobody = Caller::showing(&daemon, None);
        let status = Caller::with(&daemon, Scope::Status).await;
        for path in ["/livez", "/readyz"] {
            let plain = nobody.ask("GET", path, None).await;
            assert_eq!((plain.status, plain.text.as_str()), (200, "ok\n"));
            assert_eq!(plain.header("server"), "");
            let verbose = status.get(&format!("{path}?verbose")).await;
            assert_eq!(verbose["version"], env!("CARGO_PKG_VERSION"));
            assert_eq!(verbose["store"]["answers"], true);
        }
    }

    async fn what_is_not_there_and_what_makes_no_sense_are_problems(store) {
        let daemon = Daemon::alone(store).await;
        let manage = Caller::with(&daemon, Scope::Manage).await;
        for path in ["/api/v1/runs/r1", "/api/v1/runs/r1/changes", "/api/v1/run-requests/r1", "/api/v1/nowhere", "/nowhere"] {
            is_problem(&manage.ask("GET", path, None).await, 404, "about:blank");
        }
        for path in ["/api/v1/runs/r1/approve", "/api/v1/runs/01a214f7-b787-71d8-a7b9-6f523f88d001/reject"] {
            is_problem(&manage.ask("POST", path, None).await, 404, "about:blank");
        }
        for path in [
            "/api/v1/runs?limit=0", "/api/v1/runs?limit=x", "/api/v1/runs?before=x", "/api/v1/runs?nothing=1",
            "/api/v1/groups?before=x", "/api/v1/scim-requests?limit=1001", "/api/v1/scim-requests?before=x",
            "/api/v1/okta/preview?to=sideways",
        ] {
            is_problem(&manage.ask("GET", path, None).await, 400, "urn:rosterd:problem:invalid-query");
        }
        for body in [json!([]), json!({"kind": "hook"}), json!({"kind": 1}), json!({"when": "now"}), json!("full")] {
            let refused = manage.ask("POST", "/api/v1/runs", Some(&body)).await;
            assert!([400, 409].contains(&refused.status), "{body}: {}", refused.text);
        }
        for (method, path) in [
            ("GET", "/api/v1/runs/%ff"), ("GET", "/api/v1/runs/%ff/changes"), ("GET", "/api/v1/run-requests/%ff"),
            ("POST", "/api/v1/runs/%ff/approve"), ("POST", "/api/v1/runs/%ff/reject"),
        ] {
            is_problem(&manage.ask(method, path, None).await, 404, "about:blank");
        }
        let large = json!({"kind": "x".repeat(3 * 1024 * 1024)});
        is_problem(&manage.ask("POST", "/api/v1/runs", Some(&large)).await, 413, "about:blank");
        let wrong = manage.ask("DELETE", "/status", None).await;
        is_problem(&wrong, 405, "about:blank");
        assert!(wrong.header("allow").contains("GET"));
        // Nothing is polled here.
        let refused = manage.ask("POST", "/api/v1/runs", Some(&json!({"kind": "full"}))).await;
        is_problem(&refused, 409, "about:blank");
        assert!(refused.text.contains("okta.org_url"), "{}", refused.text);
    }
}
