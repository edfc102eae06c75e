//! A change to the mirror.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::model::group::OktaSide;
use crate::model::id::{GroupId, OktaGroupId, OktaUserId, UserId};
use crate::model::time::Timestamp;
use crate::model::user::OktaStatus;

/// The profile of an Okta user, as far as the poll owns it (R18).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// userName: the name in the app where there is one, else Okta's login.
    pub user_name: String,
    /// The primary e-mail; never a key (R18).
    pub email: Option<String>,
    /// `name.givenName`.
    pub given_name: Option<String>,
    /// `name.familyName`.
    pub family_name: Option<String>,
    /// `displayName`.
    pub display_name: Option<String>,
}

impl Person {
    /// The SCIM attributes this profile stands for, always in the same order, so that equal profiles are equal texts.
    pub fn attributes(&self) -> Map<String, Value> {
        let mut attributes = Map::new();
        let mut name = Map::new();
        if let Some(given) = &self.given_name {
            name.insert("givenName".to_owned(), json!(given));
        }
        if let Some(family) = &self.family_name {
            name.insert("familyName".to_owned(), json!(family));
        }
        if !name.is_empty() {
            attributes.insert("name".to_owned(), Value::Object(name));
        }
        if let Some(display) = &self.display_name {
            attributes.insert("displayName".to_owned(), json!(display));
        }
        if let Some(email) = &self.email {
            let emails = json!([{ "value": email, "type": "work", "primary": true }]);
            attributes.insert("emails".to_owned(), emails);
        }
        attributes
    }

    /// [`attributes`](Self::attributes) as stored.
    pub fn resource(&self) -> String {
        Value::Object(self.attributes()).to_string()
    }
}

/// What gives a row to a new person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebind {
    /// The row.
    pub user: UserId,
    /// The Okta id it had.
    pub from: OktaUserId,
    /// The Okta id it gets.
    pub okta_id: OktaUserId,
    /// The new person's profile.
    pub person: Person,
    /// His status.
    pub status: Option<OktaStatus>,
    /// Whether he is entitled.
    pub entitled: bool,
}

/// A change to the mirror. What is large is kept apart, so that a million edges fit in memory. Stored as JSON with the run that found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Change {
    /// A group of Okta's that is not known here.
    CreateGroup {
        /// The Okta side.
        okta: Box<OktaSide>,
    },
    /// A group's name, description or type.
    UpdateGroup {
        /// The group.
        group: GroupId,
        /// The Okta side as it is now.
        okta: Box<OktaSide>,
    },
    /// Okta has the group no more; its edges go along (R17).
    OktaSideGone {
        /// The group.
        group: GroupId,
        /// Its id in Okta.
        okta_id: OktaGroupId,
        /// Its name when it was last seen.
        name: String,
    },
    /// The two sides of one group are joined, as Okta's push mapping says (R17 a).
    JoinGroups {
        /// The group with the SCIM side, which stays.
        scim: GroupId,
        /// The group with the Okta side.
        source: GroupId,
        /// The name under which Okta pushes it.
        name: String,
    },
    /// Somebody is a member.
    AddEdge {
        /// The group.
        group: GroupId,
        /// Its id in Okta.
        okta_group: OktaGroupId,
        /// Who, by member key: his Okta id, or our id where SCIM named somebody who has none.
        member: String,
    },
    /// Somebody is no member.
    RemoveEdge {
        /// The group.
        group: GroupId,
        /// Its id in Okta.
        okta_group: OktaGroupId,
        /// Who, by member key: his Okta id, or our id where SCIM named somebody who has none.
        member: String,
    },
    /// A user of the population who is missing here (R16).
    CreateUser {
        /// His id in Okta.
        okta_id: OktaUserId,
        /// His profile.
        person: Box<Person>,
        /// His status.
        status: Option<OktaStatus>,
    },
    /// A user without an Okta id turns out to be this one (R11, R7).
    BindUser {
        /// The user.
        user: UserId,
        /// His id in Okta.
        okta_id: OktaUserId,
        /// His status. One that would end his activity waits for the guard, or for the next run (R9).
        status: Option<OktaStatus>,
    },
    /// An account made anew under an old name takes over the row of an inactive user, as a new person (R11).
    Rebind(Box<Rebind>),
    /// A row only the poll made gives way to the row SCIM made (R11).
    MoveOktaId {
        /// The poll's row, deleted.
        from: UserId,
        /// SCIM's row.
        to: UserId,
        /// The Okta id that moves.
        okta_id: OktaUserId,
    },
    /// The profile of a user the poll owns (R18).
    UpdateProfile {
        /// The user.
        user: UserId,
        /// His id in Okta.
        okta_id: OktaUserId,
        /// His profile as it is now.
        person: Box<Person>,
    },
    /// Okta's status.
    SetStatus {
        /// Whose.
        okta_id: OktaUserId,
        /// The status.
        status: OktaStatus,
    },
    /// Assigned to the app, or not (R13, R16).
    SetEntitled {
        /// Whose.
        okta_id: OktaUserId,
        /// Whether he is.
        entitled: bool,
    },
    /// In no mapped group for too long (R16).
    DeactivateLeaver {
        /// Who.
        okta_id: OktaUserId,
    },
    /// Back in a mapped group (R16).
    ReturnLeaver {
        /// Who.
        okta_id: OktaUserId,
    },
}

/// A change's [key](Change::key), shortened, so that a run can keep those of a million changes: SHA-256, of which 128 bits
/// tell any two keys apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Of a key.
    pub fn of(key: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        Self(digest.first_chunk().copied().unwrap_or_default())
    }
}

/// What must be known again before a held change may be dropped (R8, R9).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Object {
    /// A user in Okta's directory: existence, status, profile.
    User(OktaUserId),
    /// His assignment to the app.
    Assignment(OktaUserId),
    /// Whether he is in a mapped group.
    Leaver(OktaUserId),
    /// A group in Okta.
    Group(OktaGroupId),
    /// A group's members.
    Members(GroupId),
}

impl Change {
    /// Names the change, whichever run finds it, so that a held or muted one is known again (R9).
    pub fn key(&self) -> String {
        match self {
            Self::CreateGroup { okta } => format!("group+:{}", okta.id),
            Self::UpdateGroup { okta, .. } => format!("group:{}", okta.id),
            Self::OktaSideGone { okta_id, .. } => format!("group-:{okta_id}"),
            Self::JoinGroups { scim, source, .. } => format!("join:{scim}:{source}"),
            Self::AddEdge { group, member, .. } => format!("edge+:{group}:{member}"),
            Self::RemoveEdge { group, member, .. } => format!("edge-:{group}:{member}"),
            Self::CreateUser { okta_id, .. } => format!("user+:{okta_id}"),
            Self::BindUser { user, okta_id, .. } => format!("bind:{user}:{okta_id}"),
            Self::Rebind(rebind) => format!("rebind:{}:{}", rebind.user, rebind.okta_id),
            Self::MoveOktaId { to, okta_id, .. } => format!("move:{to}:{okta_id}"),
            Self::UpdateProfile { okta_id, .. } => format!("profile:{okta_id}"),
            Self::SetStatus { okta_id, status } => {
                format!("status:{okta_id}:{}", status.as_str())
            }
            Self::SetEntitled { okta_id, entitled } => format!("entitled:{okta_id}:{entitled}"),
            Self::DeactivateLeaver { okta_id } => format!("leaver:{okta_id}"),
            Self::ReturnLeaver { okta_id } => format!("returned:{okta_id}"),
        }
    }

    /// What it is about.
    pub fn object(&self) -> Object {
        match self {
            Self::CreateGroup { okta } | Self::UpdateGroup { okta, .. } => {
                Object::Group(okta.id.clone())
            }
            Self::OktaSideGone { okta_id, .. } => Object::Group(okta_id.clone()),
            Self::AddEdge { group, .. }
            | Self::RemoveEdge { group, .. }
            | Self::JoinGroups { scim: group, .. } => Object::Members(group.clone()),
            Self::SetEntitled { okta_id, .. } => Object::Assignment(okta_id.clone()),
            Self::DeactivateLeaver { okta_id } | Self::ReturnLeaver { okta_id } => {
                Object::Leaver(okta_id.clone())
            }
            Self::CreateUser { okta_id, .. }
            | Self::BindUser { okta_id, .. }
            | Self::MoveOktaId { okta_id, .. }
            | Self::UpdateProfile { okta_id, .. }
            | Self::SetStatus { okta_id, .. } => Object::User(okta_id.clone()),
            Self::Rebind(rebind) => Object::User(rebind.okta_id.clone()),
        }
    }
}

/// A change as a run found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// What.
    pub change: Change,
    /// Whether it takes something away: a user made inactive, an edge removed, an Okta side gone. Only these are held (R9).
    pub takes: bool,
    /// When its object was read, by the store's clock (R7).
    pub observed_at: Timestamp,
    /// Why, in words.
    pub reason: Cow<'static, str>,
}

impl Planned {
    /// A change that gives or updates.
    pub fn give(change: Change, at: Timestamp, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            change,
            takes: false,
            observed_at: at,
            reason: reason.into(),
        }
    }

    /// A change that takes something away.
    pub fn take(change: Change, at: Timestamp, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            takes: true,
            ..Self::give(change, at, reason)
        }
    }
}

/// What a run came to know (R8), for the held plan: objects that are not in here are left as they are.
#[derive(Debug, Default)]
pub struct Known {
    /// Users read in Okta's directory, or confirmed to be gone.
    pub users: HashSet<OktaUserId>,
    /// Assignments read, or confirmed to be gone.
    pub assignments: HashSet<OktaUserId>,
    /// Groups read, or confirmed to be gone.
    pub groups: HashSet<OktaGroupId>,
    /// Groups whose members came whole, or who are gone.
    pub members: HashSet<GroupId>,
    /// The members of every mapped group are known, so leavers are.
    pub leavers: bool,
}

impl Known {
    /// Whether the run came to know this.
    pub fn covers(&self, object: &Object) -> bool {
        match object {
            Object::User(id) => self.users.contains(id),
            Object::Assignment(id) => self.assignments.contains(id),
            Object::Leaver(_) => self.leavers,
            Object::Group(id) => self.groups.contains(id),
            Object::Members(id) => self.members.contains(id),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Change, Fingerprint, Person, Planned};
    use crate::model::id::OktaUserId;
    use crate::model::user::OktaStatus;

    #[test]
    fn a_change_survives_being_stored() {
        let change = Change::SetStatus {
            okta_id: OktaUserId::parse("00u1").unwrap(),
            status: OktaStatus::new("SUSPENDED"),
        };
        let text = serde_json::to_string(&change).unwrap();
        assert_eq!(
            text,
            r#"{"do":"set_status","okta_id":"00u1","status":"SUSPENDED"}"#
        );
        assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), change);
        assert_eq!(change.key(), "status:00u1:SUSPENDED");
    }

    #[test]
    fn a_million_takings_fit_into_the_memory_of_the_unit() {
        assert!(size_of::<Planned>() <= 104, "{}", size_of::<Planned>());
        assert_ne!(Fingerprint::of("edge-:g:1"), Fingerprint::of("edge-:g:2"));
    }

    #[test]
    fn equal_people_are_equal_texts() {
        let person = Person {
            user_name: "m@x".to_owned(),
            email: Some("m@x".to_owned()),
            given_name: Some("M".to_owned()),
            family_name: None,
            display_name: None,
        };
        assert_eq!(
            person.resource(),
            r#"{"name":{"givenName":"M"},"emails":[{"value":"m@x","type":"work","primary":true}]}"#
        );
    }
}
