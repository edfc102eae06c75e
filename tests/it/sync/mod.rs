//! Runs of the poller against the simulated Okta.

mod admins;
mod basics;
mod early;
mod guarded;
mod halves;
mod hooks;
mod identity;
mod naming;
mod overtaken;
mod plans;
mod population;
mod pushes;
pub(crate) mod world;
