//! Start order: store, use cases, doors, loops. Used by `serve`, by `demo` and by tests that run the daemon in-process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::lifecycle::{Cause, Lifecycle, Signals};
use super::okta_answers::OktaAnswers;
use super::reload::Reload;
use super::{notify, okta_client, settings};
use crate::config::{Config, Problem, SecretSource, Tls};
use crate::http::client_addr::TrustedProxies;
use crate::http::hooks::HookDoor;
use crate::http::metrics::Metrics;
use crate::http::server::{self, Server, ServerOptions};
use crate::http::tls::TlsReload;
use crate::http::{self, App, HttpSettings};
use crate::model::pulse::Pulses;
use crate::model::random::Random;
use crate::model::time::Clock;
use crate::service::hooks::HookQueue;
use crate::service::retention::Retention;
use crate::service::sync::Sync;
use crate::service::{Error, Service, request_log};
use crate::store::{Claim, Options, Store, StoreError};
use crate::tasks;
use crate::tasks::poller::Change;
use crate::tasks::run_counts::RunCounts;

/// How long to wait before asking again for a database that is not there yet.
const STORE_PAUSE: Duration = Duration::from_secs(2);

/// How much longer systemd is to wait each time: one attempt and one pause take at most seven seconds.
const STORE_PATIENCE: Duration = Duration::from_mins(1);

/// How long closing the store may take: on SQLite it waits for a write that waits for another process.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// Objects that events named and nobody has read yet; more answer 503 and ask for a delta run.
const HOOK_QUEUE: usize = 10_000;

/// How long the accept loop may be silent before it counts as stuck.
const SERVER_PATIENCE: Duration = Duration::from_secs(20);

/// Why the daemon cannot start; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error("store.url: {}", .0.chain())]
    Store(#[source] StoreError),
    /// The listening address.
    #[error("server.listen: {address} cannot be had: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: std::io::Error,
    },
    /// A file that the configuration names holds nothing that can be used.
    #[error("{0}")]
    Config(Problem),
    /// A use case.
    #[error("{0}")]
    Service(#[source] Error),
}

/// A daemon that is up: its socket is bound, its loops run.
pub struct Daemon {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its use cases.
    pub service: Service,
    lifecycle: Lifecycle,
    reload: Reload,
    /// Held for as long as the daemon lives: a second one on the same SQLite file refuses to start.
    _claim: Option<Claim>,
}

/// Starts the daemon.
///
/// # Errors
/// What keeps it from starting. A PostgreSQL that does not answer is waited for instead.
pub async fn assemble(
    config: &Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<Daemon, StartError> {
    let okta = okta_client::client(&config.okta, &clock, &random).map_err(StartError::Config)?;
    let tls = open_tls(config).map_err(StartError::Config)?;
    let hook_secret = hook_secret(config)
        .map_err(StartError::Config)?
        .map(watch::Sender::new);
    let claim = Claim::take(config.store.url.expose()).map_err(StartError::Store)?;
    let store = open_store(config, &clock, &random).await?;
    let (server, address) = bind(config, tls.clone()).await?;
    let service = Service::new(store, settings::service_settings(config));
    let (log, queue) = request_log::queue();
    let doors = doors(config, address);
    let metrics = Metrics::default();
    let app = App::new(
        service.clone(),
        doors,
        log,
        metrics.clone(),
        Arc::clone(&clock),
    );
    let hooks = Arc::new(HookQueue::new(HOOK_QUEUE));
    let door = hook_secret.as_ref().map(|secret| HookDoor {
        queue: Arc::clone(&hooks),
        secret: secret.subscribe(),
    });
    let router = http::router(
        app,
        door,
        &http::Around {
            random: Arc::clone(&random),
            trusted: TrustedProxies::new(&config.server.trusted_proxies),
            max_requests: config.server.max_requests,
        },
    );

    let pulses = Pulses::default();
    let mut lifecycle = Lifecycle::new();
    let pulse = pulses.add("server", SERVER_PATIENCE);
    let stop = lifecycle.listen();
    let (serving, served) = oneshot::channel::<()>();
    lifecycle.spawn("server", async move {
        server.serve(router, stop, pulse).await;
        drop(serving);
    });
    // The log outlives the door, so that the last answers are in it.
    let served = async move { served.await.unwrap_or_default() };
    lifecycle.spawn(
        "request log",
        tasks::request_log::run(service.clone(), queue, served),
    );
    let mut stop = lifecycle.listen();
    let (keep, kept) = watch::channel(retention(config));
    lifecycle.spawn(
        "sweeper",
        tasks::sweeper::run(service.clone(), kept, async move {
            stop.soft().await;
        }),
    );
    let mut reload = Reload {
        config: config.clone(),
        service: service.clone(),
        tls,
        retention: keep,
        hook_secret,
        poller: None,
        clock: Arc::clone(&clock),
        random: Arc::clone(&random),
    };
    if let Some(okta) = okta {
        let holder = tasks::lease::holder(&*random);
        let sync = Sync {
            service: service.clone(),
            okta,
            clock,
            holder,
        };
        let (change, changed) = watch::channel(None);
        reload.poller = Some(change);
        let counts = count_okta(&metrics, &sync, &changed);
        let polled = Polled {
            sync,
            counts,
            hooks,
            changed,
        };
        spawn_poller(&mut lifecycle, &pulses, config, polled).await?;
    }
    lifecycle.spawn("watchdog", notify::watchdog(pulses, lifecycle.listen()));
    Ok(Daemon {
        address,
        service,
        lifecycle,
        reload,
        _claim: claim,
    })
}

/// The certificate and key, where TLS is configured.
fn open_tls(config: &Config) -> Result<Option<TlsReload>, Problem> {
    let open = |tls: &Tls| TlsReload::open(tls.cert.clone(), tls.key.clone());
    let tls = config.server.tls.as_ref().map(open).transpose();
    tls.map_err(|error| Problem::new("server.tls", error.to_string()))
}

/// What keeps a daemon from starting though the configuration reads well: certificates, keys and secrets are opened,
/// nothing is connected to. A credential that only the service sees is left to it: that is a warning of the configuration.
pub fn problems(config: &Config, clock: &Arc<dyn Clock>, random: &Arc<dyn Random>) -> Vec<Problem> {
    let hooks = config.okta.hooks.secret.as_ref();
    let hooks_unseen = hooks.is_some_and(|secret| secret.out_of_reach().is_some());
    let mut found = Vec::new();
    found.extend(okta_client::problem(&config.okta, clock, random));
    found.extend(open_tls(config).err());
    if !hooks_unseen {
        found.extend(hook_secret(config).err());
    }
    found
}

/// What the doors know of the configuration.
fn doors(config: &Config, address: SocketAddr) -> HttpSettings {
    HttpSettings {
        public_url: public_url(config, address),
        scim_body_limit: config.scim.body_limit,
        bulk_operations: config.scim.bulk.max_operations,
        bulk_payload: config.scim.bulk.max_payload,
        // Two are left for whoever asks for less, and for the daemon itself; with two or one, one long answer at a time.
        long_answers: (config.store.connections as usize).saturating_sub(2).max(1),
        ..HttpSettings::default()
    }
}

/// Binds the socket, so that an address that cannot be had is told before anything runs.
async fn bind(config: &Config, tls: Option<TlsReload>) -> Result<(Server, SocketAddr), StartError> {
    let failed = |source| StartError::Listen {
        address: config.server.listen,
        source,
    };
    let options = ServerOptions {
        max_connections: config.server.max_connections,
        header_timeout: config.server.header_timeout,
        idle_timeout: config.server.idle_timeout,
        silence: server::SILENCE,
        tls,
    };
    let server = Server::bind(config.server.listen, options)
        .await
        .map_err(failed)?;
    let address = server.local_addr().map_err(failed)?;
    Ok((server, address))
}

/// Shows at `/metrics` what runs come to and how Okta answers them.
fn count_okta(
    metrics: &Metrics,
    sync: &Sync,
    changed: &watch::Receiver<Option<Change>>,
) -> RunCounts {
    let counts = RunCounts::default();
    metrics.register(
        "sync_duration_seconds",
        "How long runs took",
        counts.seconds.clone(),
    );
    metrics.register(
        "sync_changes",
        "What runs came to change, by what became of it",
        counts.changes.clone(),
    );
    metrics.register(
        "guard_stops",
        "Runs of which the guard held something",
        counts.guard_stops.clone(),
    );
    metrics.register_collector(Box::new(OktaAnswers {
        started_with: sync.okta.clone(),
        changed: changed.clone(),
    }));
    counts
}

/// What the poller works with, before it is told when.
struct Polled {
    sync: Sync,
    counts: RunCounts,
    hooks: Arc<HookQueue>,
    changed: watch::Receiver<Option<Change>>,
}

/// The lease and, while this daemon holds it, the poller.
async fn spawn_poller(
    lifecycle: &mut Lifecycle,
    pulses: &Pulses,
    config: &Config,
    polled: Polled,
) -> Result<(), StartError> {
    let Polled {
        sync,
        counts,
        hooks,
        changed,
    } = polled;
    let seed = sync
        .service
        .schedule_seed()
        .await
        .map_err(StartError::Service)?;
    let (epoch, leading) = watch::channel(None);
    let beat = pulses.add("lease", tasks::lease::PATIENCE);
    let (service, holder) = (sync.service.clone(), sync.holder.clone());
    lifecycle.spawn(
        "lease",
        tasks::lease::run(service, holder, epoch, lifecycle.listen(), beat),
    );
    let poller = tasks::poller::Poller {
        clock: Arc::clone(&sync.clock),
        sync,
        plan: tasks::poller::Plan {
            full: config.okta.full_schedule.clone(),
            delta: config.okta.delta_schedule.clone(),
            seed,
        },
        epoch: leading,
        changed,
        hooks,
        pulse: pulses.add("poller", tasks::poller::PATIENCE),
        counts,
    };
    lifecycle.spawn("poller", poller.run(lifecycle.listen()));
    Ok(())
}

impl Daemon {
    /// Runs until it is told to stop or a task ends. `read` reads the configuration again at SIGHUP; `None` where there
    /// is something wrong with it.
    pub async fn run(self, signals: Signals, mut read: impl FnMut() -> Option<Config>) -> Cause {
        let Self {
            service,
            lifecycle,
            mut reload,
            ..
        } = self;
        notify::ready(&format!("listening on {}", self.address));
        let store = service.store.clone();
        let cause = lifecycle
            .run(
                signals,
                || {
                    notify::reloading();
                    if let Some(config) = read() {
                        reload.apply(config);
                    }
                    notify::ready(&format!("listening on {}", self.address));
                },
                |_| notify::stopping("draining"),
            )
            .await;
        if timeout(CLOSE_PATIENCE, store.close()).await.is_err() {
            tracing::warn!("the store was left open: something still holds it");
        }
        cause
    }
}

/// Opens the store. PostgreSQL may take a while to come up after a crash, and systemd starts us beside it: it is waited
/// for, never given up on.
async fn open_store(
    config: &Config,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Store, StartError> {
    let options = Options {
        url: config.store.url.expose().to_owned(),
        connections: config.store.connections,
        create: true,
        force_clock: false,
    };
    loop {
        match Store::open(&options, Arc::clone(clock), Arc::clone(random)).await {
            Ok(store) => return Ok(store),
            // Stale: another daemon brings the schema up to date.
            Err(error @ (StoreError::Unavailable(_) | StoreError::Busy | StoreError::Stale))
                if options.url.starts_with("postgres") =>
            {
                tracing::warn!(
                    error = error.chain(),
                    "the database does not answer yet; waiting for it"
                );
                notify::waiting("waiting for the database", STORE_PATIENCE);
                tokio::time::sleep(STORE_PAUSE).await;
            }
            Err(error) => return Err(StartError::Store(error)),
        }
    }
}

/// What Okta shows at the door for event hooks, where there is to be one.
pub(super) fn hook_secret(config: &Config) -> Result<Option<SecretString>, Problem> {
    let read = config.okta.hooks.secret.as_ref().map(SecretSource::read);
    read.transpose()
        .map_err(|error| Problem::new("okta.hooks.secret_file", error.to_string()))
}

fn public_url(config: &Config, address: SocketAddr) -> String {
    match &config.server.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None if config.server.tls.is_some() => format!("https://{address}"),
        None => format!("http://{address}"),
    }
}

/// How long logs are kept.
pub(super) fn retention(config: &Config) -> Retention {
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Retention {
        audit_ms: millis(config.retention.audit),
        runs_ms: millis(config.retention.runs),
        scim_requests_ms: millis(config.retention.scim_requests),
    }
}
