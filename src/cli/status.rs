//! `rosterd status`: the store read directly, so that it works whether a daemon runs or not.

use super::session::{self, Session};
use super::{Context, Exit, Failure};
use crate::model::time::Timestamp;
use crate::service::status::{self, RunLine, Status};

/// Prints how rosterd stands.
pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    session::with(context, async |session| {
        let status = status::read(&session.service).await?;
        if session.output.is_json() {
            session.output.json(&status)?;
        } else {
            print(session, &status)?;
        }
        Ok(Exit::Done)
    })
}

fn print(session: &Session, status: &Status) -> Result<(), Failure> {
    let output = &session.output;
    let okta = &status.okta;
    output.field("rosterd", &format!("{} {}", status.version, status.overall))?;
    output.field(
        "store",
        &format!("{} ({})", status.store.location, status.store.engine),
    )?;
    output.field("Okta", okta.mode.as_str())?;
    output.field("polled by", &poller(status))?;
    if let Some(seconds) = okta.lag_seconds {
        output.field("Okta answered", &format!("{seconds} s ago"))?;
    }
    for (name, last, next) in [
        ("full run", &okta.last_full, okta.next_full),
        ("delta run", &okta.last_delta, okta.next_delta),
    ] {
        output.field(name, &run_line(last.as_ref(), next))?;
    }
    if let Some(running) = &okta.running {
        output.field(
            "running",
            &format!("{} since {}", running.kind, running.began_at),
        )?;
    }
    if let Some(pause) = &status.pause {
        let until = pause.until.map_or_else(
            || "until resumed".to_owned(),
            |until| format!("until {until}"),
        );
        let by = pause.by.as_deref().unwrap_or("somebody");
        output.field("paused", &format!("{until}, by {by}"))?;
    }
    for (name, run) in [
        ("held", &status.held_run),
        ("withheld", &status.withheld_run),
    ] {
        if let Some(run) = run {
            output.field(
                name,
                &format!(
                    "{} changes since {}: rosterd runs show {}",
                    run.changes, run.since, run.id
                ),
            )?;
        }
    }
    output.field("SCIM", &scim(status))?;
    if let Some(tightest) = okta
        .health
        .rate_limits
        .iter()
        .min_by_key(|limit| u64::from(limit.remaining) * 1_000 / u64::from(limit.limit.max(1)))
    {
        output.field(
            "rate limit",
            &format!(
                "{} of {} left in {} until {}",
                tightest.remaining, tightest.limit, tightest.bucket, tightest.resets_at
            ),
        )?;
    }
    let counts = &status.counts;
    output.field(
        "users",
        &format!("{}, {} of them active", counts.users, counts.active_users),
    )?;
    output.field("groups", &counts.groups.to_string())?;
    output.field(
        "mappings",
        &format!(
            "{}, {} of them bound",
            counts.mappings, counts.bound_mappings
        ),
    )?;
    output.field(
        "teams",
        &format!("{}, {} memberships", counts.teams, counts.memberships),
    )?;
    for problem in &status.problems {
        let severity = problem.severity.as_str();
        output.line("")?;
        output.field(severity, &format!("{} ({})", problem.text, problem.code))?;
        output.field("", &problem.next)?;
    }
    Ok(())
}

fn scim(status: &Status) -> String {
    let scim = &status.scim;
    let tokens = match scim.tokens {
        0 => "no live token".to_owned(),
        1 => "1 live token".to_owned(),
        many => format!("{many} live tokens"),
    };
    match (scim.last_request_at, scim.last_status) {
        (Some(at), Some(code)) => format!(
            "last request {at}, answered {code}; {} in a day, {} of them errors; {tokens}",
            scim.requests, scim.errors
        ),
        _ => format!("no request yet; {tokens}"),
    }
}

fn poller(status: &Status) -> String {
    match (&status.okta.poller, status.okta.configured) {
        (Some(poller), _) => poller.holder.clone(),
        (None, true) => "no daemon now".to_owned(),
        (None, false) => "nobody: okta.org_url is not set".to_owned(),
    }
}

fn run_line(last: Option<&RunLine>, next: Option<Timestamp>) -> String {
    let last = last.map_or_else(
        || "never".to_owned(),
        |run| {
            let error = run
                .error
                .as_deref()
                .map_or(String::new(), |error| format!(": {error}"));
            format!("{} {}{error}", run.began_at, run.state)
        },
    );
    match next {
        Some(next) => format!("{last}, next {next}"),
        None => last,
    }
}
