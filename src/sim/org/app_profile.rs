//! The app user's profile: what the app's mappings take from Okta's profile, and what the app itself says.
//!
//! The mappings have the last word: an attribute that Okta's profile has is taken from there. Where it has none, the value an
//! admin gave the person in the app counts, else the one of the first assigned group, by priority, that gives one.

use serde_json::{Map, Value};

use super::group::no_group;
use super::user::missing;
use super::{OktaId, Org, OrgError, Profile, Scope, Task};

impl Org {
    /// The profile a push of this person is made from.
    pub fn app_profile(&self, user: OktaId) -> Option<Profile> {
        let mut profile = self.user(user)?.profile.clone();
        let Some(app_user) = self.app_user(user) else {
            return Some(profile);
        };
        let by_group = self
            .app
            .groups
            .iter()
            .filter(|group| {
                app_user.scope == Scope::Group
                    && self
                        .group(**group)
                        .is_some_and(|group| group.members().contains(&user))
            })
            .filter_map(|group| self.app.group_profiles.get(group));
        for given in std::iter::once(&app_user.own).chain(by_group) {
            for (name, value) in given {
                if profile.text(name).is_none() {
                    profile.0.insert(name.clone(), value.clone());
                }
            }
        }
        Some(profile)
    }

    /// Sets the attributes an admin gives one person in the app; null takes one away.
    ///
    /// # Errors
    /// `NotFound` when the person is not assigned.
    pub fn set_app_user_profile(
        &mut self,
        user: OktaId,
        changes: &Map<String, Value>,
    ) -> Result<(), OrgError> {
        let app_user = self.app_users.get_mut(&user).ok_or_else(|| missing(user))?;
        lay_over(&mut app_user.own, changes);
        let targets = vec![self.user_target(user), self.app_target()];
        self.record("application.user_membership.update", targets);
        if self.is_provisioned(user) {
            self.queue(Task::PushProfile { user });
        }
        Ok(())
    }

    /// Sets the attributes an assigned group gives its members; null takes one away.
    ///
    /// # Errors
    /// `NotFound` when the group is not assigned.
    pub fn set_app_group_profile(
        &mut self,
        group: OktaId,
        changes: &Map<String, Value>,
    ) -> Result<(), OrgError> {
        if !self.app.groups.contains(&group) {
            return Err(no_group(group));
        }
        lay_over(self.app.group_profiles.entry(group).or_default(), changes);
        let found = self.group(group).ok_or_else(|| no_group(group))?;
        for user in found.members().clone() {
            let by_group = self.app_user(user).map(|app_user| app_user.scope) == Some(Scope::Group);
            if by_group && self.is_provisioned(user) {
                self.queue(Task::PushProfile { user });
            }
        }
        Ok(())
    }
}

fn lay_over(kept: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, value) in changes {
        if value.is_null() {
            kept.remove(name);
        } else {
            kept.insert(name.clone(), value.clone());
        }
    }
}
