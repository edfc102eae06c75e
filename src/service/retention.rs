//! Forgetting what has been kept long enough (R14), what no run needs any more (R7, R9), and alerts that are over (R9).

use super::membership::alerts;
use super::{Error, Service};
use crate::store::sweep::{self, CHUNK, Log};
use crate::store::{in_write, problems};

/// How long each log is kept, in milliseconds.
#[expect(clippy::struct_field_names, reason = "the unit belongs to each name")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The audit log.
    pub audit_ms: i64,
    /// Ended runs.
    pub runs_ms: i64,
    /// The SCIM request log.
    pub scim_requests_ms: i64,
}

impl Default for Retention {
    fn default() -> Self {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        Self {
            audit_ms: 400 * DAY_MS,
            runs_ms: 90 * DAY_MS,
            scim_requests_ms: 14 * DAY_MS,
        }
    }
}

/// Deletes what is over, in small transactions; how many rows went.
///
/// # Errors
/// [`Error::Store`]; what was deleted before it stays deleted.
pub async fn sweep(service: &Service, retention: Retention) -> Result<u64, Error> {
    let window = service.settings().guard.window_ms;
    let mut total = 0;
    for (log, keep) in [
        (Log::Audit, retention.audit_ms),
        (Log::Runs, retention.runs_ms),
        (Log::ScimRequests, retention.scim_requests_ms),
        // A day more than the window, so that a longer one can be configured without losing what it counts.
        (Log::Guard, window.saturating_add(24 * 60 * 60 * 1000)),
    ] {
        loop {
            let gone: Result<u64, Error> = in_write!(service.store, |tx| {
                let before = tx.now().minus_millis(keep);
                Ok(sweep::remove_old(tx, log, before).await?)
            });
            let gone = gone?;
            total += gone;
            if gone == 0 {
                break;
            }
        }
    }
    let mutes: Result<u64, Error> =
        in_write!(service.store, |tx| { Ok(sweep::remove_mutes(tx).await?) });
    total += mutes?;
    let alerts: Result<u64, Error> = in_write!(service.store, |tx| {
        let over = alerts::over(tx, &service.settings().guard).await?;
        for problem in &over {
            problems::remove(tx, &problem.code, &problem.object).await?;
        }
        Ok(over.len() as u64)
    });
    total += alerts?;
    loop {
        let gone: Result<u64, Error> =
            in_write!(service.store, |tx| { Ok(sweep::remove_stamps(tx).await?) });
        let gone = gone?;
        total += gone;
        if gone < CHUNK.unsigned_abs() {
            return Ok(total);
        }
    }
}
