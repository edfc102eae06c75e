//! Objects that the next run of either kind reads by id (R7).

use serde_json::{Value, json};
use sqlx::Row as _;

use super::{StoreError, Tx};
use crate::model::id::{OktaGroupId, OktaUserId, UserId};
use crate::model::time::Timestamp;

/// What is to be read again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A user, by his id in Okta.
    User(OktaUserId),
    /// A group, by its id in Okta.
    Group(OktaGroupId),
    /// A user of ours without an Okta id, by his userName.
    Login(UserId),
}

impl Target {
    fn columns(&self) -> (&'static str, &str) {
        match self {
            Self::User(id) => ("user", id.as_str()),
            Self::Group(id) => ("group", id.as_str()),
            Self::Login(id) => ("login", id.as_str()),
        }
    }
}

/// An entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reread {
    /// What.
    pub target: Target,
    /// Why, in words.
    pub reason: String,
    /// Since when it stands on the list.
    pub since: Timestamp,
}

/// Takes off the list what is named by an id of Okta's: another org answers for none of them.
pub async fn remove_okta_ids(tx: &mut Tx) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM rereads WHERE kind IN ('user', 'group')")
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Puts objects on the list. One that stands there already is read after this instant, too.
pub async fn insert_many(tx: &mut Tx, targets: &[(Target, &str)]) -> Result<(), StoreError> {
    if targets.is_empty() {
        return Ok(());
    }
    let mut distinct: Vec<&(Target, &str)> = targets.iter().collect();
    distinct.sort_unstable();
    distinct.dedup_by(|a, b| a.0 == b.0);
    let now = tx.now().as_millis();
    for chunk in distinct.chunks(2_000) {
        let rows: Vec<Value> = chunk
            .iter()
            .map(|(target, reason)| {
                let (kind, object) = target.columns();
                json!({ "k": kind, "o": object, "r": reason })
            })
            .collect();
        let statement = tx.sql(
            "INSERT INTO rereads (kind, object, reason, since) \
             SELECT value ->> 'k', value ->> 'o', value ->> 'r', $2 FROM {{rows $1}} WHERE 1 = 1 \
             ON CONFLICT (kind, object) DO UPDATE SET reason = excluded.reason, since = excluded.since",
        );
        sqlx::query(statement)
            .bind(Value::from(rows).to_string())
            .bind(now)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// Puts an object on the list as if it had been asked for at `since`; one that was asked for later stays as it is.
pub async fn insert_since(
    tx: &mut Tx,
    target: &Target,
    reason: &str,
    since: Timestamp,
) -> Result<(), StoreError> {
    let (kind, object) = target.columns();
    sqlx::query(
        "INSERT INTO rereads (kind, object, reason, since) VALUES ($1, $2, $3, $4) ON CONFLICT (kind, object) \
         DO UPDATE SET reason = excluded.reason, since = excluded.since WHERE rereads.since < excluded.since",
    )
    .bind(kind)
    .bind(object)
    .bind(reason)
    .bind(since.as_millis())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The list, oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<Reread>, StoreError> {
    let rows =
        sqlx::query("SELECT kind, object, reason, since FROM rereads ORDER BY since, kind, object")
            .fetch_all(tx.conn())
            .await?;
    rows.iter()
        .map(|row| {
            let kind: String = row.try_get(0)?;
            let object: String = row.try_get(1)?;
            let target = match kind.as_str() {
                "user" => Target::User(OktaUserId::stored(object)),
                "group" => Target::Group(OktaGroupId::stored(object)),
                "login" => Target::Login(UserId::stored(object)),
                _ => {
                    return Err(StoreError::Corrupt {
                        table: "rereads",
                        column: "kind",
                    });
                }
            };
            Ok(Reread {
                target,
                reason: row.try_get(2)?,
                since: Timestamp::from_millis(row.try_get(3)?),
            })
        })
        .collect()
}

/// Takes objects off the list, each with the time when it was read: those asked for again since stay.
pub async fn remove_many(tx: &mut Tx, read: &[(Target, Timestamp)]) -> Result<u64, StoreError> {
    let mut removed = 0;
    for chunk in read.chunks(2_000) {
        let rows: Vec<Value> = chunk
            .iter()
            .map(|(target, read_at)| {
                let (kind, object) = target.columns();
                json!({ "k": kind, "o": object, "t": read_at.as_millis() })
            })
            .collect();
        let statement = tx.sql(
            "DELETE FROM rereads WHERE (kind, object) IN \
             (SELECT r.kind, r.object FROM {{rows $1}} CROSS JOIN rereads r WHERE r.kind = value ->> 'k' \
                 AND r.object = value ->> 'o' AND r.since < CAST(value ->> 't' AS BIGINT))",
        );
        let done = sqlx::query(statement)
            .bind(Value::from(rows).to_string())
            .execute(tx.conn())
            .await?;
        removed += done.rows_affected();
    }
    Ok(removed)
}
