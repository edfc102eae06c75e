//! Ids: each kind its own type, so that one is never taken for another.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::random::Random;
use super::time::Timestamp;

// Ids are shared when they are cloned: a plan of a million edges names one group a million times.
macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from).map(Self::stored)
            }
        }
    };
}

macro_rules! own_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        as_text!($name);

        impl $name {
            /// A new id: a UUID version 7, so that ids made later sort later.
            pub fn new(now: Timestamp, random: &dyn Random) -> Self {
                Self(uuid_v7(now, random).into())
            }

            /// Reads an id that came from outside: `None` unless it is a lower-case UUID. What is no id names nothing,
            /// so the answer to it is 404.
            pub fn parse(text: &str) -> Option<Self> {
                let id = uuid::Uuid::try_parse(text).ok()?;
                let canonical = id.hyphenated().to_string();
                (canonical == text).then(|| Self(canonical.into()))
            }

            /// An id read back from the store.
            pub(crate) fn stored(text: String) -> Self {
                Self(text.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

own_id!(
    /// A user, by our id (SCIM `id`).
    UserId
);
own_id!(
    /// An IdP group, by our id (SCIM `id`).
    GroupId
);
own_id!(
    /// A team.
    TeamId
);
own_id!(
    /// A mapping of an IdP group to a team.
    MappingId
);
own_id!(
    /// A run of the poller, or the open list of withheld pushes (R9).
    RunId
);
own_id!(
    /// A row of a log: audit, SCIM requests, the guard's window.
    AuditId
);
own_id!(
    /// An access token's row (never the token).
    TokenId
);

fn uuid_v7(now: Timestamp, random: &dyn Random) -> String {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    let ms = u64::try_from(now.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(ms, &bytes)
        .into_uuid()
        .hyphenated()
        .to_string()
}

/// A user's id in Okta: `00u` and 17 letters or digits in production, but Okta promises no shape, so any short token
/// of letters, digits, `-` and `_` is taken from the Management API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OktaUserId(Arc<str>);

/// A group's id in Okta (`00g…`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OktaGroupId(Arc<str>);

impl OktaUserId {
    /// The Okta user id in a SCIM `externalId`, which is one only when it has the shape `00u` + 17 (R11).
    pub fn from_external_id(text: &str) -> Option<Self> {
        let tail = text.strip_prefix("00u")?;
        (tail.len() == 17 && tail.bytes().all(|b| b.is_ascii_alphanumeric()))
            .then(|| Self(text.into()))
    }
}

macro_rules! okta_id {
    ($name:ident) => {
        as_text!($name);

        impl $name {
            /// Reads an id the Management API gave; `None` when it could not stand in a URL path as it is.
            pub fn parse(text: &str) -> Option<Self> {
                let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
                (!text.is_empty() && text.len() <= 64 && text.bytes().all(plain))
                    .then(|| Self(text.into()))
            }

            /// An id read back from the store.
            pub(crate) fn stored(text: String) -> Self {
                Self(text.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

okta_id!(OktaUserId);
okta_id!(OktaGroupId);

#[cfg(test)]
mod tests {
    use super::{OktaUserId, UserId};
    use crate::model::random::SeededRandom;
    use crate::model::time::Timestamp;

    #[test]
    fn r11_only_00u_and_17_is_an_okta_id_in_an_external_id() {
        assert!(OktaUserId::from_external_id("00uq3v9m2LxExample69").is_some());
        for other in [
            "1",
            "00u",
            "00uq3v9m2LxExample697x",
            "00gq3v9m2LxExample69",
            "00uq3v9m2LxExample6-",
            "",
        ] {
            assert_eq!(OktaUserId::from_external_id(other), None, "{other}");
        }
    }

    #[test]
    fn an_id_from_outside_is_a_lower_case_uuid_or_nothing() {
        let id = UserId::new(Timestamp::from_millis(1), &SeededRandom::new(1));
        assert_eq!(UserId::parse(id.as_str()), Some(id.clone()));
        for other in [
            "00919288221112222",
            "",
            "1",
            "{}",
            &id.as_str().to_uppercase(),
        ] {
            assert_eq!(UserId::parse(other), None, "{other}");
        }
    }
}
