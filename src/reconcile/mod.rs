//! What a run decides, in pure code: no I/O, no clock.
//!
//! | file | one idea |
//! |---|---|
//! | [`change`] | a change to the mirror, its name, and what it takes away |
//! | [`groups`] | an Okta group against its row |
//! | [`members`] | a group's members against its edges |
//! | [`users`] | an Okta user against the rows he may be (R11, R13, R16) |
//! | [`renames`] | userNames that go round in a circle (R18) |
//! | [`guard`] | how much may be taken away at once (R9) |
//! | [`chunks`] | how much one transaction applies |
//! | [`held`] | what becomes of the held plan when a newer run knows more (R9) |
//!
//! Every plan is of one object or one page, so that nothing has to hold a whole organization.

pub mod change;
pub mod chunks;
pub mod groups;
pub mod guard;
pub mod held;
pub mod members;
pub mod renames;
pub mod users;

pub use change::{Change, Fingerprint, Known, Object, Person, Planned, Rebind};
