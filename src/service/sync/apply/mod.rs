//! Changes into the store: one chunk, one transaction.
//!
//! R7 is decided here: what a push named since a change's object was read is skipped, and read by id by the next run.
//! What no longer fits the store (a row gone, a side parted, a name taken) is skipped too and says so; it never ends a
//! run (R18).

mod edges;
mod groups;
mod identity;
mod leavers;
mod users;

use std::collections::HashMap;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::finish::targets;
use super::halt::Halt;
use crate::model::actor::Cx;
use crate::model::id::{OktaGroupId, OktaUserId};
use crate::model::run::Outcome;
use crate::model::time::Timestamp;
use crate::reconcile::{Change, Planned};
use crate::service::Service;
use crate::service::membership::{self, Touched};
use crate::store::audit::{self, Entry};
use crate::store::rereads::{self, Target};
use crate::store::stamps::{self, Named, Object};
use crate::store::{StoreError, Tx};

/// What became of one change.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    /// Its outcome.
    pub(crate) outcome: Outcome,
    /// Why it was skipped.
    pub(crate) note: Option<&'static str>,
    /// Why the user cannot be joined to a row (problem `identity_conflict`).
    pub(crate) conflict: Option<(OktaUserId, String)>,
}

impl Done {
    /// That outcome, nothing more to say.
    pub(crate) fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            note: None,
            conflict: None,
        }
    }

    fn applied() -> Self {
        Self::of(Outcome::Applied)
    }

    fn skipped(note: &'static str) -> Self {
        Self {
            note: Some(note),
            ..Self::of(Outcome::Skipped)
        }
    }

    fn conflict(okta_id: &OktaUserId, why: String) -> Self {
        Self {
            conflict: Some((okta_id.clone(), why)),
            ..Self::skipped("the userName or Okta id is another row's")
        }
    }
}

/// The work of one transaction.
struct Work<'a> {
    service: &'a Service,
    cx: &'a Cx,
    touched: Touched,
    entries: Vec<Entry>,
    /// To be read by id by the next run.
    rereads: Vec<(Target, &'static str)>,
}

impl Work<'_> {
    /// A change of a group that has no such Okta side any more. Where its sides were joined in the meantime, the side is
    /// another row's by now, which nobody has compared with what was read.
    fn moved(&mut self, side: &OktaGroupId) -> Done {
        let target = Target::Group(side.clone());
        self.rereads
            .push((target, "it became another group's side"));
        Done::skipped("the group has no such Okta side any more")
    }

    fn log(
        &mut self,
        action: &'static str,
        object_kind: &'static str,
        object_id: &str,
        before: Option<Value>,
        after: Option<Value>,
    ) {
        self.entries.push(Entry {
            action,
            object_kind,
            object_id: object_id.to_owned(),
            before,
            after,
        });
    }
}

/// Applies a chunk; the caller has checked its leave in this transaction. The outcomes are in the chunk's order.
pub(crate) async fn chunk(
    service: &Service,
    tx: &mut Tx,
    cx: &Cx,
    chunk: &[Planned],
    approved: bool,
) -> Result<Vec<Done>, Halt> {
    let mut work = Work {
        service,
        cx,
        touched: Touched {
            approved,
            ..Touched::default()
        },
        entries: Vec::new(),
        rereads: Vec::new(),
    };
    let mut done: Vec<Option<Done>> = overtaken(tx, chunk).await?;
    groups::apply(tx, &mut work, chunk, &mut done).await?;
    edges::apply(tx, &mut work, chunk, &mut done).await?;
    users::apply(tx, &mut work, chunk, &mut done).await?;
    groups::apply_gone(tx, &mut work, chunk, &mut done).await?;
    audit::insert(tx, cx, &work.entries).await?;
    rereads::insert_many(tx, &work.rereads).await?;
    membership::settle(service, tx, cx, &work.touched).await?;
    Ok(done
        .into_iter()
        .map(|done| done.unwrap_or_else(|| Done::skipped("not a change of this version")))
        .collect())
}

/// What a push named at or after the moment its object was read, stays as the push left it (R7).
async fn overtaken(tx: &mut Tx, chunk: &[Planned]) -> Result<Vec<Option<Done>>, Halt> {
    let objects: Vec<Object> = chunk
        .iter()
        .flat_map(|planned| stamps_of(&planned.change))
        .collect();
    let mut stamped: HashMap<Object, Timestamp> = HashMap::new();
    for objects in objects.chunks(super::CHUNK) {
        stamped.extend(stamps::find_many(tx, objects).await?);
    }
    let mut done = Vec::with_capacity(chunk.len());
    let mut newer = Vec::new();
    for planned in chunk {
        let mut late = stamps_of(&planned.change);
        late.retain(|object| {
            stamped
                .get(object)
                .is_some_and(|at| *at >= planned.observed_at)
        });
        if late.is_empty() {
            done.push(None);
        } else {
            newer.append(&mut late);
            done.push(Some(Done::skipped("a push came after it was read")));
        }
    }
    let again = targets(tx, &Named::of(newer)).await?;
    rereads::insert_many(tx, &again).await?;
    Ok(done)
}

/// What is read by id to know again what a change is about; a join is about no reading.
pub(crate) fn target(change: &Change) -> Option<Target> {
    match change {
        Change::CreateGroup { okta } | Change::UpdateGroup { okta, .. } => {
            Some(Target::Group(okta.id.clone()))
        }
        Change::OktaSideGone { okta_id, .. } => Some(Target::Group(okta_id.clone())),
        Change::AddEdge { okta_group, .. } | Change::RemoveEdge { okta_group, .. } => {
            Some(Target::Group(okta_group.clone()))
        }
        Change::JoinGroups { .. } => None,
        Change::CreateUser { okta_id, .. }
        | Change::BindUser { okta_id, .. }
        | Change::MoveOktaId { okta_id, .. }
        | Change::UpdateProfile { okta_id, .. }
        | Change::SetStatus { okta_id, .. }
        | Change::SetEntitled { okta_id, .. }
        | Change::DeactivateLeaver { okta_id }
        | Change::ReturnLeaver { okta_id } => Some(Target::User(okta_id.clone())),
        Change::Rebind(anew) => Some(Target::User(anew.okta_id.clone())),
    }
}

/// The objects whose stamps speak against a change (R7).
pub(crate) fn stamps_of(change: &Change) -> Vec<Object> {
    let user = |id: &OktaUserId| Object::User(id.to_string());
    let facts = |id: &OktaUserId| Object::Facts(id.to_string());
    match change {
        Change::CreateGroup { .. }
        | Change::UpdateGroup { .. }
        | Change::OktaSideGone { .. }
        | Change::JoinGroups { .. } => Vec::new(),
        Change::AddEdge { group, member, .. } | Change::RemoveEdge { group, member, .. } => {
            vec![
                Object::Edge(group.clone(), member.clone()),
                Object::Members(group.clone()),
            ]
        }
        Change::BindUser {
            user: row, okta_id, ..
        } => vec![user(okta_id), Object::User(row.to_string())],
        Change::Rebind(anew) => {
            vec![user(&anew.okta_id), user(&anew.from), facts(&anew.from)]
        }
        Change::MoveOktaId { to, okta_id, .. } => vec![user(okta_id), Object::User(to.to_string())],
        Change::UpdateProfile { okta_id, .. } => {
            vec![user(okta_id), Object::Profile(okta_id.to_string())]
        }
        Change::CreateUser { okta_id, .. }
        | Change::SetStatus { okta_id, .. }
        | Change::SetEntitled { okta_id, .. }
        | Change::DeactivateLeaver { okta_id }
        | Change::ReturnLeaver { okta_id } => vec![user(okta_id), facts(okta_id)],
    }
}

/// A value as the store keeps it.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, Halt> {
    serde_json::to_string(value).map_err(|_| corrupt())
}

/// A value as the store kept it.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Halt> {
    serde_json::from_str(text).map_err(|_| corrupt())
}

fn corrupt() -> Halt {
    StoreError::Corrupt {
        table: "run_changes",
        column: "change",
    }
    .into()
}
