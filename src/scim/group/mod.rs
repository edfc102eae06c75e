//! A Group: read, patched and given out without ever holding its members as JSON values.
//!
//! A group of 100,000 members is a body of 8 MB; it becomes a list of ids. A PATCH becomes a [`GroupPatch`], a short list
//! of what to do, and that a [`GroupDelta`]: what it comes to, whatever the members are now.

mod delta;
mod members;
mod patch;

use serde_json::{Value, json};

use super::error::ScimError;
use super::json::{self, Object};
use super::size;
use super::user::{is_urn, schemas, without_nulls};
use super::{GROUP_URN, MAX_INDEXED_CHARS, Meta, USER_URN};

pub use delta::{Base, GroupDelta, MemberDelta};
pub use members::MemberRef;
pub use patch::{ExtensionChange, GroupOp, GroupPatch, parse_patch};

/// A Group as received, or as stored without its members.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupDoc {
    /// Its name; never empty.
    pub display_name: String,
    /// The client's own identifier.
    pub external_id: Option<String>,
    /// Its members; none: the request says nothing about them (no `members`, or null). `[]` says that there are none.
    pub members: Option<Vec<MemberRef>>,
    /// Objects of extensions, by URN.
    pub extensions: Object,
}

/// Reads the body of a POST or PUT.
///
/// # Errors
/// 400 `invalidSyntax` for what is no JSON object, 400 `invalidValue` for a missing displayName or a value of a wrong type,
/// 413 over [`size::MAX_RESOURCE_BYTES`].
pub fn parse(body: &[u8]) -> Result<GroupDoc, ScimError> {
    read(json::text(body)?)
}

/// Reads a Group from an object, as the data of a bulk operation is.
///
/// # Errors
/// As [`parse`].
pub fn from_object(object: &Object) -> Result<GroupDoc, ScimError> {
    read(&json!(object).to_string())
}

fn read(text: &str) -> Result<GroupDoc, ScimError> {
    let Some(fields) = json::fields(text)? else {
        return Err(ScimError::invalid_syntax("The body must be a JSON object."));
    };
    let (mut group, mut display_name) = (GroupDoc::default(), None);
    for (name, raw) in fields {
        if name.eq_ignore_ascii_case("members") {
            group.members = members::read(raw)?;
            continue;
        }
        let value = json::value(raw.get())?;
        if name.eq_ignore_ascii_case("displayName") {
            display_name = text_of("displayName", value)?;
        } else if name.eq_ignore_ascii_case("externalId") {
            group.external_id = text_of("externalId", value)?;
        } else if name.eq_ignore_ascii_case("schemas") {
            schemas(&Object::from_iter([(name, value)]), GROUP_URN, USER_URN)?;
        } else if let (true, Value::Object(object)) = (is_urn(&name), value) {
            let object = without_nulls(object);
            if !object.is_empty() && !name.eq_ignore_ascii_case(GROUP_URN) {
                group.extensions.insert(name, Value::Object(object));
            }
        }
    }
    group.display_name = display_name.ok_or_else(|| {
        ScimError::invalid_value("displayName is required; send it with a value.")
    })?;
    size::bounded(&Object::new(), &group.extensions)?;
    Ok(group)
}

/// A string that is indexed; none for null and `""`.
fn text_of(name: &str, value: Value) -> Result<Option<String>, ScimError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) if text.chars().nth(MAX_INDEXED_CHARS).is_some() => {
            Err(ScimError::invalid_value(format!(
                "{name} is longer than {MAX_INDEXED_CHARS} characters."
            )))
        }
        Value::String(text) => Ok(Some(text)),
        _ => Err(ScimError::invalid_value(format!(
            "{name} must be a string."
        ))),
    }
}

impl GroupDoc {
    /// The resource that is given out, but for `members`, which the caller writes: they may be too many to hold.
    pub fn to_resource(&self, id: &str, meta: &Meta) -> Object {
        let mut urns = vec![GROUP_URN];
        urns.extend(self.extensions.keys().map(String::as_str));
        let mut resource = Object::new();
        resource.insert("schemas".to_owned(), json!(urns));
        resource.insert("id".to_owned(), id.into());
        if let Some(external_id) = &self.external_id {
            resource.insert("externalId".to_owned(), external_id.as_str().into());
        }
        resource.insert("displayName".to_owned(), self.display_name.as_str().into());
        resource.extend(self.extensions.clone());
        resource.insert("meta".to_owned(), meta.to_json());
        resource
    }
}

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
