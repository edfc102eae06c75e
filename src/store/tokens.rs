//! Access tokens. A token is looked up by the SHA-256 of its text, which is all the store has of it.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, Tx};
use crate::model::id::TokenId;
use crate::model::time::Timestamp;
use crate::model::token::{Scope, Token};

/// How often last use is written, at most, in milliseconds (R6).
pub const LAST_USED_EVERY_MS: i64 = 60_000;

/// What the door needs to know of a token it was shown.
#[derive(Debug, Clone)]
pub struct Found {
    /// The row.
    pub token: Token,
    /// SHA-256 in hex as stored, to be compared in constant time with what was shown.
    pub hash: String,
    /// When a SCIM token was first used (R16).
    pub scim_used_at: Option<Timestamp>,
}

/// Keeps a new token, by its hash in hex.
pub async fn insert(tx: &mut Tx, token: &Token, hash: &str) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO tokens (id, scope, name, hash, created_by, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(token.id.as_str().to_owned())
    .bind(token.scope.as_str())
    .bind(token.name.clone())
    .bind(hash.to_owned())
    .bind(token.created_by.clone())
    .bind(token.created_at.as_millis())
    .bind(token.expires_at.map(Timestamp::as_millis))
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The token with this hash, live or not.
pub async fn find_by_hash(tx: &mut Tx, hash: &str) -> Result<Option<Found>, StoreError> {
    let row = sqlx::query(
        "SELECT id, scope, name, created_by, created_at, expires_at, revoked_at, last_used_at, hash, \
                (SELECT scim_used_at FROM organization WHERE id = 1) \
           FROM tokens WHERE hash = $1",
    )
    .bind(hash.to_owned())
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Found {
        token: read(&row)?,
        hash: row.try_get(8)?,
        scim_used_at: time(&row, 9)?,
    }))
}

/// The token with this id, live or not.
pub async fn find(tx: &mut Tx, id: &TokenId) -> Result<Option<Token>, StoreError> {
    let row = sqlx::query(
        "SELECT id, scope, name, created_by, created_at, expires_at, revoked_at, last_used_at FROM tokens WHERE id = $1",
    )
    .bind(id.as_str().to_owned())
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(read).transpose()
}

/// Every token, the oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<Token>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, scope, name, created_by, created_at, expires_at, revoked_at, last_used_at FROM tokens \
          ORDER BY created_at, id",
    )
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(read).collect()
}

/// Revokes a token; false when it was revoked already or never was.
pub async fn update_revoked(tx: &mut Tx, id: &TokenId) -> Result<bool, StoreError> {
    let now = tx.now().as_millis();
    let done =
        sqlx::query("UPDATE tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
            .bind(now)
            .bind(id.as_str().to_owned())
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that a token was used, at most once a minute.
pub async fn update_last_used(tx: &mut Tx, id: &TokenId) -> Result<(), StoreError> {
    let now = tx.now().as_millis();
    sqlx::query(
        "UPDATE tokens SET last_used_at = $1 WHERE id = $2 AND (last_used_at IS NULL OR last_used_at <= $3)",
    )
    .bind(now)
    .bind(id.as_str().to_owned())
    .bind(now - LAST_USED_EVERY_MS)
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Token, StoreError> {
    let scope = Scope::parse(row.try_get(1)?).ok_or(StoreError::Corrupt {
        table: "tokens",
        column: "scope",
    })?;
    Ok(Token {
        id: TokenId::stored(row.try_get(0)?),
        scope,
        name: row.try_get(2)?,
        created_by: row.try_get(3)?,
        created_at: Timestamp::from_millis(row.try_get(4)?),
        expires_at: time(row, 5)?,
        revoked_at: time(row, 6)?,
        last_used_at: time(row, 7)?,
    })
}

fn time(row: &AnyRow, column: usize) -> Result<Option<Timestamp>, StoreError> {
    Ok(row
        .try_get::<Option<i64>, _>(column)?
        .map(Timestamp::from_millis))
}
