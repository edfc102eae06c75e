//! Groups and who is in them.

use std::collections::BTreeSet;
use std::ops::Bound;

use serde_json::{Value, json};

use super::user::missing;
use super::{Lagging, OktaId, Org, OrgError, Task};
use crate::model::time::Timestamp;

/// Where a group comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupType {
    /// Made in Okta.
    OktaGroup,
    /// Okta's own, such as "Everyone".
    BuiltIn,
    /// Imported from, or echoed for, the application with this id.
    AppGroup(OktaId),
}

impl GroupType {
    /// Okta's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OktaGroup => "OKTA_GROUP",
            Self::BuiltIn => "BUILT_IN",
            Self::AppGroup(_) => "APP_GROUP",
        }
    }
}

/// What a listing shows of a group, and what searches lag on.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupFacts {
    /// The name; not unique.
    pub name: String,
    /// The description.
    pub description: String,
    /// When the profile last changed; membership does not move it.
    pub last_updated: Timestamp,
    /// When an edge last came or went; a member's status does not move it.
    pub last_membership_updated: Timestamp,
}

/// A group in the org.
#[derive(Debug, Clone)]
pub struct Group {
    /// `00g…`.
    pub id: OktaId,
    /// Where it comes from.
    pub kind: GroupType,
    /// When it was made.
    pub created: Timestamp,
    facts: Lagging<GroupFacts>,
    members: BTreeSet<OktaId>,
}

impl Group {
    pub(super) fn new(
        id: OktaId,
        kind: GroupType,
        name: &str,
        description: &str,
        now: Timestamp,
    ) -> Self {
        let facts = GroupFacts {
            name: name.to_owned(),
            description: description.to_owned(),
            last_updated: now,
            last_membership_updated: now,
        };
        Self {
            id,
            kind,
            created: now,
            facts: Lagging::new(facts, now),
            members: BTreeSet::new(),
        }
    }

    /// The group's name.
    pub fn name(&self) -> &str {
        &self.facts.get().name
    }

    /// What a read by id shows.
    pub fn facts(&self) -> &GroupFacts {
        self.facts.get()
    }

    /// The ids of all members, deactivated ones included.
    pub fn members(&self) -> &BTreeSet<OktaId> {
        &self.members
    }

    /// The group object of the Management API, showing `facts`.
    pub fn to_json(&self, facts: &GroupFacts, base_url: &str) -> Value {
        let class = match self.kind {
            GroupType::AppGroup(_) => "okta:windows_security_principal",
            GroupType::OktaGroup | GroupType::BuiltIn => "okta:user_group",
        };
        let mut links =
            json!({"users": {"href": format!("{base_url}/api/v1/groups/{}/users", self.id)}});
        if let (GroupType::AppGroup(source), Some(links)) = (self.kind, links.as_object_mut()) {
            links.insert(
                "source".into(),
                json!({"href": format!("{base_url}/api/v1/apps/{source}")}),
            );
        }
        let mut group = json!({
            "id": self.id,
            "created": self.created,
            "lastUpdated": facts.last_updated,
            "lastMembershipUpdated": facts.last_membership_updated,
            "objectClass": [class],
            "type": self.kind.as_str(),
            "profile": {"name": facts.name, "description": facts.description},
            "_links": links,
        });
        if let (GroupType::AppGroup(source), Some(group)) = (self.kind, group.as_object_mut()) {
            group.insert("source".into(), json!({"id": source}));
        }
        group
    }
}

impl Org {
    /// The group with this id.
    pub fn group(&self, id: OktaId) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// All groups in the order of ids.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// Groups with an id after `after`, each with the facts a search that may lag shows.
    pub fn groups_indexed(
        &self,
        after: Option<OktaId>,
    ) -> impl Iterator<Item = (&Group, &GroupFacts)> {
        let (now, lag) = (self.now(), self.habits.search_lag_ms);
        let lower = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.groups
            .range((lower, Bound::Unbounded))
            .filter_map(move |(_, group)| Some((group, group.facts.indexed(now, lag)?)))
    }

    /// The first group made in Okta with this name.
    pub fn group_named(&self, name: &str) -> Option<&Group> {
        self.groups()
            .find(|group| group.kind == GroupType::OktaGroup && group.name() == name)
    }

    /// The built-in group everybody is in.
    pub fn everyone(&self) -> OktaId {
        self.everyone
    }

    /// The groups this user is in.
    pub fn group_ids_of(&self, user: OktaId) -> Vec<OktaId> {
        self.groups()
            .filter(|group| group.members.contains(&user))
            .map(|group| group.id)
            .collect()
    }

    /// Makes a group. The API refuses a name in use; this does not, because races and imports make twins all the same.
    pub fn create_group(&mut self, name: &str, description: &str) -> OktaId {
        self.insert_group(GroupType::OktaGroup, name, description)
    }

    /// Makes a group imported from `source` (AD, LDAP, or our own app's echo).
    pub fn create_app_group(&mut self, source: OktaId, name: &str) -> OktaId {
        self.insert_group(GroupType::AppGroup(source), name, "")
    }

    /// Gives a group another name or description.
    ///
    /// # Errors
    /// `NotFound`; `WrongState` for a built-in group.
    pub fn update_group(
        &mut self,
        id: OktaId,
        name: &str,
        description: &str,
    ) -> Result<(), OrgError> {
        let group = self.groups.get_mut(&id).ok_or_else(|| no_group(id))?;
        if group.kind == GroupType::BuiltIn {
            return Err(OrgError::WrongState(
                "a built-in group cannot be changed".to_owned(),
            ));
        }
        let renamed = group.name() != name;
        let now = self.clock.now();
        let facts = group.facts.change(now, self.habits.search_lag_ms);
        name.clone_into(&mut facts.name);
        description.clone_into(&mut facts.description);
        facts.last_updated = now;
        let targets = vec![self.group_target(id)];
        self.record("group.profile.update", targets);
        if renamed {
            for mapping in self.active_mappings_of(id) {
                if self.mapping(mapping).is_some_and(|mapping| mapping.renames) {
                    self.queue(Task::RenameGroup { mapping });
                }
            }
        }
        self.apply_push_rules();
        Ok(())
    }

    /// Gives a group another name.
    ///
    /// # Errors
    /// As [`Org::update_group`].
    pub fn rename_group(&mut self, id: OktaId, name: &str) -> Result<(), OrgError> {
        let description = self
            .group(id)
            .ok_or_else(|| no_group(id))?
            .facts()
            .description
            .clone();
        self.update_group(id, name, &description)
    }

    /// Deletes a group. What becomes of a pushed copy is not known: here its mapping goes into ERROR and
    /// nothing is sent.
    ///
    /// # Errors
    /// `NotFound`; `WrongState` for a built-in group.
    pub fn delete_group(&mut self, id: OktaId) -> Result<(), OrgError> {
        let group = self.group(id).ok_or_else(|| no_group(id))?;
        if group.kind == GroupType::BuiltIn {
            return Err(OrgError::WrongState(
                "a built-in group cannot be deleted".to_owned(),
            ));
        }
        let members: Vec<OktaId> = group.members.iter().copied().collect();
        let target = self.group_target(id);
        self.groups.remove(&id);
        self.app.groups.retain(|assigned| *assigned != id);
        self.record("group.lifecycle.delete", vec![target]);
        self.fail_mappings_of(id);
        for member in members {
            self.settle_assignment(member);
        }
        Ok(())
    }

    /// Adds a member; adding one who is in already changes nothing.
    ///
    /// # Errors
    /// `NotFound` for group or user.
    pub fn add_member(&mut self, group: OktaId, user: OktaId) -> Result<(), OrgError> {
        self.user(user).ok_or_else(|| missing(user))?;
        let now = self.clock.now();
        let found = self.groups.get_mut(&group).ok_or_else(|| no_group(group))?;
        if !found.members.insert(user) {
            return Ok(());
        }
        found
            .facts
            .change(now, self.habits.search_lag_ms)
            .last_membership_updated = now;
        let targets = vec![self.user_target(user), self.group_target(group)];
        self.record("group.user_membership.add", targets);
        self.settle_assignment(user);
        if self.can_be_pushed(user) {
            for mapping in self.active_mappings_of(group) {
                self.queue(Task::AddMember { mapping, user });
            }
        }
        Ok(())
    }

    /// Removes a member; removing a stranger changes nothing.
    ///
    /// # Errors
    /// `NotFound` for the group.
    pub fn remove_member(&mut self, group: OktaId, user: OktaId) -> Result<(), OrgError> {
        self.group(group).ok_or_else(|| no_group(group))?;
        // Said before the assignment is settled: group push names the member it takes out.
        let pushed = self.can_be_pushed(user);
        if !self.drop_edge(group, user) {
            return Ok(());
        }
        let targets = vec![self.user_target(user), self.group_target(group)];
        self.record("group.user_membership.remove", targets);
        if pushed {
            for mapping in self.active_mappings_of(group) {
                self.queue(Task::RemoveMember { mapping, user });
            }
        }
        self.settle_assignment(user);
        Ok(())
    }

    pub(super) fn drop_edge(&mut self, group: OktaId, user: OktaId) -> bool {
        let (now, lag) = (self.now(), self.habits.search_lag_ms);
        let Some(group) = self.groups.get_mut(&group) else {
            return false;
        };
        let removed = group.members.remove(&user);
        if removed {
            group.facts.change(now, lag).last_membership_updated = now;
        }
        removed
    }

    pub(super) fn put_in_everyone(&mut self, user: OktaId) {
        let (now, lag) = (self.now(), self.habits.search_lag_ms);
        if let Some(group) = self.groups.get_mut(&self.everyone) {
            group.members.insert(user);
            group.facts.change(now, lag).last_membership_updated = now;
        }
    }

    fn insert_group(&mut self, kind: GroupType, name: &str, description: &str) -> OktaId {
        let id = OktaId::new("00g", self.random.as_ref());
        let group = Group::new(id, kind, name, description, self.now());
        self.groups.insert(id, group);
        let targets = vec![self.group_target(id)];
        self.record("group.lifecycle.create", targets);
        if kind == GroupType::OktaGroup {
            self.apply_push_rules();
        }
        id
    }
}

pub(super) fn no_group(id: OktaId) -> OrgError {
    OrgError::NotFound(format!("{id} (UserGroup)"))
}
