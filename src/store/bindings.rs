//! Which group a mapping is bound to, and what happens to mappings when groups unite (R17).

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, Tx, groups};
use crate::model::group::IdpGroup;
use crate::model::id::{GroupId, MappingId, TeamId};

/// A mapping that was written for a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The mapping.
    pub id: MappingId,
    /// The team it leads to.
    pub team: TeamId,
}

fn read(row: &AnyRow) -> Result<Written, StoreError> {
    Ok(Written {
        id: MappingId::stored(row.try_get(0)?),
        team: TeamId::stored(row.try_get(1)?),
    })
}

/// The teams that mappings lead to from a group.
pub async fn list_teams(tx: &mut Tx, group: &GroupId) -> Result<Vec<TeamId>, StoreError> {
    let rows = sqlx::query("SELECT DISTINCT team_id FROM mappings WHERE group_id = $1")
        .bind(group.as_str().to_owned())
        .fetch_all(tx.conn())
        .await?;
    rows.iter()
        .map(|row| Ok(TeamId::stored(row.try_get(0)?)))
        .collect()
}

/// Whether a mapping written by this name waits for a group.
pub async fn is_awaited(tx: &mut Tx, name: &str) -> Result<bool, StoreError> {
    let row =
        sqlx::query("SELECT id FROM mappings WHERE written = $1 AND group_id IS NULL LIMIT 1")
            .bind(name.to_owned())
            .fetch_optional(tx.conn())
            .await?;
    Ok(row.is_some())
}

/// The groups that bear exactly this name: Okta's where there is an Okta side, else SCIM's (R17). Gone ones do not.
pub async fn find_named(tx: &mut Tx, name: &str) -> Result<Vec<IdpGroup>, StoreError> {
    let mut named = groups::find_by_okta_name(tx, name).await?;
    let of_scim = groups::find_by_scim_name(tx, name).await?;
    named.extend(
        of_scim
            .into_iter()
            .filter(|group| group.okta.is_none() && group.scim_name.as_deref() == Some(name)),
    );
    Ok(named)
}

/// Binds the mappings written by this name and not yet bound; one whose team has this group already goes. Gives the
/// bound and the dropped ones.
pub async fn bind(
    tx: &mut Tx,
    name: &str,
    group: &GroupId,
) -> Result<(Vec<Written>, Vec<Written>), StoreError> {
    touch(tx, group).await?;
    let now = tx.now().as_millis();
    let bound = sqlx::query(
        "UPDATE mappings SET group_id = $2, bind_key = $2, updated_at = $3 WHERE written = $1 AND group_id IS NULL \
            AND NOT EXISTS (SELECT 1 FROM mappings o WHERE o.team_id = mappings.team_id AND o.bind_key = $2) \
         RETURNING id, team_id",
    )
    .bind(name.to_owned())
    .bind(group.as_str().to_owned())
    .bind(now)
    .fetch_all(tx.conn())
    .await?;
    let dropped = sqlx::query(
        "DELETE FROM mappings WHERE written = $1 AND group_id IS NULL RETURNING id, team_id",
    )
    .bind(name.to_owned())
    .fetch_all(tx.conn())
    .await?;
    Ok((
        bound.iter().map(read).collect::<Result<_, _>>()?,
        dropped.iter().map(read).collect::<Result<_, _>>()?,
    ))
}

/// Gives the mappings of one group to another; one whose team has the other already goes. Gives the dropped ones.
pub async fn repoint(
    tx: &mut Tx,
    from: &GroupId,
    to: &GroupId,
) -> Result<Vec<Written>, StoreError> {
    touch(tx, to).await?;
    let dropped = sqlx::query(
        "DELETE FROM mappings WHERE group_id = $1 \
            AND EXISTS (SELECT 1 FROM mappings o WHERE o.team_id = mappings.team_id AND o.bind_key = $2) \
         RETURNING id, team_id",
    )
    .bind(from.as_str().to_owned())
    .bind(to.as_str().to_owned())
    .fetch_all(tx.conn())
    .await?;
    let now = tx.now().as_millis();
    sqlx::query(
        "UPDATE mappings SET group_id = $2, bind_key = $2, updated_at = $3 WHERE group_id = $1",
    )
    .bind(from.as_str().to_owned())
    .bind(to.as_str().to_owned())
    .bind(now)
    .execute(tx.conn())
    .await?;
    dropped.iter().map(read).collect()
}

/// The group's row comes before its mappings, so that a mapping and a member made at once see one another on PostgreSQL.
async fn touch(tx: &mut Tx, group: &GroupId) -> Result<(), StoreError> {
    sqlx::query("UPDATE idp_groups SET mapping_seq = mapping_seq + 1 WHERE id = $1")
        .bind(group.as_str().to_owned())
        .execute(tx.conn())
        .await?;
    Ok(())
}
