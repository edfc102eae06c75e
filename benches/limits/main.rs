//! How fast and how small the daemon is, each figure beside the raw limit measured in the same run.
//!
//! `cargo bench` measures everything, `cargo bench -- NAME…` only the figures named. Nothing here passes or fails: machines
//! differ and are noisy, so what counts is the ratio to the raw figure, and a person reads it.
//!
//! | figure | the daemon | the raw limit |
//! |---|---|---|
//! | `writes` | SCIM creates and membership PATCHes, each durable | one-row durable commits by the same driver on the same disk |
//! | `lookups` | `GET /Users?filter=userName eq "…"` | an answer of the same length by axum alone |
//! | `groups` | adding one member to a large group, and reading it | the same with a small group |
//! | `poll` | a full run that makes everything, and what a push waits meanwhile; one that finds nothing changed | fetching the same pages |
//!
//! The daemon, the simulated Okta and the bare HTTP server run as processes of their own, so that the memory of one is not
//! counted as another's; they share the processors with the client, as they do in the figures asked for.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a benchmark prints, and stops where something goes wrong"
)]

mod bare;
mod daemon;
mod figures;
mod groups;
mod lookups;
mod poll;
#[path = "../../tests/it/support/postgres.rs"]
mod postgres;
mod process;
mod pushes;
mod roles;
mod seed;
mod sizes;
mod wire;
mod writes;

use sizes::Sizes;

/// As the daemon has it, so that the bare server beside it does not lose by its allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FIGURES: [&str; 4] = ["writes", "lookups", "groups", "poll"];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(role) = args.first().filter(|arg| arg.starts_with("role-")) {
        return roles::play(role, &args[1..]);
    }
    // Cargo says `--bench`; whatever else begins with a dash is for a harness that this has none of.
    let wanted: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    if let Some(unknown) = wanted.iter().find(|name| !FIGURES.contains(name)) {
        eprintln!("there is no figure {unknown:?}: {}", FIGURES.join(", "));
        std::process::exit(2);
    }
    let sizes = Sizes::from_environment();
    println!("{sizes}");
    for name in FIGURES {
        if wanted.is_empty() || wanted.contains(&name) {
            match name {
                "writes" => writes::measure(&sizes),
                "lookups" => lookups::measure(&sizes),
                "groups" => groups::measure(&sizes),
                _ => poll::measure(&sizes),
            }
        }
    }
}
