//! `mappings`, `groups`, `teams` and `users`.

use clap::{Subcommand, ValueEnum};

/// `mappings`.
#[derive(Debug, Subcommand)]
pub enum MappingsCommand {
    /// All mappings, and what each is bound to
    List,
    /// Make the members of an Okta group members of a team
    #[command(
        after_help = "Examples:\n  rosterd mappings add \"Platform Admins\" core\n  \
        rosterd mappings add 00gq3v9m2LxExample69 core\n\n\
        A name is exact and case-sensitive, and may be written before the group is there. A group that comes from a\n\
        directory (APP_GROUP) is named by its id."
    )]
    Add {
        /// The group: its name, its Okta id or its id here
        group: String,
        /// The team: its name or id
        team: String,
    },
    /// Remove a mapping
    Remove {
        /// The mapping's id
        mapping: String,
    },
}

/// `groups`.
#[derive(Debug, Subcommand)]
pub enum GroupsCommand {
    /// All groups with their two sides
    List {
        /// Only groups whose name contains this
        #[arg(long)]
        name: Option<String>,
    },
    /// Make a pushed group and a polled group one
    Join {
        /// The group that was pushed by SCIM: its id here
        scim: String,
        /// The group the poller read: its Okta id or its id here
        okta: String,
    },
    /// Take a joined group's two sides apart
    Part {
        /// The group's id here
        group: String,
    },
}

/// `teams`.
#[derive(Debug, Subcommand)]
pub enum TeamsCommand {
    /// All teams
    List,
    /// Make a team
    Create {
        /// Its name
        name: String,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
}

/// `users`.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Users
    List {
        /// Only those that came from here
        #[arg(long)]
        origin: Option<UserOrigin>,
        /// Only those who are not active
        #[arg(long)]
        inactive: bool,
        /// How many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// One user: teams, groups, and why he is active or not
    Show {
        /// His id, userName or Okta id
        user: String,
    },
    /// Make a local user Okta's; shows what changes, and drops his local password
    Link {
        /// The local user: his id or userName
        user: String,
        /// His Okta id (00u…)
        okta_id: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Where a user came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UserOrigin {
    /// By SCIM, poll or Okta sign-in.
    Okta,
    /// By invitation or `admin create`.
    Local,
}
