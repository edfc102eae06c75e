//! A value whose search index runs behind.

use crate::model::time::Timestamp;

/// A value and what a search that runs behind still shows of it.
#[derive(Debug, Clone)]
pub struct Lagging<T> {
    now: T,
    /// What stood until when, the oldest first; `None` means it did not exist.
    older: Vec<(Timestamp, Option<T>)>,
}

impl<T: Clone> Lagging<T> {
    /// A value that came into being at `now`.
    pub fn new(value: T, now: Timestamp) -> Self {
        Self {
            now: value,
            older: vec![(now, None)],
        }
    }

    /// The value as a read by id shows it.
    pub fn get(&self) -> &T {
        &self.now
    }

    /// The value as a search that lags `lag_ms` shows it at `now`, which is as it stood then; `None` while the index has not
    /// seen it.
    pub fn indexed(&self, now: Timestamp, lag_ms: i64) -> Option<&T> {
        let shown = now.minus_millis(lag_ms);
        match self.older.iter().find(|(until, _)| *until > shown) {
            Some((_, before)) => before.as_ref(),
            None => Some(&self.now),
        }
    }

    /// The value, to be changed at `now`.
    pub fn change(&mut self, now: Timestamp, lag_ms: i64) -> &mut T {
        let shown = now.minus_millis(lag_ms);
        self.older.retain(|(until, _)| *until > shown);
        if lag_ms > 0 && self.older.last().is_none_or(|(until, _)| *until < now) {
            self.older.push((now, Some(self.now.clone())));
        }
        &mut self.now
    }
}

#[cfg(test)]
mod tests {
    use super::Lagging;
    use crate::model::time::Timestamp;

    #[test]
    fn a_search_shows_what_stood_as_long_ago_as_it_lags() {
        let at = Timestamp::from_millis;
        let mut value = Lagging::new(0, at(0));
        let new = [9, 10].map(|now| value.indexed(at(now), 10).copied());
        assert_eq!(new, [None, Some(0)]);
        *value.change(at(50), 10) = 1;
        *value.change(at(55), 10) = 2;
        *value.change(at(55), 10) = 3;
        let shown = |now| value.indexed(at(now), 10).copied();
        let seen = [59, 60, 64, 65].map(shown);
        assert_eq!(seen, [Some(0), Some(1), Some(1), Some(3)]);
        assert_eq!(value.get(), &3);
    }
}
