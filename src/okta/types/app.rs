//! The app: its users and what it pushes.

use std::fmt;

use serde::Deserialize;
use serde::de::Error as _;

use super::{Listed, words};
use crate::model::id::{OktaGroupId, OktaUserId};
use crate::model::time::Timestamp;

/// An app's id (`0oa…`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AppId(String);

impl AppId {
    /// Reads an app id; `None` when it could not stand in a URL path as it is.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (!text.is_empty() && text.len() <= 64 && text.bytes().all(plain))
            .then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AppId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not an Okta app id"))
    }
}

/// An app, as `check --online` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// What the admin called it.
    pub label: Option<String>,
    /// `ACTIVE` or `INACTIVE`.
    pub status: Option<String>,
}

/// A user's assignment to an app.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct AppUser {
    /// Okta's id of the user.
    pub id: OktaUserId,
    /// The assignment's status (R16).
    pub status: AppUserStatus,
    /// What the provisioned app calls the user: our id, when SCIM made him (R11).
    pub external_id: Option<String>,
    /// Whether he was assigned himself or through a group.
    pub scope: Option<AppUserScope>,
    /// The name he has in the app (SCIM's userName).
    pub user_name: Option<String>,
    /// When the assignment changed.
    pub last_updated: Option<Timestamp>,
    /// When its status changed.
    pub status_changed: Option<Timestamp>,
    /// How provisioning stands: `SYNCHRONIZED`, `ERROR`, `OUT_OF_SYNC`, `SYNCING`, `DISABLED`.
    pub sync_state: Option<String>,
}

impl Listed for AppUser {
    fn key(&self) -> &str {
        self.id.as_str()
    }
}

words! {
    /// How somebody came to the app.
    AppUserScope {
        /// Assigned himself.
        User = "USER",
        /// Through a group.
        Group = "GROUP",
    }
}

words! {
    /// The status of an assignment: Okta's 13 words.
    AppUserStatus {
        /// `ACTIVE`.
        Active = "ACTIVE",
        /// `APPROVED`.
        Approved = "APPROVED",
        /// `DEPROVISIONED`.
        Deprovisioned = "DEPROVISIONED",
        /// `IMPLICIT`.
        Implicit = "IMPLICIT",
        /// `IMPORTED`.
        Imported = "IMPORTED",
        /// `INACTIVE`.
        Inactive = "INACTIVE",
        /// `MATCHED`.
        Matched = "MATCHED",
        /// `PENDING`.
        Pending = "PENDING",
        /// `PROVISIONED`.
        Provisioned = "PROVISIONED",
        /// `REVOKED`.
        Revoked = "REVOKED",
        /// `STAGED`.
        Staged = "STAGED",
        /// `SUSPENDED`.
        Suspended = "SUSPENDED",
        /// `UNASSIGNED`.
        Unassigned = "UNASSIGNED",
    }
}

impl AppUserStatus {
    /// Whether it means that the user is assigned (R16); `None` for a word this version does not know, which is unknown.
    pub const fn assigned(&self) -> Option<bool> {
        match self {
            Self::Active
            | Self::Approved
            | Self::Implicit
            | Self::Pending
            | Self::Provisioned
            | Self::Staged
            | Self::Suspended => Some(true),
            Self::Deprovisioned
            | Self::Imported
            | Self::Inactive
            | Self::Matched
            | Self::Revoked
            | Self::Unassigned => Some(false),
            Self::Other(_) => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(deserialize_with = "super::user_id")]
    id: OktaUserId,
    status: AppUserStatus,
    external_id: Option<String>,
    scope: Option<AppUserScope>,
    credentials: Option<Credentials>,
    last_updated: Option<Timestamp>,
    status_changed: Option<Timestamp>,
    sync_state: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    user_name: Option<String>,
}

impl From<Wire> for AppUser {
    fn from(wire: Wire) -> Self {
        Self {
            id: wire.id,
            status: wire.status,
            external_id: wire.external_id.filter(|id| !id.is_empty()),
            scope: wire.scope,
            user_name: wire
                .credentials
                .and_then(|credentials| credentials.user_name),
            last_updated: wire.last_updated,
            status_changed: wire.status_changed,
            sync_state: wire.sync_state,
        }
    }
}

/// A group that an app pushes: R17 joins the source group and the SCIM group with the target's name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushMapping {
    /// The mapping's id (`gPm…`).
    pub id: String,
    /// The group that is pushed.
    #[serde(deserialize_with = "super::group_id")]
    pub source_group_id: OktaGroupId,
    /// The APP_GROUP that stands for our SCIM group; its name is the SCIM group's.
    #[serde(default, deserialize_with = "target")]
    pub target_group_id: Option<OktaGroupId>,
    /// How it stands.
    pub status: PushStatus,
    /// Why it is in error.
    pub error_summary: Option<String>,
    /// The target's name, where Okta tells.
    pub target_group_name: Option<String>,
    /// When it changed.
    pub last_updated: Option<Timestamp>,
}

impl Listed for PushMapping {
    fn key(&self) -> &str {
        &self.id
    }
}

words! {
    /// How a group push stands.
    PushStatus {
        /// Pushed.
        Active = "ACTIVE",
        /// Deactivated; nothing is pushed.
        Inactive = "INACTIVE",
        /// The last push failed.
        Error = "ERROR",
    }
}

fn target<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<OktaGroupId>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.filter(|text| !text.is_empty())
        .map(|text| {
            OktaGroupId::parse(&text).ok_or_else(|| D::Error::custom("not an Okta group id"))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{AppUser, AppUserStatus, PushMapping, PushStatus};
    use crate::okta::types::read;

    #[test]
    fn r16_which_words_mean_assigned() {
        let of = |word: &str| AppUserStatus::from(word.to_owned()).assigned();
        for word in [
            "ACTIVE",
            "APPROVED",
            "IMPLICIT",
            "PENDING",
            "PROVISIONED",
            "STAGED",
            "SUSPENDED",
        ] {
            assert_eq!(of(word), Some(true), "{word}");
        }
        for word in [
            "DEPROVISIONED",
            "IMPORTED",
            "INACTIVE",
            "MATCHED",
            "REVOKED",
            "UNASSIGNED",
        ] {
            assert_eq!(of(word), Some(false), "{word}");
        }
        assert_eq!(of("SOMETHING"), None);
    }

    #[test]
    fn an_app_user_carries_our_id_and_its_name() {
        let user: AppUser = read(
            br#"{"id":"00u1","externalId":"9f2c","created":"2026-01-02T03:04:05.000Z","scope":"GROUP","status":"PROVISIONED",
                "syncState":"SYNCHRONIZED","credentials":{"userName":"m@x"},"profile":{"x":1}}"#,
        )
        .unwrap();
        assert_eq!(
            (user.external_id.as_deref(), user.user_name.as_deref()),
            (Some("9f2c"), Some("m@x"))
        );
    }

    #[test]
    fn a_push_mapping_may_have_no_target_yet() {
        let mapping: PushMapping =
            read(br#"{"id":"gPm1","sourceGroupId":"00g1","targetGroupId":null,"status":"ERROR","errorSummary":"x"}"#).unwrap();
        assert_eq!(
            (mapping.target_group_id, mapping.status),
            (None, PushStatus::Error)
        );
    }
}
