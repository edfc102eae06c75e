//! The rules, one by one, through the use cases.

mod alerts;
pub(crate) mod cast;
mod mappings;
mod membership;
mod mode;
mod races;
mod withheld;
