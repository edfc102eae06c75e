//! What `/metrics` says of the store and of Okta: set from the same value `/status` shows, just before the text is made.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::model::run::RunState;
use crate::model::time::Timestamp;
use crate::service::status::{RunLine, Status};

type Seconds = Gauge<f64, AtomicU64>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Bucket {
    bucket: String,
}

/// Gauges of the store, the poller and Okta. Labels are closed sets: no user, team or group is ever one.
#[derive(Debug, Clone, Default)]
pub(super) struct Gauges {
    rows: Family<Kind, Gauge>,
    last_success: Family<Kind, Seconds>,
    last_ok: Family<Kind, Gauge>,
    lag: Seconds,
    remaining: Family<Bucket, Gauge>,
    held: Gauge,
    withheld: Gauge,
    skipped: Gauge,
    paused: Gauge,
    problems: Family<Kind, Gauge>,
}

impl Gauges {
    /// Registers all of them.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "build",
            "This build",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register(
            "rows",
            "Users, teams, groups, mappings and memberships",
            self.rows.clone(),
        );
        registry.register(
            "sync_last_success_timestamp_seconds",
            "When the last run of that kind ended without failing",
            self.last_success.clone(),
        );
        registry.register(
            "sync_last_ok",
            "1: the last run of that kind did not fail",
            self.last_ok.clone(),
        );
        registry.register(
            "okta_lag_seconds",
            "Seconds since Okta last answered",
            self.lag.clone(),
        );
        registry.register(
            "okta_rate_limit_remaining",
            "Requests left in the window",
            self.remaining.clone(),
        );
        registry.register(
            "held_changes",
            "Changes that wait for an admin",
            self.held.clone(),
        );
        registry.register(
            "withheld_changes",
            "What pushes had withheld",
            self.withheld.clone(),
        );
        registry.register(
            "sync_skipped_runs",
            "Runs due while another was in flight",
            self.skipped.clone(),
        );
        registry.register("sync_paused", "1: runs are paused", self.paused.clone());
        registry.register("problems", "Problems by severity", self.problems.clone());
    }

    /// Sets all of them.
    pub(super) fn set(&self, status: &Status) {
        let counts = &status.counts;
        for (kind, value) in [
            ("users", counts.users),
            ("active_users", counts.active_users),
            ("teams", counts.teams),
            ("groups", counts.groups),
            ("mappings", counts.mappings),
            ("memberships", counts.memberships),
        ] {
            self.rows.get_or_create(&of(kind)).set(value);
        }
        let okta = &status.okta;
        self.run("full", okta.last_full.as_ref(), okta.last_good_full);
        self.run("delta", okta.last_delta.as_ref(), okta.last_good_delta);
        #[expect(clippy::cast_precision_loss, reason = "seconds stay far below 2^52")]
        self.lag.set(status.okta.lag_seconds.unwrap_or(-1) as f64);
        for limit in &status.okta.health.rate_limits {
            let bucket = Bucket {
                bucket: limit.bucket.clone(),
            };
            self.remaining
                .get_or_create(&bucket)
                .set(i64::from(limit.remaining));
        }
        self.held
            .set(status.held_run.as_ref().map_or(0, |held| held.changes));
        self.withheld
            .set(status.withheld_run.as_ref().map_or(0, |held| held.changes));
        self.skipped.set(status.okta.skipped_runs);
        self.paused.set(i64::from(status.pause.is_some()));
        for severity in ["info", "warning", "error", "critical"] {
            let count = status
                .problems
                .iter()
                .filter(|problem| problem.severity.as_str() == severity)
                .count();
            self.problems
                .get_or_create(&of(severity))
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    fn run(&self, kind: &str, last: Option<&RunLine>, good: Option<Timestamp>) {
        if let Some(last) = last {
            let good = RunState::parse(&last.state).is_some_and(RunState::is_good);
            self.last_ok.get_or_create(&of(kind)).set(i64::from(good));
        }
        if let Some(ended) = good {
            #[expect(
                clippy::cast_precision_loss,
                reason = "milliseconds stay below 2^52 for 140,000 years"
            )]
            let seconds = ended.as_millis() as f64 / 1000.0;
            self.last_success.get_or_create(&of(kind)).set(seconds);
        }
    }
}

fn of(kind: &str) -> Kind {
    Kind {
        kind: kind.to_owned(),
    }
}
