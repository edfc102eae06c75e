//! `rosterd check`: every problem of a configuration at once, and when the schedules fire next.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::args::CheckArgs;
use super::exit::{Exit, Failure};
use super::{Context, online};
use crate::config::{self, Config, Problem, Schedule};
use crate::daemon::assemble;
use crate::model::random::{Random, SystemRandom};
use crate::model::time::{Clock, SystemClock, Timestamp};

/// How many firing times are shown.
const SHOWN: usize = 3;

#[derive(Serialize)]
struct Report {
    ok: bool,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<Summary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    online: Option<Vec<online::Line>>,
}

#[derive(Serialize)]
struct Summary {
    store: String,
    listen: String,
    public_url: String,
    okta: Option<String>,
    delta: Firings,
    full: Firings,
    /// The times are the schedules'; each store's offset comes on top, and only the store knows it.
    offset_at_most_seconds: u64,
}

#[derive(Serialize)]
struct Firings {
    schedule: String,
    next: Vec<Timestamp>,
}

/// Reads the configuration and says what it found.
///
/// # Errors
/// When it cannot print.
pub(super) fn run(context: &Context, args: &CheckArgs) -> Result<Exit, Failure> {
    let mut report = Report {
        ok: false,
        problems: Vec::new(),
        warnings: Vec::new(),
        settings: None,
        online: None,
    };
    let mut untried = None;
    match config::load(context.config.as_deref(), &context.environment) {
        Ok(loaded) => {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
            let random = SystemRandom::new()
                .map_err(|error| Failure::failed(format!("no randomness: {error}")))?;
            let random: Arc<dyn Random> = Arc::new(random);
            report.warnings = loaded.warnings;
            report.settings = Some(summary(&loaded.config, clock.now()));
            report.problems = assemble::problems(&loaded.config, &clock, &random);
            report.ok = report.problems.is_empty();
            if args.online && report.ok {
                match online::run(&loaded.config, &clock, &random) {
                    Ok(lines) => report.online = Some(lines),
                    Err(failure) => untried = Some(failure),
                }
            }
        }
        Err(problems) => report.problems = problems.0,
    }
    let failed = report.online.iter().flatten().any(online::Line::failed);
    let output = &context.output;
    if output.is_json() {
        output.json(&report)?;
    } else {
        output.line(text(&report).trim_end())?;
        for line in report.online.iter().flatten() {
            output.line(&line.to_string())?;
        }
    }
    if let Some(failure) = untried {
        return Err(failure);
    }
    match (report.ok, failed) {
        (false, _) => Ok(Exit::Config),
        (true, true) => Err(Failure::new(
            Exit::Unreachable,
            "Okta cannot be polled as configured: see the lines that say FAIL",
        )),
        (true, false) => Ok(Exit::Done),
    }
}

fn summary(config: &Config, now: Timestamp) -> Summary {
    let firings = |schedule: &Schedule| Firings {
        schedule: schedule.to_string(),
        next: schedule
            .upcoming(now.as_millis(), Duration::ZERO, SHOWN)
            .into_iter()
            .map(Timestamp::from_millis)
            .collect(),
    };
    Summary {
        store: config.store.url.to_string(),
        listen: config.server.listen.to_string(),
        public_url: config.server.base_url(),
        okta: config.okta.org.as_ref().map(|org| org.url.to_string()),
        delta: firings(&config.okta.delta_schedule),
        full: firings(&config.okta.full_schedule),
        offset_at_most_seconds: Schedule::widest_offset().as_secs(),
    }
}

/// Writing to a String cannot fail.
fn text(report: &Report) -> String {
    let mut out = String::new();
    if let Some(settings) = report.settings.as_ref().filter(|_| report.ok) {
        write_summary(&mut out, settings);
    }
    let width = report.warnings.iter().map(|w| w.key.len()).max();
    let width = width.unwrap_or(0);
    for warning in &report.warnings {
        let _ = writeln!(out, "warning: {:<width$}  {}", warning.key, warning.text);
    }
    let _ = match report.warnings.len() {
        _ if !report.ok => write!(out, "{}", config::Problems(report.problems.clone())),
        0 => write!(out, "no problems"),
        1 => write!(out, "no problems, 1 warning"),
        count => write!(out, "no problems, {count} warnings"),
    };
    out
}

fn write_summary(out: &mut String, settings: &Summary) {
    for (name, value) in [
        ("store", settings.store.as_str()),
        ("listen", settings.listen.as_str()),
        ("public URL", settings.public_url.as_str()),
        ("Okta", settings.okta.as_deref().unwrap_or("not polled")),
    ] {
        let _ = writeln!(out, "{name:<12}  {value}");
    }
    for (name, firings) in [
        ("delta runs", &settings.delta),
        ("full runs", &settings.full),
    ] {
        let _ = writeln!(out, "{name:<12}  {:?}, next (UTC):", firings.schedule);
        for at in &firings.next {
            let _ = writeln!(out, "{:<12}  {at}", "");
        }
    }
    let _ = writeln!(
        out,
        "{:<12}  each store moves its runs by an offset of its own, at most {} minutes",
        "",
        settings.offset_at_most_seconds / 60
    );
}
