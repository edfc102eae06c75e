//! Tests of the whole crate, in one binary that links once.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

mod config;
mod layers;
mod okta;
mod provision;
mod rules;
mod scim_http;
mod search;
mod server;
mod store;
mod support;
mod sync;
