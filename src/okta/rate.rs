//! Rate limits: whose turn it is.
//!
//! Okta says in each answer how much of a bucket is left (`X-Rate-Limit-Limit`, `-Remaining`, `-Reset` in epoch seconds).
//! We keep to our share: when what remains falls to what is left for others, we wait until the bucket is full again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;

use super::settings::Share;
use crate::model::time::Timestamp;

/// The buckets, told apart by path as Okta documents them. Two that Okta counts together may be kept apart here: each of
/// its answers says what remains, so the worst is that one answer comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Bucket {
    /// `/api/v1/groups` and everything below but a single group.
    Groups,
    /// `/api/v1/groups/{id}`.
    Group,
    /// `/api/v1/users`.
    Users,
    /// `/api/v1/users/{id}`.
    User,
    /// Everything below `/api/v1/apps`.
    Apps,
    /// `/oauth2/v1/token`.
    Token,
    /// Anything else.
    Other,
}

impl Bucket {
    pub(super) fn of(path: &str) -> Self {
        let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
        match segments.as_slice() {
            ["api", "v1", "groups", _] => Self::Group,
            ["api", "v1", "groups", ..] => Self::Groups,
            ["api", "v1", "users"] => Self::Users,
            ["api", "v1", "users", _] => Self::User,
            ["api", "v1", "apps", ..] => Self::Apps,
            ["oauth2", ..] => Self::Token,
            _ => Self::Other,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Groups => "groups",
            Self::Group => "groups/{id}",
            Self::Users => "users",
            Self::User => "users/{id}",
            Self::Apps => "apps",
            Self::Token => "oauth2/token",
            Self::Other => "other",
        }
    }
}

/// What one answer said of its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Requests per window.
    pub(super) limit: u32,
    /// Requests left in it.
    pub(super) remaining: u32,
    /// When it is full again, by Okta's clock.
    pub(super) reset: Timestamp,
}

impl Window {
    /// Reads the three headers; `None` unless all are there and are numbers.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        let reset = number("x-rate-limit-reset")?.checked_mul(1000)?;
        Some(Self {
            limit: u32::try_from(number("x-rate-limit-limit")?).ok()?,
            remaining: u32::try_from(number("x-rate-limit-remaining")?).ok()?,
            reset: Timestamp::from_millis(reset),
        })
    }

    /// Okta's mark of too many requests at once: limit and remaining both 0, and the reset only a hint.
    pub(super) const fn is_concurrency(self) -> bool {
        self.limit == 0 && self.remaining == 0
    }

    /// The wait a 429 asks for: Reset - Date + 1 s, in ms, at least 1 s and at most 5 minutes (windows are about one).
    pub(super) fn wait(self, okta_now: Timestamp) -> i64 {
        self.reset
            .since(okta_now)
            .saturating_add(1_000)
            .clamp(1_000, MAX_WAIT_MS)
    }
}

/// No wait for a bucket is longer; a later reset is a clock gone wrong.
const MAX_WAIT_MS: i64 = 300_000;

/// Whether a request may go now, or in how many ms there is room again. Pure.
pub(super) fn decide(window: Option<Window>, share: Share, okta_now: Timestamp) -> Result<(), i64> {
    let Some(window) = window else { return Ok(()) };
    if window.reset <= okta_now {
        return Ok(());
    }
    let for_others = window.limit.saturating_sub(share.of(window.limit));
    if window.remaining > for_others {
        Ok(())
    } else {
        Err(window.wait(okta_now))
    }
}

/// The bookkeeping of all buckets.
#[derive(Debug)]
pub(super) struct Ledger {
    share: Share,
    windows: Mutex<BTreeMap<Bucket, Window>>,
}

impl Ledger {
    pub(super) fn new(share: Share) -> Self {
        Self {
            share,
            windows: Mutex::default(),
        }
    }

    /// Takes one request from the bucket, or says in how many ms to ask again. What is taken counts at once: requests in
    /// flight are not yet in Okta's figure.
    pub(super) fn take(&self, bucket: Bucket, okta_now: Timestamp) -> Result<(), i64> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        decide(windows.get(&bucket).copied(), self.share, okta_now)?;
        if let Some(window) = windows.get_mut(&bucket) {
            if window.reset <= okta_now {
                // A new window of which nothing is known yet but its size and that windows last about a minute.
                window.remaining = window.limit;
                window.reset = okta_now.plus_millis(60_000);
            }
            window.remaining = window.remaining.saturating_sub(1);
        }
        Ok(())
    }

    /// Notes what an answer said. Within one window answers may overtake one another: the smaller figure stands.
    pub(super) fn note(&self, bucket: Bucket, said: Window) {
        if said.is_concurrency() {
            return;
        }
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows
            .entry(bucket)
            .and_modify(|known| {
                let remaining = if known.reset == said.reset {
                    known.remaining.min(said.remaining)
                } else {
                    said.remaining
                };
                *known = Window { remaining, ..said };
            })
            .or_insert(said);
    }

    /// Every bucket met so far.
    pub(super) fn all(&self) -> Vec<(Bucket, Window)> {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows
            .iter()
            .map(|(bucket, window)| (*bucket, *window))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::{any, prop_assert, proptest};

    use super::{Bucket, Ledger, Window, decide};
    use crate::model::time::Timestamp;
    use crate::okta::settings::Share;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn window(limit: u32, remaining: u32, reset: i64) -> Window {
        Window {
            limit,
            remaining,
            reset: at(reset),
        }
    }

    #[test]
    fn the_share_left_for_others_is_not_touched() {
        let half = Share::new(0.5).unwrap();
        assert_eq!(decide(Some(window(500, 251, 60_000)), half, at(0)), Ok(()));
        assert_eq!(
            decide(Some(window(500, 250, 60_000)), half, at(0)),
            Err(61_000)
        );
        assert_eq!(
            decide(Some(window(500, 0, 60_000)), half, at(60_000)),
            Ok(()),
            "a new window"
        );
        assert_eq!(decide(None, half, at(0)), Ok(()), "nothing known yet");
    }

    #[test]
    fn a_429_waits_for_reset_less_date_plus_a_second() {
        assert_eq!(window(500, 0, 60_000).wait(at(18_000)), 43_000);
        assert_eq!(
            window(500, 0, 60_000).wait(at(99_000)),
            1_000,
            "a reset in the past"
        );
        assert_eq!(
            window(500, 0, i64::MAX).wait(at(0)),
            300_000,
            "a reset that makes no sense"
        );
    }

    #[test]
    fn requests_in_flight_count_before_they_are_answered() {
        let ledger = Ledger::new(Share::new(0.5).unwrap());
        ledger.note(Bucket::Groups, window(10, 8, 60_000));
        for _ in 0..3 {
            assert_eq!(ledger.take(Bucket::Groups, at(0)), Ok(()));
        }
        assert_eq!(ledger.take(Bucket::Groups, at(0)), Err(61_000));
        ledger.note(Bucket::Groups, window(10, 7, 60_000));
        assert!(
            ledger.take(Bucket::Groups, at(0)).is_err(),
            "a late answer does not give back what is taken"
        );
        assert_eq!(ledger.take(Bucket::Users, at(0)), Ok(()), "another bucket");
        ledger.note(Bucket::Groups, window(10, 9, 120_000));
        assert_eq!(
            ledger.take(Bucket::Groups, at(61_000)),
            Ok(()),
            "the next window"
        );
    }

    #[test]
    fn a_window_that_passed_unseen_still_limits_a_burst() {
        let ledger = Ledger::new(Share::new(0.5).unwrap());
        ledger.note(Bucket::Users, window(4, 0, 1_000));
        let went = (0..9)
            .filter(|_| ledger.take(Bucket::Users, at(2_000)).is_ok())
            .count();
        assert_eq!(went, 2);
    }

    #[test]
    fn a_concurrency_429_says_nothing_of_the_bucket() {
        let ledger = Ledger::new(Share::default());
        ledger.note(Bucket::Groups, window(500, 499, 60_000));
        ledger.note(Bucket::Groups, window(0, 0, 60_000));
        assert_eq!(ledger.all(), [(Bucket::Groups, window(500, 499, 60_000))]);
    }

    #[test]
    fn paths_fall_into_okta_s_buckets() {
        for (path, name) in [
            ("/api/v1/groups", "groups"),
            ("/api/v1/groups/00g1/users", "groups"),
            ("/api/v1/groups/00g1", "groups/{id}"),
            ("/api/v1/users", "users"),
            ("/api/v1/users/00u1", "users/{id}"),
            ("/api/v1/users/00u1/roles", "other"),
            ("/api/v1/apps/0oa1/users", "apps"),
            ("/oauth2/v1/token", "oauth2/token"),
            ("/.well-known/okta-organization", "other"),
        ] {
            assert_eq!(Bucket::of(path).name(), name, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_figures_of_okta_s_make_a_wait_negative_or_long(limit: u32, remaining: u32, reset: i64, now: i64, share in 0.001f64..=1.0) {
            let share = Share::new(share).unwrap();
            if let Err(wait) = decide(Some(window(limit, remaining, reset)), share, at(now)) {
                prop_assert!((1_000..=300_000).contains(&wait));
            }
        }

        #[test]
        fn no_path_breaks_the_buckets(path in any::<String>()) {
            let _ = Bucket::of(&path);
        }
    }
}
