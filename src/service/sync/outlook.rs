//! What the poller looks at between runs, and what it writes down for `/status`.

use std::collections::BTreeSet;

use super::{Halt, Sync};
use crate::model::id::OktaGroupId;
use crate::model::time::Timestamp;
use crate::service::status::{OktaHealth, RateLimit};
use crate::store::sync_requests::{self, SyncRequest};
use crate::store::{in_write, marks, mirror, organization, runs};

/// How long an answered request can be looked up.
const REQUESTS_KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// What waits for a run.
#[derive(Debug, Clone, Default)]
pub struct Waiting {
    /// Runs are paused: nothing else is looked at.
    pub paused: bool,
    /// Runs somebody asked for, oldest first.
    pub requests: Vec<SyncRequest>,
    /// Mapped groups whose members nobody has read yet (R16: they are read at once).
    pub unread: BTreeSet<OktaGroupId>,
    /// No full run was ever carried through.
    pub virgin: bool,
}

impl Sync {
    /// Looks what waits for a run.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn waiting(&self) -> Result<Waiting, Halt> {
        let mut tx = self.service.store.read().await?;
        let paused = organization::find(&mut tx)
            .await?
            .paused_until
            .is_some_and(|until| until > tx.now());
        if paused {
            tx.rollback().await?;
            return Ok(Waiting {
                paused,
                ..Waiting::default()
            });
        }
        let requests = sync_requests::list_waiting(&mut tx).await?;
        let app_id = self.service.settings().app_id.clone();
        let unread = mirror::list_wanted(&mut tx, app_id.as_deref())
            .await?
            .into_iter()
            .filter(|group| !group.read)
            .map(|group| group.okta_id)
            .collect();
        let virgin = !runs::full_before(&mut tx).await?;
        tx.rollback().await?;
        Ok(Waiting {
            paused,
            requests,
            unread,
            virgin,
        })
    }

    /// Writes down when the next runs are due, how many were skipped, and how Okta is.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn note_outlook(
        &self,
        next_full: Option<Timestamp>,
        next_delta: Option<Timestamp>,
        skipped: u64,
    ) -> Result<(), Halt> {
        let health = serde_json::to_string(&self.health()).unwrap_or_default();
        in_write!(self.service.store, |tx| {
            for (name, at) in [
                (marks::NEXT_FULL, next_full),
                (marks::NEXT_DELTA, next_delta),
            ] {
                match at {
                    Some(at) => marks::update(tx, name, &at.to_string()).await?,
                    None => marks::remove(tx, name).await?,
                }
            }
            marks::update(tx, marks::OKTA_HEALTH, &health).await?;
            for _ in 0..skipped {
                marks::increment(tx, marks::SKIPPED_RUNS).await?;
            }
            // Who asked follows his run for a while; after that nobody needs the request.
            let before = tx.now().minus_millis(REQUESTS_KEPT_MS);
            sync_requests::remove_before(tx, before).await?;
            Ok(())
        })
    }

    fn health(&self) -> OktaHealth {
        let seen = self.okta.status();
        OktaHealth {
            last_answer_at: seen.last_answer.map(|answer| answer.at),
            last_failure_at: seen.last_failure.as_ref().map(|failure| failure.at),
            last_failure: seen
                .last_failure
                .as_ref()
                .map(|failure| failure.error.to_string()),
            consecutive_failures: seen.consecutive_failures,
            clock_skew_ms: seen.clock_skew_ms,
            skewed_since: seen.skewed_since,
            rate_limits: seen
                .buckets
                .iter()
                .map(|bucket| RateLimit {
                    bucket: bucket.name.to_owned(),
                    limit: bucket.limit,
                    remaining: bucket.remaining,
                    resets_at: bucket.resets_at,
                })
                .collect(),
        }
    }
}
