//! Problems that no other row tells of.

use sqlx::{Any, Execute, Executor as _, Row as _};

use super::{StoreError, Tx};
use crate::model::team::organization_admin;
use crate::model::time::Timestamp;

/// A problem as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProblem {
    /// `identity_conflict`, `group_ambiguous`, `guard_push`, …
    pub code: String,
    /// What it is about.
    pub object: String,
    /// What is wrong, in words.
    pub detail: String,
    /// Since when.
    pub since: Timestamp,
}

/// Notes a problem; one that is known keeps its `since`, and unchanged words write nothing (R10).
pub async fn insert(tx: &mut Tx, code: &str, object: &str, detail: &str) -> Result<(), StoreError> {
    let now = tx.now().as_millis();
    sqlx::query(
        "INSERT INTO problems (code, object, detail, since) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (code, object) DO UPDATE SET detail = excluded.detail WHERE problems.detail <> excluded.detail",
    )
    .bind(code.to_owned())
    .bind(object.to_owned())
    .bind(detail.to_owned())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets a problem that is no more.
pub async fn remove(tx: &mut Tx, code: &str, object: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM problems WHERE code = $1 AND object = $2")
        .bind(code.to_owned())
        .bind(object.to_owned())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Every problem noted, oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<StoredProblem>, StoreError> {
    let rows = sqlx::query(
        "SELECT code, object, detail, since FROM problems ORDER BY since, code, object",
    )
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(StoredProblem {
                code: row.try_get(0)?,
                object: row.try_get(1)?,
                detail: row.try_get(2)?,
                since: Timestamp::from_millis(row.try_get(3)?),
            })
        })
        .collect()
}

/// When runs were last paused, as the audit log has it.
pub async fn paused_at(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let statement = "SELECT MAX(at) FROM audit WHERE object_kind = 'organization' AND object_id = 'okta' AND action = 'sync.paused'";
    instant(tx, sqlx::query(statement)).await
}

/// When the last SCIM token that ended did; none where none has.
pub async fn scim_tokens_ended_at(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let statement = "SELECT MAX(ended_at) FROM ( \
            SELECT CASE WHEN revoked_at IS NULL OR revoked_at > expires_at THEN expires_at ELSE revoked_at END AS ended_at \
            FROM tokens WHERE scope = 'scim' \
         ) ended WHERE ended_at <= $1";
    let now = tx.now().as_millis();
    instant(tx, sqlx::query(statement).bind(now)).await
}

/// Since when nobody counts in Organization Admin, where that is so: the last who did was taken out, as the audit log has it,
/// or nobody did since the store was made.
pub async fn no_admin_since(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let statement = "SELECT COALESCE(MAX(a.at), MIN(o.created_at)) FROM organization o LEFT JOIN audit a \
                     ON a.object_kind = 'team' AND a.object_id = $1 AND a.action = 'membership.removed' WHERE o.id = 1";
    let team = organization_admin().as_str().to_owned();
    instant(tx, sqlx::query(statement).bind(team)).await
}

/// The one instant that a query gives, or none.
async fn instant<'q>(
    tx: &mut Tx,
    query: impl Execute<'q, Any> + 'q,
) -> Result<Option<Timestamp>, StoreError> {
    let row = tx.conn().fetch_one(query).await?;
    let at: Option<i64> = row.try_get(0)?;
    Ok(at.map(Timestamp::from_millis))
}
