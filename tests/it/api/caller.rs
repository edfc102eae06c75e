//! Somebody with a token who asks a daemon.

use std::time::{Duration, Instant};

use rosterd::service::tokens::{self, Scope};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::scim_http::Answer;
use crate::support::daemon::{Daemon, admin};

/// How long a run may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon and the token that is shown to it.
pub(super) struct Caller<'d> {
    daemon: &'d Daemon,
    bearer: Option<String>,
}

impl<'d> Caller<'d> {
    /// With a new token of this scope.
    pub(super) async fn with(daemon: &'d Daemon, scope: Scope) -> Self {
        let issued = tokens::issue(&daemon.service, &admin(), scope, "caller", None)
            .await
            .unwrap();
        let secret = issued.secret;
        Self::showing(daemon, Some(secret.expose_secret()))
    }

    /// With this token, or none.
    pub(super) fn showing(daemon: &'d Daemon, token: Option<&str>) -> Self {
        Self {
            daemon,
            bearer: token.map(|token| format!("Bearer {token}")),
        }
    }

    pub(super) async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let shown = self
            .bearer
            .as_deref()
            .map(|bearer| ("authorization", bearer));
        let headers: Vec<(&str, &str)> = shown.into_iter().collect();
        self.daemon.send(method, path, &headers, body).await
    }

    /// Reads JSON; 200.
    pub(super) async fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    /// Asks for a run and follows it to its end.
    pub(super) async fn kick(&self, body: &Value) -> Value {
        let asked = self.ask("POST", "/api/v1/runs", Some(body)).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let follow = asked.json()["follow"].as_str().unwrap().to_owned();
        let give_up = Instant::now() + PATIENCE;
        loop {
            let request = self.get(&follow).await;
            if let Some(id) = request["run"].as_str() {
                let run = self.get(&format!("/api/v1/runs/{id}")).await;
                if run["state"] != "running" {
                    return run;
                }
            }
            assert!(Instant::now() < give_up, "the run does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
