//! A daemon that can be crashed: its store, its use cases, its doors on a socket, its poller under a lease.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rosterd::http::client_addr::TrustedProxies;
use rosterd::http::metrics::Metrics;
use rosterd::http::server::{SILENCE, Server, ServerOptions};
use rosterd::http::{App, Around, HttpSettings, router};
use rosterd::model::pulse::Pulses;
use rosterd::model::random::SeededRandom;
use rosterd::model::stop::{StopSwitch, stop_channel};
use rosterd::model::time::{Clock, ManualClock};
use rosterd::okta::types::AppId;
use rosterd::okta::{
    Auth, Client, OrgUrl, PageSizes, Patience, Pause, Settings as OktaSettings, Surroundings,
};
use rosterd::service::request_log::{self, Queue};
use rosterd::service::sync::{Sync, lead};
use rosterd::service::{GuardSettings, PushGuard, Service, Settings};
use rosterd::sim::Sim;
use rosterd::store::{Options, Store};

const HOUR_MS: i64 = 60 * 60 * 1000;

/// A timer that only moves the clock.
struct Skip(Arc<ManualClock>);

impl Pause for Skip {
    fn pause(&self, wait: Duration) -> BoxFuture<'_, ()> {
        self.0.advance(i64::try_from(wait.as_millis()).unwrap());
        Box::pin(tokio::task::yield_now())
    }
}

/// One process, so to say.
pub(crate) struct Daemon {
    pub(crate) sync: Sync,
    /// The same poller with so little patience that a test can wait for its timeouts.
    pub(crate) hasty: Sync,
    pub(crate) epoch: i64,
    pub(crate) address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
    _stop: StopSwitch,
    _log: Queue,
}

impl Daemon {
    /// Starts under this name. It does not lead yet.
    pub(crate) async fn start(
        url: &str,
        clock: &Arc<ManualClock>,
        sim: &Sim,
        name: &str,
        seed: u64,
        push: PushGuard,
    ) -> Self {
        let options = Options {
            url: url.to_owned(),
            connections: 8,
            create: true,
            force_clock: true,
        };
        let random = Arc::new(SeededRandom::new(seed));
        let store = Store::open(&options, Arc::clone(clock) as _, Arc::clone(&random) as _)
            .await
            .expect("a store");
        let app_id = sim.org().app().id.to_string();
        let settings = Settings {
            okta_configured: true,
            app_id: Some(app_id.clone()),
            leaver_grace_ms: 24 * HOUR_MS,
            scim_max_results: 1_000,
            guard: GuardSettings {
                push,
                ..GuardSettings::default()
            },
            ..Settings::default()
        };
        let service = Service::new(store, settings);
        let auth = Auth::Ssws {
            token: sim.ssws_token().to_owned().into(),
        };
        let mut okta = OktaSettings::new(OrgUrl::parse(sim.base_url()).unwrap(), auth);
        okta.pages = PageSizes {
            groups: 4,
            members: 9,
            users: 12,
            app_users: 11,
            mappings: 3,
        };
        okta.app_id = AppId::parse(&app_id);
        let around = Surroundings {
            clock: Arc::clone(clock) as Arc<dyn Clock>,
            random,
            pause: Arc::new(Skip(Arc::clone(clock))),
        };
        let patience = Patience {
            attempts: 2,
            ..Patience::default()
        };
        let hasty = OktaSettings {
            timeout: Duration::from_millis(150),
            ..okta.clone()
        };
        let client = |okta| {
            let client = Client::new(okta, around.clone()).unwrap();
            client.with_patience(patience.clone())
        };
        let sync = Sync {
            service: service.clone(),
            okta: client(okta),
            clock: Arc::clone(clock) as _,
            holder: name.to_owned(),
        };
        let hasty = Sync {
            okta: client(hasty),
            ..sync.clone()
        };
        let (log, queue) = request_log::queue();
        let doors = HttpSettings::default();
        let app = App::new(
            service,
            doors,
            log,
            Metrics::default(),
            Arc::clone(clock) as _,
        );
        let router = router(
            app,
            None,
            &Around {
                random: Arc::new(SeededRandom::new(seed)),
                trusted: TrustedProxies::default(),
                max_requests: 100,
            },
        );
        let options = ServerOptions {
            max_connections: 100,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            silence: SILENCE,
            tls: None,
        };
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), options)
            .await
            .unwrap();
        let address = server.local_addr().unwrap();
        let (stop, listener) = stop_channel();
        let pulse = Pulses::default().add("server", Duration::from_secs(20));
        let server = tokio::spawn(server.serve(router, listener, pulse));
        Self {
            sync,
            hasty,
            epoch: 0,
            address,
            server,
            _stop: stop,
            _log: queue,
        }
    }

    pub(crate) fn service(&self) -> &Service {
        &self.sync.service
    }

    /// Takes the lease, which nobody may hold.
    pub(crate) async fn lead(&mut self) {
        self.epoch = lead(self.service(), &self.sync.holder, 1_000_000 * HOUR_MS)
            .await
            .unwrap()
            .expect("a free lease");
    }

    /// Ends its connections as a kill does, whatever they are at.
    pub(crate) fn killer(&self) -> tokio::task::AbortHandle {
        self.server.abort_handle()
    }

    /// kill -9: connections end, nothing is said to anybody.
    pub(crate) async fn crash(self) {
        self.server.abort();
        let _ended = self.server.await;
        self.sync.service.store.close().await;
    }
}
