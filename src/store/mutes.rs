//! Changes that were rejected and are not asked again for a while (R9).

use std::collections::HashSet;

use serde_json::Value;
use sqlx::Row as _;

use super::{StoreError, Tx};
use crate::model::id::RunId;
use crate::model::time::Timestamp;

/// Which of these changes are muted now.
pub async fn list(tx: &mut Tx, keys: &[&str]) -> Result<HashSet<String>, StoreError> {
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    let statement = tx.sql(
        "SELECT change_key FROM mutes WHERE until > $2 AND change_key IN (SELECT value FROM {{texts $1}})",
    );
    let now = tx.now().as_millis();
    let rows = sqlx::query(statement)
        .bind(Value::from(keys.to_vec()).to_string())
        .bind(now)
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Mutes every change that `run` holds, until an instant.
pub async fn insert_held(tx: &mut Tx, run: &RunId, until: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO mutes (change_key, until, run_id) \
         SELECT DISTINCT change_key, CAST($1 AS BIGINT), run_id FROM run_changes WHERE run_id = $2 AND outcome = 'held' \
         ON CONFLICT (change_key) DO UPDATE SET until = excluded.until, run_id = excluded.run_id",
    )
    .bind(until.as_millis())
    .bind(run.as_str())
    .execute(tx.conn())
    .await?;
    Ok(())
}
