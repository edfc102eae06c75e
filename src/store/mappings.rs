//! Mappings: IdP group → team (R17).

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, Tx, organization};
use crate::model::id::{GroupId, MappingId, TeamId};
use crate::model::mapping::{Mapping, MappingState};
use crate::model::time::Timestamp;

const SELECT: &str = "SELECT p.id, p.team_id, t.name, p.group_id, p.written, p.created_by, p.created_at, \
     g.scim, g.scim_name, g.okta_id, g.okta_name, g.members_read_at, g.member_count \
     FROM mappings p JOIN teams t ON t.id = p.team_id LEFT JOIN idp_groups g ON g.id = p.group_id";

fn read(row: &AnyRow) -> Result<Mapping, StoreError> {
    let group: Option<String> = row.try_get(3)?;
    let scim = row.try_get::<Option<i64>, _>(7)? == Some(1);
    let okta_id: Option<String> = row.try_get(9)?;
    let state = match &group {
        None => MappingState::Unbound,
        Some(_) if !scim && okta_id.is_none() => MappingState::Gone,
        // Only Okta's side has members to be read; a group SCIM made says its members itself.
        Some(_) if !scim && row.try_get::<Option<i64>, _>(11)?.is_none() => MappingState::Reading,
        Some(_) => MappingState::Bound,
    };
    let okta_name: Option<String> = row.try_get(10)?;
    let scim_name: Option<String> = row.try_get(8)?;
    Ok(Mapping {
        id: MappingId::stored(row.try_get(0)?),
        team: TeamId::stored(row.try_get(1)?),
        team_name: row.try_get(2)?,
        group: group.map(GroupId::stored),
        written: row.try_get(4)?,
        group_name: okta_name.or(scim_name),
        state,
        members: row.try_get::<Option<i64>, _>(12)?.unwrap_or(0),
        created_by: row.try_get(5)?,
        created_at: Timestamp::from_millis(row.try_get(6)?),
    })
}

/// Every mapping, oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<Mapping>, StoreError> {
    let statement = tx.joined(&[SELECT, " ORDER BY p.seq"]);
    let rows = sqlx::query(statement).fetch_all(tx.conn()).await?;
    rows.iter().map(read).collect()
}

/// A mapping by id.
pub async fn find(tx: &mut Tx, id: &MappingId) -> Result<Option<Mapping>, StoreError> {
    let statement = tx.joined(&[SELECT, " WHERE p.id = $1"]);
    let row = sqlx::query(statement)
        .bind(id.as_str().to_owned())
        .fetch_optional(tx.conn())
        .await?;
    row.as_ref().map(read).transpose()
}

/// The mappings that lead to a team.
pub async fn list_to_team(tx: &mut Tx, team: &TeamId) -> Result<Vec<Mapping>, StoreError> {
    let statement = tx.joined(&[SELECT, " WHERE p.team_id = $1 ORDER BY p.seq"]);
    let rows = sqlx::query(statement)
        .bind(team.as_str().to_owned())
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(read).collect()
}

/// Makes a mapping bound to a group, or waiting for the name as written. `None`: that team has it already.
pub async fn insert(
    tx: &mut Tx,
    team: &TeamId,
    group: Option<&GroupId>,
    written: &str,
    by: &str,
) -> Result<Option<MappingId>, StoreError> {
    let now = tx.now();
    let id = MappingId::new(now, tx.random());
    let seq = organization::next_seq(tx, "mappings", 1).await?;
    let bind_key = group.map_or_else(|| format!("={written}"), |group| group.as_str().to_owned());
    let done = sqlx::query(
        "INSERT INTO mappings (id, seq, team_id, group_id, written, bind_key, created_by, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT (team_id, bind_key) DO NOTHING",
    )
    .bind(id.as_str().to_owned())
    .bind(seq)
    .bind(team.as_str().to_owned())
    .bind(group.map(|group| group.as_str().to_owned()))
    .bind(written.to_owned())
    .bind(bind_key)
    .bind(by.to_owned())
    .bind(now.as_millis())
    .execute(tx.conn())
    .await?;
    if let Some(group) = group {
        touch_group(tx, group).await?;
    }
    Ok((done.rows_affected() == 1).then_some(id))
}

/// Removes a mapping.
pub async fn remove(tx: &mut Tx, mapping: &Mapping) -> Result<(), StoreError> {
    if let Some(group) = &mapping.group {
        touch_group(tx, group).await?;
    }
    sqlx::query("DELETE FROM mappings WHERE id = $1")
        .bind(mapping.id.as_str().to_owned())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Updates the group's row before its mappings, so that a mapping and a member added at once see one another on
/// PostgreSQL. `mapping_seq` is no part of the ETag.
async fn touch_group(tx: &mut Tx, group: &GroupId) -> Result<(), StoreError> {
    sqlx::query("UPDATE idp_groups SET mapping_seq = mapping_seq + 1 WHERE id = $1")
        .bind(group.as_str().to_owned())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// How many mappings are bound to a group whose known members include an active user (R3), one of them apart.
pub async fn count_live(tx: &mut Tx, except: Option<&MappingId>) -> Result<i64, StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(*) FROM mappings p JOIN idp_groups g ON g.id = p.group_id \
          WHERE (g.scim = 1 OR g.okta_id IS NOT NULL) AND p.id <> $1 \
            AND EXISTS (SELECT 1 FROM edges e JOIN users u ON u.member_key = e.member \
                         WHERE e.group_id = p.group_id AND u.active = 1)",
    )
    .bind(except.map_or_else(String::new, |id| id.as_str().to_owned()))
    .fetch_one(tx.conn())
    .await?;
    Ok(row.try_get(0)?)
}
