//! What the command line and the API ask of the daemon that polls.

use sqlx::Row as _;

use super::{StoreError, Tx};
use crate::model::id::RunId;
use crate::model::run::RunKind;
use crate::model::time::Timestamp;

/// A run somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRequest {
    /// Its id, by which the asker follows it.
    pub id: String,
    /// Full or delta.
    pub kind: RunKind,
    /// Only plan.
    pub dry_run: bool,
    /// Who asked.
    pub actor: String,
    /// Through which door: `api` or `cli`.
    pub channel: String,
    /// When.
    pub asked_at: Timestamp,
    /// The run it became, once begun.
    pub run_id: Option<RunId>,
}

fn read(row: &sqlx::any::AnyRow) -> Result<SyncRequest, StoreError> {
    let kind: String = row.try_get(1)?;
    Ok(SyncRequest {
        id: row.try_get(0)?,
        kind: RunKind::parse(&kind).ok_or(StoreError::Corrupt {
            table: "sync_requests",
            column: "kind",
        })?,
        dry_run: row.try_get::<i64, _>(2)? == 1,
        actor: row.try_get(3)?,
        channel: row.try_get(4)?,
        asked_at: Timestamp::from_millis(row.try_get(5)?),
        run_id: row.try_get::<Option<String>, _>(6)?.map(RunId::stored),
    })
}

/// One request.
pub async fn find(tx: &mut Tx, id: &str) -> Result<Option<SyncRequest>, StoreError> {
    let row = sqlx::query(
        "SELECT id, kind, dry_run, actor, channel, asked_at, run_id FROM sync_requests WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(read).transpose()
}

/// The requests that no run has taken, oldest first.
pub async fn list_waiting(tx: &mut Tx) -> Result<Vec<SyncRequest>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, kind, dry_run, actor, channel, asked_at, run_id FROM sync_requests WHERE run_id IS NULL \
         ORDER BY asked_at, id",
    )
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(read).collect()
}

/// Asks for a run.
pub async fn insert(tx: &mut Tx, request: &SyncRequest) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO sync_requests (id, kind, dry_run, actor, channel, asked_at, run_id) VALUES ($1, $2, $3, $4, $5, $6, NULL)",
    )
    .bind(request.id.as_str())
    .bind(request.kind.as_str())
    .bind(i64::from(request.dry_run))
    .bind(request.actor.as_str())
    .bind(request.channel.as_str())
    .bind(request.asked_at.as_millis())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes which run a request became. False when another run took it first.
pub async fn update_run(tx: &mut Tx, id: &str, run: &RunId) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE sync_requests SET run_id = $1 WHERE id = $2 AND run_id IS NULL")
        .bind(run.as_str())
        .bind(id)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets requests asked before an instant that became a run.
pub async fn remove_before(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM sync_requests WHERE asked_at < $1 AND run_id IS NOT NULL")
        .bind(before.as_millis())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}
