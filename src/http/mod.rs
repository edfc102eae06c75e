//! Inbound HTTP.

pub mod app;
pub mod auth;
pub mod error;
pub mod metrics;

pub use app::{App, HttpSettings};
