//! Loops that run by themselves.

pub mod lease;
pub mod poller;
pub mod request_log;
pub mod run_counts;
pub mod sweeper;
