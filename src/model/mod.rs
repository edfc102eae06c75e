//! The words of the domain. No I/O; imports nothing of ours.

pub mod actor;
pub mod fold;
pub mod group;
pub mod id;
pub mod mapping;
pub mod mode;
pub mod pulse;
pub mod random;
pub mod run;
pub mod stop;
pub mod team;
pub mod time;
pub mod token;
pub mod user;
