//! Rate limits: one bucket per kind of endpoint and principal, in windows of 60 seconds that begin with the first
//! request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::model::time::Timestamp;

/// Requests per minute of each bucket, before the share a single token gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// `/api/v1/groups` and everything under it but a group by id.
    pub groups: u32,
    /// `/api/v1/groups/{id}`.
    pub group: u32,
    /// `/api/v1/users`.
    pub users: u32,
    /// `/api/v1/users/{id}`.
    pub user: u32,
    /// `/api/v1/logs`.
    pub logs: u32,
    /// `/api/v1/apps`.
    pub apps: u32,
    /// The rest.
    pub rest: u32,
    /// Per cent of a bucket that one token or OAuth app gets.
    pub share: u32,
    /// Requests in flight at once.
    pub concurrency: u32,
}

impl Rates {
    /// As published for Workforce orgs.
    pub const WORKFORCE: Self = Self {
        groups: 500,
        group: 1000,
        users: 600,
        user: 2000,
        logs: 120,
        apps: 100,
        rest: 1200,
        share: 50,
        concurrency: 75,
    };

    /// As published for Integrator (developer) orgs.
    pub const INTEGRATOR: Self = Self {
        groups: 100,
        group: 100,
        users: 100,
        user: 100,
        logs: 20,
        apps: 100,
        rest: 100,
        share: 50,
        concurrency: 35,
    };

    /// So high that no test reaches it.
    pub const UNLIMITED: Self = Self {
        groups: 100_000_000,
        group: 100_000_000,
        users: 100_000_000,
        user: 100_000_000,
        logs: 100_000_000,
        apps: 100_000_000,
        rest: 100_000_000,
        share: 100,
        concurrency: 100_000,
    };

    fn bucket(&self, path: &str) -> (&'static str, u32) {
        let mut parts = path
            .trim_start_matches("/api/v1")
            .trim_matches('/')
            .split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("groups"), Some(_), None) => ("group", self.group),
            (Some("groups"), _, _) => ("groups", self.groups),
            (Some("users"), Some(_), None) => ("user", self.user),
            (Some("users"), None, _) => ("users", self.users),
            (Some("logs"), _, _) => ("logs", self.logs),
            (Some("apps"), None, _) => ("apps", self.apps),
            _ => ("rest", self.rest),
        }
    }
}

/// What the three headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) struct Standing {
    pub(in crate::sim) limit: u32,
    pub(in crate::sim) remaining: u32,
    /// UTC epoch seconds.
    pub(in crate::sim) reset: i64,
    pub(in crate::sim) refused: bool,
}

struct Window {
    began: Timestamp,
    used: u32,
}

/// The count of every bucket.
pub struct Limiter {
    rates: Mutex<Rates>,
    windows: Mutex<HashMap<(String, &'static str), Window>>,
    in_flight: AtomicU32,
}

const WINDOW_MS: i64 = 60_000;

impl Limiter {
    pub(in crate::sim) fn new(rates: Rates) -> Self {
        Self {
            rates: Mutex::new(rates),
            windows: Mutex::default(),
            in_flight: AtomicU32::new(0),
        }
    }

    /// Sets other rates and begins all windows anew.
    pub fn set(&self, rates: Rates) {
        *self.rates.lock().unwrap_or_else(PoisonError::into_inner) = rates;
        self.windows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn rates(&self) -> Rates {
        *self.rates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one request of `principal`.
    pub(in crate::sim) fn count(&self, principal: &str, path: &str, now: Timestamp) -> Standing {
        let rates = self.rates();
        let (bucket, full) = rates.bucket(path);
        let limit = u32::try_from(u64::from(full) * u64::from(rates.share) / 100)
            .unwrap_or(u32::MAX)
            .max(1);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows
            .entry((principal.to_owned(), bucket))
            .or_insert(Window {
                began: now,
                used: 0,
            });
        if now.since(window.began) >= WINDOW_MS {
            *window = Window {
                began: now,
                used: 0,
            };
        }
        let refused = window.used >= limit;
        if !refused {
            window.used += 1;
        }
        let reset = window
            .began
            .plus_millis(WINDOW_MS + 999)
            .as_millis()
            .div_euclid(1000);
        Standing {
            limit,
            remaining: limit - window.used,
            reset,
            refused,
        }
    }

    /// Takes a place among the requests in flight; the place is given back when dropped.
    pub(in crate::sim) fn enter(&self) -> Option<Place<'_>> {
        let place = Place(&self.in_flight);
        let others = self.in_flight.fetch_add(1, Ordering::SeqCst);
        (others < self.rates().concurrency).then_some(place)
    }
}

/// A place among the requests in flight.
pub(in crate::sim) struct Place<'a>(&'a AtomicU32);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::{Limiter, Rates};
    use crate::model::time::Timestamp;

    #[test]
    fn a_token_gets_half_a_bucket_and_a_new_window_after_sixty_seconds() {
        let limiter = Limiter::new(Rates {
            groups: 4,
            ..Rates::WORKFORCE
        });
        let start = Timestamp::from_millis(1_000_500);
        let one = limiter.count("a", "/api/v1/groups", start);
        assert_eq!(
            (one.limit, one.remaining, one.reset, one.refused),
            (2, 1, 1061, false)
        );
        assert!(
            !limiter
                .count("a", "/api/v1/groups/00g/users", start)
                .refused,
            "member reads share the bucket"
        );
        assert!(limiter.count("a", "/api/v1/groups", start).refused);
        assert!(
            !limiter.count("b", "/api/v1/groups", start).refused,
            "another token has its own"
        );
        assert!(
            !limiter.count("a", "/api/v1/groups/00g", start).refused,
            "a group by id is another bucket"
        );
        assert!(
            !limiter
                .count("a", "/api/v1/groups", start.plus_millis(60_000))
                .refused
        );
    }

    #[test]
    fn places_in_flight_are_given_back() {
        let limiter = Limiter::new(Rates {
            concurrency: 1,
            ..Rates::WORKFORCE
        });
        let first = limiter.enter();
        assert!(first.is_some() && limiter.enter().is_none());
        drop(first);
        assert!(limiter.enter().is_some());
    }
}
