//! The store's functions on both engines.

mod audit;
mod bindings;
mod edges;
pub(crate) mod groups;
mod local;
mod mappings;
mod mutes;
mod opening;
mod problems;
mod quiesce;
mod run_changes;
mod runs;
mod scim_requests;
mod setup;
mod stamps;
mod teams;
mod tokens;
pub(crate) mod users;
mod withheld;
