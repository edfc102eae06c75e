//! The sliding window of the guard (R9): what left and what joined, and by which class of channel.

use serde_json::{Value, json};
use sqlx::Row as _;

use super::memberships::number;
use super::{StoreError, Tx};
use crate::model::actor::Channel;
use crate::model::id::AuditId;
use crate::model::time::Timestamp;

/// Runs, kicks and hooks are counted together, pushes by themselves, and what admins do not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Runs of every kind, kicks and hooks.
    Poll,
    /// Pushes.
    Push,
    /// Admins: never counted, but it changes how large a team was.
    Hand,
}

impl Class {
    /// The class of a channel.
    pub fn of(channel: Channel) -> Self {
        match channel {
            Channel::Scim => Self::Push,
            Channel::Poll | Channel::Hook => Self::Poll,
            Channel::Login | Channel::Api | Channel::Cli => Self::Hand,
        }
    }

    /// The class's name, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Push => "push",
            Self::Hand => "hand",
        }
    }
}

/// A line of the window. `user` is empty where `delta` is a sum.
#[derive(Debug, Clone)]
pub struct Line {
    /// `user`, `team` or `group`.
    pub kind: &'static str,
    /// The user, team or group.
    pub object: String,
    /// Who left the team.
    pub user: String,
    /// Below zero: left; above: joined.
    pub delta: i64,
}

/// Adds lines to the window.
pub async fn insert(
    tx: &mut Tx,
    class: Class,
    counted: bool,
    lines: &[Line],
) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let rows: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({"id": AuditId::new(now, tx.random()), "k": line.kind, "o": line.object, "u": line.user, "d": line.delta})
        })
        .collect();
    let statement = tx.sql(
        "INSERT INTO guard_log (id, at, class, kind, object, user_id, delta, counted) \
         SELECT value ->> 'id', CAST($2 AS BIGINT), $3, value ->> 'k', value ->> 'o', value ->> 'u', \
                CAST(value ->> 'd' AS BIGINT), CAST($4 AS BIGINT) FROM {{rows $1}}",
    );
    sqlx::query(statement)
        .bind(Value::from(rows).to_string())
        .bind(now.as_millis())
        .bind(class.as_str())
        .bind(i64::from(counted))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// What the window holds of these objects of one kind: (object, how many distinct users or edges left and count for
/// `class`, the net change by everybody); users are all counted under one object without a name. The size at the window's start is the present size less the net change.
pub async fn list(
    tx: &mut Tx,
    class: Class,
    kind: &str,
    objects: &[&str],
    since: Timestamp,
) -> Result<Vec<(String, i64, i64)>, StoreError> {
    // CROSS JOIN keeps SQLite's planner to this order: it reads the lines of the few objects, not the whole window.
    let statement = tx.sql(
        "SELECT object, \
                CAST(COUNT(DISTINCT CASE WHEN class = $1 AND counted = 1 AND delta < 0 AND user_id <> '' THEN user_id END) \
                     + COALESCE(SUM(CASE WHEN class = $1 AND counted = 1 AND delta < 0 AND user_id = '' THEN -delta ELSE 0 END), 0) AS BIGINT), \
                CAST(COALESCE(SUM(delta), 0) AS BIGINT) \
           FROM {{texts $4}} CROSS JOIN guard_log WHERE object = value AND kind = $2 AND at > $3 GROUP BY object",
    );
    let rows = sqlx::query(statement)
        .bind(class.as_str())
        .bind(kind.to_owned())
        .bind(since.as_millis())
        .bind(json!(objects).to_string())
        .fetch_all(tx.conn())
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, number(row, 1)?, number(row, 2)?)))
        .collect()
}

/// How many of Okta's users are active now, up to `limit`: what a share of them is measured against together with the
/// window.
pub async fn count_active_okta_users(tx: &mut Tx, limit: i64) -> Result<i64, StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(*) FROM (SELECT 1 FROM users WHERE origin = 'okta' AND active = 1 LIMIT $1) AS found",
    )
    .bind(limit.max(0))
    .fetch_one(tx.conn())
    .await?;
    number(&row, 0)
}

/// Drops lines older than the window.
pub async fn remove_before(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM guard_log WHERE at < $1")
        .bind(before.as_millis())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}
