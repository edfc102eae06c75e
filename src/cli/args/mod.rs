//! The argument surface: every command, its options and their words in `--help`.

mod access;
mod roster;
mod sync;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub use access::{
    AdminCommand, OktaCommand, OktaDisableArgs, OktaEnableArgs, TokenScope, TokensCommand,
    TokensIssueArgs,
};
pub use roster::{GroupsCommand, MappingsCommand, TeamsCommand, UserOrigin, UsersCommand};
pub use sync::{RunChannel, RunsCommand, SyncAction, SyncArgs, SyncFlags};

const EXAMPLES: &str = "\
Examples:
  rosterd demo                                  look at it with a simulated Okta org
  rosterd serve --config /etc/rosterd.toml      run the daemon
  rosterd check --config /etc/rosterd.toml      every problem of a configuration at once
  rosterd tokens issue --scope scim             the token to paste into Okta
  rosterd mappings add \"Platform Admins\" core   members of the Okta group become members of the team
  rosterd okta enable                           from now on Okta decides who is in which team
  rosterd sync --full --dry-run                 what a full run would change

Exit codes:
  0  done
  1  failed
  2  the command line is wrong
  3  the configuration has problems
  4  nothing by that name or id
  5  refused, or held for approval
  6  the store or Okta cannot be reached
  130  interrupted

Every key of the configuration can be set by the environment: ROSTERD__STORE__URL sets store.url.";

/// Keeps one organization's roster in step with Okta.
#[derive(Debug, Parser)]
#[command(name = "rosterd", version, about, after_help = EXAMPLES, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    /// Options every command takes.
    pub global: Global,
    #[command(subcommand)]
    /// What to do.
    pub command: Command,
}

/// Options every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// The configuration file; without one every command but `serve` and `demo` reads /etc/rosterd/rosterd.toml where it is
    /// there, else the defaults and the environment count
    #[arg(
        long,
        short,
        global = true,
        value_name = "FILE",
        env = "ROSTERD_CONFIG"
    )]
    pub config: Option<PathBuf>,
    /// Print JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Never ask; a question that would be asked is an error
    #[arg(long, global = true)]
    pub no_input: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon
    #[command(after_help = "Examples:\n  rosterd serve\n  \
        ROSTERD__STORE__URL=postgres://rosterd@db/rosterd rosterd serve --config /etc/rosterd.toml\n\n\
        SIGHUP reads the configuration and the TLS files again. SIGTERM drains for up to 10 seconds; a second one stops at once.")]
    Serve,
    /// Report every problem of a configuration at once, and when the schedules fire next
    Check(CheckArgs),
    /// Read Okta now, or pause and resume reading
    Sync(SyncArgs),
    /// The history of runs, and what is held for approval
    #[command(subcommand)]
    Runs(RunsCommand),
    /// How the daemon stands: Okta, SCIM, counts and problems
    #[command(
        after_help = "Examples:\n  rosterd status\n  rosterd status --json | jq '.problems[].code'"
    )]
    Status,
    /// Which Okta group leads to which team
    #[command(subcommand)]
    Mappings(MappingsCommand),
    /// The groups Okta pushed or the poller read
    #[command(subcommand)]
    Groups(GroupsCommand),
    /// Teams
    #[command(subcommand)]
    Teams(TeamsCommand),
    /// Users, and why each is where he is
    #[command(subcommand)]
    Users(UsersCommand),
    /// Tokens for Okta, monitoring and management
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Whether Okta decides who is in which team
    #[command(subcommand)]
    Okta(OktaCommand),
    /// A way in when there is no other
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Copy an SQLite store to a file while the daemon runs
    #[command(
        after_help = "Example:\n  rosterd backup /var/backups/rosterd-$(date +%F).db\n\n\
        A PostgreSQL store is backed up with pg_dump."
    )]
    Backup(BackupArgs),
    /// Run a daemon beside a simulated Okta org, on a store that is thrown away
    Demo(DemoArgs),
}

impl Command {
    /// The command's name as it is typed.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Check(_) => "check",
            Self::Sync(_) => "sync",
            Self::Runs(_) => "runs",
            Self::Status => "status",
            Self::Mappings(_) => "mappings",
            Self::Groups(_) => "groups",
            Self::Teams(_) => "teams",
            Self::Users(_) => "users",
            Self::Tokens(_) => "tokens",
            Self::Okta(_) => "okta",
            Self::Admin(_) => "admin",
            Self::Backup(_) => "backup",
            Self::Demo(_) => "demo",
        }
    }
}

/// `check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rosterd check --config /etc/rosterd.toml\n  rosterd check --online"
)]
pub struct CheckArgs {
    /// Also try the Okta token: scopes, role, clock and app
    #[arg(long)]
    pub online: bool,
}

/// `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The file to write; it must not be there yet
    pub file: PathBuf,
}

/// `demo`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rosterd demo\n  rosterd demo --json --listen 127.0.0.1:0\n  \
    rosterd demo --okta-only --okta-listen 127.0.0.1:8090   an org to connect a daemon of your own to\n\n\
    With --json the first line of stdout is one object with url, scim_url, scim_token, status_token, manage_token and okta_url,\n\
    and with --okta-only okta_url, okta_token and okta_app_id."
)]
pub struct DemoArgs {
    /// Where the daemon listens
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where the simulated Okta listens; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub okta_listen: SocketAddr,
    /// Only the simulated Okta, with nobody assigned and nothing pushed: set it up by its admin API
    #[arg(long, conflicts_with = "listen")]
    pub okta_only: bool,
    /// How many people the simulated org has
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub people: u32,
    /// What the cast and the changes are drawn from; the same seed gives the same
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Reads a duration like `4h` or `90d`.
fn duration(text: &str) -> Result<Duration, String> {
    crate::config::parse_duration(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "tests")]

    use super::{Cli, Command, SyncAction};
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn the_surface_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_scripts_lean_on_parses() {
        for line in [
            "serve",
            "serve --config /etc/rosterd.toml",
            "--config x.toml serve",
            "check --online",
            "sync",
            "sync --full --dry-run",
            "sync --delta",
            "sync pause",
            "sync pause --for 4h",
            "sync resume",
            "runs list",
            "runs show 0192",
            "runs approve 0192 --yes",
            "runs reject 0192",
            "status --json",
            "mappings list",
            "mappings add G T",
            "mappings remove M",
            "groups list",
            "groups join A B",
            "groups part A",
            "teams list",
            "teams create core --description x",
            "users list --origin okta",
            "users show mira@example.test",
            "users link mira@example.test 00u1 --yes",
            "tokens issue --scope scim",
            "tokens issue --scope manage --name ci --expires 90d",
            "tokens list",
            "tokens revoke 0192",
            "okta enable --yes",
            "okta disable --keep --yes",
            "okta rebind --yes",
            "admin create root@example.test --name Root",
            "backup /tmp/x.db",
            "demo --json --listen 127.0.0.1:0 --people 20 --seed 7",
            "demo --okta-only --okta-listen 127.0.0.1:8090",
        ] {
            let words = std::iter::once("rosterd").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "",
            "sync --full --delta",
            "sync pause --for soon",
            "tokens issue",
            "tokens issue --scope root",
            "demo --people 0",
            "users list --origin elsewhere",
        ] {
            let words = std::iter::once("rosterd").chain(line.split_whitespace());
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
    }

    #[test]
    fn a_pause_has_its_length() {
        let cli = Cli::try_parse_from(["rosterd", "sync", "pause", "--for", "4h"]);
        let Ok(Command::Sync(args)) = cli.map(|cli| cli.command) else {
            panic!("sync expected")
        };
        let Some(SyncAction::Pause {
            r#for: Some(length),
        }) = args.action
        else {
            panic!("a length expected")
        };
        assert_eq!(length.as_secs(), 4 * 60 * 60);
    }
}
