//! What a run asks about whole sets: whose members to read, who is absent, what a plan would take from teams.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Value, json};
use sqlx::Row as _;

use super::memberships::Pair;
use super::{StoreError, Tx};
use crate::model::id::{GroupId, OktaGroupId, OktaUserId, TeamId, UserId};
use crate::model::time::Timestamp;

/// A group whose members are wanted (R16): mapped, or asked for by a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The group.
    pub group: GroupId,
    /// Its id in Okta.
    pub okta_id: OktaGroupId,
    /// Whether its members were ever read whole.
    pub read: bool,
    /// Whether a mapping leads from it.
    pub mapped: bool,
}

/// The groups with an Okta side whose members are wanted. Our own echo is none of them (R17).
pub async fn list_wanted(tx: &mut Tx, app_id: Option<&str>) -> Result<Vec<Wanted>, StoreError> {
    let rows = sqlx::query(
        "SELECT g.id, g.okta_id, CASE WHEN g.members_read_at IS NULL THEN 0 ELSE 1 END, \
                CASE WHEN EXISTS (SELECT 1 FROM mappings p WHERE p.group_id = g.id) THEN 1 ELSE 0 END \
           FROM idp_groups g WHERE g.okta_id IS NOT NULL \
            AND (g.preview = 1 OR EXISTS (SELECT 1 FROM mappings p WHERE p.group_id = g.id)) \
            AND NOT (g.okta_type = 'APP_GROUP' AND COALESCE(g.okta_source, '') = $1) ORDER BY g.seq",
    )
    // No source is an empty text, so that without an app nothing is an echo.
    .bind(app_id.unwrap_or("-").to_owned())
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Wanted {
                group: GroupId::stored(row.try_get(0)?),
                okta_id: OktaGroupId::stored(row.try_get(1)?),
                read: super::memberships::number(row, 2)? == 1,
                mapped: super::memberships::number(row, 3)? == 1,
            })
        })
        .collect()
}

/// Every Okta side there is.
pub async fn list_okta_groups(tx: &mut Tx) -> Result<Vec<OktaGroupId>, StoreError> {
    let rows =
        sqlx::query("SELECT okta_id FROM idp_groups WHERE okta_id IS NOT NULL ORDER BY okta_id")
            .fetch_all(tx.conn())
            .await?;
    rows.iter()
        .map(|row| Ok(OktaGroupId::stored(row.try_get(0)?)))
        .collect()
}

/// A user with an Okta id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OktaUser {
    /// His id in Okta.
    pub okta_id: OktaUserId,
    /// Whether he is entitled.
    pub entitled: bool,
    /// Whether Okta is known to have him no more.
    pub deleted: bool,
}

/// The users with an Okta id, in its order, after `after`, at most `limit`.
pub async fn list_okta_users(
    tx: &mut Tx,
    after: &str,
    limit: i64,
) -> Result<Vec<OktaUser>, StoreError> {
    let statement = tx.sql(
        "SELECT okta_id, entitled, CASE WHEN status = 'DELETED' THEN 1 ELSE 0 END FROM users \
         WHERE okta_id > $1 {{bytes}} ORDER BY okta_id {{bytes}} LIMIT $2",
    );
    let rows = sqlx::query(statement)
        .bind(after.to_owned())
        .bind(limit)
        .fetch_all(tx.conn())
        .await?;
    rows.iter()
        .map(|row| {
            Ok(OktaUser {
                okta_id: OktaUserId::stored(row.try_get(0)?),
                entitled: super::memberships::number(row, 1)? == 1,
                deleted: super::memberships::number(row, 2)? == 1,
            })
        })
        .collect()
}

/// Which of these member keys an edge puts into a mapped group.
pub async fn list_in_mapped_groups(
    tx: &mut Tx,
    members: &[&str],
) -> Result<HashSet<String>, StoreError> {
    let statement = tx.sql(
        "SELECT value FROM {{texts $1}} WHERE EXISTS (SELECT 1 FROM edges e \
         JOIN mappings p ON p.group_id = e.group_id WHERE e.member = value)",
    );
    texts(tx, statement, members).await
}

/// Which of these member keys are our ids of users without an Okta id: edges a poll says nothing about (R15).
pub async fn list_own_keys(tx: &mut Tx, members: &[&str]) -> Result<HashSet<String>, StoreError> {
    let statement = tx.sql("SELECT value FROM {{texts $1}} JOIN users u ON u.id = value");
    texts(tx, statement, members).await
}

async fn texts(
    tx: &mut Tx,
    statement: sqlx::SqlStr,
    values: &[&str],
) -> Result<HashSet<String>, StoreError> {
    let rows = sqlx::query(statement)
        .bind(json!(values).to_string())
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Who counts in a team, with what edges call him.
pub async fn list_counting(
    tx: &mut Tx,
    team: &TeamId,
) -> Result<Vec<(UserId, String)>, StoreError> {
    let rows = sqlx::query(
        "SELECT u.id, u.member_key FROM effective_memberships e JOIN users u ON u.id = e.user_id WHERE e.team_id = $1",
    )
    .bind(team.as_str().to_owned())
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| Ok((UserId::stored(row.try_get(0)?), row.try_get(1)?)))
        .collect()
}

/// Notes that a group's members are not known any more: they are read at once (R16).
pub async fn update_members_unread(tx: &mut Tx, group: &GroupId) -> Result<(), StoreError> {
    sqlx::query("UPDATE idp_groups SET members_read_at = NULL WHERE id = $1")
        .bind(group.as_str().to_owned())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Notes that a group's members have been read whole for the first time. What is known stays as it is (R10).
pub async fn update_members_read(tx: &mut Tx, group: &GroupId) -> Result<(), StoreError> {
    let now = tx.now().as_millis();
    sqlx::query(
        "UPDATE idp_groups SET members_read_at = $1 WHERE id = $2 AND members_read_at IS NULL",
    )
    .bind(now)
    .bind(group.as_str().to_owned())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Somebody of the mapped groups' population who is in none of them, or is again (R16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absentee {
    /// Who.
    pub okta_id: OktaUserId,
    /// Since when no full run has found him in a mapped group.
    pub since: Option<Timestamp>,
}

/// The entitled users of Okta's that no edge puts into a mapped group.
pub async fn list_absent(tx: &mut Tx) -> Result<Vec<Absentee>, StoreError> {
    let rows = sqlx::query(
        "SELECT u.okta_id, u.absent_since FROM users u WHERE u.okta_id IS NOT NULL AND u.origin = 'okta' AND u.entitled = 1 \
         AND NOT EXISTS (SELECT 1 FROM edges e JOIN mappings p ON p.group_id = e.group_id WHERE e.member = u.member_key) \
         ORDER BY u.seq",
    )
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Absentee {
                okta_id: OktaUserId::stored(row.try_get(0)?),
                since: row
                    .try_get::<Option<i64>, _>(1)?
                    .map(Timestamp::from_millis),
            })
        })
        .collect()
}

/// The users noted as absent whom an edge puts into a mapped group: (who, whether being absent cost him his entitlement).
pub async fn list_returned(tx: &mut Tx) -> Result<Vec<(OktaUserId, bool)>, StoreError> {
    let rows = sqlx::query(
        "SELECT u.okta_id, CASE WHEN u.entitled = 0 AND u.absent_runs >= 2 THEN 1 ELSE 0 END FROM users u \
         WHERE u.okta_id IS NOT NULL AND u.absent_since IS NOT NULL \
         AND EXISTS (SELECT 1 FROM edges e JOIN mappings p ON p.group_id = e.group_id WHERE e.member = u.member_key) \
         ORDER BY u.seq",
    )
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            Ok((
                OktaUserId::stored(row.try_get(0)?),
                super::memberships::number(row, 1)? == 1,
            ))
        })
        .collect()
}

/// Notes that these users are absent from now on (`runs` 1), that it cost them their entitlement (2), or that they are
/// not absent (0).
pub async fn update_absence(tx: &mut Tx, users: &[&str], runs: i64) -> Result<(), StoreError> {
    let now = tx.now().as_millis();
    let statement = match runs {
        0 => tx.sql(
            "UPDATE users SET absent_since = NULL, absent_runs = $2 \
             WHERE $3 >= 0 AND absent_since IS NOT NULL AND okta_id IN (SELECT value FROM {{texts $1}})",
        ),
        _ => tx.sql(
            "UPDATE users SET absent_runs = $2, absent_since = COALESCE(absent_since, $3) \
             WHERE okta_id IN (SELECT value FROM {{texts $1}})",
        ),
    };
    sqlx::query(statement)
        .bind(json!(users).to_string())
        .bind(runs)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The derived memberships that hang on these edges alone: what removing them would take, whoever is active and whatever
/// the mode. All edges of a user that go must be asked for at once.
pub async fn list_hanging_on(
    tx: &mut Tx,
    edges: &[(&GroupId, &str)],
) -> Result<BTreeSet<Pair>, StoreError> {
    let rows: Vec<Value> = edges
        .iter()
        .map(|(group, member)| json!({ "g": group, "m": member }))
        .collect();
    let statement = tx.sql(
        "WITH gone AS MATERIALIZED (SELECT value ->> 'g' AS group_id, value ->> 'm' AS member FROM {{rows $1}}), \
         hit AS (SELECT DISTINCT u.id AS user_id, u.member_key AS member, p.team_id AS team_id FROM gone \
                   JOIN users u ON u.member_key = gone.member JOIN mappings p ON p.group_id = gone.group_id) \
         SELECT hit.team_id, hit.user_id FROM hit \
           JOIN memberships m ON m.team_id = hit.team_id AND m.user_id = hit.user_id AND m.origin = 'okta' \
          WHERE NOT EXISTS (SELECT 1 FROM edges e JOIN mappings p ON p.group_id = e.group_id AND p.team_id = hit.team_id \
                 WHERE e.member = hit.member AND NOT EXISTS \
                       (SELECT 1 FROM gone g WHERE g.group_id = e.group_id AND g.member = e.member))",
    );
    let found = sqlx::query(statement)
        .bind(Value::from(rows).to_string())
        .fetch_all(tx.conn())
        .await?;
    found
        .iter()
        .map(|row| {
            Ok((
                TeamId::stored(row.try_get(0)?),
                UserId::stored(row.try_get(1)?),
            ))
        })
        .collect()
}
