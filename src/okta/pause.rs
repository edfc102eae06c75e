//! Waiting, as an argument: tests wait without time passing.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::model::random::Random;
use crate::model::time::Timestamp;

/// A timer.
pub trait Pause: Send + Sync + 'static {
    /// Returns after `wait`.
    fn pause(&self, wait: Duration) -> BoxFuture<'_, ()>;
}

/// The runtime's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioPause;

impl Pause for TokioPause {
    fn pause(&self, wait: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(wait))
    }
}

/// How long a caller is willing to go on with one call.
#[derive(Debug, Clone)]
pub struct Patience {
    /// Attempts that may end in a 5xx, a timeout or no connection; at least one is made.
    pub attempts: u32,
    /// Waits for the rate limit.
    pub rate_waits: u32,
    /// No wait reaches beyond this instant (our clock).
    pub until: Option<Timestamp>,
    /// Cancelling ends any wait and any request in flight with [`super::Error::Cancelled`].
    pub cancel: CancellationToken,
}

impl Default for Patience {
    /// 5 attempts, 20 waits (some 20 minutes of throttling), no deadline.
    fn default() -> Self {
        Self {
            attempts: 5,
            rate_waits: 20,
            until: None,
            cancel: CancellationToken::new(),
        }
    }
}

impl Patience {
    /// One attempt and no waiting, for `check --online` and the like.
    pub fn once() -> Self {
        Self {
            attempts: 1,
            rate_waits: 0,
            ..Self::default()
        }
    }
}

/// The first backoff's ceiling.
const BASE_MS: u64 = 1_000;
/// The ceiling of every backoff.
const CAP_MS: u64 = 300_000;

/// Full jitter: anything from nothing to `1 s * 2^failures`, at most 5 minutes. `failures` counts from 1.
pub(super) fn backoff(failures: u32, random: &dyn Random) -> Duration {
    let ceiling = BASE_MS
        .saturating_mul(1 << failures.saturating_sub(1).min(20))
        .min(CAP_MS);
    Duration::from_millis(random.below(ceiling + 1))
}

#[cfg(test)]
mod tests {
    use super::{CAP_MS, backoff};
    use crate::model::random::SeededRandom;

    #[test]
    fn backoff_is_jittered_over_the_whole_range_and_capped() {
        let random = SeededRandom::new(7);
        for (failures, ceiling) in [(1, 1_000), (2, 2_000), (4, 8_000), (30, CAP_MS)] {
            let waits: Vec<u128> = (0..200)
                .map(|_| backoff(failures, &random).as_millis())
                .collect();
            assert!(
                waits.iter().all(|w| *w <= u128::from(ceiling)),
                "{failures}"
            );
            assert!(
                waits.iter().any(|w| *w > u128::from(ceiling / 2)),
                "{failures}"
            );
            assert!(
                waits.iter().any(|w| *w < u128::from(ceiling / 4)),
                "{failures}"
            );
        }
    }
}
