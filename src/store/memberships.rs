//! Memberships: what follows from edges and mappings, what an admin gave, and the one view of what counts (R1).

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, Tx};
use crate::model::id::{GroupId, TeamId, UserId};
use crate::model::time::Timestamp;
use crate::model::user::{Facts, OktaStatus, Origin};

/// (team, user).
pub type Pair = (TeamId, UserId);

/// A user's facts with what else decides what follows from them.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The user.
    pub id: UserId,
    /// Where he came from.
    pub origin: Origin,
    /// The facts of R13.
    pub facts: Facts,
    /// Invited, not yet accepted.
    pub pending: bool,
    /// SCIM deleted him (R12).
    pub deleting: bool,
    /// Active as stored.
    pub active: bool,
    /// A withheld row keeps him active (R5, R9).
    pub kept: bool,
    /// Whether any edge or derived membership names him: without one there is nothing to derive.
    pub derives: bool,
}

/// The standing of each of these users that exists.
pub async fn standings(tx: &mut Tx, users: &BTreeSet<UserId>) -> Result<Vec<Standing>, StoreError> {
    let statement = tx.sql(
        "SELECT u.id, u.origin, u.entitled, u.status, u.blocked, u.pending, u.deleting, u.active, \
                CASE WHEN EXISTS (SELECT 1 FROM withheld w WHERE w.user_id = u.id AND w.team_id = '') THEN 1 ELSE 0 END, \
                CASE WHEN EXISTS (SELECT 1 FROM edges e WHERE e.member = u.member_key) \
                       OR EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = u.id AND m.origin = 'okta') THEN 1 ELSE 0 END \
           FROM users u WHERE u.id IN (SELECT value FROM {{texts $1}})",
    );
    let rows = sqlx::query(statement)
        .bind(json!(users).to_string())
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(standing).collect()
}

fn standing(row: &AnyRow) -> Result<Standing, StoreError> {
    let flag = |index: usize| -> Result<bool, StoreError> { Ok(number(row, index)? == 1) };
    let origin: String = row.try_get(1)?;
    Ok(Standing {
        id: UserId::stored(row.try_get(0)?),
        origin: Origin::parse(&origin).ok_or(StoreError::Corrupt {
            table: "users",
            column: "origin",
        })?,
        facts: Facts {
            entitled: flag(2)?,
            status: row
                .try_get::<Option<String>, _>(3)?
                .map(|status| OktaStatus::new(&status)),
            blocked: flag(4)?,
        },
        pending: flag(5)?,
        deleting: flag(6)?,
        active: flag(7)?,
        kept: flag(8)?,
        derives: flag(9)?,
    })
}

/// A whole number, whichever width the engine gave a computed column.
pub(super) fn number(row: &AnyRow, index: usize) -> Result<i64, StoreError> {
    match row.try_get::<i64, _>(index) {
        Ok(value) => Ok(value),
        Err(_) => Ok(i64::from(row.try_get::<i32, _>(index)?)),
    }
}

/// Writes users' activity.
pub async fn update_activity(
    tx: &mut Tx,
    users: &[UserId],
    active: bool,
) -> Result<(), StoreError> {
    if users.is_empty() {
        return Ok(());
    }
    let statement =
        tx.sql("UPDATE users SET active = $2 WHERE id IN (SELECT value FROM {{texts $1}})");
    sqlx::query(statement)
        .bind(json!(users).to_string())
        .bind(i64::from(active))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Voids the sessions these users have now.
pub async fn end_sessions(tx: &mut Tx, users: &[UserId]) -> Result<(), StoreError> {
    let ending = "UPDATE users SET sessions_from = $2 WHERE id IN (SELECT value FROM {{texts $1}})";
    from_now(tx, ending, users).await
}

/// Voids the sessions and tokens these users have now.
pub async fn revoke_access(tx: &mut Tx, users: &[UserId]) -> Result<(), StoreError> {
    let revoking = "UPDATE users SET sessions_from = $2, tokens_from = $2 WHERE id IN (SELECT value FROM {{texts $1}})";
    from_now(tx, revoking, users).await
}

/// The same, but for those whom the guard keeps active: they have lost nothing yet (R9).
pub async fn revoke_access_of_unkept(tx: &mut Tx, users: &[UserId]) -> Result<(), StoreError> {
    let revoking = "UPDATE users SET sessions_from = $2, tokens_from = $2 WHERE id IN (SELECT value FROM {{texts $1}}) \
        AND NOT EXISTS (SELECT 1 FROM withheld w WHERE w.user_id = users.id AND w.team_id = '' AND w.cause = 'guard')";
    from_now(tx, revoking, users).await
}

async fn from_now(
    tx: &mut Tx,
    statement: &'static str,
    users: &[UserId],
) -> Result<(), StoreError> {
    if users.is_empty() {
        return Ok(());
    }
    let now = tx.now().as_millis();
    sqlx::query(tx.sql(statement))
        .bind(json!(users).to_string())
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Marks a user whom SCIM deletes: entitled to nothing, and 404 to SCIM from now on (R12).
pub async fn update_deleting(tx: &mut Tx, user: &UserId) -> Result<(), StoreError> {
    sqlx::query("UPDATE users SET deleting = 1, entitled = 0, version = version + 1 WHERE id = $1")
        .bind(user.as_str().to_owned())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Deletes those of these users who are marked and whom nothing withheld keeps (R5, R9, R12).
pub async fn remove_deleting(tx: &mut Tx, users: &BTreeSet<UserId>) -> Result<u64, StoreError> {
    let statement = tx.sql(
        "DELETE FROM users WHERE deleting = 1 AND id IN (SELECT value FROM {{texts $1}}) \
            AND NOT EXISTS (SELECT 1 FROM withheld w WHERE w.user_id = users.id AND w.team_id = '')",
    );
    Ok(sqlx::query(statement)
        .bind(json!(users).to_string())
        .execute(tx.conn())
        .await?
        .rows_affected())
}

/// Which of these groups a mapping leads from.
pub async fn mapped_groups(
    tx: &mut Tx,
    groups: &BTreeSet<GroupId>,
) -> Result<BTreeSet<GroupId>, StoreError> {
    let statement = tx.sql(
        "SELECT DISTINCT group_id FROM mappings WHERE group_id IN (SELECT value FROM {{texts $1}})",
    );
    let rows = sqlx::query(statement)
        .bind(json!(groups).to_string())
        .fetch_all(tx.conn())
        .await?;
    rows.iter()
        .map(|row| Ok(GroupId::stored(row.try_get(0)?)))
        .collect()
}

/// Derived rows that appeared, and those that went with the instant they had stood since.
#[derive(Debug, Default)]
pub struct Derived {
    /// Rows that appeared.
    pub added: Vec<Pair>,
    /// Those of them whose user is inactive: they do not count.
    pub of_inactive: BTreeSet<Pair>,
    /// Rows that went.
    pub removed: Vec<(Pair, Timestamp)>,
}

impl Derived {
    fn add(&mut self, rows: &[AnyRow]) -> Result<(), StoreError> {
        for row in rows {
            let added = pair(row)?;
            if number(row, 2)? == 0 {
                self.of_inactive.insert(added.clone());
            }
            self.added.push(added);
        }
        Ok(())
    }

    fn remove(&mut self, rows: &[AnyRow]) -> Result<(), StoreError> {
        for row in rows {
            let since = Timestamp::from_millis(row.try_get(2)?);
            self.removed.push((pair(row)?, since));
        }
        Ok(())
    }
}

fn pair(row: &AnyRow) -> Result<Pair, StoreError> {
    Ok((
        TeamId::stored(row.try_get(0)?),
        UserId::stored(row.try_get(1)?),
    ))
}

/// The statement that writes the derived rows which edges and mappings ask for: of the pairs that `$from` gives.
macro_rules! derive {
    ($from:literal) => {
        concat!(
            "INSERT INTO memberships (team_id, user_id, origin, since) \
             SELECT DISTINCT m.team_id, u.id, 'okta', CAST($2 AS BIGINT) FROM ",
            $from,
            " ON CONFLICT (team_id, user_id, origin) DO NOTHING \
             RETURNING team_id, user_id, (SELECT a.active FROM users a WHERE a.id = memberships.user_id)"
        )
    };
}

/// The statement that removes the derived rows which edges and mappings ask for no more: of those that meet `$which`.
macro_rules! underive {
    ($which:literal) => {
        concat!(
            "DELETE FROM memberships WHERE origin = 'okta' AND ",
            $which,
            " AND NOT EXISTS (SELECT 1 FROM users u JOIN edges e ON e.member = u.member_key \
                                JOIN mappings m ON m.group_id = e.group_id \
                               WHERE u.id = memberships.user_id AND m.team_id = memberships.team_id) \
             RETURNING team_id, user_id, since"
        )
    };
}

async fn add(
    tx: &mut Tx,
    statement: &'static str,
    of: String,
    derived: &mut Derived,
) -> Result<(), StoreError> {
    let now = tx.now().as_millis();
    let rows = sqlx::query(tx.sql(statement))
        .bind(of)
        .bind(now)
        .fetch_all(tx.conn())
        .await?;
    derived.add(&rows)
}

async fn remove(
    tx: &mut Tx,
    statement: &'static str,
    of: String,
    derived: &mut Derived,
) -> Result<(), StoreError> {
    let rows = sqlx::query(tx.sql(statement))
        .bind(of)
        .fetch_all(tx.conn())
        .await?;
    derived.remove(&rows)
}

/// Makes all derived rows of these users what edges and mappings say.
pub async fn derive_for_users(
    tx: &mut Tx,
    users: &[UserId],
    derived: &mut Derived,
) -> Result<(), StoreError> {
    let names = json!(users).to_string();
    let wanted = derive!(
        "users u JOIN edges e ON e.member = u.member_key JOIN mappings m ON m.group_id = e.group_id \
         WHERE u.id IN (SELECT value FROM {{texts $1}})"
    );
    add(tx, wanted, names.clone(), derived).await?;
    let unwanted = underive!("user_id IN (SELECT value FROM {{texts $1}})");
    remove(tx, unwanted, names, derived).await
}

fn edge_rows(edges: &BTreeSet<(GroupId, String)>) -> String {
    let rows: Vec<_> = edges
        .iter()
        .map(|(group, member)| json!({"g": group, "m": member}))
        .collect();
    json!(rows).to_string()
}

/// Adds the derived rows that these edges, which came, bring: an edge that came takes none.
pub async fn derive_from_added(
    tx: &mut Tx,
    edges: &BTreeSet<(GroupId, String)>,
    derived: &mut Derived,
) -> Result<(), StoreError> {
    if edges.is_empty() {
        return Ok(());
    }
    let wanted = derive!(
        "{{rows $1}} JOIN edges e ON e.group_id = value ->> 'g' AND e.member = value ->> 'm' \
         JOIN users u ON u.member_key = e.member JOIN mappings m ON m.group_id = e.group_id WHERE true"
    );
    add(tx, wanted, edge_rows(edges), derived).await
}

/// Takes the derived rows that nothing asks for now that these edges went: an edge that went brings none.
pub async fn derive_from_removed(
    tx: &mut Tx,
    edges: &BTreeSet<(GroupId, String)>,
    derived: &mut Derived,
) -> Result<(), StoreError> {
    if edges.is_empty() {
        return Ok(());
    }
    let unwanted = underive!(
        "(team_id, user_id) IN (SELECT m.team_id, u.id FROM {{rows $1}} \
                                  JOIN users u ON u.member_key = value ->> 'm' \
                                  JOIN mappings m ON m.group_id = value ->> 'g')"
    );
    remove(tx, unwanted, edge_rows(edges), derived).await
}

/// Makes all derived rows of these teams what edges and mappings say.
pub async fn derive_for_teams(
    tx: &mut Tx,
    teams: &BTreeSet<TeamId>,
    derived: &mut Derived,
) -> Result<(), StoreError> {
    let names = json!(teams).to_string();
    let wanted = derive!(
        "mappings m JOIN edges e ON e.group_id = m.group_id JOIN users u ON u.member_key = e.member \
         WHERE m.team_id IN (SELECT value FROM {{texts $1}})"
    );
    add(tx, wanted, names.clone(), derived).await?;
    let unwanted = "DELETE FROM memberships WHERE origin = 'okta' AND team_id IN (SELECT value FROM {{texts $1}}) \
            AND NOT EXISTS (SELECT 1 FROM mappings m JOIN edges e ON e.group_id = m.group_id \
                              JOIN users u ON u.member_key = e.member \
                             WHERE m.team_id = memberships.team_id AND u.id = memberships.user_id) \
         RETURNING team_id, user_id, since";
    remove(tx, unwanted, names, derived).await
}

/// What counts now for these users.
pub async fn effective_of_users(
    tx: &mut Tx,
    users: &[UserId],
) -> Result<BTreeSet<Pair>, StoreError> {
    let statement = tx.sql("SELECT team_id, user_id FROM {{counting $1}}");
    let rows = sqlx::query(statement)
        .bind(json!(users).to_string())
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(pair).collect()
}

/// Which of these pairs count now.
pub async fn effective_of(
    tx: &mut Tx,
    pairs: &BTreeSet<Pair>,
) -> Result<BTreeSet<Pair>, StoreError> {
    let users: BTreeSet<&UserId> = pairs.iter().map(|(_, user)| user).collect();
    let users: Vec<UserId> = users.into_iter().cloned().collect();
    let counting = effective_of_users(tx, &users).await?;
    Ok(counting.intersection(pairs).cloned().collect())
}

/// Which of these pairs an admin gave by hand and count for that reason alone.
pub async fn local_of(tx: &mut Tx, pairs: &BTreeSet<Pair>) -> Result<BTreeSet<Pair>, StoreError> {
    let rows: Vec<_> = pairs
        .iter()
        .map(|(team, user)| json!({"t": team, "u": user}))
        .collect();
    let statement = tx.sql(
        "SELECT m.team_id, m.user_id FROM {{rows $1}} \
           JOIN memberships m ON m.team_id = value ->> 't' AND m.user_id = value ->> 'u' \
          WHERE m.origin = 'local'",
    );
    let rows = sqlx::query(statement)
        .bind(json!(rows).to_string())
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(pair).collect()
}

/// How many members of a team count now, up to `limit`.
pub async fn count_effective(tx: &mut Tx, team: &TeamId, limit: i64) -> Result<i64, StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(*) FROM (SELECT 1 FROM effective_memberships WHERE team_id = $1 LIMIT $2) AS found",
    )
    .bind(team.as_str().to_owned())
    .bind(limit)
    .fetch_one(tx.conn())
    .await?;
    number(&row, 0)
}

/// Whether so many of a team's members surely count now, by the rows that follow from Okta alone and no further than
/// asked: a team of 100,000 is not counted for each member that leaves it. False says nothing.
pub async fn has_at_least(tx: &mut Tx, team: &TeamId, size: i64) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(*) FROM (SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id \
           WHERE m.team_id = $1 AND m.origin = 'okta' AND u.active = 1 \
             AND EXISTS (SELECT 1 FROM organization WHERE idp_mapping_enabled = 1) LIMIT $2) AS found",
    )
    .bind(team.as_str().to_owned())
    .bind(size.max(0))
    .fetch_one(tx.conn())
    .await?;
    Ok(number(&row, 0)? >= size)
}

/// Since when each of these users has stood in a team, by whichever row is oldest; those without a row are left out.
pub async fn standing_since(
    tx: &mut Tx,
    team: &TeamId,
    users: &[UserId],
) -> Result<Vec<(UserId, Timestamp)>, StoreError> {
    let statement = tx.sql(
        "SELECT user_id, MIN(since) FROM (SELECT team_id, user_id, since FROM memberships \
           UNION ALL SELECT team_id, user_id, since FROM withheld) AS stood WHERE team_id = $2 \
            AND user_id IN (SELECT value FROM {{texts $1}}) GROUP BY user_id",
    );
    let rows = sqlx::query(statement)
        .bind(json!(users).to_string())
        .bind(team.as_str().to_owned())
        .fetch_all(tx.conn())
        .await?;
    rows.iter()
        .map(|row| {
            Ok((
                UserId::stored(row.try_get(0)?),
                Timestamp::from_millis(row.try_get(1)?),
            ))
        })
        .collect()
}
