//! The rules, one by one, through the use cases.

mod cast;
mod membership;
mod mode;
