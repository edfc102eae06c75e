//! Uniting two groups' rows, and what is left of one that loses a side (R17).

use sqlx::Row as _;

use super::edges::Edge;
use super::{StoreError, Tx, groups};
use crate::model::group::IdpGroup;
use crate::model::id::{GroupId, OktaGroupId};

/// Moves the Okta side of `okta` to `scim` and unites their edges; `okta`'s row stays, without sides and edges, until its
/// mappings have been pointed elsewhere. Gives `scim` as stored now.
///
/// # Errors
/// [`StoreError::Stale`] when either row changed since it was read.
pub async fn unite(tx: &mut Tx, scim: &IdpGroup, okta: &IdpGroup) -> Result<IdpGroup, StoreError> {
    let bare = IdpGroup {
        okta: None,
        ..okta.clone()
    };
    // The Okta id is unique, so its old row lets go of it first.
    groups::update(tx, &bare, -okta.member_count).await?;
    let shared = sqlx::query(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM edges a JOIN edges b ON b.member = a.member AND b.group_id = $2 \
          WHERE a.group_id = $1",
    )
    .bind(okta.id.as_str().to_owned())
    .bind(scim.id.as_str().to_owned())
    .fetch_one(tx.conn())
    .await?
    .try_get::<i64, _>(0)?;
    let united = groups::update(tx, scim, okta.member_count - shared).await?;
    sqlx::query(
        "INSERT INTO edges (group_id, member, channel, at) \
         SELECT $2, member, channel, at FROM edges WHERE group_id = $1 \
         ON CONFLICT (group_id, member) DO UPDATE SET channel = excluded.channel, at = excluded.at \
                                                WHERE excluded.at > edges.at",
    )
    .bind(okta.id.as_str().to_owned())
    .bind(scim.id.as_str().to_owned())
    .execute(tx.conn())
    .await?;
    sqlx::query("DELETE FROM edges WHERE group_id = $1")
        .bind(okta.id.as_str().to_owned())
        .execute(tx.conn())
        .await?;
    sqlx::query(
        "INSERT INTO stamps (kind, object, member, at) \
         SELECT kind, $2, member, at FROM stamps WHERE kind IN ('edge', 'members') AND object = $1 \
         ON CONFLICT (kind, object, member) DO UPDATE SET at = excluded.at WHERE excluded.at > stamps.at",
    )
    .bind(okta.id.as_str().to_owned())
    .bind(scim.id.as_str().to_owned())
    .execute(tx.conn())
    .await?;
    sqlx::query("DELETE FROM stamps WHERE kind IN ('edge', 'members') AND object = $1")
        .bind(okta.id.as_str().to_owned())
        .execute(tx.conn())
        .await?;
    Ok(united)
}

/// Takes the Okta side of `joined` to a row of its own: (the SCIM side, the Okta side). The SCIM side keeps every edge, for
/// no push spoke of any; the Okta side gets those of users Okta may know, as unread: the next run says which are right.
///
/// # Errors
/// [`StoreError::Stale`] when the row changed since it was read.
pub async fn part(tx: &mut Tx, joined: &IdpGroup) -> Result<(IdpGroup, IdpGroup), StoreError> {
    let bare = IdpGroup {
        okta: None,
        members_read_at: None,
        joined_by: None,
        parted: true,
        ..joined.clone()
    };
    // The Okta id is unique, so its old row lets go of it first.
    let scim = groups::update(tx, &bare, 0).await?;
    let okta = groups::insert(tx, None, joined.okta.as_ref())
        .await?
        .ok_or(StoreError::Stale)?;
    let copied = sqlx::query(
        "INSERT INTO edges (group_id, member, channel, at) \
         SELECT $2, e.member, 'poll', e.at FROM edges e WHERE e.group_id = $1 \
            AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = e.member AND u.okta_id IS NULL)",
    )
    .bind(joined.id.as_str().to_owned())
    .bind(okta.id.as_str().to_owned())
    .execute(tx.conn())
    .await?;
    let copied = i64::try_from(copied.rows_affected()).unwrap_or(i64::MAX);
    let parted = IdpGroup {
        parted: true,
        ..okta
    };
    let okta = groups::update(tx, &parted, copied).await?;
    Ok((scim, okta))
}

/// The edges of a group that only SCIM can have given: those of users without an Okta id.
pub async fn list_edges_without_okta_id(
    tx: &mut Tx,
    group: &GroupId,
) -> Result<Vec<Edge>, StoreError> {
    let rows = sqlx::query(
        "SELECT e.member FROM edges e CROSS JOIN users u \
          WHERE e.group_id = $1 AND u.id = e.member AND u.okta_id IS NULL ORDER BY e.member",
    )
    .bind(group.as_str().to_owned())
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Edge {
                group: group.clone(),
                member: row.try_get(0)?,
            })
        })
        .collect()
}

/// The edges of this member key that came by a push.
pub async fn list_pushed_edges(tx: &mut Tx, member: &str) -> Result<Vec<Edge>, StoreError> {
    let rows = sqlx::query(
        "SELECT group_id FROM edges WHERE member = $1 AND channel = 'scim' ORDER BY group_id",
    )
    .bind(member.to_owned())
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Edge {
                group: GroupId::stored(row.try_get(0)?),
                member: member.to_owned(),
            })
        })
        .collect()
}

/// The Okta ids of the groups this member key has an edge to.
pub async fn list_okta_ids(tx: &mut Tx, member: &str) -> Result<Vec<OktaGroupId>, StoreError> {
    let rows = sqlx::query(
        "SELECT g.okta_id FROM edges e JOIN idp_groups g ON g.id = e.group_id \
          WHERE e.member = $1 AND g.okta_id IS NOT NULL ORDER BY g.okta_id",
    )
    .bind(member.to_owned())
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| Ok(OktaGroupId::stored(row.try_get(0)?)))
        .collect()
}
