//! The audit log (R14): when, channel, actor, what, before, after.

use serde_json::Value;

use super::{StoreError, Tx};
use crate::model::actor::Cx;

/// One change to be logged. Never put a secret or a password into `before` or `after`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What was done: `user.created`, `edge.added`, `membership.removed`, …
    pub action: &'static str,
    /// The kind of object: user, group, team, mapping, token, mode, run.
    pub object_kind: &'static str,
    /// The object's id.
    pub object_id: String,
    /// Before and after, as JSON objects of what changed.
    pub before: Option<Value>,
    /// See `before`.
    pub after: Option<Value>,
}

/// Logs changes made in this transaction, in one statement.
pub async fn insert(tx: &mut Tx, cx: &Cx, entries: &[Entry]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let rows: Vec<Value> = entries
        .iter()
        .map(|entry| {
            serde_json::json!({
                "id": crate::model::id::AuditId::new(now, tx.random()),
                "action": entry.action,
                "kind": entry.object_kind,
                "object": entry.object_id,
                "before": entry.before.as_ref().map(Value::to_string),
                "after": entry.after.as_ref().map(Value::to_string),
            })
        })
        .collect();
    let statement = tx.sql(
        "INSERT INTO audit (id, at, channel, actor, action, object_kind, object_id, before, after, request_id) \
         SELECT value ->> 'id', $2, $3, $4, value ->> 'action', value ->> 'kind', value ->> 'object', \
                value ->> 'before', value ->> 'after', $5 FROM {{rows $1}}",
    );
    sqlx::query(statement)
        .bind(Value::from(rows).to_string())
        .bind(now.as_millis())
        .bind(cx.channel.as_str())
        .bind(cx.actor.clone())
        .bind(cx.request_id.clone())
        .execute(tx.conn())
        .await?;
    Ok(())
}
