//! The store's functions on both engines.

mod audit;
mod bindings;
mod edges;
pub(crate) mod groups;
mod guard_log;
mod lease;
mod local;
mod mappings;
mod marks;
mod mutes;
mod opening;
mod organization;
mod problems;
mod quiesce;
mod rereads;
mod run_changes;
mod runs;
mod scim_requests;
mod setup;
mod stamps;
mod sync_requests;
mod teams;
mod tokens;
pub(crate) mod users;
mod withheld;
