//! PATCH (RFC 7644 section 3.5.2), in every dialect that was seen: RFC, Okta, Entra.
//!
//! [`parse`] reads the operations, [`apply_user`] applies them to a user, whole or not at all. Groups have an
//! application of their own ([`crate::scim::group`]), because their members are never all at hand.

mod multi;
mod user;

use serde_json::Value;
use serde_json::value::RawValue;

use super::error::ScimError;
use super::json;
use super::path::PatchPath;
use super::size::MAX_RESOURCE_BYTES;

pub use user::{Patched, apply_user};

/// The most operations in one PATCH of a user. Real ones have a handful; each looks at the whole user.
const MAX_OPERATIONS: usize = 1000;

/// The longest PATCH of a user, in bytes: more than its values could be stored anyway.
const MAX_BYTES: usize = 4 * MAX_RESOURCE_BYTES;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Op {
    Add,
    Remove,
    Replace,
}

/// One operation on a user.
#[derive(Clone, PartialEq)]
pub struct Operation {
    /// What it does.
    pub op: Op,
    /// What it does it to; none: the names are in the value.
    pub path: Option<PatchPath>,
    /// With what.
    pub value: Option<Value>,
}

/// A value may hold a password, so it is not shown.
impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operation")
            .field("op", &self.op)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Reads a PATCH body for a user.
///
/// `op` is taken in any case (Entra writes `Add`), `schemas` may be missing, an empty `path` counts as none.
///
/// # Errors
/// 400 `invalidSyntax`, `invalidPath`, `invalidFilter`; 413 for more than 1,000 operations or 1 MiB.
pub fn parse(body: &[u8]) -> Result<Vec<Operation>, ScimError> {
    let raw = operations(json::text(body)?, MAX_OPERATIONS)?;
    let operations: Result<Vec<Operation>, ScimError> = raw
        .into_iter()
        .map(|raw| {
            let path = raw.path.as_deref().map(PatchPath::parse).transpose()?;
            let value = raw.value.map(|raw| json::value(raw.get())).transpose()?;
            Ok(Operation {
                op: raw.op,
                path,
                value,
            })
        })
        .collect();
    let operations = operations?;
    if body.len() > MAX_BYTES {
        return Err(ScimError::payload_too_large(format!(
            "A PATCH of a user may have at most {MAX_BYTES} bytes."
        )));
    }
    Ok(operations)
}

/// An operation whose value is not read yet: what it is depends on the path, and it may be very large.
pub(in crate::scim) struct RawOperation<'a> {
    pub(in crate::scim) op: Op,
    pub(in crate::scim) path: Option<String>,
    pub(in crate::scim) value: Option<&'a RawValue>,
}

/// Reads the operations of a PATCH body.
pub(in crate::scim) fn operations(
    text: &str,
    most: usize,
) -> Result<Vec<RawOperation<'_>>, ScimError> {
    let Some(fields) = json::fields(text)? else {
        return Err(ScimError::invalid_syntax("The body must be a JSON object."));
    };
    let mut operations = None;
    for (name, raw) in fields {
        if name.eq_ignore_ascii_case("operations") {
            operations = json::items(raw.get())?;
        } else {
            json::value(raw.get())?;
        }
    }
    let Some(operations) = operations.filter(|operations| !operations.is_empty()) else {
        return Err(ScimError::invalid_syntax(
            "Operations must be a list of at least one operation.",
        ));
    };
    if operations.len() > most {
        let detail =
            format!("A PATCH may have at most {most} operations; send more than one PATCH.");
        return Err(ScimError::payload_too_large(detail));
    }
    operations.into_iter().map(operation).collect()
}

fn operation(raw: &RawValue) -> Result<RawOperation<'_>, ScimError> {
    let Some(fields) = json::fields(raw.get())? else {
        return Err(ScimError::invalid_syntax(
            "Each of Operations must be a JSON object.",
        ));
    };
    let (mut op, mut path, mut value) = (None, None, None);
    for (name, raw) in fields {
        if name.eq_ignore_ascii_case("op") {
            op = json::value(raw.get())?.as_str().and_then(Op::from_word);
        } else if name.eq_ignore_ascii_case("path") {
            path = match json::value(raw.get())? {
                Value::Null => None,
                Value::String(text) => Some(text).filter(|text| !text.trim().is_empty()),
                _ => return Err(ScimError::invalid_path("path must be a string.")),
            };
        } else if name.eq_ignore_ascii_case("value") {
            value = Some(raw);
        } else {
            json::value(raw.get())?;
        }
    }
    let Some(op) = op else {
        return Err(ScimError::invalid_syntax(
            "op must be add, remove or replace.",
        ));
    };
    Ok(RawOperation { op, path, value })
}

impl Op {
    fn from_word(word: &str) -> Option<Self> {
        [
            ("add", Self::Add),
            ("remove", Self::Remove),
            ("replace", Self::Replace),
        ]
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word))
        .map(|(_, op)| op)
    }
}

/// Checks an `id` in a PATCH: the resource's own is taken and ignored (Okta repeats it), another is refused.
pub(in crate::scim) fn same_id(id: &str, value: Option<&Value>) -> Result<(), ScimError> {
    match value {
        Some(Value::String(sent)) if sent == id => Ok(()),
        _ => Err(ScimError::mutability("id cannot be changed; leave it out.")),
    }
}

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod tests;
