//! The one application: who is assigned to it, and how far provisioning got.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::group::no_group;
use super::user::missing;
use super::{OktaId, Org, OrgError, Task};
use crate::model::time::Timestamp;

/// What becomes of the app user when Okta deactivates the person: documents leave it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeactivatedAppUser {
    /// The app user vanishes from the listing.
    #[default]
    Removed,
    /// It stays with status DEPROVISIONED.
    Deprovisioned,
}

/// How an app user came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Assigned by hand.
    User,
    /// Follows from a group that is assigned.
    Group,
}

/// How far the last push of an app user got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncState {
    /// Provisioning is off for this app user: assigned before it was switched on.
    Disabled,
    /// A push is queued or under way.
    Synchronizing,
    /// The last push was answered 2xx.
    Synchronized,
    /// The last push failed; the text is what the admin is shown.
    Error(String),
}

/// The application.
#[derive(Debug, Clone)]
pub struct App {
    /// `0oa…`.
    pub id: OktaId,
    /// The name people see.
    pub label: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether SCIM provisioning is switched on.
    pub provisioning: bool,
    /// The groups assigned, by priority.
    pub groups: Vec<OktaId>,
    /// The attributes an assigned group gives its members.
    pub(super) group_profiles: BTreeMap<OktaId, Map<String, Value>>,
}

impl App {
    pub(super) fn new(id: OktaId, now: Timestamp) -> Self {
        Self {
            id,
            label: "rosterd".to_owned(),
            created: now,
            provisioning: true,
            groups: Vec::new(),
            group_profiles: BTreeMap::new(),
        }
    }

    /// The app object of the Management API.
    pub fn to_json(&self) -> Value {
        let features: &[&str] = if self.provisioning {
            &["PUSH_NEW_USERS", "PUSH_USER_DEACTIVATION", "GROUP_PUSH"]
        } else {
            &[]
        };
        json!({"id": self.id, "name": "simulated_rosterd_1", "label": self.label, "status": "ACTIVE",
               "created": self.created, "lastUpdated": self.created, "signOnMode": "SAML_2_0", "features": features})
    }
}

/// A person's assignment to the application.
#[derive(Debug, Clone)]
pub struct AppUser {
    /// The person.
    pub user: OktaId,
    /// By hand or by group.
    pub scope: Scope,
    /// Okta's status word: PROVISIONED once pushed, STAGED before, ACTIVE without provisioning, DEPROVISIONED.
    pub status: &'static str,
    /// The SCIM id, once the server has given one.
    pub external_id: Option<String>,
    /// How far the last push got.
    pub sync: SyncState,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub last_updated: Timestamp,
    /// When a push last succeeded.
    pub last_sync: Option<Timestamp>,
    /// The attributes as last pushed, from which a PATCH takes what changed.
    pub pushed: Option<Map<String, Value>>,
    /// The attributes an admin gave this person in the app.
    pub(super) own: Map<String, Value>,
}

impl AppUser {
    /// The app user object of the Management API.
    pub fn to_json(&self, profile: &super::Profile) -> Value {
        let (sync, scope) = (
            match self.sync {
                SyncState::Disabled => "DISABLED",
                SyncState::Synchronizing => "SYNCHRONIZING",
                SyncState::Synchronized => "SYNCHRONIZED",
                SyncState::Error(_) => "ERROR",
            },
            match self.scope {
                Scope::User => "USER",
                Scope::Group => "GROUP",
            },
        );
        json!({
            "id": self.user,
            "externalId": self.external_id,
            "created": self.created,
            "lastUpdated": self.last_updated,
            "lastSync": self.last_sync,
            "statusChanged": self.last_updated,
            "scope": scope,
            "status": self.status,
            "syncState": sync,
            "credentials": {"userName": profile.login()},
            "profile": {"givenName": profile.text("firstName"), "familyName": profile.text("lastName"),
                        "email": profile.text("email"), "displayName": profile.text("displayName")},
        })
    }

    /// Whether the assignment stands.
    pub fn is_assigned(&self) -> bool {
        self.status != "DEPROVISIONED"
    }
}

impl Org {
    /// The application.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Switches SCIM provisioning. People assigned while it is off are not pushed later, not even on a "Force Sync"
    ///, until [`Org::provision_user`].
    pub fn set_provisioning(&mut self, on: bool) {
        self.app.provisioning = on;
    }

    /// The app user of this person.
    pub fn app_user(&self, user: OktaId) -> Option<&AppUser> {
        self.app_users.get(&user)
    }

    /// App users with an id after `after`, in the order of ids.
    pub fn app_users(&self, after: Option<OktaId>) -> impl Iterator<Item = &AppUser> {
        let lower = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.app_users
            .range((lower, std::ops::Bound::Unbounded))
            .map(|(_, user)| user)
    }

    /// Assigns a person by hand.
    ///
    /// # Errors
    /// `NotFound`; `WrongState` for somebody who is deactivated.
    pub fn assign_user(&mut self, user: OktaId) -> Result<(), OrgError> {
        if self.status_of(user)?.is_inactive() {
            return Err(OrgError::WrongState(
                "an inactive user cannot be assigned".to_owned(),
            ));
        }
        if let Some(existing) = self
            .app_users
            .get_mut(&user)
            .filter(|existing| existing.is_assigned())
        {
            existing.scope = Scope::User;
            return Ok(());
        }
        self.insert_app_user(user, Scope::User);
        Ok(())
    }

    /// Ends a person's assignment, whatever made it (one that comes from a group comes back at the next change).
    ///
    /// # Errors
    /// `NotFound` when the person is not assigned.
    pub fn unassign_user(&mut self, user: OktaId) -> Result<(), OrgError> {
        let app_user = self.app_users.remove(&user).ok_or_else(|| missing(user))?;
        self.end_app_user(&app_user);
        Ok(())
    }

    /// Assigns a group: its active members become app users.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn assign_group(&mut self, group: OktaId) -> Result<(), OrgError> {
        let members: Vec<OktaId> = self
            .group(group)
            .ok_or_else(|| no_group(group))?
            .members()
            .iter()
            .copied()
            .collect();
        if !self.app.groups.contains(&group) {
            self.app.groups.push(group);
            let targets = vec![self.group_target(group), self.app_target()];
            self.record("group.application_assignment.add", targets);
        }
        for member in members {
            self.settle_assignment(member);
        }
        Ok(())
    }

    /// Ends a group's assignment: members who are assigned by nothing else lose theirs.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn unassign_group(&mut self, group: OktaId) -> Result<(), OrgError> {
        let members: Vec<OktaId> = self
            .group(group)
            .ok_or_else(|| no_group(group))?
            .members()
            .iter()
            .copied()
            .collect();
        self.app.groups.retain(|assigned| *assigned != group);
        self.app.group_profiles.remove(&group);
        let targets = vec![self.group_target(group), self.app_target()];
        self.record("group.application_assignment.remove", targets);
        for member in members {
            self.settle_assignment(member);
        }
        Ok(())
    }

    /// "Provision User" and "Retry Selected": pushes an assigned person again.
    ///
    /// # Errors
    /// `NotFound` when the person is not assigned.
    pub fn provision_user(&mut self, user: OktaId) -> Result<(), OrgError> {
        let app_user = self.app_users.get_mut(&user).ok_or_else(|| missing(user))?;
        app_user.sync = SyncState::Synchronizing;
        self.queue(Task::Provision { user });
        Ok(())
    }

    /// What the engine notes after a push of a person that was answered 2xx.
    pub fn note_provisioned(&mut self, user: OktaId, scim_id: &str, pushed: Map<String, Value>) {
        let now = self.now();
        if let Some(app_user) = self.app_users.get_mut(&user) {
            app_user.external_id = Some(scim_id.to_owned());
            app_user.sync = SyncState::Synchronized;
            app_user.status = if app_user.is_assigned() {
                "PROVISIONED"
            } else {
                app_user.status
            };
            app_user.last_sync = Some(now);
            app_user.last_updated = now;
            app_user.pushed = Some(pushed);
        }
    }

    /// What the engine notes after a push of a person that failed.
    pub fn note_failed(&mut self, user: OktaId, error: &str) {
        let now = self.now();
        if let Some(app_user) = self.app_users.get_mut(&user) {
            app_user.sync = SyncState::Error(error.to_owned());
            app_user.last_updated = now;
        }
    }

    /// Whether pushes of this person are under way or done: assigned, and not from before provisioning.
    pub(super) fn is_provisioned(&self, user: OktaId) -> bool {
        self.app_users
            .get(&user)
            .is_some_and(|app_user| app_user.is_assigned() && app_user.sync != SyncState::Disabled)
    }

    /// Makes the assignment agree with the groups that are assigned and the person's status.
    pub(super) fn settle_assignment(&mut self, user: OktaId) {
        let Some(person) = self.user(user) else {
            return;
        };
        let inactive = person.status.is_inactive();
        let by_group = self.app.groups.iter().any(|group| {
            self.group(*group)
                .is_some_and(|group| group.members().contains(&user))
        });
        let present = self
            .app_users
            .get(&user)
            .filter(|app_user| app_user.is_assigned())
            .map(|app_user| app_user.scope);
        match present {
            None if by_group && !inactive => self.insert_app_user(user, Scope::Group),
            Some(Scope::Group) if !by_group => {
                if let Some(app_user) = self.app_users.remove(&user) {
                    self.end_app_user(&app_user);
                }
            }
            _ => {}
        }
    }

    pub(super) fn end_assignment_of_deactivated(&mut self, user: OktaId) {
        let Some(app_user) = self.app_users.remove(&user) else {
            return;
        };
        self.end_app_user(&app_user);
        if self.habits.deactivated_app_user == DeactivatedAppUser::Deprovisioned {
            let kept = AppUser {
                status: "DEPROVISIONED",
                last_updated: self.now(),
                ..app_user
            };
            self.app_users.insert(user, kept);
        }
    }

    fn insert_app_user(&mut self, user: OktaId, scope: Scope) {
        let now = self.now();
        let provisioning = self.app.provisioning;
        let app_user = AppUser {
            user,
            scope,
            status: if provisioning { "STAGED" } else { "ACTIVE" },
            external_id: None,
            sync: if provisioning {
                SyncState::Synchronizing
            } else {
                SyncState::Disabled
            },
            created: now,
            last_updated: now,
            last_sync: None,
            pushed: None,
            own: Map::new(),
        };
        self.app_users.insert(user, app_user);
        let targets = vec![self.user_target(user), self.app_target()];
        self.record("application.user_membership.add", targets);
        self.queue(Task::Provision { user });
    }

    fn end_app_user(&mut self, app_user: &AppUser) {
        let targets = vec![self.user_target(app_user.user), self.app_target()];
        self.record("application.user_membership.remove", targets);
        if app_user.is_assigned() && app_user.sync != SyncState::Disabled {
            self.queue(Task::Deactivate {
                user: app_user.user,
                scim_id: app_user.external_id.clone(),
            });
        }
    }
}
