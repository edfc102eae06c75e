//! What SCIM writes do: create, replace, patch and delete users and groups, each in one transaction (R6).
//!
//! * `users` finds out whom a write means ([`claims`], R11) and stores him; [`rebind`] gives a row to a new person.
//! * `groups` stores names and hands the members to [`members`] (R15); joining and binding are in
//!   [`super::joining`] and [`super::binding`], because polls do the same (R17).
//! * [`push`] gathers what a write did and settles it at its end: membership (R1), audit (R14), stamps and re-reads (R7).
//!
//! A password is accepted and goes no further, unless password sync keeps its hash ([`super::password`]).

mod claims;
mod groups;
mod link;
mod members;
mod push;
mod rebind;
mod users;

pub use groups::{create_group, delete_group, patch_group, replace_group};
pub use link::link_user;
pub use users::{create_user, delete_user, patch_user, replace_user};

use crate::scim::ScimError;
use crate::scim::etag::Condition;

/// What a write left in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    /// The resource as stored now.
    pub resource: T,
    /// Members the write named and SCIM cannot see: skipped, and shown in the request log (R15).
    pub skipped: Vec<String>,
    /// Whether this is a user just made whom no group has: there is nothing to be read that was not written.
    pub in_no_group: bool,
}

/// Refuses a write whose `If-Match` does not name the present version (RFC 7644 section 3.14).
fn check(condition: Option<&Condition>, version: i64) -> Result<(), ScimError> {
    match condition {
        Some(condition) if !condition.matches(version) => Err(ScimError::precondition_failed(
            "The resource has changed since it was read; read it again.",
        )),
        _ => Ok(()),
    }
}
