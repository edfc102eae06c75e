//! What tests share: stores on both engines, with clocks and seeds of their own, and the daemon on them.

pub(crate) mod cluster;
pub(crate) mod daemon;
pub(crate) mod postgres;
pub(crate) mod stores;
pub(crate) mod tenant;
