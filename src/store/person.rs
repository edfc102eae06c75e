//! What hangs on the person behind a user's row: it goes when another person takes the row over, and along when he gets
//! another row (R11).

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, Tx};
use crate::model::id::{TeamId, UserId};

/// What was dropped, for the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Teams an admin had put the old person into.
    pub local_teams: Vec<TeamId>,
    /// Withheld rows of the old person.
    pub withheld: u64,
}

/// Drops local memberships, withheld rows and password, and voids every session and token: a new person stands behind
/// the row.
pub async fn forget(tx: &mut Tx, user: &UserId) -> Result<Forgotten, StoreError> {
    let rows = sqlx::query(
        "DELETE FROM memberships WHERE user_id = $1 AND origin = 'local' RETURNING team_id",
    )
    .bind(user.as_str().to_owned())
    .fetch_all(tx.conn())
    .await?;
    let local_teams = teams(&rows)?;
    let withheld = sqlx::query("DELETE FROM withheld WHERE user_id = $1")
        .bind(user.as_str().to_owned())
        .execute(tx.conn())
        .await?
        .rows_affected();
    let now = tx.now().as_millis();
    sqlx::query(
        "UPDATE users SET password_hash = NULL, sessions_from = $2, tokens_from = $2 WHERE id = $1",
    )
    .bind(user.as_str().to_owned())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(Forgotten {
        local_teams,
        withheld,
    })
}

/// Gives another row of the same person what admins gave this one (R3), which keeps its own; names the teams that are new.
pub async fn copy_local(
    tx: &mut Tx,
    from: &UserId,
    to: &UserId,
) -> Result<Vec<TeamId>, StoreError> {
    let rows = sqlx::query(
        "INSERT INTO memberships (team_id, user_id, origin, since) \
         SELECT team_id, $2, origin, since FROM memberships WHERE user_id = $1 AND origin = 'local' \
         ON CONFLICT (team_id, user_id, origin) DO NOTHING RETURNING team_id",
    )
    .bind(from.as_str().to_owned())
    .bind(to.as_str().to_owned())
    .fetch_all(tx.conn())
    .await?;
    teams(&rows)
}

fn teams(rows: &[AnyRow]) -> Result<Vec<TeamId>, StoreError> {
    rows.iter()
        .map(|row| Ok(TeamId::stored(row.try_get(0)?)))
        .collect()
}

/// What is kept of his password.
pub async fn find_password(tx: &mut Tx, user: &UserId) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("SELECT password_hash FROM users WHERE id = $1")
        .bind(user.as_str().to_owned())
        .fetch_optional(tx.conn())
        .await?;
    row.map_or(Ok(None), |row| Ok(row.try_get(0)?))
}

/// Keeps the hash of a password. The version is the caller's matter: a user who was just made has his first.
pub async fn update_password(tx: &mut Tx, user: &UserId, hash: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1")
        .bind(user.as_str().to_owned())
        .bind(hash.to_owned())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Drops a local user's password: from now on he signs in at Okta.
pub async fn drop_password(tx: &mut Tx, user: &UserId) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE users SET password_hash = NULL WHERE id = $1 AND password_hash IS NOT NULL",
    )
    .bind(user.as_str().to_owned())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether any membership, counting or not, puts him into this team.
pub async fn is_member(tx: &mut Tx, user: &UserId, team: &TeamId) -> Result<bool, StoreError> {
    let row =
        sqlx::query("SELECT team_id FROM memberships WHERE user_id = $1 AND team_id = $2 LIMIT 1")
            .bind(user.as_str().to_owned())
            .bind(team.as_str().to_owned())
            .fetch_optional(tx.conn())
            .await?;
    Ok(row.is_some())
}
