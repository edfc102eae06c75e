//! `rosterd sync`: asks the daemon that polls, and follows its run; polls itself only where no daemon does.

mod own;

use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::json;

use super::args::{SyncAction, SyncArgs, SyncFlags};
use super::runs::{all_changes, print, print_changes};
use super::session::{self, Session};
use super::{Context, Exit, Failure};
use crate::model::id::RunId;
use crate::model::run::{RunKind, RunState};
use crate::service::run_views::RunView;
use crate::service::{mode, runs, status, sync};

/// How often a run is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How long a daemon that holds the lease may take to begin; it may be within another run.
const BEGINS_WITHIN: Duration = Duration::from_secs(20);

/// Reads Okta now, pauses or resumes.
pub(super) fn run(context: &Context, args: &SyncArgs) -> Result<Exit, Failure> {
    session::with(context, async |session| match &args.action {
        Some(SyncAction::Pause { r#for: length }) => pause(session, *length).await,
        Some(SyncAction::Resume) => resume(session).await,
        None => read_okta(session, &args.flags).await,
    })
}

async fn pause(session: &Session, length: Option<Duration>) -> Result<Exit, Failure> {
    let length = length.map(|length| i64::try_from(length.as_millis()).unwrap_or(i64::MAX));
    let until = mode::pause(&session.service, &session.cx, length).await?;
    let until = length.map(|_| until);
    if session.output.is_json() {
        session
            .output
            .json(&json!({ "paused": true, "until": until }))?;
    }
    session.output.say(&match until {
        Some(until) => format!("runs are paused until {until}; pushes go on"),
        None => "runs are paused until `rosterd sync resume`; pushes go on".to_owned(),
    });
    Ok(Exit::Done)
}

async fn resume(session: &Session) -> Result<Exit, Failure> {
    mode::resume(&session.service, &session.cx).await?;
    if session.output.is_json() {
        session.output.json(&json!({ "paused": false }))?;
    }
    session.output.say("runs go on");
    Ok(Exit::Done)
}

async fn read_okta(session: &Session, flags: &SyncFlags) -> Result<Exit, Failure> {
    let kind = if flags.full {
        RunKind::Full
    } else {
        RunKind::Delta
    };
    let stands = status::read(&session.service).await?;
    if stands.pause.is_some() {
        return Err(Failure::new(
            Exit::Refused,
            "runs are paused; `rosterd sync resume` ends the pause",
        ));
    }
    let id = if stands.okta.poller.is_some() {
        asked(session, kind, flags.dry_run).await?
    } else {
        own::run(session, kind, flags.dry_run).await?
    };
    report(session, &id).await
}

/// Has the daemon do it, and gives the run once it has ended.
async fn asked(session: &Session, kind: RunKind, dry_run: bool) -> Result<RunId, Failure> {
    let request = sync::request(&session.service, &session.cx, kind, dry_run).await?;
    let spinner = session.output.progress(None, "sync");
    spinner.enable_steady_tick(Duration::from_millis(120));
    let mut waited = Duration::ZERO;
    let id = loop {
        let request = sync::find_request(&session.service, &request.id).await?;
        if let Some(id) = request.run_id {
            break id;
        }
        let stands = status::read(&session.service).await?;
        spinner.set_message(match &stands.okta.running {
            Some(running) => format!("waiting for the {} run in flight", running.kind),
            None => "waiting for the daemon".to_owned(),
        });
        if stands.okta.running.is_none() {
            waited += LOOK;
        }
        if waited > BEGINS_WITHIN {
            spinner.finish_and_clear();
            return Err(Failure::new(
                Exit::Unreachable,
                "the daemon that polls does not take the request: is it stopped? `rosterd status` says who polls",
            ));
        }
        tokio::time::sleep(LOOK).await;
    };
    follow(session, &id, &spinner).await?;
    spinner.finish_and_clear();
    Ok(id)
}

/// Waits until the run has ended.
async fn follow(session: &Session, id: &RunId, spinner: &ProgressBar) -> Result<(), Failure> {
    loop {
        let run = runs::show(&session.service, id).await?.run;
        if run.state != RunState::Running {
            return Ok(());
        }
        let now = session.service.store.now().await?;
        let seconds = now.since(run.began_at) / 1000;
        spinner.set_message(format!("{} run, {seconds} s", run.kind.as_str()));
        tokio::time::sleep(LOOK).await;
    }
}

/// Says how the run ended; of a dry run, its plan.
async fn report(session: &Session, id: &RunId) -> Result<Exit, Failure> {
    let shown = runs::show(&session.service, id).await?;
    let view = RunView::from(&shown);
    let output = &session.output;
    let plan = if shown.run.dry_run {
        all_changes(session, id, None).await?
    } else {
        Vec::new()
    };
    if output.is_json() {
        let mut value = json!({ "run": view });
        if shown.run.dry_run {
            value["plan"] = json!(plan);
        }
        output.json(&value)?;
    } else {
        print(session, &view)?;
        if !plan.is_empty() {
            output.line("")?;
            print_changes(session, &plan)?;
        }
    }
    match shown.run.state {
        RunState::Held => {
            output.say(&format!(
                "what this run would take away is held: `rosterd runs show {id}`, then approve or reject it"
            ));
            Ok(Exit::Refused)
        }
        RunState::Failed | RunState::Interrupted => {
            let error = shown.run.error.unwrap_or_default();
            Err(Failure::failed(format!(
                "the run is {}: {error}",
                shown.run.state.as_str()
            )))
        }
        _ => Ok(Exit::Done),
    }
}
