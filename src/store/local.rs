//! Memberships that an admin gave, each with leave to do so (R2).

use sqlx::Row as _;

use super::{StoreError, Tx};
use crate::model::id::{TeamId, UserId};
use crate::model::team::Permit;

/// Puts a user into a team by hand; `false`: a local membership was there already.
pub async fn insert(tx: &mut Tx, permit: &Permit) -> Result<bool, StoreError> {
    let now = tx.now().as_millis();
    let done = sqlx::query(
        "INSERT INTO memberships (team_id, user_id, origin, since) VALUES ($1, $2, 'local', $3) \
         ON CONFLICT (team_id, user_id, origin) DO NOTHING",
    )
    .bind(permit.team().as_str().to_owned())
    .bind(permit.user().as_str().to_owned())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a local membership away; `false`: there was none.
pub async fn remove(tx: &mut Tx, permit: &Permit) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "DELETE FROM memberships WHERE team_id = $1 AND user_id = $2 AND origin = 'local'",
    )
    .bind(permit.team().as_str().to_owned())
    .bind(permit.user().as_str().to_owned())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a derived row puts this user into this team.
pub async fn is_derived(tx: &mut Tx, team: &TeamId, user: &UserId) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT since FROM memberships WHERE team_id = $1 AND user_id = $2 AND origin = 'okta'",
    )
    .bind(team.as_str().to_owned())
    .bind(user.as_str().to_owned())
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.is_some())
}

/// A user made on the host, for `rosterd admin create` (R2): local, active, without a password.
pub async fn insert_user(
    tx: &mut Tx,
    id: &UserId,
    seq: i64,
    user_name: &str,
    fold: &str,
    display_name: &str,
) -> Result<bool, StoreError> {
    let resource = serde_json::json!({
        "userName": user_name,
        "displayName": display_name,
        "emails": [{"value": user_name, "type": "work", "primary": true}],
    });
    let now = tx.now().as_millis();
    let done = sqlx::query(
        "INSERT INTO users (id, seq, origin, scim, member_key, user_name, user_name_fold, display_name, email, \
             email_fold, resource, folded, entitled, blocked, pending, active, deleting, absent_runs, sessions_from, \
             tokens_from, created_at, updated_at, version) \
         VALUES ($1, $2, 'local', 0, $1, $3, $4, $5, $3, $4, $6, '{}', 1, 0, 0, 1, 0, 0, 0, 0, $7, $7, 1) \
         ON CONFLICT DO NOTHING",
    )
    .bind(id.as_str().to_owned())
    .bind(seq)
    .bind(user_name.to_owned())
    .bind(fold.to_owned())
    .bind(display_name.to_owned())
    .bind(resource.to_string())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The origin and team count of whoever bears a userName.
pub async fn find_bearer(tx: &mut Tx, fold: &str) -> Result<Option<(UserId, String)>, StoreError> {
    let row = sqlx::query("SELECT id, origin FROM users WHERE user_name_fold = $1")
        .bind(fold.to_owned())
        .fetch_optional(tx.conn())
        .await?;
    row.map(|row| Ok((UserId::stored(row.try_get(0)?), row.try_get(1)?)))
        .transpose()
}
