//! What a run read and did, as its row shows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::run::Outcome;
use crate::reconcile::guard::Breach;
use crate::reconcile::{Change, Planned};

/// Most unknown objects a summary names; the rest is counted.
const NAMED: usize = 100;

/// What a run read and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// How many objects were read.
    pub read: ReadCounts,
    /// How many changes of which kind came to which outcome: `edge_added.applied` and the like.
    pub changes: BTreeMap<String, u64>,
    /// Changes of the held plan that this run found again or left alone (R9).
    pub still_held: u64,
    /// Changes that were rejected lately and are not asked again yet (R9).
    pub muted: u64,
    /// Groups whose sides were joined (R17).
    pub joined: u64,
    /// What could not be read whole, left as it is (R8).
    pub unknown: Vec<Unknown>,
    /// Unknown objects beyond those named.
    pub unknown_more: u64,
    /// Why the plan is held (R9).
    pub breaches: Vec<Breach>,
}

/// How many objects were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadCounts {
    /// Groups listed or read by id.
    pub groups: u64,
    /// Groups whose members came whole.
    pub member_lists: u64,
    /// Members in them.
    pub members: u64,
    /// Users listed or read by id.
    pub users: u64,
    /// Users of the app.
    pub app_users: u64,
}

/// Something that could not be read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// What, as `members of 00g…`.
    pub object: String,
    /// Why.
    pub why: String,
}

impl Summary {
    /// Counts what became of a change.
    pub(super) fn count(&mut self, planned: &Planned, outcome: Outcome) {
        let name = format!("{}.{}", kind(&planned.change), outcome.as_str());
        *self.changes.entry(name).or_default() += 1;
    }

    /// Names something unknown.
    pub(super) fn unknown(&mut self, object: String, why: &impl ToString) {
        if self.unknown.len() < NAMED {
            let why = why.to_string();
            tracing::warn!(object, why, "could not be read whole, left as it is");
            self.unknown.push(Unknown { object, why });
        } else {
            self.unknown_more += 1;
        }
    }
}

/// A change's kind, as the summary names it.
fn kind(change: &Change) -> &'static str {
    match change {
        Change::CreateGroup { .. } => "group_created",
        Change::UpdateGroup { .. } => "group_updated",
        Change::OktaSideGone { .. } => "group_gone",
        Change::JoinGroups { .. } => "groups_joined",
        Change::AddEdge { .. } => "edge_added",
        Change::RemoveEdge { .. } => "edge_removed",
        Change::CreateUser { .. } => "user_created",
        Change::BindUser { .. } => "user_bound",
        Change::Rebind(_) => "user_rebound",
        Change::MoveOktaId { .. } => "user_moved",
        Change::UpdateProfile { .. } => "profile_updated",
        Change::SetStatus { .. } => "status_set",
        Change::SetEntitled { .. } => "entitled_set",
        Change::DeactivateLeaver { .. } => "leaver_deactivated",
        Change::ReturnLeaver { .. } => "leaver_returned",
    }
}
