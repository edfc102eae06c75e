//! Waiting: for a turn, for the rate limit, after a failure; and how much of it a caller bears.

use std::time::Duration;

use tokio::sync::SemaphorePermit;

use super::client::Client;
use super::error::{Error, Place};
use super::health::OPEN_AFTER;
use super::pause::backoff;
use super::rate::{Bucket, Window};

/// What one call has used up of its patience.
#[derive(Debug, Default)]
pub(super) struct Tries {
    failures: u32,
    rate_waits: u32,
    /// Whether a refused token was renewed.
    pub(super) renewed: bool,
    /// How often a proof was made anew with the nonce Okta asked for.
    pub(super) nonces: u32,
}

impl Client {
    /// Waits for a place among the requests in flight and for room in the bucket.
    pub(super) async fn turn(
        &self,
        bucket: Bucket,
        place: &Place,
        tries: &mut Tries,
    ) -> Result<SemaphorePermit<'_>, Error> {
        loop {
            let permit = tokio::select! {
                biased;
                () = self.patience.cancel.cancelled() => return Err(Error::Cancelled),
                // The semaphore is never closed.
                permit = self.shared.in_flight.acquire() => permit.map_err(|_| Error::Cancelled)?,
            };
            match self.room(bucket) {
                Ok(()) => return Ok(permit),
                Err(wait) => {
                    drop(permit);
                    self.wait_for_room(wait, place, tries).await?;
                }
            }
        }
    }

    /// Takes one request from the bucket, or says in how many ms to ask again.
    pub(super) fn room(&self, bucket: Bucket) -> Result<(), i64> {
        self.shared.ledger.take(bucket, self.okta_now())
    }

    /// After a 429 of a bucket: Reset - Date + 1 s, or a backoff where the headers are missing.
    pub(super) async fn throttled(
        &self,
        window: Option<Window>,
        place: Place,
        tries: &mut Tries,
    ) -> Result<(), Error> {
        let wait = match window {
            Some(window) => window.wait(self.okta_now()),
            None => millis(backoff(tries.rate_waits + 1, &*self.shared.around.random)),
        };
        self.wait_for_room(wait, &place, tries).await
    }

    /// After a 429 for too many requests at once, whose Reset is only a hint.
    pub(super) async fn crowded(&self, place: Place, tries: &mut Tries) -> Result<(), Error> {
        let wait = millis(backoff(tries.rate_waits + 1, &*self.shared.around.random));
        self.wait_for_room(wait, &place, tries).await
    }

    pub(super) async fn wait_for_room(
        &self,
        wait: i64,
        place: &Place,
        tries: &mut Tries,
    ) -> Result<(), Error> {
        let until = self.now().plus_millis(wait);
        tries.rate_waits += 1;
        if tries.rate_waits > self.patience.rate_waits
            || self.patience.until.is_some_and(|end| end < until)
        {
            return Err(Error::RateLimited {
                place: place.clone(),
                until,
            });
        }
        self.shared.health.waiting(until);
        tracing::debug!(call = %place.call, wait_ms = wait, "waiting for Okta's rate limit");
        self.pause(Duration::from_millis(wait.unsigned_abs())).await
    }

    /// After a failed attempt: a jittered wait, or the error when patience or the circuit says so.
    pub(super) async fn back_off(
        &self,
        place: Place,
        why: String,
        tries: &mut Tries,
    ) -> Result<(), Error> {
        tries.failures += 1;
        let wait = self.after_failure(tries.failures);
        match wait.filter(|_| tries.failures < self.patience.attempts) {
            None => Err(Error::Unavailable { place, why }),
            Some(wait) => {
                let wait_ms = wait.as_millis();
                tracing::debug!(call = %place.call, why, wait_ms, "Okta did not answer, trying again");
                self.pause(wait).await
            }
        }
    }

    /// Counts a failed attempt. How long to wait before the next, or `None` where the circuit is open or the caller's
    /// deadline comes first.
    pub(super) fn after_failure(&self, failures: u32) -> Option<Duration> {
        let in_a_row = self.shared.health.attempt_failed();
        let wait = backoff(failures, &*self.shared.around.random);
        let end = self.now().plus_millis(millis(wait));
        let late = self.patience.until.is_some_and(|until| until < end);
        (in_a_row < OPEN_AFTER && !late).then_some(wait)
    }

    /// Waits `wait`, unless cancelled.
    pub(super) async fn pause(&self, wait: Duration) -> Result<(), Error> {
        tokio::select! {
            biased;
            () = self.patience.cancel.cancelled() => Err(Error::Cancelled),
            () = self.shared.around.pause.pause(wait) => Ok(()),
        }
    }
}

fn millis(wait: Duration) -> i64 {
    i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
}
