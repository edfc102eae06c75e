//! A value whose search index runs behind.

use crate::model::time::Timestamp;

/// A value and what a search that runs behind still shows of it.
#[derive(Debug, Clone)]
pub struct Lagging<T> {
    now: T,
    changed: Timestamp,
    /// What stood before the changes of the present lag window; `None` inside means it did not exist.
    before: Option<Box<Option<T>>>,
}

impl<T: Clone> Lagging<T> {
    /// A value that came into being at `now`.
    pub fn new(value: T, now: Timestamp) -> Self {
        Self {
            now: value,
            changed: now,
            before: Some(Box::new(None)),
        }
    }

    /// The value as a read by id shows it.
    pub fn get(&self) -> &T {
        &self.now
    }

    /// The value as a search that lags `lag_ms` shows it at `now`; `None` while the index has not seen it.
    pub fn indexed(&self, now: Timestamp, lag_ms: i64) -> Option<&T> {
        if now.since(self.changed) >= lag_ms {
            return Some(&self.now);
        }
        match &self.before {
            Some(before) => before.as_ref().as_ref(),
            None => Some(&self.now),
        }
    }

    /// The value, to be changed at `now`.
    pub fn change(&mut self, now: Timestamp, lag_ms: i64) -> &mut T {
        if lag_ms <= 0 {
            self.before = None;
        } else if now.since(self.changed) >= lag_ms {
            self.before = Some(Box::new(Some(self.now.clone())));
        }
        self.changed = now;
        &mut self.now
    }
}
