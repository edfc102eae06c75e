//! The calls, one method each, grouped as Okta's documentation groups them.

mod access;
mod app;
mod groups;
mod users;

pub use access::{Access, Identity};
pub use groups::GroupFilter;
pub use users::UserFilter;

use serde::de::DeserializeOwned;
use url::Url;

use super::client::{Ask, Client, Got};
use super::listing::{Listing, Source};
use super::types::Listed;
use super::{Read, ReadTime};

impl Client {
    fn url(&self, segments: &[&str]) -> Url {
        self.shared.org.at(segments)
    }

    fn url_with(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        self.shared.org.query(segments, query)
    }

    /// Reads one object; Okta's own 404 is [`Read::Gone`].
    async fn read<T: DeserializeOwned>(&self, ask: Ask) -> Read<T> {
        match self.get(&ask).await {
            Ok(Got::Good { answer, at, place }) => match self.parse(&answer, place) {
                Ok(value) => Read::Known { value, at },
                Err(why) => Read::Unknown { why },
            },
            Ok(Got::Gone { at, .. }) => Read::Gone { at },
            Ok(Got::TooLarge(why)) | Err(why) => Read::Unknown { why },
        }
    }

    fn list<T: Listed>(&self, source: Source) -> Listing<T> {
        Listing::new(self.clone(), source)
    }
}

/// Out of what was found under a name: exactly one is it, none is gone, several are unknown.
fn only<T>(mut found: Vec<T>, at: ReadTime, ambiguous: impl FnOnce() -> super::Error) -> Read<T> {
    match (found.pop(), found.is_empty()) {
        (None, _) => Read::Gone { at },
        (Some(value), true) => Read::Known { value, at },
        (Some(_), false) => Read::Unknown { why: ambiguous() },
    }
}

/// A string in a filter expression: quoted as SCIM and JSON do.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
