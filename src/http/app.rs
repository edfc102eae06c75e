//! What every handler may use.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::model::time::Clock;
use crate::service::Service;
use crate::service::request_log::RequestLog;
use crate::service::tokens::Verifier;

use super::metrics::Metrics;
use super::room::Room;

/// The state of the HTTP side. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The use cases.
    pub service: Service,
    /// Looks at the tokens requests show.
    pub verifier: Arc<Verifier>,
    /// Where answered SCIM requests are noted.
    pub request_log: RequestLog,
    /// The counters behind `/metrics`.
    pub metrics: Metrics,
    /// What the doors are configured to do.
    pub settings: Arc<HttpSettings>,
    /// The memory that large request bodies share.
    pub room: Room,
    /// One for each answer that is read from the store while its client reads: [`HttpSettings::long_answers`].
    pub long_answers: Arc<Semaphore>,
    /// The process's clock: stamps the request log, decides nothing.
    pub clock: Arc<dyn Clock>,
}

/// What the doors are configured to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// `server.public_url` without a trailing slash: begins every link and Location. The Host header never does.
    pub public_url: String,
    /// Largest body under `/scim/v2`, in bytes.
    pub scim_body_limit: usize,
    /// Most operations of one bulk request.
    pub bulk_operations: usize,
    /// Largest bulk request, in bytes.
    pub bulk_payload: usize,
    /// How long an answer under `/scim/v2` may take, on a database that hangs for example. Okta hangs up after 60 seconds
    /// and takes that for an error of ours; told 429 before, it comes back by itself.
    pub scim_patience: Duration,
    /// Most long answers at once. Each holds a connection of the store that reads for as long as its client takes, so it is
    /// to be fewer than there are.
    pub long_answers: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            scim_body_limit: 16 * 1024 * 1024,
            bulk_operations: 1_000,
            bulk_payload: 4 * 1024 * 1024,
            scim_patience: Duration::from_secs(50),
            long_answers: 6,
        }
    }
}

impl App {
    /// The doors' state over a service; `request_log` is one end of [`crate::service::request_log::queue`].
    pub fn new(
        service: Service,
        settings: HttpSettings,
        request_log: RequestLog,
        metrics: Metrics,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let long_answers = Arc::new(Semaphore::new(settings.long_answers));
        Self {
            verifier: Arc::new(Verifier::new(service.clone())),
            service,
            request_log,
            metrics,
            settings: Arc::new(settings),
            room: Room::default(),
            long_answers,
            clock,
        }
    }
}
