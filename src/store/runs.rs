//! The run history.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, Tx};
use crate::model::id::RunId;
use crate::model::run::{RunKind, RunState};
use crate::model::time::Timestamp;

/// A run as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// What it reads.
    pub kind: RunKind,
    /// `poll`, `hook`, `api`, `cli`, or `scim` for the open list of withheld pushes.
    pub channel: String,
    /// Who asked for it.
    pub actor: String,
    /// It only plans.
    pub dry_run: bool,
    /// Where it stands.
    pub state: RunState,
    /// Before its first read (R7).
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The lease's epoch it ran in.
    pub epoch: i64,
    /// What it read and did: one JSON object.
    pub summary: String,
    /// Why it failed and what to do.
    pub error: Option<String>,
    /// Who approved or rejected it.
    pub decided_by: Option<String>,
    /// The run whose plan replaced this one's.
    pub successor: Option<RunId>,
}

fn read(row: &AnyRow) -> Result<Run, StoreError> {
    let corrupt = |column| StoreError::Corrupt {
        table: "runs",
        column,
    };
    let (kind, state): (String, String) = (row.try_get(1)?, row.try_get(5)?);
    Ok(Run {
        id: RunId::stored(row.try_get(0)?),
        kind: RunKind::parse(&kind).ok_or_else(|| corrupt("kind"))?,
        channel: row.try_get(2)?,
        actor: row.try_get(3)?,
        dry_run: row.try_get::<i64, _>(4)? == 1,
        state: RunState::parse(&state).ok_or_else(|| corrupt("state"))?,
        began_at: Timestamp::from_millis(row.try_get(6)?),
        ended_at: row
            .try_get::<Option<i64>, _>(7)?
            .map(Timestamp::from_millis),
        epoch: row.try_get(8)?,
        summary: row.try_get(9)?,
        error: row.try_get(10)?,
        decided_by: row.try_get(11)?,
        successor: row.try_get::<Option<String>, _>(12)?.map(RunId::stored),
    })
}

/// One run.
pub async fn find(tx: &mut Tx, id: &RunId) -> Result<Option<Run>, StoreError> {
    let row = sqlx::query(
        "SELECT id, kind, channel, actor, dry_run, state, began_at, ended_at, epoch, summary, error, decided_by, successor \
         FROM runs WHERE id = $1",
    )
    .bind(id.as_str())
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(read).transpose()
}

/// The held plan of the polls; there is one at most (R9).
pub async fn find_held(tx: &mut Tx) -> Result<Option<Run>, StoreError> {
    let row = sqlx::query(
        "SELECT id, kind, channel, actor, dry_run, state, began_at, ended_at, epoch, summary, error, decided_by, successor \
         FROM runs WHERE state = 'held' AND kind <> 'scim' ORDER BY began_at DESC, id DESC LIMIT 1",
    )
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(read).transpose()
}

/// The open list of what pushes had withheld (R9).
pub async fn find_open_scim(tx: &mut Tx) -> Result<Option<Run>, StoreError> {
    let row = sqlx::query(
        "SELECT id, kind, channel, actor, dry_run, state, began_at, ended_at, epoch, summary, error, decided_by, successor \
         FROM runs WHERE state = 'held' AND kind = 'scim' ORDER BY began_at DESC, id DESC LIMIT 1",
    )
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(read).transpose()
}

/// The newest run of a kind that is over, dry runs apart.
pub async fn find_last(tx: &mut Tx, kind: RunKind) -> Result<Option<Run>, StoreError> {
    let row = sqlx::query(
        "SELECT id, kind, channel, actor, dry_run, state, began_at, ended_at, epoch, summary, error, decided_by, successor \
         FROM runs WHERE kind = $1 AND dry_run = 0 AND state <> 'running' ORDER BY began_at DESC, id DESC LIMIT 1",
    )
    .bind(kind.as_str())
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(read).transpose()
}

/// The newest run of a kind that was carried through, whatever the guard held of it, dry runs apart.
pub async fn find_last_good(tx: &mut Tx, kind: RunKind) -> Result<Option<Run>, StoreError> {
    let row = sqlx::query(
        "SELECT id, kind, channel, actor, dry_run, state, began_at, ended_at, epoch, summary, error, decided_by, successor \
         FROM runs WHERE kind = $1 AND dry_run = 0 AND state NOT IN ('running', 'failed', 'interrupted') \
         ORDER BY began_at DESC, id DESC LIMIT 1",
    )
    .bind(kind.as_str())
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(read).transpose()
}

/// When the first of the runs of a kind that failed one after the other ended: the first since the last good one, dry runs
/// apart.
pub async fn failing_since(tx: &mut Tx, kind: RunKind) -> Result<Option<Timestamp>, StoreError> {
    first_ended(
        tx,
        kind,
        "SELECT MIN(ended_at) FROM runs WHERE kind = $1 AND dry_run = 0 AND state = 'failed' AND began_at > COALESCE(\
         (SELECT MAX(began_at) FROM runs WHERE kind = $2 AND dry_run = 0 AND state NOT IN ('running', 'failed', 'interrupted')), -1)",
    )
    .await
}

/// When the first of the runs of a kind that could not read something, one after the other, ended (R8), dry runs apart.
pub async fn unknown_since(tx: &mut Tx, kind: RunKind) -> Result<Option<Timestamp>, StoreError> {
    first_ended(
        tx,
        kind,
        r#"SELECT MIN(ended_at) FROM runs WHERE kind = $1 AND dry_run = 0 AND summary LIKE '%"unknown":[{%' AND began_at > COALESCE(
           (SELECT MAX(began_at) FROM runs WHERE kind = $2 AND dry_run = 0 AND state NOT IN ('running', 'failed', 'interrupted')
            AND summary NOT LIKE '%"unknown":[{%'), -1)"#,
    )
    .await
}

async fn first_ended(
    tx: &mut Tx,
    kind: RunKind,
    statement: &'static str,
) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query(statement)
        .bind(kind.as_str())
        .bind(kind.as_str())
        .fetch_one(tx.conn())
        .await?;
    let ended: Option<i64> = row.try_get(0)?;
    Ok(ended.map(Timestamp::from_millis))
}

/// Whether a full run was ever carried through, dry runs apart.
pub async fn full_before(tx: &mut Tx) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT id FROM runs WHERE kind = 'full' AND dry_run = 0 AND state NOT IN ('running', 'failed', 'interrupted') LIMIT 1",
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.is_some())
}

/// The run in flight, if there is one.
pub async fn find_running(tx: &mut Tx) -> Result<Option<Run>, StoreError> {
    let row = sqlx::query(
        "SELECT id, kind, channel, actor, dry_run, state, began_at, ended_at, epoch, summary, error, decided_by, successor \
         FROM runs WHERE state = 'running' ORDER BY began_at DESC, id DESC LIMIT 1",
    )
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(read).transpose()
}

/// A page of the history, newest first: runs with an id below `before` (ids made later sort later).
pub async fn list(tx: &mut Tx, before: Option<&RunId>, limit: i64) -> Result<Vec<Run>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, kind, channel, actor, dry_run, state, began_at, ended_at, epoch, summary, error, decided_by, successor \
         FROM runs WHERE id < $1 ORDER BY id DESC LIMIT $2",
    )
    // No UUID sorts behind this.
    .bind(before.map_or("g", RunId::as_str))
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(read).collect()
}

/// Records the beginning of a run.
pub async fn insert(tx: &mut Tx, run: &Run) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO runs (id, kind, channel, actor, dry_run, state, began_at, ended_at, epoch, summary, error, decided_by, \
         successor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(run.id.as_str())
    .bind(run.kind.as_str())
    .bind(run.channel.as_str())
    .bind(run.actor.as_str())
    .bind(i64::from(run.dry_run))
    .bind(run.state.as_str())
    .bind(run.began_at.as_millis())
    .bind(run.ended_at.map(Timestamp::as_millis))
    .bind(run.epoch)
    .bind(run.summary.as_str())
    .bind(run.error.clone())
    .bind(run.decided_by.clone())
    .bind(run.successor.as_ref().map(|id| id.as_str().to_owned()))
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Records what changed about a run: everything but how it began.
pub async fn update(tx: &mut Tx, run: &Run) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE runs SET state = $1, ended_at = $2, summary = $3, error = $4, decided_by = $5, successor = $6 WHERE id = $7",
    )
    .bind(run.state.as_str())
    .bind(run.ended_at.map(Timestamp::as_millis))
    .bind(run.summary.as_str())
    .bind(run.error.clone())
    .bind(run.decided_by.clone())
    .bind(run.successor.as_ref().map(|id| id.as_str().to_owned()))
    .bind(run.id.as_str())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Marks runs that an earlier holder of the lease left in flight; what they applied stays. Says how many there were.
pub async fn update_interrupted(tx: &mut Tx, epoch: i64) -> Result<u64, StoreError> {
    let now = tx.now().as_millis();
    let done = sqlx::query(
        "UPDATE runs SET state = 'interrupted', ended_at = $1, error = 'the daemon that polled ended before this run did; \
         the next run goes on from what is stored' WHERE state = 'running' AND epoch <= $2",
    )
    .bind(now)
    .bind(epoch)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
