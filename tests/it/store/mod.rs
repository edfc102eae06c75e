//! The store's functions on both engines.

mod bindings;
mod edges;
pub(crate) mod groups;
mod local;
mod mappings;
mod mutes;
mod opening;
mod quiesce;
mod run_changes;
mod runs;
mod setup;
mod stamps;
mod teams;
pub(crate) mod users;
mod withheld;
