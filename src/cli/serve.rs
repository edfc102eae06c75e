//! `rosterd serve`.

use std::sync::Arc;

use super::{Context, Exit, Failure};
use crate::config::Loaded;
use crate::daemon::assemble::{StartError, assemble};
use crate::daemon::lifecycle::{Cause, Signals};
use crate::daemon::logging;
use crate::model::random::{Random, SystemRandom};
use crate::model::time::{Clock, SystemClock};

/// Runs the daemon until it is told to stop.
pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let Loaded { config, warnings } = context.load_config()?;
    let filter = logging::start(&config.log).map_err(|error| Failure::failed(error.to_string()))?;
    for warning in &warnings {
        tracing::warn!(key = warning.key, "{}", warning.text);
    }
    super::runtime()?.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let random = SystemRandom::new()
            .map_err(|error| Failure::failed(format!("no randomness: {error}")))?;
        let random: Arc<dyn Random> = Arc::new(random);
        let mut signals =
            Signals::take().map_err(|error| Failure::failed(format!("no signals: {error}")))?;
        let daemon = tokio::select! {
            daemon = assemble(&config, clock, random) => daemon.map_err(refused)?,
            // A database that is not up is waited for, but not past a stop.
            () = signals.stop() => return Ok(Exit::Done),
        };
        tracing::info!(
            address = %daemon.address,
            store = %daemon.service.store.location(),
            version = env!("CARGO_PKG_VERSION"),
            "rosterd is up"
        );
        let cause = daemon
            .run(signals, || match context.load_config() {
                Ok(loaded) => {
                    filter.replace(&loaded.config.log.filter);
                    Some(loaded.config)
                }
                Err(failure) => {
                    tracing::error!(problems = failure.text, "the configuration stays as it was");
                    None
                }
            })
            .await;
        match cause {
            Cause::Signal => Ok(Exit::Done),
            Cause::TaskEnded(task) => Err(Failure::failed(format!(
                "{task} ended by itself; the log says why"
            ))),
        }
    })
}

/// Why it did not start, with the exit code that other commands have for it.
fn refused(error: StartError) -> Failure {
    let text = error.to_string();
    match error {
        StartError::Config(_) => Failure::new(Exit::Config, text),
        StartError::Store(error) => Failure::new(Failure::from(error).exit, text),
        StartError::Service(error) => error.into(),
        StartError::Listen { .. } => Failure::failed(text),
    }
}
