//! Runs of the poller against the simulated Okta.

mod basics;
mod guarded;
mod halves;
mod hooks;
mod identity;
mod population;
mod pushes;
pub(crate) mod world;
