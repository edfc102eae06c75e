//! Inbound HTTP.

pub mod api;
pub mod app;
pub mod auth;
pub mod client_addr;
pub mod error;
mod gauges;
pub mod metrics;
pub mod problem;
pub mod request_id;
pub mod server;
pub mod tls;

pub use app::{App, HttpSettings};
