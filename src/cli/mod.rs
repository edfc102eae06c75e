//! The command line: each command is a module with one `run`, and prints through [`Output`].
//!
//! Data goes to stdout, messages to stderr; `--json` is understood everywhere; [`Exit`] is what scripts lean on.

pub mod args;
mod backup;
mod check;
mod config_file;
mod demo;
pub mod exit;
mod groups;
mod mappings;
mod okta;
mod online;
pub mod output;
mod runs;
mod serve;
mod session;
mod status;
mod sync;
mod teams;
mod tokens;
mod users;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
pub use exit::{Exit, Failure};
pub use output::Output;

use crate::config::{self, Environment, Loaded};

/// What every command gets.
#[derive(Debug)]
pub struct Context {
    /// The configuration file, if there is one to read.
    pub config: Option<PathBuf>,
    /// The process environment.
    pub environment: Environment,
    /// Where and how to print.
    pub output: Output,
}

impl Context {
    /// Reads the configuration; warnings are `check`'s and `serve`'s to tell.
    ///
    /// # Errors
    /// All its problems, with the exit code for them.
    pub fn load_config(&self) -> Result<Loaded, Failure> {
        Ok(config::load(self.config.as_deref(), &self.environment)?)
    }
}

/// Parses the command line, does what it says and ends with the exit code.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.global.json, cli.global.no_input);
    let service = Path::new(config_file::SERVICE_CONFIG);
    let done = config_file::choose(cli.global.config, &cli.command, service).and_then(|config| {
        let context = Context {
            config,
            environment: Environment::of_process(),
            output,
        };
        dispatch(&context, cli.command)
    });
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if !failure.text.is_empty() {
                output.note(&failure.text);
            }
            failure.exit.into()
        }
    }
}

fn dispatch(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Serve => serve::run(context),
        Command::Demo(args) => demo::run(context, &args),
        Command::Check(args) => check::run(context, &args),
        Command::Sync(args) => sync::run(context, &args),
        Command::Runs(command) => runs::run(context, command),
        Command::Status => status::run(context),
        Command::Mappings(command) => mappings::run(context, command),
        Command::Groups(command) => groups::run(context, command),
        Command::Teams(command) => teams::run(context, command),
        Command::Users(command) => users::run(context, command),
        Command::Tokens(command) => tokens::run(context, command),
        Command::Okta(command) => okta::run(context, command),
        Command::Admin(command) => teams::admin(context, command),
        Command::Backup(args) => backup::run(context, &args),
    }
}

/// The runtime of a command that speaks to the store or the network.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("no runtime: {error}")))
}
