//! Runs of the poller against the simulated Okta.

mod basics;
pub(crate) mod world;
