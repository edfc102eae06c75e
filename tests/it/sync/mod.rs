//! Runs of the poller against the simulated Okta.

mod basics;
mod early;
mod guarded;
mod halves;
mod hooks;
mod identity;
mod plans;
mod naming;
mod population;
mod pushes;
pub(crate) mod world;
