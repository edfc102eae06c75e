//! `[log]`: what the process itself says.

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::keys::Keys;

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people and the journal.
    Text,
    /// One JSON object a line.
    Json,
}

/// What the process itself says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// How a line looks. Fixed until a restart.
    pub format: LogFormat,
    /// A level (`info`), or directives as tracing-subscriber has them (`info,rosterd::okta=debug`).
    pub filter: String,
}

pub(super) fn read(keys: &mut Keys<'_>) -> Log {
    let log = Log {
        format: keys.take("log.format", LogFormat::Text),
        filter: keys.take("log.filter", "info".to_owned()),
    };
    if let Err(error) = EnvFilter::builder().parse(&log.filter) {
        keys.problem("log.filter", format!("{:?}: {error}", log.filter));
    }
    log
}
