//! Single values of the poller: watermarks, last outcomes, counts of skipped runs.

use sqlx::Row as _;

use super::{StoreError, Tx};
use crate::model::time::Timestamp;

/// Okta's clock up to which changed groups have been read.
pub const GROUPS_WATERMARK: &str = "watermark.groups";
/// Okta's clock up to which changed users have been read.
pub const USERS_WATERMARK: &str = "watermark.users";
/// Runs that were due while another was in flight.
pub const SKIPPED_RUNS: &str = "runs.skipped";
/// When the next full run is due, RFC 3339.
pub const NEXT_FULL: &str = "next.full";
/// When the next delta run is due, RFC 3339.
pub const NEXT_DELTA: &str = "next.delta";
/// How Okta was when a run or the poller last looked, JSON (no secrets).
pub const OKTA_HEALTH: &str = "okta.health";

/// A mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// When it was written.
    pub at: Timestamp,
}

/// The mark of that name.
pub async fn find(tx: &mut Tx, name: &str) -> Result<Option<Mark>, StoreError> {
    let row = sqlx::query("SELECT value, at FROM marks WHERE name = $1")
        .bind(name)
        .fetch_optional(tx.conn())
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Mark {
        name: name.to_owned(),
        value: row.try_get(0)?,
        at: Timestamp::from_millis(row.try_get(1)?),
    }))
}

/// Every mark.
pub async fn list(tx: &mut Tx) -> Result<Vec<Mark>, StoreError> {
    let rows = sqlx::query("SELECT name, value, at FROM marks ORDER BY name")
        .fetch_all(tx.conn())
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Mark {
                name: row.try_get(0)?,
                value: row.try_get(1)?,
                at: Timestamp::from_millis(row.try_get(2)?),
            })
        })
        .collect()
}

/// Sets a mark.
pub async fn update(tx: &mut Tx, name: &str, value: &str) -> Result<(), StoreError> {
    let now = tx.now().as_millis();
    sqlx::query(
        "INSERT INTO marks (name, value, at) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at",
    )
    .bind(name)
    .bind(value)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Adds one to a mark that counts; one that holds no number begins anew.
pub async fn increment(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    let count: u64 = find(tx, name)
        .await?
        .and_then(|mark| mark.value.parse().ok())
        .unwrap_or(0);
    update(tx, name, &count.saturating_add(1).to_string()).await
}

/// Forgets a mark.
pub async fn remove(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM marks WHERE name = $1")
        .bind(name)
        .execute(tx.conn())
        .await?;
    Ok(())
}
