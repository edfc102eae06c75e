//! What every handler may use.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::model::time::Clock;
use crate::service::Service;
use crate::service::request_log::RequestLog;
use crate::service::tokens::Verifier;

use super::metrics::Metrics;

/// How many bytes of large request bodies are held at once; more wait. What is made of a body takes a multiple of it.
pub const LARGE_BODIES: usize = 64 * 1024 * 1024;

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
    /// The memory that large request bodies share, in bytes: [`LARGE_BODIES`].
    pub large_bodies: Arc<Semaphore>,
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
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            scim_body_limit: 16 * 1024 * 1024,
            bulk_operations: 1_000,
            bulk_payload: 4 * 1024 * 1024,
            scim_patience: Duration::from_secs(50),
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
        Self {
            verifier: Arc::new(Verifier::new(service.clone())),
            service,
            request_log,
            metrics,
            settings: Arc::new(settings),
            large_bodies: Arc::new(Semaphore::new(LARGE_BODIES)),
            clock,
        }
    }
}
