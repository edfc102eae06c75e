//! The store's functions on both engines.

mod edges;
pub(crate) mod groups;
mod opening;
mod quiesce;
mod runs;
mod stamps;
pub(crate) mod users;
