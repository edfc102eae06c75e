//! Loops that run by themselves.

pub mod request_log;
pub mod sweeper;
