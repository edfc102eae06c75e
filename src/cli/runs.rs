//! `rosterd runs`: the history, and the word of an admin on what is held.

use serde_json::json;

use super::args::{RunChannel, RunsCommand};
use super::session::{self, Session};
use super::{Context, Exit, Failure};
use crate::model::id::RunId;
use crate::model::run::{Outcome, RunState};
use crate::service::run_views::{self, ChangeView, RunView};
use crate::service::{Error, runs};
use crate::store::runs::Run;

/// How many runs or changes are read at once.
const PAGE: i64 = 1_000;

/// Lists and shows runs, approves and rejects what one holds.
pub(super) fn run(context: &Context, command: RunsCommand) -> Result<Exit, Failure> {
    session::with(context, async |session| match command {
        RunsCommand::List { limit, channel } => list(session, limit as usize, channel).await,
        RunsCommand::Show { run } => show(session, &parse(&run)?).await,
        RunsCommand::Approve { run, yes } => decide(session, &parse(&run)?, yes, true).await,
        RunsCommand::Reject { run, yes } => decide(session, &parse(&run)?, yes, false).await,
    })
}

fn parse(text: &str) -> Result<RunId, Failure> {
    Ok(RunId::parse(text).ok_or(Error::NotFound("run"))?)
}

async fn list(
    session: &Session,
    limit: usize,
    channel: Option<RunChannel>,
) -> Result<Exit, Failure> {
    let mut found: Vec<Run> = Vec::new();
    let mut before: Option<RunId> = None;
    while found.len() < limit {
        let page = runs::list(&session.service, before.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.id.clone());
        found.extend(page.into_iter().filter(|run| began(channel, run)));
    }
    found.truncate(limit);
    let views: Vec<RunView> = found.iter().map(RunView::from).collect();
    let rows = views.iter().map(|run| {
        [
            run.id.clone(),
            kind(run),
            run.channel.clone(),
            run.state.to_owned(),
            run.began_at.to_string(),
            run.ended_at
                .map_or_else(|| "-".to_owned(), |at| seconds(at.since(run.began_at))),
            changed(run),
        ]
    });
    let header = ["id", "kind", "by", "state", "began", "took", "changes"];
    session.output.table(&views, header, rows)?;
    Ok(Exit::Done)
}

fn began(channel: Option<RunChannel>, run: &Run) -> bool {
    match channel {
        None => true,
        // A kick is a poll that somebody asked for.
        Some(RunChannel::Poll) => matches!(run.channel.as_str(), "poll" | "api" | "cli"),
        Some(RunChannel::Hook) => run.channel == "hook",
        Some(RunChannel::Scim) => run.channel == "scim",
    }
}

fn kind(run: &RunView) -> String {
    if run.dry_run {
        format!("{} (dry)", run.kind)
    } else {
        run.kind.to_owned()
    }
}

fn seconds(millis: i64) -> String {
    format!("{}.{:01} s", millis / 1000, (millis % 1000) / 100)
}

/// What a run's summary says it changed, as `edge_added.applied 3`.
fn changed(run: &RunView) -> String {
    let Some(changes) = run
        .summary
        .get("changes")
        .and_then(|value| value.as_object())
    else {
        return String::new();
    };
    let counts: Vec<String> = changes
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    counts.join(", ")
}

async fn show(session: &Session, id: &RunId) -> Result<Exit, Failure> {
    let shown = RunView::from(&runs::show(&session.service, id).await?);
    let output = &session.output;
    if output.is_json() {
        let changes = all_changes(session, id, None).await?;
        output.json(&json!({ "run": shown, "changes": changes }))?;
        return Ok(Exit::Done);
    }
    print(session, &shown)?;
    output.line("")?;
    let mut after = 0;
    loop {
        let page = run_views::changes(&session.service, id, None, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.ordinal;
        print_changes(session, &page)?;
    }
    Ok(Exit::Done)
}

/// A run's facts, one under another.
pub(super) fn print(session: &Session, run: &RunView) -> Result<(), Failure> {
    let output = &session.output;
    output.field("run", &run.id)?;
    output.field("kind", &kind(run))?;
    output.field("state", run.state)?;
    output.field("asked by", &format!("{} ({})", run.actor, run.channel))?;
    output.field("began", &run.began_at.to_string())?;
    if let Some(ended) = run.ended_at {
        output.field("took", &seconds(ended.since(run.began_at)))?;
    }
    if let Some(read) = run.summary.get("read").and_then(|value| value.as_object()) {
        let counts: Vec<String> = read
            .iter()
            .map(|(name, count)| format!("{} {count}", name.replace('_', " ")))
            .collect();
        output.field("read", &counts.join(", "))?;
    }
    let changes = changed(run);
    if !changes.is_empty() {
        output.field("changes", &changes)?;
    }
    for unknown in run
        .summary
        .get("unknown")
        .and_then(|value| value.as_array())
        .into_iter()
        .flatten()
    {
        let text = |name: &str| unknown.get(name).and_then(|value| value.as_str());
        let line = format!(
            "{}: {}",
            text("object").unwrap_or_default(),
            text("why").unwrap_or_default()
        );
        output.field("unknown", &line)?;
    }
    for (name, value) in [
        ("error", &run.error),
        ("decided by", &run.decided_by),
        ("goes on as", &run.successor),
    ] {
        if let Some(value) = value {
            output.field(name, value)?;
        }
    }
    Ok(())
}

/// Changes, each with its reason.
pub(super) fn print_changes(session: &Session, changes: &[ChangeView]) -> Result<(), Failure> {
    let rows = changes.iter().map(|change| {
        [
            change.outcome.to_owned(),
            change.text.clone(),
            change.reason.clone(),
        ]
    });
    session
        .output
        .table(&(), ["outcome", "change", "because"], rows)
}

/// Every change of a run, whole.
pub(super) async fn all_changes(
    session: &Session,
    id: &RunId,
    outcome: Option<Outcome>,
) -> Result<Vec<ChangeView>, Failure> {
    let mut all: Vec<ChangeView> = Vec::new();
    loop {
        let after = all.last().map_or(0, |change| change.ordinal);
        let page = run_views::changes(&session.service, id, outcome, after, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn decide(session: &Session, id: &RunId, yes: bool, approve: bool) -> Result<Exit, Failure> {
    let output = &session.output;
    let shown = runs::show(&session.service, id).await?;
    if shown.run.state == RunState::Held && !yes {
        let held = all_changes(session, id, Some(Outcome::Held)).await?;
        for change in &held {
            output.say(&format!("  {} ({})", change.text, change.reason));
        }
        output.confirm(
            yes,
            if approve {
                "Apply this?"
            } else {
                "Drop this, and not ask again for a while?"
            },
        )?;
    }
    let done = if approve {
        runs::approve(&session.service, &session.cx, id).await?
    } else {
        runs::reject(&session.service, &session.cx, id).await?
    };
    if output.is_json() {
        output.json(&json!({ "run": id, "done": done.done, "left_out": done.left_out }))?;
    }
    output.say(&match (approve, done.left_out) {
        (true, 0) => format!("{} applied", done.done),
        (true, left) => format!(
            "{} applied, {left} left out because something newer speaks against them",
            done.done
        ),
        (false, _) => format!("{} dropped", done.done),
    });
    Ok(Exit::Done)
}
