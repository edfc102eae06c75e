//! A customer: a simulated Okta org with its app, and the daemon beside it.

use std::sync::Arc;

use rosterd::sim::org::{OktaId, Profile};
use rosterd::sim::scim_client::{Dialect, Exchange, ScimClient, ScimHabits};
use rosterd::sim::{Sim, SimConfig};
use serde_json::Value;

use super::daemon::Daemon;
use super::stores::TestStore;
use crate::scim_http::Answer;

/// The two kinds of app: GET and PUT, or path-less PATCH.
pub(crate) const DIALECTS: [Dialect; 2] = [Dialect::Wizard, Dialect::Template];

/// An org whose app provisions to a daemon that polls it.
pub(crate) struct Tenant {
    pub(crate) sim: Sim,
    pub(crate) engine: Arc<ScimClient>,
    pub(crate) daemon: Daemon,
}

/// A group that is pushed.
#[derive(Debug, Clone)]
pub(crate) struct Pushed {
    /// The group in Okta.
    pub(crate) source: OktaId,
    /// The push mapping.
    pub(crate) mapping: OktaId,
    /// Its SCIM id.
    pub(crate) id: String,
}

impl Tenant {
    /// An org in which one group is mapped, and Okta is on.
    pub(crate) async fn new(store: TestStore) -> Self {
        let sim = Sim::start(SimConfig::default()).await.unwrap();
        let daemon = Daemon::beside(store, &sim).await;
        let engine = daemon.connect(&sim, ScimHabits::default());
        let tenant = Self {
            sim,
            engine,
            daemon,
        };
        let keeper = tenant.hire("keeper@example.test").await;
        let keepers = tenant.push("Keepers", &[keeper]).await;
        tenant.daemon.map(&keepers.id, "keepers").await;
        tenant.daemon.enable().await;
        tenant
    }

    /// Makes the app one of this kind from now on.
    pub(crate) fn speak(&self, dialect: Dialect) {
        self.engine.set_habits(ScimHabits {
            dialect,
            ..self.engine.habits()
        });
    }

    /// A profile, with a login that is another one in each dialect.
    pub(crate) fn profile(&self, first: &str) -> Profile {
        Profile::new(&self.login(first), first, "Okafor")
    }

    /// The login that goes with it.
    pub(crate) fn login(&self, first: &str) -> String {
        format!("{first}.{:?}@example.test", self.engine.habits().dialect).to_lowercase()
    }

    /// Somebody who is assigned and pushed.
    pub(crate) async fn hire(&self, login: &str) -> OktaId {
        let first = login.split(['.', '@']).next().unwrap();
        self.hire_as(Profile::new(login, first, "Okafor")).await
    }

    /// The same with this profile.
    pub(crate) async fn hire_as(&self, profile: Profile) -> OktaId {
        let user = {
            let mut org = self.sim.org();
            let user = org.create_user(profile, true).unwrap();
            org.assign_user(user).unwrap();
            user
        };
        self.settle().await;
        user
    }

    /// A group with these members, pushed.
    pub(crate) async fn push(&self, name: &str, members: &[OktaId]) -> Pushed {
        let (source, mapping) = {
            let mut org = self.sim.org();
            let source = org.create_group(name, "");
            for member in members {
                org.add_member(source, *member).unwrap();
            }
            (source, org.push_group(source).unwrap())
        };
        self.settle().await;
        let id = self.sim.org().mapping(mapping).unwrap().scim_id.clone();
        Pushed {
            source,
            mapping,
            id: id.unwrap(),
        }
    }

    /// The same, mapped to a team.
    pub(crate) async fn push_mapped(&self, name: &str, team: &str, members: &[OktaId]) -> Pushed {
        let pushed = self.push(name, members).await;
        self.daemon.map(&pushed.id, team).await;
        pushed
    }

    /// Lets provisioning do what it has to do; every task must go through. What was sent.
    pub(crate) async fn settle(&self) -> Vec<Exchange> {
        self.engine.forget_exchanges();
        self.sim.settle().await;
        assert_eq!(self.engine.failed(), []);
        assert_eq!(self.engine.waiting(), []);
        self.engine.exchanges()
    }

    /// The same, as `METHOD path` without the query.
    pub(crate) async fn settle_lines(&self) -> Vec<String> {
        let sent = self.settle().await;
        let line = |exchange: &Exchange| {
            let path = exchange.path.split('?').next().unwrap_or_default();
            format!("{} {path}", exchange.method)
        };
        sent.iter().map(line).collect()
    }

    /// The SCIM id of somebody who was pushed.
    pub(crate) fn scim_id(&self, user: OktaId) -> String {
        let org = self.sim.org();
        org.app_user(user).unwrap().external_id.clone().unwrap()
    }

    /// Reads him over SCIM.
    pub(crate) async fn read(&self, id: &str) -> Value {
        self.daemon.get(&format!("/Users/{id}")).await
    }

    /// A request to the org's Management API.
    pub(crate) async fn okta(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let token = format!("SSWS {}", self.sim.ssws_token());
        let headers = [
            ("accept", "application/json"),
            ("content-type", "application/json"),
            ("authorization", token.as_str()),
        ];
        let url = format!("{}{path}", self.sim.base_url());
        self.daemon.send(method, &url, &headers, body).await
    }
}
