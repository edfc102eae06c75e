//! What tests share: stores on both engines, with clocks and seeds of their own.

pub(crate) mod postgres;
pub(crate) mod stores;
