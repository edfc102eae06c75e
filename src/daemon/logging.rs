//! What the process logs, and how: lines for the journal or for people, or JSON.

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::config::{Log, LogFormat};

/// Changes the filter while the process runs. Cheap to clone.
#[derive(Clone)]
pub struct LogFilter(reload::Handle<EnvFilter, Registry>);

impl LogFilter {
    /// Puts another filter in force; one that cannot be read changes nothing.
    pub fn replace(&self, filter: &str) {
        match EnvFilter::builder().parse(filter) {
            Ok(filter) => {
                // Fails only when the subscriber is gone, and then nothing is logged anyway.
                let _ = self.0.reload(filter);
            }
            Err(error) => tracing::warn!(filter, %error, "the log filter stays as it was"),
        }
    }
}

/// Begins to log on stderr.
///
/// The journal stamps each line itself and shows colours as noise, so a line there has neither.
///
/// # Errors
/// When something logs already.
pub fn start(log: &Log) -> Result<LogFilter, TryInitError> {
    let filter = EnvFilter::builder()
        .parse(&log.filter)
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let (filter, handle) = reload::Layer::new(filter);
    let in_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match (log.format, in_journal) {
        (LogFormat::Json, _) => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
        (LogFormat::Text, true) => lines.without_time().with_ansi(false).boxed(),
        (LogFormat::Text, false) => lines.with_ansi(colour).boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()?;
    Ok(LogFilter(handle))
}
