//! Who may call the Management API: SSWS tokens, OAuth service apps, admin roles and scopes.

mod bearer;
pub(super) mod jose;
mod proof;
mod token;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

pub(super) use bearer::bearer;
pub(super) use token::{OAuthError, client_credentials};

use super::api::ApiError;
use super::org::{Group, GroupType, OktaId, Org};
use crate::model::time::Timestamp;

/// What an admin role lets its bearer see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Everything, writes included.
    SuperAdmin,
    /// Everything, read only.
    ReadOnly,
    /// These groups and their members only. The rest is left out of answers without a word, as is
    /// "Everyone".
    Groups(BTreeSet<OktaId>),
    /// No role was assigned: a scope without a role is 403.
    None,
}

/// One kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) enum Right {
    ReadGroups,
    WriteGroups,
    ReadUsers,
    WriteUsers,
    ReadApps,
    WriteApps,
    ReadLogs,
    ManageHooks,
}

impl Right {
    fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::ReadGroups => &["okta.groups.read", "okta.groups.manage"],
            Self::WriteGroups => &["okta.groups.manage"],
            Self::ReadUsers => &["okta.users.read", "okta.users.manage"],
            Self::WriteUsers => &["okta.users.manage"],
            Self::ReadApps => &["okta.apps.read", "okta.apps.manage"],
            Self::WriteApps => &["okta.apps.manage"],
            Self::ReadLogs => &["okta.logs.read"],
            Self::ManageHooks => &["okta.eventHooks.manage"],
        }
    }

    fn is_read(self) -> bool {
        matches!(
            self,
            Self::ReadGroups | Self::ReadUsers | Self::ReadApps | Self::ReadLogs
        )
    }
}

/// The caller of one request.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Principal {
    /// What rate limits are counted by.
    pub(in crate::sim) key: String,
    pub(in crate::sim) role: Role,
    /// `None` for SSWS tokens, which have every right of their admin.
    pub(in crate::sim) scopes: Option<Vec<String>>,
}

impl Principal {
    /// # Errors
    /// E0000006 without the scope or the role.
    pub(in crate::sim) fn needs(&self, right: Right) -> Result<(), ApiError> {
        let by_scope = self.scopes.as_ref().is_none_or(|granted| {
            right
                .scopes()
                .iter()
                .any(|scope| granted.iter().any(|granted| granted == scope))
        });
        let by_role = match &self.role {
            Role::SuperAdmin => true,
            Role::ReadOnly => right.is_read(),
            Role::Groups(_) => matches!(right, Right::ReadGroups | Right::ReadUsers),
            Role::None => false,
        };
        if by_scope && by_role {
            Ok(())
        } else {
            Err(ApiError::forbidden())
        }
    }

    pub(in crate::sim) fn sees_group(&self, group: &Group) -> bool {
        match &self.role {
            Role::Groups(seen) => group.kind != GroupType::BuiltIn && seen.contains(&group.id),
            _ => true,
        }
    }

    pub(in crate::sim) fn sees_user(&self, org: &Org, user: OktaId) -> bool {
        match &self.role {
            Role::Groups(seen) => seen.iter().any(|group| {
                org.group(*group)
                    .is_some_and(|group| group.members().contains(&user))
            }),
            _ => true,
        }
    }

    /// The admin an SSWS token belongs to.
    pub(in crate::sim) fn admin_json(&self) -> Option<Value> {
        self.scopes.is_none().then(|| {
            json!({"id": "00uSimulatedAdmin000", "status": "ACTIVE",
                   "profile": {"login": "admin@example.test", "email": "admin@example.test",
                               "firstName": "Org", "lastName": "Admin"}})
        })
    }
}

/// An OAuth service app ("API Services").
#[derive(Debug, Clone)]
pub struct ServiceApp {
    /// Its public keys, as JWKs with `kid`.
    pub keys: Vec<Value>,
    /// The scopes a super admin granted.
    pub scopes: Vec<String>,
    /// Its admin role.
    pub role: Role,
    /// "Require DPoP", on by default for apps made since February 2024.
    pub dpop: bool,
}

/// An access token that was handed out.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) principal: Principal,
    pub(super) expires: Timestamp,
    /// The thumbprint of the DPoP key it is bound to.
    pub(super) thumbprint: Option<String>,
}

/// Everything that lets somebody in.
#[derive(Default)]
pub struct Access {
    pub(super) inner: Mutex<Inner>,
}

#[derive(Default)]
pub(super) struct Inner {
    ssws: HashMap<String, Role>,
    pub(super) apps: HashMap<String, ServiceApp>,
    pub(super) issued: HashMap<String, Issued>,
    /// The nonce in force and the one before, which still works.
    pub(super) nonces: Vec<String>,
    /// `jti` values seen, of assertions and proofs.
    pub(super) seen: BTreeSet<String>,
    pub(super) strict_assertions: bool,
}

impl Access {
    /// Makes `token` an SSWS token of an admin with this role.
    pub fn add_ssws(&self, token: &str, role: Role) {
        self.lock().ssws.insert(token.to_owned(), role);
    }

    /// Ends an SSWS token.
    pub fn revoke_ssws(&self, token: &str) {
        self.lock().ssws.remove(token);
    }

    /// Registers an OAuth service app under its client id.
    pub fn add_service_app(&self, client_id: &str, app: ServiceApp) {
        self.lock().apps.insert(client_id.to_owned(), app);
    }

    /// Changes a registered service app; `None` when there is none of that id. Tokens handed out keep what they were given.
    pub fn change_service_app<T>(
        &self,
        client_id: &str,
        change: impl FnOnce(&mut ServiceApp) -> T,
    ) -> Option<T> {
        self.lock().apps.get_mut(client_id).map(change)
    }

    /// Ends every access token handed out so far.
    pub fn expire_access_tokens(&self) {
        self.lock().issued.clear();
    }

    /// Brings a new nonce into force; the one before still works, older ones do not.
    pub fn rotate_nonce(&self, nonce: &str) {
        let mut inner = self.lock();
        inner.nonces.insert(0, nonce.to_owned());
        inner.nonces.truncate(2);
    }

    /// Uses an assertion up even when the answer is `use_dpop_nonce`. Whether Okta does is not known.
    pub fn set_strict_assertions(&self, strict: bool) {
        self.lock().strict_assertions = strict;
    }

    pub(super) fn ssws(&self, token: &str) -> Option<Principal> {
        let role = self.lock().ssws.get(token)?.clone();
        Some(Principal {
            key: format!("ssws:{token}"),
            role,
            scopes: None,
        })
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
