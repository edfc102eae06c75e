//! The rules, one by one, through the use cases.

pub(crate) mod cast;
mod mappings;
mod membership;
mod mode;
mod races;
mod withheld;
