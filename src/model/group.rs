//! An IdP group and its two sides (R17).

use serde::{Deserialize, Serialize};

use super::id::{GroupId, OktaGroupId};
use super::time::Timestamp;

/// What joined the two sides of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinedBy {
    /// Okta's group-push mapping (R17 a).
    PushMapping,
    /// The same name at first sight (R17 b).
    Name,
    /// An admin (R17 c).
    Admin,
}

impl JoinedBy {
    /// The name, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PushMapping => "push_mapping",
            Self::Name => "name",
            Self::Admin => "admin",
        }
    }

    /// The cause of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::PushMapping, Self::Name, Self::Admin]
            .into_iter()
            .find(|cause| cause.as_str() == text)
    }
}

/// The Okta side: a group as the Management API names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OktaSide {
    /// `00g…`.
    pub id: OktaGroupId,
    /// OKTA_GROUP, BUILT_IN, APP_GROUP, or a word Okta added later.
    pub kind: String,
    /// profile.name.
    pub name: String,
    /// profile.description.
    pub description: Option<String>,
    /// The app an APP_GROUP comes from.
    pub source: Option<String>,
    /// When Okta made it.
    pub created_at: Option<Timestamp>,
}

impl OktaSide {
    /// Whether names may join or bind it: an APP_GROUP needs an admin (R17).
    pub fn binds_by_name(&self) -> bool {
        matches!(self.kind.as_str(), "OKTA_GROUP" | "BUILT_IN")
    }
}

/// An IdP group as stored. With neither side it is gone and kept only for its mappings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdpGroup {
    /// Our id, the SCIM id of its SCIM side.
    pub id: GroupId,
    /// Order of creation.
    pub seq: i64,
    /// Whether it has a SCIM side.
    pub scim: bool,
    /// The SCIM side's displayName, as sent.
    pub scim_name: Option<String>,
    /// SCIM `externalId`, as sent.
    pub external_id: Option<String>,
    /// Extensions the SCIM side was given, one JSON object.
    pub resource: String,
    /// The Okta side.
    pub okta: Option<OktaSide>,
    /// When its members were last read whole from Okta; `None`: never, so unknown.
    pub members_read_at: Option<Timestamp>,
    /// What joined its sides.
    pub joined_by: Option<JoinedBy>,
    /// An admin parted it: names do not join it again.
    pub parted: bool,
    /// How many edges it has.
    pub member_count: i64,
    /// meta.created.
    pub created_at: Timestamp,
    /// meta.lastModified.
    pub updated_at: Timestamp,
    /// The version behind the ETag.
    pub version: i64,
}

impl IdpGroup {
    /// The name mappings bind by and `/api/v1` shows: Okta's where there is an Okta side (R17).
    pub fn name(&self) -> &str {
        match &self.okta {
            Some(side) => &side.name,
            None => self.scim_name.as_deref().unwrap_or_default(),
        }
    }

    /// Whether neither side is left.
    pub fn gone(&self) -> bool {
        !self.scim && self.okta.is_none()
    }
}
