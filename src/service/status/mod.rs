//! How rosterd stands: one typed value for `/status`, the command line and the metrics.

mod problems;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Error, Service};
use crate::model::mode::OktaMode;
use crate::model::run::RunKind;
use crate::model::time::Timestamp;
use crate::store::counts::{self, Counts, ScimTraffic};
use crate::store::runs::{self, Run};
use crate::store::{Tx, lease, mappings, marks, organization, run_changes, withheld};

pub use problems::{Problem, Severity};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How rosterd stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// `ok`, or the worst severity among the problems.
    pub overall: String,
    /// rosterd's version.
    pub version: String,
    /// When this was read, by the store's clock.
    pub at: Timestamp,
    /// The store.
    pub store: StoreStatus,
    /// Okta and the poller.
    pub okta: OktaStatus,
    /// SCIM.
    pub scim: ScimTraffic,
    /// How much of everything there is.
    pub counts: Counts,
    /// The held plan of the polls, if there is one (R9).
    pub held_run: Option<HeldRun>,
    /// What pushes had withheld (R9), if anything.
    pub withheld_run: Option<HeldRun>,
    /// The pause, if there is one.
    pub pause: Option<Pause>,
    /// What is wrong and what to do, worst first.
    pub problems: Vec<Problem>,
}

/// The store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoreStatus {
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// Where it is, without credentials.
    pub location: String,
}

/// Okta and the poller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OktaStatus {
    /// Who owns membership.
    pub mode: OktaMode,
    /// Whether a poller is configured.
    pub configured: bool,
    /// The org whose answers count (R8).
    pub org_id: Option<String>,
    /// The app whose users are the population (R16).
    pub app_id: Option<String>,
    /// The last full run that ended.
    pub last_full: Option<RunLine>,
    /// The last delta run that ended.
    pub last_delta: Option<RunLine>,
    /// When a full run last ended without failing.
    pub last_good_full: Option<Timestamp>,
    /// When a delta run last ended without failing.
    pub last_good_delta: Option<Timestamp>,
    /// When the next full run is due.
    pub next_full: Option<Timestamp>,
    /// When the next delta run is due.
    pub next_delta: Option<Timestamp>,
    /// The run in flight.
    pub running: Option<RunLine>,
    /// Runs that were due while another was in flight.
    pub skipped_runs: i64,
    /// The daemon that polls, and until when its lease holds.
    pub poller: Option<Poller>,
    /// Seconds since Okta last answered.
    pub lag_seconds: Option<i64>,
    /// What the client knows of Okta.
    pub health: OktaHealth,
}

/// The daemon that polls.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Poller {
    /// Its name.
    pub holder: String,
    /// The lease's epoch.
    pub epoch: i64,
    /// Until when its lease holds.
    pub expires_at: Timestamp,
}

/// What the Okta client knew when it last wrote it down; no secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OktaHealth {
    /// When Okta last answered anything, by our clock.
    pub last_answer_at: Option<Timestamp>,
    /// The last failure.
    pub last_failure_at: Option<Timestamp>,
    /// Its text.
    pub last_failure: Option<String>,
    /// Failures since the last answer.
    pub consecutive_failures: u32,
    /// Okta's clock less ours, in milliseconds.
    pub clock_skew_ms: Option<i64>,
    /// Since when the two have differed by more than they may.
    pub skewed_since: Option<Timestamp>,
    /// The rate-limit buckets as the last answers showed them.
    pub rate_limits: Vec<RateLimit>,
}

/// One rate-limit bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// The bucket's name.
    pub bucket: String,
    /// Requests a window.
    pub limit: u32,
    /// Requests left in this one.
    pub remaining: u32,
    /// When the window ends.
    pub resets_at: Timestamp,
}

/// A run in one line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunLine {
    /// Its id.
    pub id: String,
    /// full, delta, hook or scim.
    pub kind: String,
    /// Its state: applied, held, failed, …
    pub state: String,
    /// Before its first read.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it read and did.
    pub summary: Value,
    /// Why it failed and what to do.
    pub error: Option<String>,
}

/// A run that waits for an admin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeldRun {
    /// Its id: `rosterd runs show ID`.
    pub id: String,
    /// Since when.
    pub since: Timestamp,
    /// How many changes wait.
    pub changes: i64,
}

/// A pause.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pause {
    /// Until when; `None`: until resumed.
    pub until: Option<Timestamp>,
    /// Who paused.
    pub by: Option<String>,
}

impl RunLine {
    /// A run in one line.
    pub fn of(run: &Run) -> Self {
        Self {
            id: run.id.to_string(),
            kind: run.kind.as_str().to_owned(),
            state: run.state.as_str().to_owned(),
            began_at: run.began_at,
            ended_at: run.ended_at,
            summary: serde_json::from_str(&run.summary).unwrap_or(Value::Null),
            error: run.error.clone(),
        }
    }
}

/// How rosterd stands, from one snapshot of the store.
pub async fn read(service: &Service) -> Result<Status, Error> {
    let mut tx = service.store.read().await?;
    let now = tx.now();
    let organization = organization::find(&mut tx).await?;
    let okta = okta(service, &mut tx, &organization).await?;
    let scim = counts::find_scim_traffic(&mut tx, now.minus_millis(DAY_MS)).await?;
    let counts = counts::find(&mut tx).await?;
    let held = runs::find_held(&mut tx).await?;
    let held_run = match &held {
        Some(run) => Some(held_line(&mut tx, run).await?),
        None => None,
    };
    let kept = withheld::list(&mut tx).await?;
    let withheld_run = runs::find_open_scim(&mut tx).await?.map(|run| HeldRun {
        changes: count(
            kept.iter()
                .filter(|row| row.run.as_ref() == Some(&run.id))
                .count(),
        ),
        id: run.id.to_string(),
        since: run.began_at,
    });
    let pause = organization
        .paused_until
        .filter(|until| *until > now)
        .map(|until| Pause {
            until: (until.as_millis() < i64::MAX).then_some(until),
            by: organization.paused_by.clone(),
        });
    let seen = problems::Seen {
        settings: &service.settings(),
        organization: &organization,
        okta: &okta,
        scim: &scim,
        counts: &counts,
        held: held_run.as_ref(),
        withheld: &kept,
        pause: pause.as_ref(),
        mappings: &mappings::list(&mut tx).await?,
        now,
    };
    let problems = problems::list(&mut tx, &seen).await?;
    tx.rollback().await?;
    let worst = problems.iter().map(|problem| problem.severity).max();
    Ok(Status {
        overall: worst.map_or("ok", Severity::as_str).to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: now,
        store: StoreStatus {
            engine: service.store.engine().name().to_owned(),
            location: service.store.location().to_string(),
        },
        okta,
        scim,
        counts,
        held_run,
        withheld_run,
        pause,
        problems,
    })
}

async fn okta(
    service: &Service,
    tx: &mut Tx,
    organization: &organization::Organization,
) -> Result<OktaStatus, Error> {
    let settings = service.settings();
    let now = tx.now();
    let known = marks::list(tx).await?;
    let mark = |name: &str| {
        known
            .iter()
            .find(|mark| mark.name == name)
            .map(|mark| mark.value.as_str())
    };
    let health: OktaHealth = mark(marks::OKTA_HEALTH)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let poller = lease::find(tx)
        .await?
        .filter(|lease| lease.held_at(now))
        .map(|lease| Poller {
            holder: lease.holder,
            epoch: lease.epoch,
            expires_at: lease.expires_at,
        });
    let last_full = runs::find_last(tx, RunKind::Full).await?;
    let last_delta = runs::find_last(tx, RunKind::Delta).await?;
    Ok(OktaStatus {
        mode: organization.mode,
        configured: settings.okta_configured,
        org_id: organization.okta_org_id.clone(),
        app_id: settings.app_id.clone(),
        last_good_full: last_good(tx, RunKind::Full, last_full.as_ref()).await?,
        last_good_delta: last_good(tx, RunKind::Delta, last_delta.as_ref()).await?,
        last_full: last_full.as_ref().map(RunLine::of),
        last_delta: last_delta.as_ref().map(RunLine::of),
        next_full: mark(marks::NEXT_FULL).and_then(Timestamp::parse),
        next_delta: mark(marks::NEXT_DELTA).and_then(Timestamp::parse),
        running: runs::find_running(tx).await?.as_ref().map(RunLine::of),
        skipped_runs: mark(marks::SKIPPED_RUNS)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0),
        poller,
        lag_seconds: health.last_answer_at.map(|at| now.since(at).max(0) / 1000),
        health,
    })
}

/// When a run of the kind last ended without failing: mostly that is the last one.
async fn last_good(
    tx: &mut Tx,
    kind: RunKind,
    last: Option<&Run>,
) -> Result<Option<Timestamp>, Error> {
    let good = match last {
        Some(last) if last.state.is_good() => last.ended_at,
        Some(_) => runs::find_last_good(tx, kind)
            .await?
            .and_then(|run| run.ended_at),
        None => None,
    };
    Ok(good)
}

async fn held_line(tx: &mut Tx, run: &Run) -> Result<HeldRun, Error> {
    let changes = run_changes::count(tx, &run.id)
        .await?
        .get("held")
        .copied()
        .unwrap_or(0);
    Ok(HeldRun {
        id: run.id.to_string(),
        since: run.began_at,
        changes,
    })
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
