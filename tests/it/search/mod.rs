//! `store::search` and `service::directory`: filters, orders and pages on both engines.

mod filters;
mod pages;
pub(crate) mod world;
