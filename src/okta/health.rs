//! How Okta is doing, as `/status` shows it: cheap to take at any time, without secrets.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::error::Error;
use crate::model::time::Timestamp;

/// How Okta is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The last answer of any status; `None` before the first.
    pub last_answer: Option<LastAnswer>,
    /// The last failure, which may be older than the last answer.
    pub last_failure: Option<LastFailure>,
    /// Attempts since the last answer that ended in a 5xx, a timeout or no connection.
    pub consecutive_failures: u32,
    /// Okta's clock less ours in ms, at the last answer with a `Date` (whole seconds, so within one of the truth).
    pub clock_skew_ms: Option<i64>,
    /// Since when the clocks have differed by more than [`SKEW_LIMIT_MS`], by ours; `None` while they do not.
    pub skewed_since: Option<Timestamp>,
    /// The rate buckets met so far.
    pub buckets: Vec<BucketRoom>,
    /// Until when calls wait for the rate limit, by our clock; in the past when none does.
    pub waiting_until: Option<Timestamp>,
    /// How many requests were answered with which status; 0 stands for those that got no answer.
    pub answers: BTreeMap<u16, u64>,
    /// The latest values of the response headers that the settings ask to keep.
    pub kept_headers: BTreeMap<String, String>,
}

impl Snapshot {
    /// Whether so many attempts failed in a row that calls no longer try repeatedly (10; the first answer ends that).
    pub const fn is_open(&self) -> bool {
        self.consecutive_failures >= OPEN_AFTER
    }
}

/// How far Okta's clock and ours may differ before it is a problem: tokens and proofs are dated, and `Date` is only right
/// to a second.
pub const SKEW_LIMIT_MS: i64 = 30_000;

/// The last answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastAnswer {
    /// By our clock.
    pub at: Timestamp,
    /// By Okta's (`Date`).
    pub okta_at: Option<Timestamp>,
}

/// The last failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFailure {
    /// By our clock.
    pub at: Timestamp,
    /// What failed.
    pub error: Error,
}

/// How much room a rate bucket has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketRoom {
    /// Which, as `groups` or `users/{id}`.
    pub name: &'static str,
    /// Requests per window.
    pub limit: u32,
    /// Requests left in it, as far as we know.
    pub remaining: u32,
    /// When it is full again, by Okta's clock.
    pub resets_at: Timestamp,
}

/// After this many failed attempts in a row the circuit is open: each call makes one attempt, without backing off, so that
/// a run of a thousand reads does not take a thousand times its patience. The first answer closes it.
pub(super) const OPEN_AFTER: u32 = 10;

/// The state behind [`Snapshot`].
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Snapshot>);

impl Health {
    fn with<T>(&self, change: impl FnOnce(&mut Snapshot) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An answer came (one that is no 5xx).
    pub(super) fn answered(&self, at: Timestamp) {
        self.with(|state| {
            state.consecutive_failures = 0;
            state.last_answer = Some(LastAnswer {
                at,
                okta_at: state.clock_skew_ms.map(|skew| at.plus_millis(skew)),
            });
        });
    }

    /// A request was answered with this status; `None`: it got no answer.
    pub(super) fn counted(&self, status: Option<u16>) {
        self.with(|state| *state.answers.entry(status.unwrap_or(0)).or_default() += 1);
    }

    /// An answer carried a `Date`.
    pub(super) fn clock(&self, at: Timestamp, okta_at: Timestamp) {
        let skew = okta_at.since(at);
        self.with(|state| {
            state.clock_skew_ms = Some(skew);
            state.skewed_since =
                (skew.abs() > SKEW_LIMIT_MS).then(|| state.skewed_since.unwrap_or(at));
        });
    }

    pub(super) fn kept(&self, name: &str, value: &str) {
        self.with(|state| state.kept_headers.insert(name.to_owned(), value.to_owned()));
    }

    /// An attempt failed without a usable answer; says how many have in a row.
    pub(super) fn attempt_failed(&self) -> u32 {
        self.with(|state| {
            state.consecutive_failures = state.consecutive_failures.saturating_add(1);
            state.consecutive_failures
        })
    }

    /// A call gave up.
    pub(super) fn failed(&self, at: Timestamp, error: &Error) {
        if *error != Error::Cancelled {
            self.with(|state| {
                state.last_failure = Some(LastFailure {
                    at,
                    error: error.clone(),
                });
            });
        }
    }

    /// Whether the circuit is open.
    pub(super) fn is_open(&self) -> bool {
        self.with(|state| state.is_open())
    }

    pub(super) fn waiting(&self, until: Timestamp) {
        self.with(|state| state.waiting_until = state.waiting_until.max(Some(until)));
    }

    /// What Okta's clock shows when ours shows `now`.
    pub(super) fn okta_now(&self, now: Timestamp) -> Timestamp {
        now.plus_millis(self.with(|state| state.clock_skew_ms).unwrap_or(0))
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.with(|state| state.clone())
    }
}
