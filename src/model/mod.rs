//! The words of the domain. No I/O; imports nothing of ours.

pub mod fold;
pub mod id;
pub mod random;
pub mod time;
