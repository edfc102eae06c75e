//! One attribute's value: its type, its duplicates, its primary.

use std::collections::HashSet;

use serde_json::Value;

use crate::scim::error::ScimError;
use crate::scim::json::{self, Object};
use crate::scim::schema::{Attribute, Kind};

/// How many values one multi-valued attribute of a user may have. Real ones have a handful; every PATCH operation looks
/// at all of them.
pub(in crate::scim) const MAX_VALUES: usize = 1000;

/// The value of an attribute in the schema's shape; none if it counts as absent.
pub(in crate::scim) fn coerce(
    attribute: &'static Attribute,
    value: Value,
) -> Result<Option<Value>, ScimError> {
    if !attribute.multi_valued {
        return coerce_one(attribute, value);
    }
    let values = coerce_many(attribute, value)?;
    let values = settle(attribute, values, None)?;
    Ok(if values.is_empty() {
        None
    } else {
        Some(Value::Array(values))
    })
}

/// The values of a multi-valued attribute, not yet compared with each other. A single value counts as a list of one.
pub(in crate::scim) fn coerce_many(
    attribute: &'static Attribute,
    value: Value,
) -> Result<Vec<Value>, ScimError> {
    let sent = match value {
        Value::Array(values) => values,
        other => vec![other],
    };
    let mut values = Vec::with_capacity(sent.len().min(MAX_VALUES));
    for value in sent {
        values.extend(coerce_one(attribute, value)?);
    }
    Ok(values)
}

/// One value in the schema's shape; none if it counts as absent.
pub(in crate::scim) fn coerce_one(
    attribute: &'static Attribute,
    value: Value,
) -> Result<Option<Value>, ScimError> {
    if json::is_absent(&value) {
        return Ok(None);
    }
    match (attribute.kind, value) {
        (Kind::Boolean, value) => {
            boolean(attribute.name, &value).map(|value| Some(Value::Bool(value)))
        }
        (Kind::Integer, value) if value.is_i64() || value.is_u64() => Ok(Some(value)),
        (Kind::Decimal, value) if value.is_number() => Ok(Some(value)),
        (
            Kind::String | Kind::Reference | Kind::Binary | Kind::DateTime,
            value @ Value::String(_),
        ) => Ok(Some(value)),
        (Kind::Complex, Value::Object(object)) => {
            let object = coerce_object(attribute, object)?;
            Ok(if object.is_empty() {
                None
            } else {
                Some(Value::Object(object))
            })
        }
        // `"manager": "42"`, `"emails": ["a@x"]`: the value alone.
        (Kind::Complex, value @ Value::String(_)) if attribute.sub("value").is_some() => Ok(Some(
            Value::Object(Object::from_iter([("value".to_owned(), value)])),
        )),
        (kind, _) => Err(ScimError::invalid_value(format!(
            "{} must be {}.",
            attribute.name,
            article(kind)
        ))),
    }
}

/// The known sub-attributes of a complex value.
///
/// `manager.displayName` is readOnly in section 8.7.1 of RFC 7643. It is kept as sent all the same: Okta maps an
/// attribute to it and this service has no other source for it, so that ignoring it would only lose it.
pub(in crate::scim) fn coerce_object(
    attribute: &'static Attribute,
    object: Object,
) -> Result<Object, ScimError> {
    let mut kept = Object::new();
    for (name, value) in object {
        if let Some(sub) = attribute.sub(&name)
            && let Some(value) = coerce_one(sub, value)?
        {
            kept.insert(sub.name.to_owned(), value);
        }
    }
    Ok(kept)
}

/// A boolean, also as `"true"` or `"False"`: Entra sends them so, and Okta does for attributes mapped as strings.
pub(in crate::scim) fn boolean(name: &str, value: &Value) -> Result<bool, ScimError> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(ScimError::invalid_value(format!(
            "{name} must be true or false."
        ))),
    }
}

const fn article(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "true or false",
        Kind::Integer => "an integer",
        Kind::Decimal => "a number",
        Kind::Complex => "an object of sub-attributes",
        Kind::String | Kind::DateTime | Kind::Binary | Kind::Reference => "a string",
    }
}

/// Makes a list of values what RFC 7643 section 2.4 asks for.
///
/// - The same `value` with the same `type` stands there once: the first is kept, primary if any of them was.
/// - At most one value is primary: `newest` if it says so (the value a PATCH just wrote), else the first that does. The
///   others say `false`.
/// - A value that says nothing but its `type` or `primary` is left out: that is how clients clear one.
pub(in crate::scim) fn settle(
    attribute: &'static Attribute,
    values: Vec<Value>,
    newest: Option<&Value>,
) -> Result<Vec<Value>, ScimError> {
    let mut seen = HashSet::new();
    let mut kept: Vec<Value> = Vec::new();
    let mut repeated_primary = HashSet::new();
    for value in values {
        if is_hollow(&value) {
            continue;
        }
        let key = key(attribute, &value);
        if is_primary(&value) {
            repeated_primary.insert(key.clone());
        }
        if seen.insert(key) {
            kept.push(value);
        }
    }
    if kept.len() > MAX_VALUES {
        let detail = format!("{} has more than {MAX_VALUES} values.", attribute.name);
        return Err(ScimError::invalid_value(detail));
    }
    let newest = newest
        .filter(|value| is_primary(value))
        .map(|value| key(attribute, value));
    let chosen = match newest {
        Some(key) => Some(key),
        None => kept
            .iter()
            .map(|value| key(attribute, value))
            .find(|key| repeated_primary.contains(key)),
    };
    for value in &mut kept {
        let primary = chosen
            .as_ref()
            .is_some_and(|chosen| *chosen == key(attribute, value));
        if let Some(object) = value.as_object_mut() {
            if primary {
                object.insert("primary".to_owned(), Value::Bool(true));
            } else if let Some(flag) = object.get_mut("primary") {
                *flag = Value::Bool(false);
            }
        }
    }
    Ok(kept)
}

pub(in crate::scim) fn is_primary(value: &Value) -> bool {
    value
        .get("primary")
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

fn is_hollow(value: &Value) -> bool {
    value.as_object().is_some_and(|object| {
        object
            .keys()
            .all(|name| name == "type" || name == "primary")
    })
}

/// What makes two values the same one: `value` and `type` in the schema's case rule; without a `value`, all of it.
fn key(attribute: &'static Attribute, value: &Value) -> String {
    let part = |name: &str| {
        let text = value.get(name)?.as_str()?;
        let exact = attribute.sub(name).is_some_and(|sub| sub.case_exact);
        Some(if exact {
            text.to_owned()
        } else {
            text.to_lowercase()
        })
    };
    // U+0000 cannot occur in a value, so that the parts cannot run into each other.
    if let Some(text) = part("value") {
        return format!("{text}\0{}", part("type").unwrap_or_default());
    }
    let mut rest = value.clone();
    if let Some(object) = rest.as_object_mut() {
        object.shift_remove("primary");
        object.sort_keys();
    }
    rest.to_string()
}
