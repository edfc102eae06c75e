//! The changes a run found, each with its reason and what became of it.

use std::collections::HashMap;

use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, Tx};
use crate::model::id::RunId;
use crate::model::run::Outcome;
use crate::model::time::Timestamp;

/// A change of a run, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunChange {
    /// Its place in the run.
    pub ordinal: i64,
    /// Names the change whichever run finds it (R9).
    pub key: String,
    /// The change as JSON.
    pub change: String,
    /// Why.
    pub reason: String,
    /// What became of it.
    pub outcome: Outcome,
    /// When its object was read (R7).
    pub observed_at: Timestamp,
}

fn read(row: &AnyRow) -> Result<RunChange, StoreError> {
    let outcome: String = row.try_get(4)?;
    Ok(RunChange {
        ordinal: row.try_get(0)?,
        key: row.try_get(1)?,
        change: row.try_get(2)?,
        reason: row.try_get(3)?,
        outcome: Outcome::parse(&outcome).ok_or(StoreError::Corrupt {
            table: "run_changes",
            column: "outcome",
        })?,
        observed_at: Timestamp::from_millis(row.try_get(5)?),
    })
}

/// A page of a run's changes, in order, behind the place `after` (0 for the first page).
pub async fn list(
    tx: &mut Tx,
    run: &RunId,
    after: i64,
    limit: i64,
) -> Result<Vec<RunChange>, StoreError> {
    let rows = sqlx::query(
        "SELECT ordinal, change_key, change, reason, outcome, observed_at FROM run_changes \
         WHERE run_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3",
    )
    .bind(run.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(read).collect()
}

/// A page of a run's changes with one outcome, behind the place `after`.
pub async fn list_with(
    tx: &mut Tx,
    run: &RunId,
    outcome: Outcome,
    after: i64,
    limit: i64,
) -> Result<Vec<RunChange>, StoreError> {
    let rows = sqlx::query(
        "SELECT ordinal, change_key, change, reason, outcome, observed_at FROM run_changes \
         WHERE run_id = $1 AND outcome = $2 AND ordinal > $3 ORDER BY ordinal LIMIT $4",
    )
    .bind(run.as_str())
    .bind(outcome.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(read).collect()
}

/// Those of these places of a run (at most 2,000) that are still held, in order.
pub async fn list_held_at(
    tx: &mut Tx,
    run: &RunId,
    ordinals: &[i64],
) -> Result<Vec<RunChange>, StoreError> {
    let rows: Vec<Value> = ordinals.iter().map(|n| json!({ "n": n })).collect();
    let statement = tx.sql(
        "SELECT ordinal, change_key, change, reason, outcome, observed_at FROM run_changes \
         WHERE run_id = $2 AND outcome = 'held' \
           AND ordinal IN (SELECT CAST(value ->> 'n' AS BIGINT) FROM {{rows $1}}) ORDER BY ordinal",
    );
    let found = sqlx::query(statement)
        .bind(Value::from(rows).to_string())
        .bind(run.as_str())
        .fetch_all(tx.conn())
        .await?;
    found.iter().map(read).collect()
}

/// A page of the names of what a run holds, with their places, behind the place `after`.
pub async fn list_held_keys(
    tx: &mut Tx,
    run: &RunId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>, StoreError> {
    let rows = sqlx::query(
        "SELECT ordinal, change_key FROM run_changes \
         WHERE run_id = $1 AND outcome = 'held' AND ordinal > $2 ORDER BY ordinal LIMIT $3",
    )
    .bind(run.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

/// How many changes of a run came to which outcome.
pub async fn count(tx: &mut Tx, run: &RunId) -> Result<HashMap<String, i64>, StoreError> {
    let rows =
        sqlx::query("SELECT outcome, COUNT(*) FROM run_changes WHERE run_id = $1 GROUP BY outcome")
            .bind(run.as_str())
            .fetch_all(tx.conn())
            .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

/// Records changes, in one statement.
pub async fn insert(tx: &mut Tx, run: &RunId, changes: &[RunChange]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = changes
        .iter()
        .map(|change| {
            json!({
                "n": change.ordinal,
                "key": change.key,
                "change": change.change,
                "reason": change.reason,
                "outcome": change.outcome.as_str(),
                "at": change.observed_at.as_millis(),
            })
        })
        .collect();
    let statement = tx.sql(
        "INSERT INTO run_changes (run_id, ordinal, change_key, change, reason, outcome, observed_at) \
         SELECT $2, CAST(value ->> 'n' AS BIGINT), value ->> 'key', value ->> 'change', value ->> 'reason', \
                value ->> 'outcome', CAST(value ->> 'at' AS BIGINT) FROM {{rows $1}}",
    );
    sqlx::query(statement)
        .bind(Value::from(rows).to_string())
        .bind(run.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Takes what a run still holds over into another, as it is: from which place to which (at most 2,000).
pub async fn copy_held(
    tx: &mut Tx,
    from: &RunId,
    to: &RunId,
    places: &[(i64, i64)],
) -> Result<(), StoreError> {
    let rows: Vec<Value> = places
        .iter()
        .map(|(old, new)| json!({ "o": old, "n": new }))
        .collect();
    let statement = tx.sql(
        "INSERT INTO run_changes (run_id, ordinal, change_key, change, reason, outcome, observed_at) \
         SELECT $2, CAST(value ->> 'n' AS BIGINT), c.change_key, c.change, c.reason, c.outcome, c.observed_at \
           FROM {{rows $1}} CROSS JOIN run_changes c \
          WHERE c.run_id = $3 AND c.ordinal = CAST(value ->> 'o' AS BIGINT) AND c.outcome = 'held'",
    );
    sqlx::query(statement)
        .bind(Value::from(rows).to_string())
        .bind(to.as_str())
        .bind(from.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Gives these places of a run a new outcome.
pub async fn update_outcome(
    tx: &mut Tx,
    run: &RunId,
    ordinals: &[i64],
    outcome: Outcome,
) -> Result<(), StoreError> {
    if ordinals.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = ordinals.iter().map(|n| json!({ "n": n })).collect();
    let statement = tx.sql(
        "UPDATE run_changes SET outcome = $2 WHERE run_id = $3 \
         AND ordinal IN (SELECT CAST(value ->> 'n' AS BIGINT) FROM {{rows $1}})",
    );
    sqlx::query(statement)
        .bind(Value::from(rows).to_string())
        .bind(outcome.as_str())
        .bind(run.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Leaves places of a run out of what was approved, and says why.
pub async fn update_left_out(
    tx: &mut Tx,
    run: &RunId,
    ordinals: &[i64],
    why: &str,
) -> Result<(), StoreError> {
    let rows: Vec<Value> = ordinals.iter().map(|n| json!({ "n": n })).collect();
    let statement = tx.sql(
        "UPDATE run_changes SET outcome = 'left_out', reason = reason || '; ' || $2 WHERE run_id = $3 \
         AND ordinal IN (SELECT CAST(value ->> 'n' AS BIGINT) FROM {{rows $1}})",
    );
    sqlx::query(statement)
        .bind(Value::from(rows).to_string())
        .bind(why.to_owned())
        .bind(run.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Gives what a run holds at this place and behind it a new outcome.
pub async fn update_held_from(
    tx: &mut Tx,
    run: &RunId,
    first: i64,
    outcome: Outcome,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE run_changes SET outcome = $1 WHERE run_id = $2 AND ordinal >= $3 AND outcome = 'held'",
    )
    .bind(outcome.as_str())
    .bind(run.as_str())
    .bind(first)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Gives everything a run holds a new outcome.
pub async fn update_held(tx: &mut Tx, run: &RunId, outcome: Outcome) -> Result<(), StoreError> {
    update_held_from(tx, run, 0, outcome).await
}
