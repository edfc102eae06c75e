//! Users and members.

use serde::Deserialize;

use super::{Listed, words};
use crate::model::id::OktaUserId;
use crate::model::time::Timestamp;

/// A user of Okta's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct User {
    /// Okta's id (`00u…`), the join key (R11).
    pub id: OktaUserId,
    /// The lifecycle status (R13).
    pub status: UserStatus,
    /// Where an asynchronous change of status is heading, when there is one.
    pub transitioning_to: Option<UserStatus>,
    /// When the status changed.
    pub status_changed: Option<Timestamp>,
    /// When anything changed.
    pub last_updated: Option<Timestamp>,
    /// The sign-in name, unique in the org.
    pub login: String,
    /// The primary e-mail; never a key (R18).
    pub email: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Display name.
    pub display_name: Option<String>,
}

impl Listed for User {
    fn key(&self) -> &str {
        self.id.as_str()
    }
}

/// A member of a group: of the whole user that Okta sends, id and status.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// Okta's id of the user.
    #[serde(deserialize_with = "super::user_id")]
    pub id: OktaUserId,
    /// The lifecycle status; deactivated members stay listed.
    pub status: UserStatus,
}

impl Listed for Member {
    fn key(&self) -> &str {
        self.id.as_str()
    }
}

words! {
    /// A user's lifecycle status.
    UserStatus {
        /// Created, not activated.
        Staged = "STAGED",
        /// Activated, has not completed the set-up.
        Provisioned = "PROVISIONED",
        /// In order.
        Active = "ACTIVE",
        /// Must change the password at the next sign-in.
        PasswordExpired = "PASSWORD_EXPIRED",
        /// A reset is under way.
        Recovery = "RECOVERY",
        /// Too many failed sign-ins; temporary.
        LockedOut = "LOCKED_OUT",
        /// Blocked by an admin; SCIM does not tell.
        Suspended = "SUSPENDED",
        /// Deactivated.
        Deprovisioned = "DEPROVISIONED",
    }
}

impl UserStatus {
    /// Whether the status allows being active here (R13): STAGED, SUSPENDED and DEPROVISIONED do not. `None` for a word
    /// this version does not know, which is unknown (and unknown allows).
    pub const fn allows(&self) -> Option<bool> {
        match self {
            Self::Provisioned
            | Self::Active
            | Self::PasswordExpired
            | Self::Recovery
            | Self::LockedOut => Some(true),
            Self::Staged | Self::Suspended | Self::Deprovisioned => Some(false),
            Self::Other(_) => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(deserialize_with = "super::user_id")]
    id: OktaUserId,
    status: UserStatus,
    transitioning_to_status: Option<UserStatus>,
    status_changed: Option<Timestamp>,
    last_updated: Option<Timestamp>,
    profile: Profile,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    login: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    display_name: Option<String>,
}

impl From<Wire> for User {
    fn from(wire: Wire) -> Self {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            id: wire.id,
            status: wire.status,
            transitioning_to: wire.transitioning_to_status,
            status_changed: wire.status_changed,
            last_updated: wire.last_updated,
            login: wire.profile.login,
            email: some(wire.profile.email),
            first_name: some(wire.profile.first_name),
            last_name: some(wire.profile.last_name),
            display_name: some(wire.profile.display_name),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Member, User, UserStatus};
    use crate::okta::types::read;

    #[test]
    fn r13_what_each_status_allows() {
        for (word, allows) in [
            ("STAGED", Some(false)),
            ("PROVISIONED", Some(true)),
            ("ACTIVE", Some(true)),
            ("PASSWORD_EXPIRED", Some(true)),
            ("RECOVERY", Some(true)),
            ("LOCKED_OUT", Some(true)),
            ("SUSPENDED", Some(false)),
            ("DEPROVISIONED", Some(false)),
            ("ACTIVATING", None),
        ] {
            let status = UserStatus::from(word.to_owned());
            assert_eq!(status.allows(), allows, "{word}");
            assert_eq!(status.as_str(), word);
        }
    }

    #[test]
    fn a_user_and_a_member_are_read_from_the_same_object() {
        let body = br#"{"id":"00u1","status":"SUSPENDED","statusChanged":"2026-01-02T03:04:05.000Z","type":{"id":"x"},
            "transitioningToStatus":"ACTIVE","profile":{"login":"M@x","email":"m@x","firstName":"M","lastName":null,"custom":[1]}}"#;
        let user: User = read(body).unwrap();
        assert_eq!(
            (user.login.as_str(), user.email.as_deref(), user.last_name),
            ("M@x", Some("m@x"), None)
        );
        assert_eq!(user.transitioning_to, Some(UserStatus::Active));
        let member: Member = read(body).unwrap();
        assert_eq!((member.id, member.status), (user.id, user.status));
    }
}
