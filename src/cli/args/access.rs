//! `tokens`, `okta` and `admin`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::duration;

/// `tokens`.
#[derive(Debug, Subcommand)]
pub enum TokensCommand {
    /// Make a token and print it, once; nothing else is on stdout
    Issue(TokensIssueArgs),
    /// All tokens: scope, name, expiry and last use, never the token
    List,
    /// Refuse a token from now on
    Revoke {
        /// The token's id, from `tokens list`
        token: String,
    },
}

/// `tokens issue`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rosterd tokens issue --scope scim --name okta\n  \
    rosterd tokens issue --scope status --expires 90d > status-token\n\n\
    Works whether the daemon runs or not. Any number of tokens may be live, so that one can be rotated."
)]
pub struct TokensIssueArgs {
    /// What it opens
    #[arg(long)]
    pub scope: TokenScope,
    /// What to call it in lists
    #[arg(long, default_value = "")]
    pub name: String,
    /// How long it lives; without it, until it is revoked
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub expires: Option<Duration>,
}

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TokenScope {
    /// `/scim/v2`
    Scim,
    /// `/status`, runs and `/metrics`, reading only
    Status,
    /// Everything under `/api/v1`
    Manage,
}

/// `okta`.
#[derive(Debug, Subcommand)]
pub enum OktaCommand {
    /// From now on Okta and the mappings decide who is in which team
    Enable(OktaEnableArgs),
    /// From now on admins here decide who is in which team
    Disable(OktaDisableArgs),
    /// Forget which Okta org this store belongs to, and take the next answer's
    Rebind {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// `okta enable`.
#[derive(Debug, Args)]
pub struct OktaEnableArgs {
    /// Do not ask, having shown who gains and loses which team
    #[arg(long)]
    pub yes: bool,
}

/// `okta disable`.
#[derive(Debug, Args)]
pub struct OktaDisableArgs {
    /// First copy what Okta gives into local memberships
    #[arg(long)]
    pub keep: bool,
    /// Do not ask, having shown who gains and loses which team
    #[arg(long)]
    pub yes: bool,
}

/// `admin`.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Make a local member of Organization Admin, in every mode; audited
    Create {
        /// The e-mail address, which is the userName too
        email: String,
        /// The full name
        #[arg(long)]
        name: String,
    },
}
