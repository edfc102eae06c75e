//! `sync` and `runs`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::duration;

/// `sync`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  rosterd sync                  a delta run, now\n  \
        rosterd sync --full --dry-run what a full run would change\n  \
        rosterd sync pause --for 4h   no run, kick or hook applies anything for four hours; pushes go on"
)]
pub struct SyncArgs {
    #[command(subcommand)]
    /// Pause or resume; without one, read Okta now.
    pub action: Option<SyncAction>,
    #[command(flatten)]
    /// How to read.
    pub flags: SyncFlags,
}

/// How to read Okta now.
#[derive(Debug, Args)]
pub struct SyncFlags {
    /// Read everything
    #[arg(long, conflicts_with = "delta")]
    pub full: bool,
    /// Read what changed (this is what happens without --full)
    #[arg(long)]
    pub delta: bool,
    /// Print the plan and apply nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `sync pause` and `sync resume`.
#[derive(Debug, Subcommand)]
pub enum SyncAction {
    /// Apply nothing of what is read until resumed; pushes go on
    Pause {
        /// Resume by itself after this long
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        r#for: Option<Duration>,
    },
    /// Go on
    Resume,
}

/// `runs`.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// The last runs, newest first
    List {
        /// How many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Only what this channel began
        #[arg(long)]
        channel: Option<RunChannel>,
    },
    /// One run: outcome, problems and each change with its reason
    Show {
        /// The run's id
        run: String,
    },
    /// Apply what a run holds, except what was observed otherwise since
    Approve {
        /// The run's id
        run: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Drop what a run holds, and mute the same changes for `guard.mute`
    Reject {
        /// The run's id
        run: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// What began a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunChannel {
    /// A schedule or a kick.
    Poll,
    /// An event hook.
    Hook,
    /// Pushes that were withheld.
    Scim,
}
