//! The real binary on real stores: what scripts and admins lean on.

mod commands;
mod demo;
mod host;
mod newcomer;
mod process;
mod rules;
mod sync;
