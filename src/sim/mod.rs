//! A simulated Okta org: Management API, OIDC issuer and SCIM client, seeded and scriptable, with faults.
//!
//! It behaves as Okta's documents and captures say, and where those leave a choice the choice is a setting. It speaks
//! to rosterd over the network only, as Okta does. `rosterd demo` runs against it, and so do the tests.
//!
//! | module | what it is |
//! |---|---|
//! | [`org`] | the org's state and what an admin can do; no I/O |
//! | [`life`] | a seeded script of joiners, movers and leavers |
//! | [`api`] | the Management API |
//! | [`access`] | SSWS tokens, OAuth service apps, DPoP, roles |
//! | [`oidc`] | the OIDC issuer |
//! | [`hooks`] | event hooks |
//! | [`scim_client`] | Okta's provisioning engine |
//! | [`faults`], [`weather`] | scripted trouble, of answers and of pushes |

pub mod access;
pub mod api;
pub mod faults;
pub mod hooks;
pub mod life;
pub mod oidc;
pub mod org;
pub mod scim_client;
mod serve;
#[cfg(test)]
mod tests;
pub mod weather;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use tokio::sync::watch;

use access::{Access, Role};
use api::{Limiter, LinkStyle, Rates};
use faults::Faults;
use hooks::Hooks;
use life::{Happening, Life};
use org::{Habits, Org};
use scim_client::{ScimClient, ScimHabits, ScimTarget};

use crate::model::random::{Random, SeededRandom};
use crate::model::time::{Clock, SystemClock};

/// How a simulated org is to be made.
#[derive(Clone)]
pub struct SimConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What the cast, ids and chances are drawn from.
    pub seed: u64,
    /// How many people the org begins with.
    pub people: usize,
    /// How many groups it begins with, "Everyone" and the assigned group apart.
    pub groups: usize,
    /// Whether its people are assigned to the app and its groups pushed from the beginning; else an admin does that.
    pub rollout: bool,
    /// Okta's clock.
    pub clock: Arc<dyn Clock>,
    /// The org's habits.
    pub habits: Habits,
    /// Rate limits.
    pub rates: Rates,
    /// How links are written.
    pub links: LinkStyle,
    /// Makes the SSWS token from the seed when `None`.
    pub ssws_token: Option<String>,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed: 1,
            people: 0,
            groups: 0,
            rollout: true,
            clock: Arc::new(SystemClock::default()),
            habits: Habits::default(),
            rates: Rates::UNLIMITED,
            links: LinkStyle::default(),
            ssws_token: None,
        }
    }
}

/// Why the simulated org could not start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The address could not be bound.
    #[error("the simulated Okta cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The HTTP client could not be made.
    #[error("the simulated Okta cannot make its HTTP client")]
    Client(#[source] reqwest::Error),
}

/// What all parts of the simulation share.
pub(in crate::sim) struct Shared {
    org: Mutex<Org>,
    base_url: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    http: reqwest::Client,
    /// Where an admin said the app provisions to.
    connection: watch::Sender<Option<ScimTarget>>,
    access: Access,
    limiter: Limiter,
    faults: Faults,
    hooks: Hooks,
    oidc: oidc::Oidc,
    links: Mutex<LinkStyle>,
    requests: Mutex<VecDeque<String>>,
    answered: AtomicU64,
}

impl Shared {
    fn org(&self) -> MutexGuard<'_, Org> {
        lock(&self.org)
    }

    fn link_style(&self) -> LinkStyle {
        *lock(&self.links)
    }

    fn note_request(&self, method: &str, target: &str) {
        let mut requests = lock(&self.requests);
        requests.push_back(format!("{method} {target}"));
        if requests.len() > REQUESTS_KEPT {
            requests.pop_front();
        }
    }

    fn next_request(&self) -> u64 {
        self.answered.fetch_add(1, Ordering::SeqCst)
    }
}

const REQUESTS_KEPT: usize = 100_000;

/// How often [`Sim::work`] looks for something to do.
const BEAT: Duration = Duration::from_millis(300);

/// A running simulated org.
pub struct Sim {
    shared: Arc<Shared>,
    ssws_token: String,
    seed: u64,
    scim: Mutex<Option<Arc<ScimClient>>>,
    stop: watch::Sender<bool>,
    listener: tokio::task::JoinHandle<()>,
}

impl Sim {
    /// Makes the org and listens.
    ///
    /// # Errors
    /// When the address is taken or the HTTP client cannot be made.
    pub async fn start(config: SimConfig) -> Result<Self, SimError> {
        let failed = |source| SimError::Listen {
            address: config.listen,
            source,
        };
        let listener = tokio::net::TcpListener::bind(config.listen)
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(config.seed ^ 0x0c1a));
        let ssws_token = config
            .ssws_token
            .unwrap_or_else(|| format!("00{}", org::letters(40, random.as_ref())));
        let client = http_client().map_err(SimError::Client)?;
        let clock = config.clock;
        let org = Org::seeded(
            config.seed,
            config.people,
            config.groups,
            config.rollout,
            Arc::clone(&clock),
            config.habits,
        );
        let shared = Arc::new(Shared {
            org: Mutex::new(org),
            base_url: format!("http://{address}"),
            clock,
            random,
            http: client.clone(),
            connection: watch::Sender::new(None),
            access: Access::default(),
            limiter: Limiter::new(config.rates),
            faults: Faults::new(config.seed),
            hooks: Hooks::new(client, config.seed),
            oidc: oidc::Oidc::default(),
            links: Mutex::new(config.links),
            requests: Mutex::default(),
            answered: AtomicU64::new(1),
        });
        shared.access.add_ssws(&ssws_token, Role::SuperAdmin);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serve::serve(
            listener,
            router(&shared),
            Arc::clone(&shared),
            stopped,
        ));
        Ok(Self {
            shared,
            ssws_token,
            seed: config.seed,
            scim: Mutex::default(),
            stop,
            listener: task,
        })
    }

    /// `http://127.0.0.1:port`, without a slash at the end: the org URL, and the OIDC issuer.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// An SSWS token of a super admin.
    pub fn ssws_token(&self) -> &str {
        &self.ssws_token
    }

    /// The org, locked. Give it back before awaiting anything, and take it once in a statement: every answer of the API
    /// needs it, and the lock is not reentrant.
    pub fn org(&self) -> MutexGuard<'_, Org> {
        self.shared.org()
    }

    /// Who may call the API.
    pub fn access(&self) -> &Access {
        &self.shared.access
    }

    /// Scripted trouble of the API's answers.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The rate limits.
    pub fn limiter(&self) -> &Limiter {
        &self.shared.limiter
    }

    /// The event hooks.
    pub fn hooks(&self) -> &Hooks {
        &self.shared.hooks
    }

    /// The OIDC issuer.
    pub fn oidc(&self) -> &oidc::Oidc {
        &self.shared.oidc
    }

    /// Connects the app to a SCIM server; what the org queued so far is pushed at the next `run_pending`.
    pub fn connect_scim(&self, target: ScimTarget, habits: ScimHabits) -> Arc<ScimClient> {
        let shared = Arc::clone(&self.shared);
        let client = Arc::new(ScimClient::new(
            shared,
            self.shared.http.clone(),
            target,
            habits,
            self.seed,
        ));
        *lock(&self.scim) = Some(Arc::clone(&client));
        client
    }

    /// The provisioning engine, once connected.
    pub fn scim(&self) -> Option<Arc<ScimClient>> {
        lock(&self.scim).clone()
    }

    /// Writes links the other way from now on.
    pub fn set_link_style(&self, style: LinkStyle) {
        *self
            .shared
            .links
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = style;
    }

    /// The requests received so far, oldest first: method, path and query. The newest 100,000 are kept.
    pub fn requests(&self) -> Vec<String> {
        self.shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    /// Forgets the requests received so far.
    pub fn forget_requests(&self) {
        self.shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Collects new events and delivers those that are due.
    pub async fn deliver_events(&self) -> Vec<hooks::Delivered> {
        let now = {
            let org = self.org();
            self.shared.hooks.collect(&org);
            org.now()
        };
        self.shared.hooks.deliver_due(now).await
    }

    /// Runs what provisioning has to do and delivers what the hooks have to say.
    pub async fn settle(&self) {
        if let Some(scim) = self.scim() {
            scim.run_pending().await;
        }
        self.deliver_events().await;
    }

    /// Works by itself from now on, as Okta does: provisions to where an admin said, and tells the hooks. Never ends; drop
    /// it to stop.
    pub async fn work(&self) {
        let mut connection = self.shared.connection.subscribe();
        connection.mark_changed();
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            let moved = connection.has_changed().unwrap_or(false);
            let target = connection.borrow_and_update().clone();
            if let (true, Some(target)) = (moved, target) {
                if let Some(scim) = self.scim() {
                    scim.set_target(target);
                } else {
                    self.connect_scim(target, ScimHabits::default());
                }
            }
            self.settle().await;
        }
    }

    /// Lets one thing happen in the org, then pushes and delivers what follows from it.
    pub async fn live(&self, life: &mut Life) -> Happening {
        let happened = life.step(&mut self.org());
        self.settle().await;
        happened
    }

    /// Registers an event hook for everything that is eligible and verifies it, as an admin does; `false` when the
    /// receiver did not give the challenge back.
    pub async fn register_hook(&self, uri: &str, secret: &str) -> bool {
        let body = serde_json::json!({
            "events": {"type": "EVENT_TYPE", "items": org::HOOK_ELIGIBLE},
            "channel": {"config": {"uri": uri, "authScheme": {"type": "HEADER", "key": "Authorization", "value": secret}}},
        });
        let next = self.org().next_event();
        let Some(hook) = hooks::Hook::read(&body, self.shared.random.as_ref(), next) else {
            return false;
        };
        let id = hook.id;
        self.shared.hooks.add(hook);
        self.shared.hooks.verify(id).await
    }

    /// Ends all connections and waits for the listener.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // A listener that panicked has ended too.
        let _ended = self.listener.await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn router(shared: &Arc<Shared>) -> Router {
    let organization = |axum::extract::State(shared): axum::extract::State<Arc<Shared>>| async move {
        Json(
            serde_json::json!({"id": shared.org().id(), "pipeline": "idx", "settings": {"analyticsCollectionEnabled": false}}),
        )
    };
    Router::new()
        .route("/.well-known/okta-organization", get(organization))
        .merge(oidc::router())
        .nest("/api/v1", api::router(shared))
        .nest("/oauth2/v1/clients", api::clients(shared))
        .fallback(|| async { api::ApiError::no_endpoint() })
        .with_state(Arc::clone(shared))
}

/// Okta follows no redirects of a provisioned application, and gives up after 60 seconds of silence.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the simulation builds its client"
)]
fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .read_timeout(Duration::from_mins(1))
        .no_proxy()
        .build()
}
