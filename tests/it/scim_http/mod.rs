//! `/scim/v2` as a client sees it, through the daemon's own router.

mod client;
mod committed;
mod door;
mod limits;
mod lossless;
mod paging;
mod protocol;
mod secrets;
mod versions;
mod writes;

pub(crate) use client::Answer;
