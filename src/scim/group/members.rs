//! Reading members.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::scim::error::ScimError;
use crate::scim::json;

/// One member as a client named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRef {
    /// The id it gives; whether anyone here has it is not known yet.
    pub value: String,
    /// The name it gives, only good for telling an admin who was skipped. Okta sends null at times.
    pub display: Option<String>,
}

/// Reads `members`: a list of objects or ids, or one of them alone. None: null, which says nothing.
///
/// `type` and `$ref` are not looked at: Okta sends neither, and only users are members here.
pub(super) fn read(raw: &RawValue) -> Result<Option<Vec<MemberRef>>, ScimError> {
    match json::items(raw.get())? {
        Some(items) => {
            let mut members = Vec::with_capacity(items.len());
            for item in items {
                members.extend(one(item)?);
            }
            Ok(Some(members))
        }
        None => Ok(one(raw)?.map(|member| vec![member])),
    }
}

/// Just the ids.
pub(super) fn ids(members: Vec<MemberRef>) -> Vec<String> {
    members.into_iter().map(|member| member.value).collect()
}

fn one(raw: &RawValue) -> Result<Option<MemberRef>, ScimError> {
    let wrong = || ScimError::invalid_value("Each member must be an object with its id as value.");
    let Some(fields) = json::fields(raw.get())? else {
        return match json::value(raw.get())? {
            Value::Null => Ok(None),
            Value::String(value) if !value.is_empty() => Ok(Some(MemberRef {
                value,
                display: None,
            })),
            _ => Err(wrong()),
        };
    };
    let (mut value, mut display) = (None, None);
    for (name, raw) in fields {
        match json::value(raw.get())? {
            Value::String(text) if name.eq_ignore_ascii_case("value") && !text.is_empty() => {
                value = Some(text);
            }
            Value::String(text) if name.eq_ignore_ascii_case("display") => display = Some(text),
            _ => {}
        }
    }
    Ok(Some(MemberRef {
        value: value.ok_or_else(wrong)?,
        display,
    }))
}
