//! The real binary on real stores: what scripts and admins lean on.

mod commands;
mod host;
mod rules;
mod sync;
