//! What the poller counts for `/metrics`. Labels are closed sets: no user, team or group is ever one.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use crate::model::run::{RunKind, RunState};
use crate::service::sync::Ended;

/// A kind of run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfKind {
    kind: &'static str,
}

/// What runs of a kind did.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfChange {
    kind: &'static str,
    action: String,
    outcome: String,
}

/// Counted since this process began. Dry runs are not.
#[derive(Debug, Clone)]
pub struct RunCounts {
    /// How long runs took.
    pub seconds: Family<OfKind, Histogram, fn() -> Histogram>,
    /// Changes that they applied, held or skipped.
    pub changes: Family<OfChange, Counter>,
    /// Runs of which the guard held something (R9).
    pub guard_stops: Counter,
}

impl Default for RunCounts {
    fn default() -> Self {
        Self {
            seconds: Family::new_with_constructor(durations),
            changes: Family::default(),
            guard_stops: Counter::default(),
        }
    }
}

impl RunCounts {
    /// Counts a run that ended.
    pub(super) fn ended(&self, kind: RunKind, took: Duration, ended: &Ended) {
        if ended.state == RunState::Planned {
            return;
        }
        let kind = kind.as_str();
        self.seconds
            .get_or_create(&OfKind { kind })
            .observe(took.as_secs_f64());
        for (name, count) in &ended.summary.changes {
            let (action, outcome) = name.split_once('.').unwrap_or((name, ""));
            let label = OfChange {
                kind,
                action: action.to_owned(),
                outcome: outcome.to_owned(),
            };
            self.changes.get_or_create(&label).inc_by(*count);
        }
        if !ended.summary.breaches.is_empty() {
            self.guard_stops.inc();
        }
    }
}

/// 50 ms to about 27 minutes.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.05, 2.0, 16))
}
