//! The whole daemon in this process, on a port of its own, as Okta and an admin meet it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use rosterd::config::{self, Environment};
use rosterd::daemon::assemble::{self, assemble};
use rosterd::model::actor::{Channel, Cx};
use rosterd::model::mode::OktaMode;
use rosterd::model::random::SeededRandom;
use rosterd::model::run::{RunKind, RunState};
use rosterd::model::time::SystemClock;
use rosterd::service::request_log::{self, Query, ScimRequest};
use rosterd::service::sync::{find_request, request};
use rosterd::service::tokens::{self, Scope};
use rosterd::service::{Service, mappings, mode, runs, teams};
use rosterd::sim::Sim;
use rosterd::sim::scim_client::{Auth, ScimClient, ScimHabits, ScimTarget};
use rosterd::store::runs::Run;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::stores::TestStore;
use crate::scim_http::Answer;

/// Schedules that never come due while a test runs: it says itself when to poll.
const NEVER_NOW: &str = "0 0 29 2 *";

/// How long a run, or a line of a log, may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon that runs until it is dropped.
pub(crate) struct Daemon {
    pub(crate) service: Service,
    pub(crate) store: TestStore,
    /// `http://127.0.0.1:port`.
    pub(crate) url: String,
    /// A SCIM token.
    pub(crate) token: String,
    http: reqwest::Client,
    _running: assemble::Daemon,
    _folder: tempfile::TempDir,
}

/// Who acts for the test at the host.
pub(crate) fn admin() -> Cx {
    Cx {
        channel: Channel::Cli,
        actor: "test".to_owned(),
        request_id: None,
    }
}

impl Daemon {
    /// A daemon to which Okta only pushes.
    pub(crate) async fn alone(store: TestStore) -> Self {
        Self::start(store, None).await
    }

    /// A daemon as a new installation has it, on which no token was made; with these settings besides.
    pub(crate) async fn fresh(store: TestStore, more: &[(&'static str, String)]) -> Self {
        Self::run(store, None, more).await
    }

    /// A daemon that polls this org and its app, and has read it once.
    pub(crate) async fn beside(store: TestStore, sim: &Sim) -> Self {
        let daemon = Self::start(store, Some(sim)).await;
        daemon.poll(RunKind::Full).await;
        daemon
    }

    async fn start(store: TestStore, sim: Option<&Sim>) -> Self {
        let mut daemon = Self::run(store, sim, &[]).await;
        daemon.token = daemon.issue(Scope::Scim).await;
        daemon
    }

    /// A new token.
    pub(crate) async fn issue(&self, scope: Scope) -> String {
        let issued = tokens::issue(&self.service, &admin(), scope, "okta", None).await;
        issued.unwrap().secret.expose_secret().to_owned()
    }

    async fn run(store: TestStore, sim: Option<&Sim>, more: &[(&'static str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = vec![
            ("ROSTERD__STORE__URL", store.url.clone()),
            ("ROSTERD__SERVER__LISTEN", "127.0.0.1:0".to_owned()),
        ];
        if let Some(sim) = sim {
            let file = folder.path().join("okta-token");
            std::fs::write(&file, sim.ssws_token()).unwrap();
            std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
            let file = file.display().to_string();
            settings.extend([
                ("ROSTERD__OKTA__ORG_URL", sim.base_url().to_owned()),
                ("ROSTERD__OKTA__TOKEN_FILE", file),
                ("ROSTERD__OKTA__APP_ID", sim.org().app().id.to_string()),
                ("ROSTERD__OKTA__FULL_SCHEDULE", NEVER_NOW.to_owned()),
                ("ROSTERD__OKTA__DELTA_SCHEDULE", NEVER_NOW.to_owned()),
            ]);
        }
        let settings = settings.iter().chain(more);
        let settings = settings.map(|(name, value)| (*name, value.as_str()));
        let config = config::load(None, &Environment::of(settings))
            .unwrap()
            .config;
        let clock = Arc::new(SystemClock::default());
        let running = assemble(&config, clock, Arc::new(SeededRandom::new(11)))
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let service = running.service.clone();
        Self {
            url: format!("http://{}", running.address),
            token: String::new(),
            service,
            store,
            http: client(),
            _running: running,
            _folder: folder,
        }
    }

    /// Connects the org's app to this daemon.
    pub(crate) fn connect(&self, sim: &Sim, habits: ScimHabits) -> Arc<ScimClient> {
        sim.connect_scim(self.target(), habits)
    }

    /// What an admin enters in Okta.
    pub(crate) fn target(&self) -> ScimTarget {
        ScimTarget {
            base_url: format!("{}/scim/v2", self.url),
            auth: Auth::Bearer(self.token.clone()),
        }
    }

    /// A request with these headers; `path` is below the daemon's own address, or a whole URL.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let body = body.map(|body| body.to_string().into());
        self.send_body(method, path, headers, body).await
    }

    async fn send_body(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<reqwest::Body>,
    ) -> Answer {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.url)
        };
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    /// A SCIM request as Okta's client sends it.
    pub(crate) async fn scim(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(|body| body.to_string().into());
        self.scim_body(method, path, body).await
    }

    /// The same with a body that may be anything; none where it is empty and the method is one that has none.
    pub(crate) async fn scim_bytes(&self, method: &str, path: &str, body: Vec<u8>) -> Answer {
        let bodiless = body.is_empty() && matches!(method, "GET" | "DELETE");
        let body = (!bodiless).then(|| body.into());
        self.scim_body(method, path, body).await
    }

    /// The same in chunks: its length is not told beforehand.
    pub(crate) async fn scim_stream(&self, method: &str, path: &str, body: Vec<u8>) -> Answer {
        let chunks: Vec<std::io::Result<Vec<u8>>> = body
            .chunks(64 * 1024)
            .map(|part| Ok(part.to_vec()))
            .collect();
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
        self.scim_body(method, path, Some(body)).await
    }

    async fn scim_body(&self, method: &str, path: &str, body: Option<reqwest::Body>) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![
            ("accept", "application/scim+json"),
            ("accept-charset", "utf-8"),
            ("user-agent", "Okta SCIM Client 1.0.0"),
            ("authorization", bearer.as_str()),
        ];
        if body.is_some() {
            headers.push(("content-type", "application/scim+json; charset=utf-8"));
        }
        self.send_body(method, &format!("/scim/v2{path}"), &headers, body)
            .await
    }

    /// Reads over SCIM; 200.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.scim("GET", path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    /// The users with this userName, as Okta looks them up.
    pub(crate) async fn look_up(&self, user_name: &str) -> Vec<Value> {
        let text = format!("userName eq \"{user_name}\"");
        let filter =
            percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC);
        let list = self
            .get(&format!("/Users?filter={filter}&startIndex=1&count=100"))
            .await;
        list["Resources"].as_array().unwrap().clone()
    }

    /// Asks the daemon for a run and waits until it has ended well.
    pub(crate) async fn poll(&self, kind: RunKind) -> Run {
        let asked = request(&self.service, &admin(), kind, false).await.unwrap();
        let give_up = Instant::now() + PATIENCE;
        loop {
            let asked = find_request(&self.service, &asked.id).await.unwrap();
            if let Some(id) = asked.run_id {
                let run = runs::show(&self.service, &id).await.unwrap().run;
                if run.state != RunState::Running {
                    assert_eq!(run.state, RunState::Applied, "{run:?}");
                    return run;
                }
            }
            assert!(Instant::now() < give_up, "the run does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many rows the audit log has.
    pub(crate) async fn audit_rows(&self) -> i64 {
        self.store.number("SELECT COUNT(*) FROM audit").await
    }

    /// Makes a team and maps the group of this name or id to it.
    pub(crate) async fn map(&self, group: &str, team: &str) {
        teams::create(&self.service, &admin(), team, None)
            .await
            .unwrap();
        mappings::add(&self.service, &admin(), group, team)
            .await
            .unwrap();
    }

    /// Turns Okta on, as an admin does.
    pub(crate) async fn enable(&self) {
        mode::switch(&self.service, &admin(), OktaMode::On, false)
            .await
            .unwrap();
    }

    /// The userNames of who counts as a member of this team.
    pub(crate) async fn team(&self, team: &str) -> BTreeSet<String> {
        self.lines(
            "SELECT t.name || '|' || u.user_name FROM effective_memberships e \
               JOIN users u ON u.id = e.user_id JOIN teams t ON t.id = e.team_id",
        )
        .await
        .into_iter()
        .filter(|(name, _)| name == team)
        .map(|(_, user)| user)
        .collect()
    }

    /// Pairs of texts, read past the service.
    pub(crate) async fn lines(&self, statement: &'static str) -> Vec<(String, String)> {
        let texts = self.store.texts(statement).await;
        let split = |text: String| {
            let (name, rest) = text.split_once('|').unwrap();
            (name.to_owned(), rest.to_owned())
        };
        texts.into_iter().map(split).collect()
    }

    /// The audit rows of one object: action, before, after.
    pub(crate) async fn audit(&self, object: &str) -> Vec<(String, Value, Value)> {
        // JSON holds no control character as such, so this one parts the columns.
        let rows = self
            .lines(
                "SELECT object_id || '|' || action || '\u{1}' || COALESCE(before, 'null') || '\u{1}' || COALESCE(after, 'null') \
                   FROM audit ORDER BY at, id",
            )
            .await;
        let own = rows.into_iter().filter(|(id, _)| id == object);
        own.map(|(_, rest)| {
            let parts: Vec<&str> = rest.split('\u{1}').collect();
            let json = |at: usize| serde_json::from_str(parts[at]).unwrap();
            (parts[0].to_owned(), json(1), json(2))
        })
        .collect()
    }

    /// Who is in which group and team if nothing but the audit log is believed: (group's id or team's name, userName). Edges
    /// of Okta ids that nobody here bears (R15) are left out, as SCIM leaves them out.
    pub(crate) async fn audited(&self) -> BTreeSet<(String, String)> {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for statement in [
            "SELECT id || '|' || user_name FROM users",
            "SELECT member_key || '|' || user_name FROM users",
            "SELECT id || '|' || name FROM teams",
        ] {
            names.extend(self.lines(statement).await);
        }
        let name = |line: &Value, keys: [&str; 2]| {
            let id = keys.iter().find_map(|key| line[*key].as_str()).unwrap();
            names.get(id).cloned().unwrap_or_else(|| id.to_owned())
        };
        let mut sums: BTreeMap<(String, String), i32> = BTreeMap::new();
        let rows = self
            .lines(
                "SELECT action || '|' || COALESCE(after, before) FROM audit \
                  WHERE action IN ('edge.added', 'edge.removed', 'membership.added', 'membership.removed')",
            )
            .await;
        for (action, line) in rows {
            let line: Value = serde_json::from_str(&line).unwrap();
            let pair = (
                name(&line, ["group", "team"]),
                name(&line, ["member", "user"]),
            );
            *sums.entry(pair).or_default() += if action.ends_with("added") { 1 } else { -1 };
        }
        assert!(sums.values().all(|sum| (0..=1).contains(sum)), "{sums:?}");
        let people: BTreeSet<String> = self
            .store
            .texts("SELECT user_name FROM users")
            .await
            .into_iter()
            .collect();
        let present = sums.into_iter().filter(|(_, sum)| *sum == 1);
        present
            .map(|(pair, _)| pair)
            .filter(|(_, member)| people.contains(member))
            .collect()
    }

    /// Holds that these userNames, and no others, are members of a group: as a SCIM GET shows it, and as the audit log adds up.
    #[track_caller]
    pub(crate) fn holds_group<'a>(
        &'a self,
        id: &'a str,
        members: &[&str],
    ) -> impl Future<Output = ()> + use<'a> {
        let at = std::panic::Location::caller();
        let wanted: BTreeSet<String> = members.iter().map(ToString::to_string).collect();
        async move {
            let names: BTreeMap<String, String> = self
                .lines("SELECT id || '|' || user_name FROM users")
                .await
                .into_iter()
                .collect();
            let group = self.get(&format!("/Groups/{id}")).await;
            let list = group["members"].as_array().cloned().unwrap_or_default();
            let shown = list
                .iter()
                .map(|member| names[member["value"].as_str().unwrap()].clone());
            let shown: BTreeSet<String> = shown.collect();
            assert_eq!((shown.len(), &shown), (list.len(), &wanted), "SCIM, {at}");
            assert_eq!(self.audited_of(id).await, wanted, "audit, {at}");
        }
    }

    /// Holds that these userNames, and no others, count as members of a team: as stored, and as the audit log adds up.
    #[track_caller]
    pub(crate) fn holds_team<'a>(
        &'a self,
        team: &'a str,
        members: &[&str],
    ) -> impl Future<Output = ()> + use<'a> {
        let at = std::panic::Location::caller();
        let wanted: BTreeSet<String> = members.iter().map(ToString::to_string).collect();
        async move {
            assert_eq!(self.team(team).await, wanted, "team, {at}");
            assert_eq!(self.audited_of(team).await, wanted, "audit, {at}");
        }
    }

    async fn audited_of(&self, object: &str) -> BTreeSet<String> {
        let all = self.audited().await.into_iter();
        all.filter(|(name, _)| name == object)
            .map(|(_, user)| user)
            .collect()
    }

    /// Waits until a row of the SCIM request log meets this; the log is written behind the answers.
    pub(crate) async fn logged(&self, wanted: impl Fn(&ScimRequest) -> bool) -> ScimRequest {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let rows = request_log::list(
                &self.service,
                &Query {
                    limit: 1_000,
                    ..Query::default()
                },
            )
            .await
            .unwrap();
            let found = rows.into_iter().map(|(_, row)| row).find(|row| wanted(row));
            if let Some(found) = found {
                return found;
            }
            assert!(Instant::now() < give_up, "the request log does not say so");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a client of the daemon's own, on loopback"
)]
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
