//! When a push last named an object, for as long as something older could undo it (R7).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sqlx::Row as _;

use super::{StoreError, Tx};
use crate::model::id::GroupId;
use crate::model::time::Timestamp;

/// The oldest thing that a stamp can still speak against, in SQL: the beginning of a run in flight or of a held plan of
/// the polls, or the reading of a held change, which is older than its plan where it was taken over from an earlier one.
macro_rules! oldest_open {
    () => {
        "COALESCE((SELECT MIN(open.since) FROM (\
            SELECT began_at AS since FROM runs WHERE state IN ('running', 'held') AND kind <> 'scim' \
            UNION ALL \
            SELECT c.observed_at FROM run_changes c JOIN runs r ON r.id = c.run_id \
             WHERE r.state = 'held' AND r.kind <> 'scim' AND c.outcome = 'held') AS open), 9223372036854775807)"
    };
}
pub(super) use oldest_open;

/// What a push named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// A user's existence, by member key.
    User(String),
    /// A user's facts (R13), by member key.
    Facts(String),
    /// A user's profile, by member key.
    Profile(String),
    /// An edge, present or absent: group and member key.
    Edge(GroupId, String),
    /// Every member of a group that SCIM can see: a full replacement.
    Members(GroupId),
}

impl Object {
    fn columns(&self) -> (&'static str, &str, &str) {
        match self {
            Self::User(key) => ("user", key, ""),
            Self::Facts(key) => ("facts", key, ""),
            Self::Profile(key) => ("profile", key, ""),
            Self::Edge(group, member) => ("edge", group.as_str(), member),
            Self::Members(group) => ("members", group.as_str(), ""),
        }
    }

    fn from_columns(kind: &str, object: String, member: String) -> Option<Self> {
        Some(match kind {
            "user" => Self::User(object),
            "facts" => Self::Facts(object),
            "profile" => Self::Profile(object),
            "edge" => Self::Edge(GroupId::stored(object), member),
            "members" => Self::Members(GroupId::stored(object)),
            _ => return None,
        })
    }
}

/// Stamps these objects with the transaction's time.
pub async fn insert_many(tx: &mut Tx, objects: &[Object]) -> Result<(), StoreError> {
    let now = tx.now().as_millis();
    let mut distinct: Vec<&Object> = objects.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    for chunk in distinct.chunks(2_000) {
        let rows: Vec<Value> = chunk
            .iter()
            .map(|object| {
                let (kind, object, member) = object.columns();
                json!({ "k": kind, "o": object, "m": member })
            })
            .collect();
        let statement = tx.sql(
            "INSERT INTO stamps (kind, object, member, at) \
             SELECT value ->> 'k', value ->> 'o', value ->> 'm', $2 FROM {{rows $1}} WHERE 1 = 1 \
             ON CONFLICT (kind, object, member) DO UPDATE SET at = excluded.at WHERE excluded.at > stamps.at",
        );
        sqlx::query(statement)
            .bind(Value::from(rows).to_string())
            .bind(now)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// What pushes named, each once and without which of his facts or which of its edges.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// Users, by member key.
    pub users: BTreeSet<String>,
    /// Groups.
    pub groups: BTreeSet<GroupId>,
}

impl Named {
    /// What these objects are or belong to.
    pub fn of(objects: impl IntoIterator<Item = Object>) -> Self {
        let mut named = Self::default();
        for object in objects {
            match object {
                Object::User(key) | Object::Facts(key) | Object::Profile(key) => {
                    named.users.insert(key);
                }
                Object::Edge(group, _) | Object::Members(group) => {
                    named.groups.insert(group);
                }
            }
        }
        named
    }
}

/// What was stamped at or after an instant: of a group, however many members a push named, one row.
pub async fn list_named_since(tx: &mut Tx, since: Timestamp) -> Result<Named, StoreError> {
    let rows = sqlx::query(
        "SELECT DISTINCT CASE WHEN kind IN ('edge', 'members') THEN 'group' ELSE 'user' END, object \
           FROM stamps WHERE at >= $1",
    )
    .bind(since.as_millis())
    .fetch_all(tx.conn())
    .await?;
    let mut named = Named::default();
    for row in &rows {
        let object: String = row.try_get(1)?;
        if row.try_get::<String, _>(0)? == "group" {
            named.groups.insert(GroupId::stored(object));
        } else {
            named.users.insert(object);
        }
    }
    Ok(named)
}

/// The stamps of these objects (at most 2,000); those without one are left out.
pub async fn find_many(
    tx: &mut Tx,
    objects: &[Object],
) -> Result<Vec<(Object, Timestamp)>, StoreError> {
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let (kind, object, member) = object.columns();
            json!({ "k": kind, "o": object, "m": member })
        })
        .collect();
    let statement = tx.sql(
        "SELECT s.kind, s.object, s.member, s.at FROM {{rows $1}} \
         CROSS JOIN stamps s WHERE s.kind = value ->> 'k' AND s.object = value ->> 'o' AND s.member = value ->> 'm'",
    );
    let found = sqlx::query(statement)
        .bind(Value::from(rows).to_string())
        .fetch_all(tx.conn())
        .await?;
    let mut stamps = Vec::with_capacity(found.len());
    for row in &found {
        let kind: String = row.try_get(0)?;
        if let Some(object) = Object::from_columns(&kind, row.try_get(1)?, row.try_get(2)?) {
            stamps.push((object, Timestamp::from_millis(row.try_get(3)?)));
        }
    }
    Ok(stamps)
}

/// Gives the stamps of member key `old` to `new` (see [`super::edges::rekey`]); of two, the later stands.
pub async fn rekey(tx: &mut Tx, old: &str, new: &str) -> Result<(), StoreError> {
    if old == new {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO stamps (kind, object, member, at) \
         SELECT kind, CASE WHEN kind = 'edge' THEN object ELSE $2 END, CASE WHEN kind = 'edge' THEN $2 ELSE '' END, at \
           FROM stamps WHERE (kind IN ('user', 'facts', 'profile') AND object = $1) OR (kind = 'edge' AND member = $1) \
         ON CONFLICT (kind, object, member) DO UPDATE SET at = excluded.at WHERE excluded.at > stamps.at",
    )
    .bind(old.to_owned())
    .bind(new.to_owned())
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "DELETE FROM stamps \
         WHERE (kind IN ('user', 'facts', 'profile') AND object = $1) OR (kind = 'edge' AND member = $1)",
    )
    .bind(old.to_owned())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Drops the stamps that nothing older is left for.
pub async fn remove_unneeded(tx: &mut Tx) -> Result<u64, StoreError> {
    let statement = concat!("DELETE FROM stamps WHERE at < ", oldest_open!());
    let done = sqlx::query(statement).execute(tx.conn()).await?;
    Ok(done.rows_affected())
}
