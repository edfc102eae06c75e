//! Start order, tasks and the two-stage stop of the daemon.

pub mod assemble;
pub mod lifecycle;
pub mod logging;
pub mod notify;
mod okta_answers;
pub mod okta_client;
mod reload;
pub mod settings;
