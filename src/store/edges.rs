//! Edges: who is in which IdP group, by member key (R15).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, Tx, groups};
use crate::model::actor::Channel;
use crate::model::id::{GroupId, UserId};

/// Most edges one statement takes.
pub const CHUNK: usize = 2_000;

/// An edge: a group, and what it calls a member (`users.member_key`: the Okta id, else our id).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// The group.
    pub group: GroupId,
    /// The member key.
    pub member: String,
}

/// Adds edges and gives those that were not there; counts them in their groups and bumps the groups' versions first.
pub async fn insert_many(
    tx: &mut Tx,
    channel: Channel,
    edges: &[Edge],
) -> Result<Vec<Edge>, StoreError> {
    let mut added = Vec::new();
    for chunk in edges.chunks(CHUNK) {
        let present = find_present(tx, chunk).await?;
        let wanted: BTreeSet<&Edge> = chunk.iter().collect();
        let new: Vec<Edge> = wanted
            .into_iter()
            .filter(|edge| !present.contains(*edge))
            .cloned()
            .collect();
        count(tx, &new, 1).await?;
        insert_rows(tx, channel, &new).await?;
        added.extend(new);
    }
    Ok(added)
}

/// Removes edges and gives those that were there; counts them in their groups and bumps the groups' versions first.
pub async fn remove_many(tx: &mut Tx, edges: &[Edge]) -> Result<Vec<Edge>, StoreError> {
    let mut removed = Vec::new();
    for chunk in edges.chunks(CHUNK) {
        let present: Vec<Edge> = find_present(tx, chunk).await?.into_iter().collect();
        count(tx, &present, -1).await?;
        remove_rows(tx, &present).await?;
        removed.extend(present);
    }
    Ok(removed)
}

async fn count(tx: &mut Tx, edges: &[Edge], each: i64) -> Result<(), StoreError> {
    let mut counts: BTreeMap<&GroupId, i64> = BTreeMap::new();
    for edge in edges {
        *counts.entry(&edge.group).or_default() += each;
    }
    let counts: Vec<_> = counts.into_iter().collect();
    groups::update_counts(tx, &counts).await
}

fn rows(edges: &[Edge]) -> String {
    let rows: Vec<_> = edges
        .iter()
        .map(|edge| json!({ "g": edge.group, "m": edge.member }))
        .collect();
    json!(rows).to_string()
}

/// Those of `edges` (at most [`CHUNK`]) that are there.
pub async fn find_present(tx: &mut Tx, edges: &[Edge]) -> Result<BTreeSet<Edge>, StoreError> {
    if edges.is_empty() {
        return Ok(BTreeSet::new());
    }
    let statement = tx.sql(
        "SELECT DISTINCT e.group_id, e.member FROM {{rows $1}} \
         CROSS JOIN edges e WHERE e.group_id = value ->> 'g' AND e.member = value ->> 'm'",
    );
    let found = sqlx::query(statement)
        .bind(rows(edges))
        .fetch_all(tx.conn())
        .await?;
    found
        .iter()
        .map(|row| {
            Ok(Edge {
                group: GroupId::stored(row.try_get(0)?),
                member: row.try_get(1)?,
            })
        })
        .collect()
}

/// Writes the rows of edges that are not there. Count them first ([`groups::update`]).
pub async fn insert_rows(tx: &mut Tx, channel: Channel, edges: &[Edge]) -> Result<(), StoreError> {
    let now = tx.now().as_millis();
    for chunk in edges.chunks(CHUNK) {
        let statement = tx.sql(
            "INSERT INTO edges (group_id, member, channel, at) \
             SELECT value ->> 'g', value ->> 'm', $2, $3 FROM {{rows $1}} WHERE 1 = 1 ON CONFLICT DO NOTHING",
        );
        sqlx::query(statement)
            .bind(rows(chunk))
            .bind(channel.as_str())
            .bind(now)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// Removes the rows of edges. Count them first ([`groups::update`]).
pub async fn remove_rows(tx: &mut Tx, edges: &[Edge]) -> Result<(), StoreError> {
    for chunk in edges.chunks(CHUNK) {
        let statement = tx.sql(
            "DELETE FROM edges WHERE (group_id, member) IN \
             (SELECT value ->> 'g', value ->> 'm' FROM {{rows $1}})",
        );
        sqlx::query(statement)
            .bind(rows(chunk))
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// A member a push names, as far as SCIM can see him (R15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Our id, the `value` of the member.
    pub user: UserId,
    /// What edges call him.
    pub member: String,
    /// Whether the group has him.
    pub present: bool,
}

/// Those of the users with these ids that SCIM can see, and whether the group has each. Reads no other member.
pub async fn find_named(
    tx: &mut Tx,
    group: &GroupId,
    ids: &[&str],
) -> Result<Vec<Named>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // CROSS JOIN keeps SQLite's planner to this order: from the few names to their rows, never over all of SCIM's users.
    let statement = tx.sql(
        "SELECT u.id, u.member_key, CAST(CASE WHEN e.member IS NULL THEN 0 ELSE 1 END AS BIGINT) \
           FROM {{texts $1}} CROSS JOIN users u \
           LEFT JOIN edges e ON e.group_id = $2 AND e.member = u.member_key \
          WHERE u.id = value AND +u.scim = 1 AND +u.deleting = 0",
    );
    let found = sqlx::query(statement)
        .bind(json!(ids).to_string())
        .bind(group.as_str().to_owned())
        .fetch_all(tx.conn())
        .await?;
    found
        .iter()
        .map(|row| {
            Ok(Named {
                user: UserId::stored(row.try_get(0)?),
                member: row.try_get(1)?,
                present: row.try_get::<i64, _>(2)? == 1,
            })
        })
        .collect()
}

/// The member keys of users SCIM can see that the group has and `ids` does not name: what a full replacement takes.
pub async fn find_unnamed(
    tx: &mut Tx,
    group: &GroupId,
    ids: &[&str],
) -> Result<Vec<String>, StoreError> {
    // Materialized and joined, both engines look each member up once; NOT IN would be quadratic on PostgreSQL as soon
    // as the list outgrows work_mem.
    let statement = tx.sql(
        "WITH named AS MATERIALIZED (SELECT DISTINCT value AS id FROM {{texts $1}}) \
         SELECT e.member FROM edges e CROSS JOIN users u LEFT JOIN named ON named.id = u.id \
          WHERE e.group_id = $2 AND u.member_key = e.member AND +u.scim = 1 AND +u.deleting = 0 AND named.id IS NULL",
    );
    let found = sqlx::query(statement)
        .bind(json!(ids).to_string())
        .bind(group.as_str().to_owned())
        .fetch_all(tx.conn())
        .await?;
    found.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The member keys of every edge of a group, in their order, after `after`, at most `limit`.
pub async fn list(
    tx: &mut Tx,
    group: &GroupId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let statement = tx.sql(
        "SELECT member FROM edges WHERE group_id = $1 AND member > $2 {{bytes}} ORDER BY member {{bytes}} LIMIT $3",
    );
    let found = sqlx::query(statement)
        .bind(group.as_str().to_owned())
        .bind(after.unwrap_or_default().to_owned())
        .bind(limit)
        .fetch_all(tx.conn())
        .await?;
    found.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The members of a group that SCIM can see, with what it shows as their `display` ([`search::list_members`]).
///
/// [`search::list_members`]: super::search::list_members
pub async fn list_seen(tx: &mut Tx, group: &GroupId) -> Result<Vec<(UserId, String)>, StoreError> {
    let found = sqlx::query(
        "SELECT u.id, COALESCE(u.display_name, u.user_name) FROM edges e CROSS JOIN users u \
          WHERE e.group_id = $1 AND u.member_key = e.member AND +u.scim = 1 AND +u.deleting = 0",
    )
    .bind(group.as_str().to_owned())
    .fetch_all(tx.conn())
    .await?;
    found.iter().map(shown).collect()
}

/// Those of the users with these ids that SCIM can see, with what it shows as their `display`.
pub async fn find_seen(tx: &mut Tx, ids: &[&str]) -> Result<Vec<(UserId, String)>, StoreError> {
    let statement = tx.sql(
        "SELECT u.id, COALESCE(u.display_name, u.user_name) FROM {{texts $1}} CROSS JOIN users u \
          WHERE u.id = value AND +u.scim = 1 AND +u.deleting = 0",
    );
    let found = sqlx::query(statement)
        .bind(json!(ids).to_string())
        .fetch_all(tx.conn())
        .await?;
    found.iter().map(shown).collect()
}

fn shown(row: &AnyRow) -> Result<(UserId, String), StoreError> {
    Ok((UserId::stored(row.try_get(0)?), row.try_get(1)?))
}

/// The groups that have an edge of this member key.
pub async fn list_groups(tx: &mut Tx, member: &str) -> Result<Vec<GroupId>, StoreError> {
    let found = sqlx::query("SELECT group_id FROM edges WHERE member = $1 ORDER BY group_id")
        .bind(member.to_owned())
        .fetch_all(tx.conn())
        .await?;
    found
        .iter()
        .map(|row| Ok(GroupId::stored(row.try_get(0)?)))
        .collect()
}

/// Gives the edges of member key `old` to `new`, because a user got an Okta id or another one; where a group has both
/// they become one. Gives the groups that had `old`.
pub async fn rekey(tx: &mut Tx, old: &str, new: &str) -> Result<Vec<GroupId>, StoreError> {
    let groups_of_old = list_groups(tx, old).await?;
    if groups_of_old.is_empty() || old == new {
        return Ok(groups_of_old);
    }
    let both: BTreeSet<GroupId> = list_groups(tx, new).await?.into_iter().collect();
    let counts: Vec<(&GroupId, i64)> = groups_of_old
        .iter()
        .map(|group| (group, -i64::from(both.contains(group))))
        .collect();
    groups::update_counts(tx, &counts).await?;
    sqlx::query("DELETE FROM edges WHERE member = $1 AND group_id IN (SELECT group_id FROM edges WHERE member = $2)")
        .bind(old.to_owned())
        .bind(new.to_owned())
        .execute(tx.conn())
        .await?;
    sqlx::query("UPDATE edges SET member = $2 WHERE member = $1")
        .bind(old.to_owned())
        .bind(new.to_owned())
        .execute(tx.conn())
        .await?;
    Ok(groups_of_old)
}
