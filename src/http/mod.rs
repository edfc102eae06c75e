//! Inbound HTTP.

mod activity;
pub mod api;
pub mod app;
pub mod auth;
pub mod client_addr;
pub mod error;
mod gauges;
pub mod hooks;
mod input;
mod leftover;
pub mod metrics;
pub mod problem;
mod redact;
pub mod request_id;
pub mod room;
pub mod scim;
pub mod server;
pub mod tls;

pub use app::{App, HttpSettings};

use std::sync::Arc;

use axum::{Router, middleware};

use crate::model::random::Random;
use client_addr::TrustedProxies;

/// What stands around every route.
pub struct Around {
    /// For request ids.
    pub random: Arc<dyn Random>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted: TrustedProxies,
    /// Most requests worked on at once; more wait.
    pub max_requests: usize,
}

/// Every route of the daemon.
pub fn router(app: App, door: Option<hooks::HookDoor>, around: &Around) -> Router {
    let events = door.map(hooks::router).unwrap_or_default();
    Router::new()
        .merge(api::router())
        .merge(events)
        .merge(scim::router())
        .with_state(app)
        .layer(tower::limit::GlobalConcurrencyLimitLayer::new(
            around.max_requests,
        ))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&around.random),
            request_id::identify,
        ))
        .layer(middleware::from_fn_with_state(
            around.trusted.clone(),
            client_addr::find,
        ))
}
