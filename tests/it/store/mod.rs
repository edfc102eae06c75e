//! The store's functions on both engines.

mod edges;
mod groups;
mod stamps;
mod users;
