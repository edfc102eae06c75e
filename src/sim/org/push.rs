//! Group push: which groups are sent to the application, and the work provisioning has to do.

use serde_json::{Value, json};

use super::group::no_group;
use super::{OktaId, Org, OrgError};
use crate::model::time::Timestamp;

/// One piece of work of the provisioning engine, in the words of the event that caused it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Look up, then create or link; the person ends up active.
    Provision {
        /// Who.
        user: OktaId,
    },
    /// Send the profile.
    PushProfile {
        /// Who.
        user: OktaId,
    },
    /// Send `active: false`. The SCIM id is carried along: the app user may be gone when the task runs.
    Deactivate {
        /// Who.
        user: OktaId,
        /// The SCIM id, if the server had given one.
        scim_id: Option<String>,
    },
    /// Push a group for the first time, or again after "Push all".
    PushGroup {
        /// Which.
        mapping: OktaId,
    },
    /// Link a group to one the server had already: nobody who is in there is taken out.
    LinkGroup {
        /// Which.
        mapping: OktaId,
    },
    /// Send a group's new name.
    RenameGroup {
        /// Which.
        mapping: OktaId,
    },
    /// Send one new member.
    AddMember {
        /// Which group.
        mapping: OktaId,
        /// Who.
        user: OktaId,
    },
    /// Send that a member left.
    RemoveMember {
        /// Which group.
        mapping: OktaId,
        /// Who.
        user: OktaId,
    },
    /// "Push Now": overwrite the whole membership.
    PushNow {
        /// Which.
        mapping: OktaId,
    },
    /// Unlinked with "delete in target".
    DeleteGroup {
        /// The group's SCIM id.
        scim_id: String,
    },
}

/// A mapping's state as the API words it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingStatus {
    /// Changes are pushed.
    Active,
    /// Switched off by an admin; no traffic.
    Inactive,
    /// The last push failed for good.
    Error,
}

/// One pushed group.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// `gPm…`.
    pub id: OktaId,
    /// The Okta group that is pushed.
    pub source: OktaId,
    /// Okta's own picture of the pushed copy: an APP_GROUP whose source is the app.
    pub target: OktaId,
    /// The SCIM id of the copy, once known.
    pub scim_id: Option<String>,
    /// Whether the copy is given the source's name: always, but for a group that was linked under its own.
    pub renames: bool,
    /// Whether the copy was linked and may hold members Okta never sent; "Push Now" ends that.
    pub keeps_strangers: bool,
    /// The push rule that found the source, if one did.
    pub rule: Option<OktaId>,
    /// Whether it works.
    pub status: MappingStatus,
    /// What the admin is shown after a failure.
    pub error_summary: Option<String>,
    /// When a push last succeeded.
    pub last_push: Option<Timestamp>,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub last_updated: Timestamp,
}

impl Mapping {
    /// The mapping object of the Management API.
    pub fn to_json(&self) -> Value {
        let status = match self.status {
            MappingStatus::Active => "ACTIVE",
            MappingStatus::Inactive => "INACTIVE",
            MappingStatus::Error => "ERROR",
        };
        json!({"id": self.id, "sourceGroupId": self.source, "targetGroupId": self.target, "status": status,
               "errorSummary": self.error_summary, "lastPush": self.last_push, "created": self.created,
               "lastUpdated": self.last_updated})
    }
}

impl Org {
    /// All mappings in the order of ids.
    pub fn mappings(&self) -> impl Iterator<Item = &Mapping> {
        self.mappings.values()
    }

    /// The mapping with this id.
    pub fn mapping(&self, id: OktaId) -> Option<&Mapping> {
        self.mappings.get(&id)
    }

    /// Starts pushing a group.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` when it is pushed already.
    pub fn push_group(&mut self, source: OktaId) -> Result<OktaId, OrgError> {
        let name = self
            .group(source)
            .ok_or_else(|| no_group(source))?
            .name()
            .to_owned();
        if self.mappings().any(|mapping| mapping.source == source) {
            return Err(OrgError::Invalid("the group is pushed already".to_owned()));
        }
        let target = self.create_app_group(self.app.id, &name);
        let id = self.insert_mapping(source, target);
        self.queue(Task::PushGroup { mapping: id });
        Ok(id)
    }

    pub(super) fn insert_mapping(&mut self, source: OktaId, target: OktaId) -> OktaId {
        let now = self.now();
        let id = OktaId::new("gPm", self.random.as_ref());
        let mapping = Mapping {
            id,
            source,
            target,
            scim_id: None,
            renames: true,
            keeps_strangers: false,
            rule: None,
            status: MappingStatus::Active,
            error_summary: None,
            last_push: None,
            created: now,
            last_updated: now,
        };
        self.mappings.insert(id, mapping);
        id
    }

    /// "Push Now": the whole membership is sent again.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn push_now(&mut self, id: OktaId) -> Result<(), OrgError> {
        let mapping = self.mappings.get_mut(&id).ok_or_else(|| no_mapping(id))?;
        mapping.keeps_strangers = false;
        self.queue(Task::PushNow { mapping: id });
        Ok(())
    }

    /// Switches a mapping on (its group is pushed again) or off (no traffic).
    ///
    /// # Errors
    /// `NotFound`.
    pub fn set_mapping_active(&mut self, id: OktaId, active: bool) -> Result<(), OrgError> {
        let now = self.now();
        let mapping = self.mappings.get_mut(&id).ok_or_else(|| no_mapping(id))?;
        mapping.status = if active {
            MappingStatus::Active
        } else {
            MappingStatus::Inactive
        };
        mapping.error_summary = None;
        mapping.last_updated = now;
        if active {
            self.queue(Task::PushGroup { mapping: id });
        }
        Ok(())
    }

    /// Unlinks a pushed group; with `delete_target` the copy is deleted over SCIM, else it stays as it is.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn unlink_group(&mut self, id: OktaId, delete_target: bool) -> Result<(), OrgError> {
        let mapping = self.mappings.remove(&id).ok_or_else(|| no_mapping(id))?;
        // Okta's picture of a copy that stays is an imported group again, if an import made it.
        if delete_target || !self.imported.values().any(|group| *group == mapping.target) {
            self.imported.retain(|_, group| *group != mapping.target);
            self.groups.remove(&mapping.target);
        }
        if let (true, Some(scim_id)) = (delete_target, mapping.scim_id) {
            self.queue(Task::DeleteGroup { scim_id });
        }
        Ok(())
    }

    /// The SCIM id and login of each member a push of this mapping names: in the group, active, assigned, and known to
    /// the server (group push).
    pub fn pushed_members(&self, mapping: OktaId) -> Vec<(String, String)> {
        let Some(group) = self
            .mapping(mapping)
            .and_then(|mapping| self.group(mapping.source))
        else {
            return Vec::new();
        };
        group
            .members()
            .iter()
            .filter(|user| self.can_be_pushed(**user))
            .filter_map(|user| self.pushed_member(*user))
            .collect()
    }

    /// The SCIM id and login of one person, if the server gave an id.
    pub fn pushed_member(&self, user: OktaId) -> Option<(String, String)> {
        let scim_id = self.app_user(user)?.external_id.clone()?;
        Some((scim_id, self.user(user)?.profile.login().to_owned()))
    }

    /// What the engine notes after a group push: the SCIM id on success, the admin's error otherwise.
    pub fn note_group_push(&mut self, mapping: OktaId, outcome: Result<&str, &str>) {
        let now = self.now();
        let Some(mapping) = self.mappings.get_mut(&mapping) else {
            return;
        };
        mapping.last_updated = now;
        match outcome {
            Ok(scim_id) => {
                mapping.scim_id = Some(scim_id.to_owned());
                mapping.last_push = Some(now);
                mapping.status = MappingStatus::Active;
                mapping.error_summary = None;
            }
            Err(error) => {
                mapping.status = MappingStatus::Error;
                mapping.error_summary = Some(error.to_owned());
            }
        }
    }

    /// The name and description of Okta's picture of a pushed copy follow what was pushed.
    pub fn note_target_name(&mut self, mapping: OktaId, name: &str) {
        let Some(target) = self.mapping(mapping).map(|mapping| mapping.target) else {
            return;
        };
        if self.group(target).is_some_and(|group| group.name() != name) {
            // A target that is gone has no name to follow.
            let _gone = self.update_group(target, name, "");
        }
    }

    /// The mappings of this person's groups that send changes.
    pub fn mappings_of_user(&self, user: OktaId) -> Vec<OktaId> {
        self.group_ids_of(user)
            .into_iter()
            .flat_map(|group| self.active_mappings_of(group))
            .collect()
    }

    pub(super) fn active_mappings_of(&self, group: OktaId) -> Vec<OktaId> {
        // A mapping in ERROR sends nothing until an admin acts (group push).
        let sends =
            |mapping: &&Mapping| mapping.source == group && mapping.status == MappingStatus::Active;
        self.mappings()
            .filter(sends)
            .map(|mapping| mapping.id)
            .collect()
    }

    pub(super) fn fail_mappings_of(&mut self, group: OktaId) {
        for mapping in self.active_mappings_of(group) {
            self.note_group_push(mapping, Err("The source group no longer exists"));
        }
    }

    /// Inactive people are skipped by group push in both directions; so is who is not assigned.
    pub(super) fn can_be_pushed(&self, user: OktaId) -> bool {
        self.is_provisioned(user)
            && self
                .user(user)
                .is_some_and(|user| !user.status.is_inactive())
    }
}

fn no_mapping(id: OktaId) -> OrgError {
    OrgError::NotFound(format!("{id} (GroupPushMapping)"))
}
