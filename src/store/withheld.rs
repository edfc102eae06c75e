//! What a push or poll took and somebody still has (R5, R9).

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, Tx};
use crate::model::id::{RunId, TeamId, UserId};
use crate::model::time::Timestamp;

/// Why something is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// He is the last active member of Organization Admin (R5).
    LastAdmin,
    /// Pushes took more than the guard lets through (R9).
    Guard,
}

impl Cause {
    /// The cause's name, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LastAdmin => "last_admin",
            Self::Guard => "guard",
        }
    }
}

/// A withheld row. `team` is `None` where it is his activity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Withheld {
    /// Who keeps it.
    pub user: UserId,
    /// The team he stays in; `None`: he stays active.
    pub team: Option<TeamId>,
    /// Why.
    pub cause: Cause,
    /// The open run that lists it (R9).
    pub run: Option<RunId>,
    /// The admin who rejected taking it.
    pub kept_by: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

fn read(row: &AnyRow) -> Result<Withheld, StoreError> {
    let team: String = row.try_get(1)?;
    let cause: String = row.try_get(2)?;
    Ok(Withheld {
        user: UserId::stored(row.try_get(0)?),
        team: (!team.is_empty()).then(|| TeamId::stored(team)),
        cause: if cause == "guard" {
            Cause::Guard
        } else {
            Cause::LastAdmin
        },
        run: row.try_get::<Option<String>, _>(3)?.map(RunId::stored),
        kept_by: row.try_get(4)?,
        since: Timestamp::from_millis(row.try_get(5)?),
    })
}

/// Withholds: a row that is there already stays as it is.
pub async fn insert(
    tx: &mut Tx,
    rows: &BTreeSet<(UserId, Option<TeamId>)>,
    cause: Cause,
    run: Option<&RunId>,
) -> Result<u64, StoreError> {
    let rows: Vec<_> = rows
        .iter()
        .map(|(user, team)| json!({"u": user, "t": team.as_ref().map_or("", TeamId::as_str)}))
        .collect();
    let statement = tx.sql(
        "INSERT INTO withheld (user_id, team_id, cause, run_id, since) \
         SELECT value ->> 'u', value ->> 't', $2, $3, CAST($4 AS BIGINT) FROM {{rows $1}} WHERE true \
         ON CONFLICT (user_id, team_id, cause) DO NOTHING",
    );
    let now = tx.now().as_millis();
    let done = sqlx::query(statement)
        .bind(json!(rows).to_string())
        .bind(cause.as_str())
        .bind(run.map(|run| run.as_str().to_owned()))
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}

/// Every withheld row, oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<Withheld>, StoreError> {
    let rows = sqlx::query(
        "SELECT user_id, team_id, cause, run_id, kept_by, since FROM withheld ORDER BY since, user_id, team_id",
    )
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(read).collect()
}

/// Whom R5 keeps although somebody else counts in the team by now.
pub async fn list_needless(tx: &mut Tx, team: &TeamId) -> Result<Vec<Withheld>, StoreError> {
    let rows = sqlx::query(
        "SELECT user_id, team_id, cause, run_id, kept_by, since FROM withheld WHERE cause = 'last_admin' \
            AND EXISTS (SELECT 1 FROM effective_memberships e WHERE e.team_id = $1 AND NOT EXISTS \
                (SELECT 1 FROM withheld k WHERE k.user_id = e.user_id AND k.cause = 'last_admin'))",
    )
    .bind(team.as_str().to_owned())
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(read).collect()
}

/// Whether anything is withheld.
pub async fn any(tx: &mut Tx) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT user_id FROM withheld LIMIT 1")
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.is_some())
}

/// Drops the rows that Okta has given again: the activity of users whose facts make them active, and memberships that
/// follow from mirror and mappings once more.
pub async fn remove_given_again(
    tx: &mut Tx,
    active: &[UserId],
    users: &BTreeSet<UserId>,
) -> Result<u64, StoreError> {
    let statement = tx.sql(
        "DELETE FROM withheld WHERE (team_id = '' AND user_id IN (SELECT value FROM {{texts $1}})) \
             OR (team_id <> '' AND user_id IN (SELECT value FROM {{texts $2}}) \
                 AND EXISTS (SELECT 1 FROM memberships m WHERE m.team_id = withheld.team_id \
                              AND m.user_id = withheld.user_id AND m.origin = 'okta'))",
    );
    let done = sqlx::query(statement)
        .bind(json!(active).to_string())
        .bind(json!(users).to_string())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}

/// Drops rows of a cause for these users and gives whom they kept.
pub async fn remove(
    tx: &mut Tx,
    users: &[UserId],
    cause: Cause,
) -> Result<Vec<Withheld>, StoreError> {
    let statement = tx.sql(
        "DELETE FROM withheld WHERE cause = $2 AND user_id IN (SELECT value FROM {{texts $1}}) \
         RETURNING user_id, team_id, cause, run_id, kept_by, since",
    );
    let rows = sqlx::query(statement)
        .bind(json!(users).to_string())
        .bind(cause.as_str())
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(read).collect()
}

/// Drops the rows an open run lists (approving) and gives them.
pub async fn remove_of_run(tx: &mut Tx, run: &RunId) -> Result<Vec<Withheld>, StoreError> {
    let rows = sqlx::query(
        "DELETE FROM withheld WHERE run_id = $1 AND kept_by IS NULL \
         RETURNING user_id, team_id, cause, run_id, kept_by, since",
    )
    .bind(run.as_str().to_owned())
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(read).collect()
}

/// Keeps the rows an open run lists, in the name of the admin who rejected it.
pub async fn update_kept_by(tx: &mut Tx, run: &RunId, by: &str) -> Result<u64, StoreError> {
    let done =
        sqlx::query("UPDATE withheld SET kept_by = $2 WHERE run_id = $1 AND kept_by IS NULL")
            .bind(run.as_str().to_owned())
            .bind(by.to_owned())
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected())
}
