//! Inbound HTTP.

pub mod app;
pub mod auth;
pub mod error;
pub mod metrics;
pub mod problem;

pub use app::{App, HttpSettings};
