//! People: their statuses, profiles and what an admin can do to them.

use serde_json::{Map, Value, json};

use super::{Lagging, OktaId, Org, OrgError, Task};
use crate::model::time::Timestamp;

/// Okta's user statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserStatus {
    /// Created, not activated.
    Staged,
    /// Activated, has not completed setup.
    Provisioned,
    /// The usual state.
    Active,
    /// Must change the password at the next sign-in.
    PasswordExpired,
    /// A reset is in progress.
    Recovery,
    /// Too many failed sign-ins.
    LockedOut,
    /// Blocked by an admin; assignments and memberships are kept.
    Suspended,
    /// Deactivated; memberships are kept in Okta.
    Deprovisioned,
}

impl UserStatus {
    /// Okta's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "STAGED",
            Self::Provisioned => "PROVISIONED",
            Self::Active => "ACTIVE",
            Self::PasswordExpired => "PASSWORD_EXPIRED",
            Self::Recovery => "RECOVERY",
            Self::LockedOut => "LOCKED_OUT",
            Self::Suspended => "SUSPENDED",
            Self::Deprovisioned => "DEPROVISIONED",
        }
    }

    /// Whether group push and assignment leave such a person out: STAGED and DEPROVISIONED only.
    pub fn is_inactive(self) -> bool {
        matches!(self, Self::Staged | Self::Deprovisioned)
    }
}

/// A person's profile: Okta's open map of attributes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile(pub Map<String, Value>);

impl Profile {
    /// A profile with the four attributes every person has and a display name made of the two names.
    pub fn new(login: &str, first: &str, last: &str) -> Self {
        let mut map = Map::new();
        map.insert("login".into(), login.into());
        map.insert("email".into(), login.into());
        map.insert("firstName".into(), first.into());
        map.insert("lastName".into(), last.into());
        map.insert("displayName".into(), format!("{first} {last}").into());
        Self(map)
    }

    /// The same profile with one attribute more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// An attribute that is a non-empty text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// The login (empty if the map has none).
    pub fn login(&self) -> &str {
        self.text("login").unwrap_or_default()
    }

    /// The display name, else the two names.
    pub fn display_name(&self) -> String {
        self.text("displayName").map_or_else(
            || {
                format!(
                    "{} {}",
                    self.text("firstName").unwrap_or_default(),
                    self.text("lastName").unwrap_or_default()
                )
            },
            str::to_owned,
        )
    }
}

/// A person in the org.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// `00u…`.
    pub id: OktaId,
    /// Where the person is in Okta's life cycle.
    pub status: UserStatus,
    /// When the account was made.
    pub created: Timestamp,
    /// When it was activated.
    pub activated: Option<Timestamp>,
    /// When `status` last changed.
    pub status_changed: Timestamp,
    /// When profile or status last changed.
    pub last_updated: Timestamp,
    /// The profile.
    pub profile: Profile,
}

impl User {
    /// The user object of the Management API, without `_links`.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "status": self.status.as_str(),
            "created": self.created,
            "activated": self.activated,
            "statusChanged": self.status_changed,
            "lastLogin": null,
            "lastUpdated": self.last_updated,
            "passwordChanged": null,
            "type": {"id": "otySimulatedDefault0"},
            "profile": Value::Object(self.profile.0.clone()),
            "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
        })
    }
}

impl Org {
    /// The user with this id, as a read by id shows it.
    pub fn user(&self, id: OktaId) -> Option<&User> {
        self.users.get(&id).map(Lagging::get)
    }

    /// Everybody, in the order of ids.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users_after(None)
    }

    /// Everybody with an id after `after`, in the order of ids.
    pub fn users_after(&self, after: Option<OktaId>) -> impl Iterator<Item = &User> {
        let lower = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.users
            .range((lower, std::ops::Bound::Unbounded))
            .map(|(_, user)| user.get())
    }

    /// Everybody with an id after `after`, as a search that may lag shows them.
    pub fn users_indexed(&self, after: Option<OktaId>) -> impl Iterator<Item = &User> {
        let (now, lag) = (self.now(), self.habits.search_lag_ms);
        let lower = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.users
            .range((lower, std::ops::Bound::Unbounded))
            .filter_map(move |(_, user)| user.indexed(now, lag))
    }

    /// The user with this login, compared without case.
    pub fn user_by_login(&self, login: &str) -> Option<&User> {
        self.user(*self.logins.get(&login.to_ascii_lowercase())?)
    }

    /// Makes an account: ACTIVE when `activate`, else STAGED.
    ///
    /// A login used before by a *deleted* account may be used again: it becomes a new person with a new id.
    ///
    /// # Errors
    /// `Invalid` when login, e-mail or a name is missing, or the login is taken.
    pub fn create_user(&mut self, profile: Profile, activate: bool) -> Result<OktaId, OrgError> {
        for required in ["login", "email", "firstName", "lastName"] {
            if profile.text(required).is_none() {
                return Err(OrgError::Invalid(format!(
                    "{required}: The field cannot be left blank"
                )));
            }
        }
        if self.user_by_login(profile.login()).is_some() {
            return Err(OrgError::Invalid(
                "login: An object with this field already exists".to_owned(),
            ));
        }
        let now = self.now();
        let id = OktaId::new("00u", self.random.as_ref());
        let user = User {
            id,
            status: if activate {
                UserStatus::Active
            } else {
                UserStatus::Staged
            },
            created: now,
            activated: activate.then_some(now),
            status_changed: now,
            last_updated: now,
            profile,
        };
        self.logins
            .insert(user.profile.login().to_ascii_lowercase(), id);
        self.users.insert(id, Lagging::new(user, now));
        self.put_in_everyone(id);
        let target = self.user_target(id);
        self.record("user.lifecycle.create", vec![target.clone()]);
        if activate {
            self.record("user.lifecycle.activate", vec![target]);
        }
        Ok(id)
    }

    /// Replaces profile attributes: those in `changes` are set, JSON null clears. A changed `login` renames.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` when the new login is taken; `WrongState` for a deactivated user.
    pub fn update_profile(
        &mut self,
        id: OktaId,
        changes: &Map<String, Value>,
    ) -> Result<(), OrgError> {
        let user = self.user(id).ok_or_else(|| missing(id))?;
        if user.status == UserStatus::Deprovisioned {
            return Err(OrgError::WrongState("the user is deactivated".to_owned()));
        }
        let login = changes.get("login").and_then(Value::as_str);
        let holder = login.and_then(|login| self.user_by_login(login));
        if holder.is_some_and(|other| other.id != id) {
            return Err(OrgError::Invalid(
                "login: An object with this field already exists".to_owned(),
            ));
        }
        let mut profile = user.profile.clone();
        for (name, value) in changes {
            if value.is_null() {
                profile.0.remove(name);
            } else {
                profile.0.insert(name.clone(), value.clone());
            }
        }
        if profile == user.profile {
            return Ok(());
        }
        self.logins
            .remove(&user.profile.login().to_ascii_lowercase());
        self.logins.insert(profile.login().to_ascii_lowercase(), id);
        self.change_user(id, |user| user.profile = profile);
        let targets = vec![self.user_target(id)];
        self.record("user.account.update_profile", targets);
        if self.is_provisioned(id) {
            self.queue(Task::PushProfile { user: id });
        }
        Ok(())
    }

    /// Gives the user another login and the e-mail address that goes with it.
    ///
    /// # Errors
    /// As [`Org::update_profile`].
    pub fn rename_login(&mut self, id: OktaId, login: &str) -> Result<(), OrgError> {
        let changes = Map::from_iter([
            ("login".to_owned(), Value::from(login)),
            ("email".to_owned(), Value::from(login)),
        ]);
        self.update_profile(id, &changes)
    }

    /// STAGED or DEPROVISIONED → ACTIVE. Assignments that come from a group come back by themselves;
    /// direct ones must be made again.
    ///
    /// # Errors
    /// `NotFound`, or `WrongState` from another status.
    pub fn activate(&mut self, id: OktaId) -> Result<(), OrgError> {
        let before = self.status_of(id)?;
        if !before.is_inactive() {
            return Err(OrgError::WrongState(
                "activation failed because the user is already active".to_owned(),
            ));
        }
        self.set_status(id, UserStatus::Active);
        let event = if before == UserStatus::Staged {
            "user.lifecycle.activate"
        } else {
            "user.lifecycle.reactivate"
        };
        let targets = vec![self.user_target(id)];
        self.record(event, targets);
        self.settle_assignment(id);
        Ok(())
    }

    /// The same as [`Org::activate`], named as people name it for somebody who had left.
    ///
    /// # Errors
    /// As [`Org::activate`].
    pub fn reactivate(&mut self, id: OktaId) -> Result<(), OrgError> {
        self.activate(id)
    }

    /// ACTIVE → SUSPENDED. No SCIM traffic follows.
    ///
    /// # Errors
    /// `NotFound`, or `WrongState` unless the user is active.
    pub fn suspend(&mut self, id: OktaId) -> Result<(), OrgError> {
        if self.status_of(id)? != UserStatus::Active {
            return Err(OrgError::WrongState(
                "cannot suspend a user that is not active".to_owned(),
            ));
        }
        self.set_status(id, UserStatus::Suspended);
        let targets = vec![self.user_target(id)];
        self.record("user.lifecycle.suspend", targets);
        Ok(())
    }

    /// SUSPENDED → ACTIVE.
    ///
    /// # Errors
    /// `NotFound`, or `WrongState` unless the user is suspended.
    pub fn unsuspend(&mut self, id: OktaId) -> Result<(), OrgError> {
        if self.status_of(id)? != UserStatus::Suspended {
            return Err(OrgError::WrongState(
                "cannot unsuspend a user that is not suspended".to_owned(),
            ));
        }
        self.set_status(id, UserStatus::Active);
        let targets = vec![self.user_target(id)];
        self.record("user.lifecycle.unsuspend", targets);
        Ok(())
    }

    /// Any status → DEPROVISIONED: memberships stay, assignments end.
    ///
    /// # Errors
    /// `NotFound`, or `WrongState` when already deactivated.
    pub fn deactivate(&mut self, id: OktaId) -> Result<(), OrgError> {
        if self.status_of(id)? == UserStatus::Deprovisioned {
            return Err(OrgError::WrongState(
                "the user is already deactivated".to_owned(),
            ));
        }
        self.set_status(id, UserStatus::Deprovisioned);
        let targets = vec![self.user_target(id)];
        self.record("user.lifecycle.deactivate", targets);
        self.end_assignment_of_deactivated(id);
        Ok(())
    }

    /// Removes a deactivated user for good: no tombstone, no SCIM traffic.
    ///
    /// # Errors
    /// `NotFound`, or `WrongState` unless deactivated first.
    pub fn delete_user(&mut self, id: OktaId) -> Result<(), OrgError> {
        if self.status_of(id)? != UserStatus::Deprovisioned {
            return Err(OrgError::WrongState(
                "only a deactivated user can be deleted".to_owned(),
            ));
        }
        let target = self.user_target(id);
        self.record("user.lifecycle.delete.initiated", vec![target.clone()]);
        for group in self.group_ids_of(id) {
            self.drop_edge(group, id);
        }
        self.app_users.remove(&id);
        if let Some(user) = self.users.remove(&id) {
            self.logins
                .remove(&user.get().profile.login().to_ascii_lowercase());
        }
        self.record("user.lifecycle.delete.completed", vec![target]);
        Ok(())
    }

    /// Sets a status that comes of sign-ins (LOCKED_OUT, PASSWORD_EXPIRED, RECOVERY, PROVISIONED, ACTIVE), not of
    /// an admin's act.
    ///
    /// # Errors
    /// `NotFound`; `WrongState` when it would take an admin's act.
    pub fn set_sign_in_status(&mut self, id: OktaId, status: UserStatus) -> Result<(), OrgError> {
        let before = self.status_of(id)?;
        if [before, status]
            .iter()
            .any(|status| status.is_inactive() || *status == UserStatus::Suspended)
        {
            return Err(OrgError::WrongState("not by signing in".to_owned()));
        }
        self.set_status(id, status);
        Ok(())
    }

    /// Deletes whoever has this login and makes a new account under it: the old name, another person.
    ///
    /// # Errors
    /// As [`Org::create_user`]; `NotFound` when nobody has the login.
    pub fn recreate_user(&mut self, login: &str) -> Result<OktaId, OrgError> {
        let old = self
            .user_by_login(login)
            .ok_or_else(|| OrgError::NotFound(login.to_owned()))?
            .clone();
        if old.status != UserStatus::Deprovisioned {
            self.deactivate(old.id)?;
        }
        self.delete_user(old.id)?;
        self.create_user(old.profile, true)
    }

    pub(super) fn status_of(&self, id: OktaId) -> Result<UserStatus, OrgError> {
        self.user(id)
            .map(|user| user.status)
            .ok_or_else(|| missing(id))
    }

    fn set_status(&mut self, id: OktaId, status: UserStatus) {
        let now = self.now();
        self.change_user(id, |user| {
            user.status = status;
            user.status_changed = now;
            if status == UserStatus::Active {
                user.activated = user.activated.or(Some(now));
            }
        });
    }

    fn change_user(&mut self, id: OktaId, change: impl FnOnce(&mut User)) {
        let (now, lag) = (self.now(), self.habits.search_lag_ms);
        if let Some(user) = self.users.get_mut(&id) {
            let user = user.change(now, lag);
            change(user);
            user.last_updated = now;
        }
    }
}

pub(super) fn missing(id: OktaId) -> OrgError {
    OrgError::NotFound(format!("{id} (User)"))
}
