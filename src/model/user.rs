//! A person, and the three facts that say whether he is active (R13).

use serde::{Deserialize, Serialize};

use super::id::{OktaUserId, UserId};
use super::time::Timestamp;

/// Where a user came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// By SCIM, a poll or Okta sign-in.
    Okta,
    /// Invited here.
    Local,
}

impl Origin {
    /// The origin's name, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Okta => "okta",
            Self::Local => "local",
        }
    }

    /// The origin of that name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "okta" => Some(Self::Okta),
            "local" => Some(Self::Local),
            _ => None,
        }
    }
}

/// A user's status in Okta. Only the Management API sets it; not known (`None` beside it) allows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OktaStatus(String);

impl OktaStatus {
    /// What a read by id that answered 404 says: the user is gone.
    pub const DELETED: &'static str = "DELETED";

    /// The status of that name, kept as Okta wrote it.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The status that a confirmed 404 gives.
    pub fn deleted() -> Self {
        Self(Self::DELETED.to_owned())
    }

    /// The status as Okta wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a user with this status may be active. STAGED, SUSPENDED, DEPROVISIONED and deleted may not;
    /// ACTIVATING is transitional and never set; a word Okta adds later is unknown, and unknown allows.
    pub fn allows(&self) -> bool {
        !matches!(
            self.0.as_str(),
            "STAGED" | "SUSPENDED" | "DEPROVISIONED" | Self::DELETED
        )
    }

    /// Whether this status ends tokens for good: every cause but suspension does (R13).
    pub fn revokes_tokens(&self) -> bool {
        !self.allows() && self.0 != "SUSPENDED"
    }
}

/// The facts of R13, kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Set by SCIM's `active` and, with `app_id`, by the app user the poll reads.
    pub entitled: bool,
    /// Okta's status; `None` is unknown.
    pub status: Option<OktaStatus>,
    /// An admin here blocked him, for emergencies.
    pub blocked: bool,
}

impl Facts {
    /// Whether these facts make a user active, withheld rows apart.
    pub fn active(&self) -> bool {
        !self.blocked && self.entitled && self.status.as_ref().is_none_or(OktaStatus::allows)
    }

    /// Whether this status would make who is active by these facts inactive.
    pub fn ended_by(&self, status: &OktaStatus) -> bool {
        self.active() && !status.allows()
    }
}

/// A user as stored. Only the columns that decide something are fields; the SCIM attributes stay in `resource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Our id.
    pub id: UserId,
    /// Order of creation.
    pub seq: i64,
    /// Where he came from.
    pub origin: Origin,
    /// Whether SCIM has spoken of him and may see him (R12).
    pub scim: bool,
    /// His id in Okta, where known (R11).
    pub okta_id: Option<OktaUserId>,
    /// userName as sent.
    pub user_name: String,
    /// SCIM `externalId` as sent.
    pub external_id: Option<String>,
    /// The SCIM attributes as sent, one JSON object (without id, meta, active, groups, password).
    pub resource: String,
    /// The facts of R13.
    pub facts: Facts,
    /// Invited, not yet accepted.
    pub pending: bool,
    /// The effect of the facts and of withheld rows, as stored.
    pub active: bool,
    /// SCIM deleted him and R5 keeps the row (R12).
    pub deleting: bool,
    /// meta.created.
    pub created_at: Timestamp,
    /// meta.lastModified.
    pub updated_at: Timestamp,
    /// The version behind the ETag.
    pub version: i64,
}

impl User {
    /// What edges call him: his Okta id, else our id (R11, R15).
    pub fn member_key(&self) -> &str {
        self.okta_id
            .as_ref()
            .map_or(self.id.as_str(), OktaUserId::as_str)
    }

    /// Whether somebody is active by this row, by its facts or because a withheld row keeps him (R5, R9).
    pub fn is_in_use(&self) -> bool {
        self.active || self.facts.active()
    }

    /// Whether the Okta id may go from this row to one of SCIM's that the app names (R11): the poll's own row gives way,
    /// one of SCIM's as a bound one is given up, while nobody is active by it.
    pub fn gives_way(&self) -> bool {
        !self.scim || !(self.is_in_use() || self.deleting)
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, OktaStatus};

    #[test]
    fn r13_active_is_entitled_not_blocked_and_a_status_that_allows() {
        let facts = |entitled, status: Option<&str>, blocked| Facts {
            entitled,
            status: status.map(OktaStatus::new),
            blocked,
        };
        for allowing in [
            None,
            Some("ACTIVE"),
            Some("PROVISIONED"),
            Some("PASSWORD_EXPIRED"),
            Some("RECOVERY"),
            Some("LOCKED_OUT"),
        ] {
            assert!(facts(true, allowing, false).active(), "{allowing:?}");
            assert!(!facts(false, allowing, false).active());
            assert!(!facts(true, allowing, true).active());
        }
        for refusing in ["STAGED", "SUSPENDED", "DEPROVISIONED", "DELETED"] {
            assert!(!facts(true, Some(refusing), false).active(), "{refusing}");
        }
        assert!(!OktaStatus::new("SUSPENDED").revokes_tokens());
        assert!(OktaStatus::new("DEPROVISIONED").revokes_tokens());
    }
}
