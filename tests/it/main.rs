//! Tests of the whole crate, in one binary that links once.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::assigning_clones,
    clippy::cloned_ref_to_slice_refs,
    clippy::duration_suboptimal_units,
    clippy::large_stack_arrays,
    clippy::too_many_lines,
    clippy::unused_self,
    reason = "a story is told in one piece, and its speed is nobody's concern"
)]

mod api;
mod bad_input;
mod cli;
mod config;
mod histories;
mod layers;
mod okta;
mod okta_crud;
mod okta_qa;
mod okta_shapes;
mod okta_spec;
mod provision;
mod rules;
mod running;
mod scim_http;
mod search;
mod server;
mod store;
mod support;
mod sync;
mod trust;
