//! A run by this process, where no daemon polls: it takes the lease as a daemon does, and gives it back.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::cli::session::Session;
use crate::cli::{Exit, Failure};
use crate::daemon::okta_client;
use crate::model::id::RunId;
use crate::model::pulse::Pulses;
use crate::model::run::RunKind;
use crate::model::stop::{Stop, stop_channel};
use crate::service::sync::{Ask, Halt, Sync};
use crate::tasks::lease;

/// How long the lease is waited for: another process may take it in the same moment.
const LEASE_WITHIN: Duration = Duration::from_secs(10);

/// Does one run and gives its id.
pub(super) async fn run(session: &Session, kind: RunKind, dry_run: bool) -> Result<RunId, Failure> {
    let client = okta_client::client(&session.config.okta, &session.clock, &session.random)
        .map_err(|problem| Failure::new(Exit::Config, problem.to_string()))?;
    let Some(okta) = client else {
        return Err(Failure::new(
            Exit::Config,
            "no daemon polls, and okta.org_url is not set here: name the daemon's configuration with --config",
        ));
    };
    let holder = format!("rosterd sync {}", lease::holder(&*session.random));
    let sync = Sync {
        service: session.service.clone(),
        okta,
        clock: Arc::clone(&session.clock),
        holder: holder.clone(),
    };
    let (epochs, mut epoch) = watch::channel(None);
    let (stop, listener) = stop_channel();
    let keeper = tokio::spawn(lease::run(
        session.service.clone(),
        holder,
        epochs,
        listener,
        Pulses::default().add("lease", lease::PATIENCE),
    ));
    let done = fly(session, &sync, &mut epoch, kind, dry_run).await;
    stop.raise(Stop::Soft);
    // The lease is given back at its end; should that fail, it expires by itself.
    let _ = keeper.await;
    done
}

async fn fly(
    session: &Session,
    sync: &Sync,
    epoch: &mut watch::Receiver<Option<i64>>,
    kind: RunKind,
    dry_run: bool,
) -> Result<RunId, Failure> {
    let held = tokio::time::timeout(LEASE_WITHIN, epoch.wait_for(Option::is_some)).await;
    let Ok(Ok(Some(epoch))) = held.map(|held| held.map(|epoch| *epoch)) else {
        return Err(failure(Halt::NotHolder));
    };
    let spinner = session.output.progress(None, "sync");
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner.set_message(format!("{} run", kind.as_str()));
    let ask = Ask {
        channel: session.cx.channel,
        actor: session.cx.actor.clone(),
        dry_run,
        ..Ask::scheduled(kind)
    };
    let ended = sync.run(epoch, &ask).await;
    spinner.finish_and_clear();
    Ok(ended.map_err(failure)?.id)
}

fn failure(halt: Halt) -> Failure {
    match halt {
        Halt::Service(error) => error.into(),
        Halt::Okta(_) => Failure::new(Exit::Unreachable, halt.to_string()),
        Halt::Paused
        | Halt::NotHolder
        | Halt::OpenWrite
        | Halt::Decided
        | Halt::OtherOrg { .. } => Failure::new(Exit::Refused, halt.to_string()),
    }
}
