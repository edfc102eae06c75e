//! The store's functions on both engines.

mod edges;
pub(crate) mod groups;
mod opening;
mod stamps;
pub(crate) mod users;
