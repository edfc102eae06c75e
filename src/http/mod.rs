//! Inbound HTTP.

pub mod api;
pub mod app;
pub mod auth;
pub mod error;
mod gauges;
pub mod metrics;
pub mod problem;

pub use app::{App, HttpSettings};
