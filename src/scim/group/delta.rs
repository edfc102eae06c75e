//! What the operations of a PATCH come to.

use std::collections::BTreeSet;

use serde_json::Value;

use super::patch::{ExtensionChange, GroupOp, GroupPatch};
use crate::scim::error::ScimError;
use crate::scim::filter::{self, Filter, Fold};
use crate::scim::schema;

/// How much text one PATCH may hold against members inside its transaction: bytes of filters times members. A filter of
/// 600 bytes is held against 100,000.
const MAX_WORK: usize = 64 * 1024 * 1024;

/// The net effect of a [`GroupPatch`], whatever the group is like now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupDelta {
    /// The new name; none: it stays.
    pub display_name: Option<String>,
    /// The new externalId, `Some(None)`: none any more; none: it stays.
    #[expect(
        clippy::option_option,
        reason = "unmentioned, gone and given are three cases"
    )]
    pub external_id: Option<Option<String>>,
    /// Changes of extensions, in order.
    pub extensions: Vec<ExtensionChange>,
    /// Changes of members; none: the operations do not speak of them.
    pub members: Option<MemberDelta>,
}

/// New members = (those of `base` − `remove`) ∪ `add`. The two sets are disjoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberDelta {
    /// What it starts from.
    pub base: Base,
    /// Ids that are members afterwards.
    pub add: BTreeSet<String>,
    /// Ids that are not; empty if the base is cleared.
    pub remove: BTreeSet<String>,
}

/// What a change of members starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Base {
    /// Who is a member stays one, but for those removed.
    #[default]
    Keep,
    /// Nobody: the request gives the full list.
    Clear,
}

impl MemberDelta {
    fn add(&mut self, ids: &[String]) {
        for id in ids {
            self.remove.remove(id);
            self.add.insert(id.clone());
        }
    }

    fn remove(&mut self, ids: impl IntoIterator<Item = String>) {
        for id in ids {
            self.add.remove(&id);
            if self.base == Base::Keep {
                self.remove.insert(id);
            }
        }
    }

    fn replace(&mut self, ids: &[String]) {
        *self = Self {
            base: Base::Clear,
            add: ids.iter().cloned().collect(),
            remove: BTreeSet::new(),
        };
    }
}

impl GroupPatch {
    /// Whether [`GroupPatch::net`] needs the present members: some operation removes by another filter than ids.
    pub fn needs_members(&self) -> bool {
        self.filters().next().is_some()
    }

    /// The ids that operations make members.
    pub fn added(&self) -> Vec<&str> {
        let added = self.ops.iter().filter_map(|op| match op {
            GroupOp::AddMembers(ids) | GroupOp::ReplaceMembers(ids) => Some(ids),
            _ => None,
        });
        added.flatten().map(String::as_str).collect()
    }

    fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.ops.iter().filter_map(|op| match op {
            GroupOp::RemoveMembersWhere(filter) => Some(filter),
            _ => None,
        })
    }

    /// What the operations come to.
    ///
    /// `candidates` are the group's members, and those of [`GroupPatch::added`], as SCIM shows them (`value`, `display`,
    /// `type`, `$ref`); they are looked at only if [`GroupPatch::needs_members`] says so, else give none. `fold` compares
    /// strings in filters; to fold twice must be to fold once.
    ///
    /// # Errors
    /// 413 where the filters are too long for so many candidates.
    pub fn net(&self, candidates: &[Value], fold: Fold) -> Result<GroupDelta, ScimError> {
        let length: usize = self.filters().map(|filter| filter.to_string().len()).sum();
        if length.saturating_mul(candidates.len()) > MAX_WORK {
            return Err(ScimError::payload_too_large(
                "These filters are too long for a group of so many members; name the members by their ids.",
            ));
        }
        let candidates: Vec<Candidate<'_>> = candidates
            .iter()
            .filter_map(|member| Candidate::of(member, fold))
            .collect();
        let mut delta = GroupDelta::default();
        for op in &self.ops {
            match op {
                GroupOp::SetDisplayName(name) => delta.display_name = Some(name.clone()),
                GroupOp::SetExternalId(id) => delta.external_id = Some(id.clone()),
                GroupOp::Extension(change) => delta.extensions.push(change.clone()),
                GroupOp::AddMembers(ids) => delta.members.get_or_insert_default().add(ids),
                GroupOp::RemoveMembers(ids) => delta
                    .members
                    .get_or_insert_default()
                    .remove(ids.iter().cloned()),
                GroupOp::ReplaceMembers(ids) => delta.members.get_or_insert_default().replace(ids),
                GroupOp::RemoveMembersWhere(filter) => {
                    let filter = filter.folded(fold);
                    let meet = candidates.iter().filter(|member| member.meets(&filter));
                    delta
                        .members
                        .get_or_insert_default()
                        .remove(meet.map(|member| member.id.to_owned()));
                }
            }
        }
        Ok(delta)
    }
}

/// A member that filters are held against, its strings folded once for all of them: no sub-attribute of `members` is
/// caseExact.
struct Candidate<'a> {
    id: &'a str,
    folded: Value,
}

impl<'a> Candidate<'a> {
    fn of(member: &'a Value, fold: Fold) -> Option<Self> {
        let mut folded = member.clone();
        for text in folded.as_object_mut()?.values_mut() {
            if let Value::String(text) = text {
                *text = fold(text);
            }
        }
        let id = member.get("value")?.as_str()?;
        Some(Self { id, folded })
    }

    fn meets(&self, folded: &Filter) -> bool {
        let members = schema::group::GROUP.attribute("members");
        filter::matches_value(members, &self.folded, folded, str::to_owned)
    }
}
