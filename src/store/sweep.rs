//! Rows whose time is over. Every delete is bounded, so that no push waits long behind one.

use super::stamps::oldest_open;
use super::{StoreError, Tx};
use crate::model::time::Timestamp;

/// At most so many rows go in one transaction.
pub const CHUNK: i64 = 1_000;

/// A log with a retention of its own (R14).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// The audit log.
    Audit,
    /// Ended runs and their changes.
    Runs,
    /// The SCIM request log.
    ScimRequests,
    /// The guard's window (R9).
    Guard,
}

/// Deletes at most [`CHUNK`] rows of a log older than `before`; how many went.
pub async fn remove_old(tx: &mut Tx, log: Log, before: Timestamp) -> Result<u64, StoreError> {
    let statement = match log {
        Log::Audit => {
            "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY at LIMIT $2)"
        }
        // What is still to be decided has no age; run_changes go with their run.
        Log::Runs => {
            "DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE began_at < $1 \
                AND state NOT IN ('running', 'held') ORDER BY began_at LIMIT $2)"
        }
        Log::ScimRequests => {
            "DELETE FROM scim_requests WHERE id IN (SELECT id FROM scim_requests WHERE at < $1 ORDER BY at LIMIT $2)"
        }
        Log::Guard => {
            "DELETE FROM guard_log WHERE id IN (SELECT id FROM guard_log WHERE at < $1 ORDER BY at LIMIT $2)"
        }
    };
    // A run brings its changes along, up to hundreds of thousands: few at a time.
    let limit = if log == Log::Runs { 10 } else { CHUNK };
    let done = sqlx::query(statement)
        .bind(before.as_millis())
        .bind(limit)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}

/// Deletes mutes that are over (R9); how many went.
pub async fn remove_mutes(tx: &mut Tx) -> Result<u64, StoreError> {
    let now = tx.now().as_millis();
    let done = sqlx::query("DELETE FROM mutes WHERE until <= $1")
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}

/// Deletes at most [`CHUNK`] stamps that nothing older is left for (R7).
pub async fn remove_stamps(tx: &mut Tx) -> Result<u64, StoreError> {
    let statement = concat!(
        "DELETE FROM stamps WHERE (kind, object, member) IN (\
            SELECT kind, object, member FROM stamps WHERE at < ",
        oldest_open!(),
        " ORDER BY at LIMIT $1)"
    );
    let done = sqlx::query(statement)
        .bind(CHUNK)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}
