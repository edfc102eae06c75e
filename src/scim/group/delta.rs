//! What the operations of a PATCH come to.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::patch::{ExtensionChange, GroupOp, GroupPatch};
use crate::scim::filter::{self, Fold};
use crate::scim::schema;

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
        self.ops
            .iter()
            .any(|op| matches!(op, GroupOp::RemoveMembersWhere(_)))
    }

    /// What the operations come to.
    ///
    /// `present` are the group's members as SCIM shows them (`value`, `display`, `type`, `$ref`); they are looked at only
    /// if [`GroupPatch::needs_members`] says so, else give none. `fold` compares strings in filters.
    pub fn net(&self, present: &[Value], fold: Fold) -> GroupDelta {
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
                    let members = delta.members.get_or_insert_default();
                    let attribute = schema::group::GROUP.attribute("members");
                    let meets =
                        |member: &Value| filter::matches_value(attribute, member, filter, fold);
                    let shown = present
                        .iter()
                        .filter(|_| members.base == Base::Keep)
                        .filter(|member| meets(member));
                    let shown =
                        shown.filter_map(|member| Some(member.get("value")?.as_str()?.to_owned()));
                    // Of who was added by this same request only the id and the type are known.
                    let added = members
                        .add
                        .iter()
                        .filter(|id| meets(&json!({"value": id, "type": "User"})))
                        .cloned();
                    let found: Vec<String> = shown.chain(added).collect();
                    members.remove(found);
                }
            }
        }
        delta
    }
}
