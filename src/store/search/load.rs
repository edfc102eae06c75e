//! The rows themselves: users with the groups they are in, groups, and the members of a group, in chunks.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::model::group::IdpGroup;
use crate::model::id::{GroupId, UserId};
use crate::model::time::Timestamp;
use crate::model::user::User;
use crate::store::{Store, StoreError, Tx, sql};

/// A user as SCIM shows him.
#[derive(Debug, Clone)]
pub struct FoundUser {
    /// His id.
    pub id: UserId,
    /// Order of creation.
    pub seq: i64,
    /// The attributes as sent, one JSON object.
    pub resource: String,
    /// What SCIM shows as `active` (R13).
    pub entitled: bool,
    /// meta.created.
    pub created_at: Timestamp,
    /// meta.lastModified.
    pub updated_at: Timestamp,
    /// The version behind the ETag.
    pub version: i64,
    /// The SCIM groups he is in: id and displayName, in their order of creation. Empty unless asked for.
    pub groups: Vec<(String, String)>,
}

/// A group as SCIM shows it, without its members.
#[derive(Debug, Clone)]
pub struct FoundGroup {
    /// Its id.
    pub id: GroupId,
    /// Order of creation.
    pub seq: i64,
    /// The SCIM side's displayName.
    pub display_name: String,
    /// `externalId`.
    pub external_id: Option<String>,
    /// Extensions as sent, one JSON object.
    pub resource: String,
    /// meta.created.
    pub created_at: Timestamp,
    /// meta.lastModified.
    pub updated_at: Timestamp,
    /// The version behind the ETag.
    pub version: i64,
    /// How many edges it has: at least as many as members that SCIM can see.
    pub member_count: i64,
}

/// A member of a group as SCIM shows him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// His id.
    pub id: String,
    /// displayName, else userName.
    pub display: String,
    /// What edges call him: the place to go on behind.
    pub key: String,
}

impl From<&User> for FoundUser {
    /// The user as he was written, without his groups.
    fn from(user: &User) -> Self {
        Self {
            id: user.id.clone(),
            seq: user.seq,
            resource: user.resource.clone(),
            entitled: user.facts.entitled,
            created_at: user.created_at,
            updated_at: user.updated_at,
            version: user.version,
            groups: Vec::new(),
        }
    }
}

impl From<&IdpGroup> for FoundGroup {
    fn from(group: &IdpGroup) -> Self {
        Self {
            id: group.id.clone(),
            seq: group.seq,
            display_name: group.scim_name.clone().unwrap_or_default(),
            external_id: group.external_id.clone(),
            resource: group.resource.clone(),
            created_at: group.created_at,
            updated_at: group.updated_at,
            version: group.version,
            member_count: group.member_count,
        }
    }
}

/// A user's columns; the groups he is in come along as one JSON text, so that a lookup is one statement, and a page too.
macro_rules! users_where {
    (with groups, $rest:literal) => {
        concat!(
            "SELECT u.id, u.seq, u.resource, u.entitled, u.created_at, u.updated_at, u.version, \
             (SELECT {{pairs}} FROM (SELECT p.id AS first, p.scim_name AS second FROM edges e \
                JOIN idp_groups p ON p.id = e.group_id WHERE e.member = u.member_key AND +p.scim = 1 \
                ORDER BY p.seq) AS named) \
             FROM users u WHERE +u.scim = 1 AND +u.deleting = 0 AND ",
            $rest
        )
    };
    (without groups, $rest:literal) => {
        concat!(
            "SELECT u.id, u.seq, u.resource, u.entitled, u.created_at, u.updated_at, u.version, NULL \
             FROM users u WHERE +u.scim = 1 AND +u.deleting = 0 AND ",
            $rest
        )
    };
}

macro_rules! groups_where {
    ($rest:literal) => {
        concat!(
            "SELECT g.id, g.seq, g.scim_name, g.external_id, g.resource, g.created_at, g.updated_at, g.version, \
             g.member_count FROM idp_groups g WHERE +g.scim = 1 AND ",
            $rest
        )
    };
}

/// Whether the groups a user is in are loaded with him.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Groups {
    /// They are asked for.
    Load,
    /// Nobody will see them.
    Skip,
}

/// The user whose userName has this fold, if SCIM can see him: the lookup Okta makes before each assignment. One
/// statement by a unique index and outside any transaction: there is nothing for it to disagree with.
pub async fn find_user_by_user_name(
    store: &Store,
    fold: &str,
    groups: Groups,
) -> Result<Option<FoundUser>, StoreError> {
    let text = match groups {
        Groups::Load => users_where!(with groups, "u.user_name_fold = $1"),
        Groups::Skip => users_where!(without groups, "u.user_name_fold = $1"),
    };
    one_user(store, text, fold).await
}

/// The user with this id, if SCIM can see him.
pub async fn find_user(
    store: &Store,
    id: &UserId,
    groups: Groups,
) -> Result<Option<FoundUser>, StoreError> {
    let text = match groups {
        Groups::Load => users_where!(with groups, "u.id = $1"),
        Groups::Skip => users_where!(without groups, "u.id = $1"),
    };
    one_user(store, text, id.as_str()).await
}

async fn one_user(
    store: &Store,
    text: &'static str,
    by: &str,
) -> Result<Option<FoundUser>, StoreError> {
    let row = sqlx::query(sql::text(store.engine(), text))
        .bind(by.to_owned())
        .fetch_optional(store.readers())
        .await?;
    row.as_ref().map(read_user).transpose()
}

/// Users by their order of creation, as many of them as SCIM can see, in the order they are named.
pub async fn list_users(
    tx: &mut Tx,
    seqs: &[i64],
    groups: Groups,
) -> Result<Vec<FoundUser>, StoreError> {
    let statement = tx.sql(match groups {
        Groups::Load => {
            users_where!(with groups, "u.seq IN (SELECT CAST(value AS BIGINT) FROM {{texts $1}})")
        }
        Groups::Skip => {
            users_where!(without groups, "u.seq IN (SELECT CAST(value AS BIGINT) FROM {{texts $1}})")
        }
    });
    let rows = sqlx::query(statement)
        .bind(Value::from(seqs).to_string())
        .fetch_all(tx.conn())
        .await?;
    let found: Result<Vec<FoundUser>, StoreError> = rows.iter().map(read_user).collect();
    Ok(in_order(found?, seqs, |user| user.seq))
}

/// A group with its members, as (id, display), unless they are more than asked for.
pub type WithMembers = (FoundGroup, Option<Vec<(String, String)>>);

/// The group with this id, if SCIM can see it, and its members that SCIM can see (R15) where it has at most `few` edges.
/// One statement, so that what a small group costs is one way to the database and back.
pub async fn find_group_with_members(
    store: &Store,
    id: &GroupId,
    few: i64,
) -> Result<Option<WithMembers>, StoreError> {
    let text = "SELECT g.id, g.seq, g.scim_name, g.external_id, g.resource, g.created_at, g.updated_at, g.version, \
         g.member_count, CASE WHEN g.member_count <= $2 THEN (SELECT {{pairs}} FROM (\
           SELECT m.id AS first, COALESCE(m.display_name, m.user_name) AS second FROM edges e \
             JOIN users m ON m.member_key = e.member AND +m.scim = 1 AND +m.deleting = 0 \
            WHERE e.group_id = g.id ORDER BY e.member) AS named) END \
         FROM idp_groups g WHERE +g.scim = 1 AND g.id = $1";
    let row = sqlx::query(sql::text(store.engine(), text))
        .bind(id.as_str().to_owned())
        .bind(few)
        .fetch_optional(store.readers())
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let group = read_group(&row)?;
    let members = match row.try_get::<Option<String>, _>(9)? {
        Some(text) => Some(pairs(&text, "display_name")?),
        // PostgreSQL makes nothing of no rows.
        None => (group.member_count <= few).then(Vec::new),
    };
    Ok(Some((group, members)))
}

/// The group with this id, if SCIM can see it.
pub async fn find_group(tx: &mut Tx, id: &GroupId) -> Result<Option<FoundGroup>, StoreError> {
    let row = sqlx::query(groups_where!("g.id = $1"))
        .bind(id.as_str().to_owned())
        .fetch_optional(tx.conn())
        .await?;
    row.as_ref().map(read_group).transpose()
}

/// Groups by their order of creation, as many of them as SCIM can see, in the order they are named.
pub async fn list_groups(tx: &mut Tx, seqs: &[i64]) -> Result<Vec<FoundGroup>, StoreError> {
    let statement = tx.sql(groups_where!(
        "g.seq IN (SELECT CAST(value AS BIGINT) FROM {{texts $1}})"
    ));
    let rows = sqlx::query(statement)
        .bind(Value::from(seqs).to_string())
        .fetch_all(tx.conn())
        .await?;
    let found: Result<Vec<FoundGroup>, StoreError> = rows.iter().map(read_group).collect();
    Ok(in_order(found?, seqs, |group| group.seq))
}

/// At most `limit` members of a group that SCIM can see (R15), behind the one whose edge is called `after`.
pub async fn list_members(
    tx: &mut Tx,
    group: &GroupId,
    after: &str,
    limit: i64,
) -> Result<Vec<Member>, StoreError> {
    let statement = tx.sql(
        "SELECT m.id, COALESCE(m.display_name, m.user_name), e.member FROM edges e \
           JOIN users m ON m.member_key = e.member AND +m.scim = 1 AND +m.deleting = 0 \
          WHERE e.group_id = $1 AND e.member > $2 ORDER BY e.member LIMIT $3",
    );
    let rows = sqlx::query(statement)
        .bind(group.as_str().to_owned())
        .bind(after.to_owned())
        .bind(limit)
        .fetch_all(tx.conn())
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Member {
                id: row.try_get(0)?,
                display: row.try_get(1)?,
                key: row.try_get(2)?,
            })
        })
        .collect()
}

fn in_order<T>(mut found: Vec<T>, seqs: &[i64], seq: impl Fn(&T) -> i64) -> Vec<T> {
    let place: HashMap<i64, usize> = seqs
        .iter()
        .enumerate()
        .map(|(at, seq)| (*seq, at))
        .collect();
    found.sort_by_key(|row| place.get(&seq(row)).copied());
    found
}

/// What `{{pairs}}` gives: ids, and names from this column.
fn pairs(text: &str, column: &'static str) -> Result<Vec<(String, String)>, StoreError> {
    let table = "pairs";
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt { table, column })
}

fn read_user(row: &AnyRow) -> Result<FoundUser, StoreError> {
    let groups = match row.try_get::<Option<String>, _>(7)? {
        None => Vec::new(),
        Some(text) => pairs(&text, "scim_name")?,
    };
    Ok(FoundUser {
        id: UserId::stored(row.try_get(0)?),
        seq: row.try_get(1)?,
        resource: row.try_get(2)?,
        entitled: row.try_get::<i64, _>(3)? == 1,
        created_at: Timestamp::from_millis(row.try_get(4)?),
        updated_at: Timestamp::from_millis(row.try_get(5)?),
        version: row.try_get(6)?,
        groups,
    })
}

fn read_group(row: &AnyRow) -> Result<FoundGroup, StoreError> {
    Ok(FoundGroup {
        id: GroupId::stored(row.try_get(0)?),
        seq: row.try_get(1)?,
        display_name: row
            .try_get::<Option<String>, _>(2)?
            .ok_or(StoreError::Corrupt {
                table: "idp_groups",
                column: "scim_name",
            })?,
        external_id: row.try_get(3)?,
        resource: row.try_get(4)?,
        created_at: Timestamp::from_millis(row.try_get(5)?),
        updated_at: Timestamp::from_millis(row.try_get(6)?),
        version: row.try_get(7)?,
        member_count: row.try_get(8)?,
    })
}
