//! Bad input under `/scim/v2`, against a running daemon: the right 4xx at once, nothing changed, the process unharmed.

mod bodies;
mod queries;
mod values;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::scim_http::Answer;
use crate::support::daemon::Daemon;
use crate::support::stores::TestStore;

/// What "at once" is here: far more than a refusal takes, far less than to do what was asked would.
const AT_ONCE: Duration = Duration::from_secs(20);

/// A daemon with a user and a group that must stay as they are.
struct Scene {
    daemon: Daemon,
    user: String,
    group: String,
    before: Vec<String>,
}

impl Scene {
    async fn new(store: TestStore) -> Self {
        let daemon = Daemon::alone(store).await;
        let user = json!({
            "userName": "mira@example.test", "externalId": "e-1", "title": "Lead",
            "name": {"givenName": "Mira", "familyName": "Okafor"},
            "emails": [{"value": "mira@example.test", "type": "work", "primary": true}],
            "urn:example:hr:1.0:User": {"badge": 7},
        });
        let user = made(&daemon, "/Users", &user).await;
        let group = json!({"displayName": "Platform", "members": [{"value": user}]});
        let group = made(&daemon, "/Groups", &group).await;
        let mut scene = Self {
            daemon,
            user,
            group,
            before: Vec::new(),
        };
        scene.before = scene.state().await;
        scene
    }

    fn user(&self) -> String {
        format!("/Users/{}", self.user)
    }

    fn group(&self) -> String {
        format!("/Groups/{}", self.group)
    }

    /// Every route that takes a body, with the methods it takes.
    fn takes_a_body(&self) -> Vec<(&'static str, String)> {
        vec![
            ("POST", "/Users".to_owned()),
            ("PUT", self.user()),
            ("PATCH", self.user()),
            ("POST", "/Groups".to_owned()),
            ("PUT", self.group()),
            ("PATCH", self.group()),
            ("POST", "/Bulk".to_owned()),
            ("POST", "/.search".to_owned()),
            ("POST", "/Users/.search".to_owned()),
            ("POST", "/Groups/.search".to_owned()),
        ]
    }

    /// Whatever a refused request must not touch: what clients see, and how much there is of everything.
    async fn state(&self) -> Vec<String> {
        let mut state = self
            .daemon
            .store
            .texts(
                "SELECT u.id || u.resource || u.folded || u.entitled || u.version || u.updated_at FROM users u \
                 UNION ALL SELECT g.id || g.scim_name || g.resource || g.version || g.member_count FROM idp_groups g \
                 UNION ALL SELECT e.group_id || e.member FROM edges e \
                 UNION ALL SELECT m.user_id || m.team_id FROM memberships m \
                 UNION ALL SELECT a.id || a.action FROM audit a",
            )
            .await;
        state.sort_unstable();
        for path in ["/Users", "/Groups"] {
            state.push(self.daemon.get(path).await.to_string());
        }
        state
    }

    /// A request that is refused so, at once. `kind` is its scimType, `""` for none.
    #[track_caller]
    fn refused<'a>(
        &'a self,
        method: &'a str,
        path: &'a str,
        body: impl Into<Vec<u8>>,
        (status, kind): (u16, &'a str),
    ) -> impl Future<Output = Answer> {
        let at = std::panic::Location::caller();
        let body: Vec<u8> = body.into();
        async move {
            let shown: String = String::from_utf8_lossy(&body).chars().take(160).collect();
            let path_shown: String = path.chars().take(160).collect();
            let began = Instant::now();
            let answer = self.daemon.scim_bytes(method, path, body).await;
            let what = format!("{at}: {method} {path_shown} {shown} -> {}", answer.text);
            assert!(began.elapsed() < AT_ONCE, "slow: {what}");
            assert_eq!(answer.status, status, "{what}");
            let error = answer.is_error(status);
            assert_eq!(
                error["scimType"].as_str().unwrap_or_default(),
                kind,
                "{what}"
            );
            assert!(
                answer.text.len() < 1_000,
                "an error that repeats its cause: {what}"
            );
            answer
        }
    }

    /// Nothing changed, and the daemon does its work as before.
    async fn unharmed(&self) {
        assert_eq!(self.state().await, self.before);
        let look = self.daemon.scim("GET", &self.user(), None).await;
        assert_eq!(look.status, 200, "{}", look.text);
        let more = json!({"userName": "good@example.test"});
        let good = made(&self.daemon, "/Users", &more).await;
        let gone = self
            .daemon
            .scim("DELETE", &format!("/Users/{good}"), None)
            .await;
        assert_eq!(gone.status, 204, "{}", gone.text);
    }
}

async fn made(daemon: &Daemon, path: &str, body: &Value) -> String {
    let made = daemon.scim("POST", path, Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["id"].as_str().unwrap().to_owned()
}
