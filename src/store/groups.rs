//! IdP groups: rows with up to two sides (R17).

use serde_json::{Map, Value, json};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::profile::folded;
use super::{StoreError, Tx, organization};
use crate::model::fold::fold;
use crate::model::group::{IdpGroup, JoinedBy, OktaSide};
use crate::model::id::{GroupId, OktaGroupId};
use crate::model::time::Timestamp;

/// The columns [`from_row`] reads, in its order, of a table called `g`.
macro_rules! group_columns {
    () => {
        "g.id, g.seq, g.scim, g.scim_name, g.external_id, g.resource, g.okta_id, g.okta_type, g.okta_name, \
         g.okta_description, g.okta_source, g.okta_created_at, g.members_read_at, g.joined_by, g.parted, g.member_count, \
         g.created_at, g.updated_at, g.version"
    };
}

/// A group from a row of those columns.
fn from_row(row: &AnyRow) -> Result<IdpGroup, StoreError> {
    let time = |index: usize| {
        row.try_get::<Option<i64>, _>(index)
            .map(|ms| ms.map(Timestamp::from_millis))
    };
    let okta = match row.try_get::<Option<String>, _>(6)? {
        None => None,
        Some(id) => Some(OktaSide {
            id: OktaGroupId::stored(id),
            kind: row.try_get::<Option<String>, _>(7)?.unwrap_or_default(),
            name: row.try_get::<Option<String>, _>(8)?.unwrap_or_default(),
            description: row.try_get(9)?,
            source: row.try_get(10)?,
            created_at: time(11)?,
        }),
    };
    let joined_by = row.try_get::<Option<String>, _>(13)?;
    Ok(IdpGroup {
        id: GroupId::stored(row.try_get(0)?),
        seq: row.try_get(1)?,
        scim: row.try_get::<i64, _>(2)? == 1,
        scim_name: row.try_get(3)?,
        external_id: row.try_get(4)?,
        resource: row.try_get(5)?,
        okta,
        members_read_at: time(12)?,
        joined_by: joined_by.as_deref().and_then(JoinedBy::parse),
        parted: row.try_get::<i64, _>(14)? == 1,
        member_count: row.try_get(15)?,
        created_at: Timestamp::from_millis(row.try_get(16)?),
        updated_at: Timestamp::from_millis(row.try_get(17)?),
        version: row.try_get(18)?,
    })
}

async fn select(
    tx: &mut Tx,
    statement: &'static str,
    value: String,
) -> Result<Vec<IdpGroup>, StoreError> {
    let rows = sqlx::query(tx.sql(statement))
        .bind(value)
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(from_row).collect()
}

/// The group with our id, whichever sides it has.
pub async fn find(tx: &mut Tx, id: &GroupId) -> Result<Option<IdpGroup>, StoreError> {
    let statement = concat!(
        "SELECT ",
        group_columns!(),
        " FROM idp_groups g WHERE g.id = $1"
    );
    Ok(select(tx, statement, id.as_str().to_owned()).await?.pop())
}

/// The group whose Okta side has that id.
pub async fn find_by_okta_id(
    tx: &mut Tx,
    id: &OktaGroupId,
) -> Result<Option<IdpGroup>, StoreError> {
    let statement = concat!(
        "SELECT ",
        group_columns!(),
        " FROM idp_groups g WHERE g.okta_id = $1"
    );
    Ok(select(tx, statement, id.as_str().to_owned()).await?.pop())
}

/// The groups whose SCIM side has that displayName, by its fold, in order of creation.
pub async fn find_by_scim_name(tx: &mut Tx, name: &str) -> Result<Vec<IdpGroup>, StoreError> {
    let statement = concat!(
        "SELECT ",
        group_columns!(),
        " FROM idp_groups g WHERE g.scim_name_fold = $1 AND +g.scim = 1 ORDER BY g.seq"
    );
    select(tx, statement, fold(name)).await
}

/// The groups whose Okta side has exactly that name, in order of creation.
pub async fn find_by_okta_name(tx: &mut Tx, name: &str) -> Result<Vec<IdpGroup>, StoreError> {
    let statement = concat!(
        "SELECT ",
        group_columns!(),
        " FROM idp_groups g WHERE g.okta_name = $1 AND g.okta_id IS NOT NULL ORDER BY g.seq"
    );
    select(tx, statement, name.to_owned()).await
}

/// The groups with these ids of ours; those that do not exist are left out.
pub async fn find_many(tx: &mut Tx, ids: &[&str]) -> Result<Vec<IdpGroup>, StoreError> {
    let statement = concat!(
        "SELECT ",
        group_columns!(),
        " FROM {{texts $1}} CROSS JOIN idp_groups g WHERE g.id = value"
    );
    select(tx, statement, json!(ids).to_string()).await
}

/// The groups with these ids in Okta; those that do not exist are left out.
pub async fn find_many_by_okta_id(tx: &mut Tx, ids: &[&str]) -> Result<Vec<IdpGroup>, StoreError> {
    let statement = concat!(
        "SELECT ",
        group_columns!(),
        " FROM {{texts $1}} CROSS JOIN idp_groups g WHERE g.okta_id = value"
    );
    select(tx, statement, json!(ids).to_string()).await
}

/// The SCIM side of a group, as a push gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimSide {
    /// displayName, as sent.
    pub name: String,
    /// `externalId`, as sent.
    pub external_id: Option<String>,
    /// The other attributes, one JSON object.
    pub resource: Map<String, Value>,
}

/// Makes a group with a SCIM side, an Okta side or both, and no members. `None`: its Okta id is taken.
pub async fn insert(
    tx: &mut Tx,
    scim: Option<&ScimSide>,
    okta: Option<&OktaSide>,
) -> Result<Option<IdpGroup>, StoreError> {
    let now = tx.now();
    let group = IdpGroup {
        id: GroupId::new(now, tx.random()),
        seq: organization::next_seq(tx, "groups", 1).await?,
        scim: scim.is_some(),
        scim_name: scim.map(|side| side.name.clone()),
        external_id: scim.and_then(|side| side.external_id.clone()),
        resource: resource_text(scim),
        okta: okta.cloned(),
        members_read_at: None,
        joined_by: None,
        parted: false,
        member_count: 0,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let done = sqlx::query(
        "INSERT INTO idp_groups (id, seq, scim, scim_name, scim_name_fold, external_id, resource, folded, okta_id, \
         okta_type, okta_name, okta_description, okta_source, okta_created_at, parted, preview, member_count, \
         mapping_seq, created_at, updated_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
         $14, 0, 0, 0, 0, $15, $15, 1) ON CONFLICT DO NOTHING",
    )
    .bind(group.id.as_str().to_owned())
    .bind(group.seq)
    .bind(i64::from(group.scim))
    .bind(group.scim_name.clone())
    .bind(group.scim_name.as_deref().map(fold))
    .bind(group.external_id.clone())
    .bind(group.resource.clone())
    .bind(folded_text(&group.resource))
    .bind(okta.map(|side| side.id.as_str().to_owned()))
    .bind(okta.map(|side| side.kind.clone()))
    .bind(okta.map(|side| side.name.clone()))
    .bind(okta.and_then(|side| side.description.clone()))
    .bind(okta.and_then(|side| side.source.clone()))
    .bind(okta.and_then(|side| side.created_at).map(Timestamp::as_millis))
    .bind(now.as_millis())
    .execute(tx.conn())
    .await?;
    Ok((done.rows_affected() == 1).then_some(group))
}

/// Writes what is in `group` but for its times, counts `members` more (or fewer) of them, and bumps the version; gives it
/// back as stored now. On PostgreSQL it comes before the edges it counts, so that pushes of one group wait here.
///
/// # Errors
/// [`StoreError::Stale`] when the row is no longer of `group.version`.
pub async fn update(tx: &mut Tx, group: &IdpGroup, members: i64) -> Result<IdpGroup, StoreError> {
    let now = tx.now();
    let okta = group.okta.as_ref();
    let done = sqlx::query(
        "UPDATE idp_groups SET scim = $3, scim_name = $4, scim_name_fold = $5, external_id = $6, resource = $7, \
         folded = $8, okta_id = $9, okta_type = $10, okta_name = $11, okta_description = $12, okta_source = $13, \
         okta_created_at = $14, members_read_at = $15, joined_by = $16, parted = $17, \
         member_count = member_count + $18, updated_at = $19, version = version + 1 WHERE id = $1 AND version = $2",
    )
    .bind(group.id.as_str().to_owned())
    .bind(group.version)
    .bind(i64::from(group.scim))
    .bind(group.scim_name.clone())
    .bind(group.scim_name.as_deref().map(fold))
    .bind(group.external_id.clone())
    .bind(group.resource.clone())
    .bind(folded_text(&group.resource))
    .bind(okta.map(|side| side.id.as_str().to_owned()))
    .bind(okta.map(|side| side.kind.clone()))
    .bind(okta.map(|side| side.name.clone()))
    .bind(okta.and_then(|side| side.description.clone()))
    .bind(okta.and_then(|side| side.source.clone()))
    .bind(
        okta.and_then(|side| side.created_at)
            .map(Timestamp::as_millis),
    )
    .bind(group.members_read_at.map(Timestamp::as_millis))
    .bind(group.joined_by.map(JoinedBy::as_str))
    .bind(i64::from(group.parted))
    .bind(members)
    .bind(now.as_millis())
    .execute(tx.conn())
    .await?;
    counted(done.rows_affected(), group, members, now)
}

fn counted(
    rows: u64,
    group: &IdpGroup,
    members: i64,
    now: Timestamp,
) -> Result<IdpGroup, StoreError> {
    if rows == 0 {
        return Err(StoreError::Stale);
    }
    Ok(IdpGroup {
        member_count: group.member_count + members,
        updated_at: now,
        version: group.version + 1,
        ..group.clone()
    })
}

/// The same where nothing but members changes: no index of the row is written.
///
/// # Errors
/// [`StoreError::Stale`] when the row is no longer of `group.version`.
pub async fn update_members(
    tx: &mut Tx,
    group: &IdpGroup,
    members: i64,
) -> Result<IdpGroup, StoreError> {
    let now = tx.now();
    let done = sqlx::query(
        "UPDATE idp_groups SET member_count = member_count + $3, updated_at = $4, version = version + 1 \
         WHERE id = $1 AND version = $2",
    )
    .bind(group.id.as_str().to_owned())
    .bind(group.version)
    .bind(members)
    .bind(now.as_millis())
    .execute(tx.conn())
    .await?;
    counted(done.rows_affected(), group, members, now)
}

/// Counts members that come and go, group by group, and bumps the versions of those groups.
pub async fn update_counts(tx: &mut Tx, counts: &[(&GroupId, i64)]) -> Result<(), StoreError> {
    if counts.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = counts
        .iter()
        .map(|(group, members)| json!({ "group": group, "members": members }))
        .collect();
    let now = tx.now().as_millis();
    let statement = tx.sql(
        "UPDATE idp_groups SET member_count = member_count + c.members, updated_at = $2, version = version + 1 \
         FROM (SELECT value ->> 'group' AS id, CAST(value ->> 'members' AS BIGINT) AS members FROM {{rows $1}}) c \
         WHERE idp_groups.id = c.id",
    );
    sqlx::query(statement)
        .bind(Value::from(rows).to_string())
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Bumps the versions of the SCIM groups that have an edge of this key: a user appears in or goes from their `members`
/// although no edge changes (R15).
pub async fn update_shown_members(tx: &mut Tx, member: &str) -> Result<(), StoreError> {
    let now = tx.now().as_millis();
    sqlx::query(
        "UPDATE idp_groups SET updated_at = $2, version = version + 1 \
         WHERE +scim = 1 AND id IN (SELECT group_id FROM edges WHERE member = $1)",
    )
    .bind(member.to_owned())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes a group's row. Its edges go first, and no mapping may point to it.
pub async fn remove(tx: &mut Tx, id: &GroupId) -> Result<bool, StoreError> {
    let done = sqlx::query("DELETE FROM idp_groups WHERE id = $1")
        .bind(id.as_str().to_owned())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

fn resource_text(scim: Option<&ScimSide>) -> String {
    match scim {
        Some(side) => Value::Object(side.resource.clone()).to_string(),
        None => "{}".to_owned(),
    }
}

fn folded_text(resource: &str) -> String {
    serde_json::from_str::<Map<String, Value>>(resource)
        .map_or_else(|_| "{}".to_owned(), |attributes| folded(&attributes))
}
