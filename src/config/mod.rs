//! Typed settings, from a TOML file and the environment.
//!
//! [`load`] reports every problem at once, each with its key, and never falls back: a file that was named and cannot be
//! read is an error. Without a file the defaults and the environment count. Every key can be set by the environment as
//! `ROSTERD__SECTION__KEY`; an unknown key is a problem wherever it stands. Secrets are named by file or systemd
//! credential and read when they are used, so that no setting ever prints one.
//!
//! Imports nothing of ours: times are [`Duration`](std::time::Duration)s and milliseconds since the epoch.

mod duration;
mod environment;
mod guard;
mod keys;
mod log;
mod okta;
mod problem;
mod retention;
pub mod schedule;
mod scim;
mod secret;
mod server;
mod size;
mod store;

use std::path::Path;

pub use duration::parse as parse_duration;
pub use environment::Environment;
pub use guard::{Guard, PushGuard};
pub use keys::Key;
pub use log::{Log, LogFormat};
pub use okta::{Algorithm, Auth, Dpop, Hooks, Okta, Org, Population};
pub use problem::{Problem, Problems};
pub use retention::Retention;
pub use schedule::Schedule;
pub use scim::{BulkLimits, Scim};
pub use secret::{SecretError, SecretSource, SecretUrl};
pub use server::{Server, Tls};
pub use store::{DEFAULT_STORE_FOLDER, Presence, Store, default_store_path};

use keys::Keys;

/// All settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// What listens.
    pub server: Server,
    /// Where the roster is kept.
    pub store: Store,
    /// The org that is polled.
    pub okta: Okta,
    /// When a mass change is held (R9).
    pub guard: Guard,
    /// How SCIM answers.
    pub scim: Scim,
    /// How long logs are kept (R14).
    pub retention: Retention,
    /// What the process itself logs.
    pub log: Log,
}

/// Settings that can be used, and what is worth a second look in them.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What is allowed and yet probably not meant.
    pub warnings: Vec<Problem>,
}

/// Reads the settings from `path` (none: defaults) with `environment` laid over them.
///
/// # Errors
/// All problems at once, in the order of the keys.
pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Loaded, Problems> {
    let mut keys = Keys::new(environment);
    if let Some(path) = path {
        keys.add_file(path);
    }
    keys.add_environment();
    let config = read(&mut keys, environment);
    keys.finish(config)
}

/// Every key there is, with its default.
pub fn known_keys() -> Vec<Key> {
    let environment = Environment::empty();
    let mut keys = Keys::new(&environment);
    read(&mut keys, &environment);
    keys.into_known()
}

fn read(keys: &mut Keys<'_>, environment: &Environment) -> Config {
    Config {
        server: server::read(keys),
        store: store::read(keys, environment),
        okta: okta::read(keys),
        guard: guard::read(keys),
        scim: scim::read(keys),
        retention: retention::read(keys),
        log: log::read(keys),
    }
}
