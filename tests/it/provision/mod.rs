//! SCIM writes as use cases: the rules they hold, on both engines.

pub(crate) mod actor;
mod adopting;
mod deleting;
mod emptying;
mod facts;
mod grouping;
mod joining;
mod large;
mod members;
mod refusals;
mod stamping;
