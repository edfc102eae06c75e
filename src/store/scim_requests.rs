//! The last SCIM requests, as an admin wants to see them: what Okta asked and what it was shown.

use serde_json::Value;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, Tx};
use crate::model::id::{AuditId, TokenId};
use crate::model::time::Timestamp;

/// One answered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimRequest {
    /// When it was answered.
    pub at: Timestamp,
    /// The token that was shown, where it was a known one.
    pub token_id: Option<TokenId>,
    /// The verb.
    pub method: String,
    /// Path and query, secrets taken out.
    pub path: String,
    /// The status it was answered.
    pub status: u16,
    /// How long the answer took, in microseconds.
    pub duration_us: i64,
    /// Ids of members that were named and could not be seen here (R15).
    pub skipped: Vec<String>,
    /// The error detail the client was shown.
    pub error: Option<String>,
    /// The request's id in the logs.
    pub request_id: Option<String>,
}

/// Which requests are asked for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Only those before this row (its id), for paging backwards.
    pub before: Option<AuditId>,
    /// Only answers of 400 and above, and those of which an error was noted.
    pub only_errors: bool,
    /// At most so many.
    pub limit: i64,
}

/// Keeps requests, in one statement.
pub async fn insert(tx: &mut Tx, requests: &[ScimRequest]) -> Result<(), StoreError> {
    if requests.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = requests
        .iter()
        .map(|request| {
            serde_json::json!({
                "id": AuditId::new(request.at, tx.random()),
                "at": request.at.as_millis(),
                "token": request.token_id,
                "method": request.method,
                "path": request.path,
                "status": request.status,
                "us": request.duration_us,
                "skipped": serde_json::to_string(&request.skipped).unwrap_or_default(),
                "error": request.error,
                "request": request.request_id,
            })
        })
        .collect();
    let statement = tx.sql(
        "INSERT INTO scim_requests (id, at, token_id, method, path, status, duration_us, skipped, error, request_id) \
         SELECT value ->> 'id', CAST(value ->> 'at' AS BIGINT), value ->> 'token', value ->> 'method', value ->> 'path', \
                CAST(value ->> 'status' AS BIGINT), CAST(value ->> 'us' AS BIGINT), value ->> 'skipped', \
                value ->> 'error', value ->> 'request' FROM {{rows $1}}",
    );
    sqlx::query(statement)
        .bind(Value::from(rows).to_string())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Requests, the latest first, each with its row's id.
pub async fn list(tx: &mut Tx, query: &Query) -> Result<Vec<(AuditId, ScimRequest)>, StoreError> {
    let before = query.before.as_ref().map(|id| id.as_str().to_owned());
    let rows = sqlx::query(
        "SELECT id, at, token_id, method, path, status, duration_us, skipped, error, request_id FROM scim_requests \
          WHERE ($1 IS NULL OR id < $1) AND (status >= $2 OR error IS NOT NULL) ORDER BY id DESC LIMIT $3",
    )
    .bind(before)
    .bind(if query.only_errors { 400_i64 } else { 0 })
    .bind(query.limit)
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<(AuditId, ScimRequest), StoreError> {
    let corrupt = |column| StoreError::Corrupt {
        table: "scim_requests",
        column,
    };
    let skipped: String = row.try_get(7)?;
    Ok((
        AuditId::stored(row.try_get(0)?),
        ScimRequest {
            at: Timestamp::from_millis(row.try_get(1)?),
            token_id: row.try_get::<Option<String>, _>(2)?.map(TokenId::stored),
            method: row.try_get(3)?,
            path: row.try_get(4)?,
            status: u16::try_from(row.try_get::<i64, _>(5)?).map_err(|_| corrupt("status"))?,
            duration_us: row.try_get(6)?,
            skipped: serde_json::from_str(&skipped).map_err(|_| corrupt("skipped"))?,
            error: row.try_get(8)?,
            request_id: row.try_get(9)?,
        },
    ))
}
