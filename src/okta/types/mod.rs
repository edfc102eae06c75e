//! What we read of Okta's objects: only the fields we use, unknown ones ignored (C.2 of Okta's contract: new properties
//! may appear, null ones may be left out), missing required ones refused by name.

mod app;
mod event;
mod group;
mod user;

pub use app::{App, AppId, AppUser, AppUserScope, AppUserStatus, PushMapping, PushStatus};
pub use event::{HookDelivery, LogEvent, Target};
pub use group::{Group, GroupKind};
pub use user::{Member, User, UserStatus};

use std::borrow::Cow;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use crate::model::id::{OktaGroupId, OktaUserId};

/// The Okta org itself, from `/.well-known/okta-organization`. R8 remembers its id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Org {
    /// The org's id (`00o…`); it stays when the org's domain changes.
    pub id: String,
    /// `idx` (Identity Engine) or `v1` (Classic).
    #[serde(default)]
    pub pipeline: Option<String>,
}

/// An object that Okta lists.
pub trait Listed: DeserializeOwned + Send + 'static {
    /// What tells this object from the others of its listing.
    fn key(&self) -> &str;
}

/// Reads JSON, naming the path of what is wrong and never quoting a value.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let body = &*storable(body);
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let why = error.into_inner();
        match why.classify() {
            serde_json::error::Category::Data => format!("{path}: {}", data_error(&why)),
            serde_json::error::Category::Eof => format!("cut off after {} bytes", body.len()),
            _ => format!("not JSON (line {}, column {})", why.line(), why.column()),
        }
    })?;
    json.end()
        .map_err(|_| "more follows after the JSON".to_owned())?;
    Ok(value)
}

/// The body with U+FFFD where it has U+0000, which no database text holds: one name in Okta must not end every run. JSON
/// has that character as an escape only.
fn storable(body: &[u8]) -> Cow<'_, [u8]> {
    const NUL: &[u8] = b"\\u0000";
    if !body.windows(NUL.len()).any(|part| part == NUL) {
        return Cow::Borrowed(body);
    }
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(NUL) {
            out.extend_from_slice(b"\\ufffd");
            rest = after;
        } else if let (b'\\', Some((second, after))) = (first, after.split_first()) {
            // An escaped backslash does not begin another escape.
            out.extend([*first, *second]);
            rest = after;
        } else {
            out.push(*first);
            rest = after;
        }
    }
    Cow::Owned(out)
}

/// Serde's own text where it names a field, else only the position: its "invalid value" texts quote the value.
fn data_error(why: &serde_json::Error) -> String {
    let text = why.to_string();
    match text.split_once(" at line ") {
        Some((what, _)) if what.starts_with("missing field") || what.starts_with("not an ") => {
            what.to_owned()
        }
        _ => "of an unexpected type".to_owned(),
    }
}

fn user_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OktaUserId, D::Error> {
    let text = String::deserialize(deserializer)?;
    OktaUserId::parse(&text).ok_or_else(|| D::Error::custom("not an Okta user id"))
}

fn group_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OktaGroupId, D::Error> {
    let text = String::deserialize(deserializer)?;
    OktaGroupId::parse(&text).ok_or_else(|| D::Error::custom("not an Okta group id"))
}

/// A closed list of Okta's words plus whatever Okta adds later.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Deserialize)]
        #[serde(from = "String")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
            /// A word this version does not know.
            Other(String),
        }

        impl $name {
            /// The word as Okta writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)*
                    _ => Self::Other(word),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
use words;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Group, Org, User, read};

    #[test]
    fn a_missing_required_field_is_named_with_its_path() {
        let why =
            read::<Vec<User>>(br#"[{"id":"00u1","status":"ACTIVE","profile":{}}]"#).unwrap_err();
        assert_eq!(why, "[0].profile: missing field `login`");
        let why = read::<Org>(b"{}").unwrap_err();
        assert_eq!(why, ".: missing field `id`");
    }

    #[test]
    fn r8_a_cut_off_body_is_an_error() {
        let whole = br#"[{"id":"00g1","type":"OKTA_GROUP","profile":{"name":"a"}}]"#;
        assert!(read::<Vec<Group>>(whole).is_ok());
        for cut in 0..whole.len() {
            assert!(read::<Vec<Group>>(&whole[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn what_no_store_can_hold_is_replaced_and_nothing_else() {
        let body = br#"{"id":"00g1","type":"OKTA_GROUP","profile":{"name":"a\u0000b\\u0000c\\\u0000\"\u00000"}}"#;
        let group: Group = read(body).unwrap();
        assert_eq!(group.name, "a\u{fffd}b\\u0000c\\\u{fffd}\"\u{fffd}0");
    }

    #[test]
    fn a_value_is_never_quoted() {
        let why = read::<Vec<User>>(br#"[{"id":"se/cret","status":"ACTIVE"}]"#).unwrap_err();
        assert_eq!(why, "[0].id: not an Okta user id");
        let why = read::<Vec<User>>(br#"{"id":"secret"}"#).unwrap_err();
        assert!(!why.contains("secret"), "{why}");
    }
}
