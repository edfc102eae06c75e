//! PATCH of a multi-valued attribute of a user.

use serde_json::Value;

use super::Op;
use crate::scim::error::ScimError;
use crate::scim::filter::{self, Compare, CompareOp, Filter, Fold, Literal};
use crate::scim::json::{self, Object};
use crate::scim::schema::Attribute;
use crate::scim::user::value::{coerce_many, coerce_one, is_primary, settle};

/// What of the attribute is meant.
pub(super) struct Target<'a> {
    pub(super) attribute: &'static Attribute,
    pub(super) filter: Option<&'a Filter>,
    pub(super) sub: Option<&'static Attribute>,
}

/// The values after an operation.
pub(super) fn apply(
    target: &Target<'_>,
    op: Op,
    mut values: Vec<Value>,
    value: Value,
    fold: Fold,
) -> Result<Vec<Value>, ScimError> {
    let attribute = target.attribute;
    if target.filter.is_none() && target.sub.is_none() {
        return whole(attribute, op, values, value);
    }
    if let Some(filter) = target.filter {
        filter::check_value(attribute, filter)?;
    }
    let meant: Vec<usize> = (0..values.len())
        .filter(|at| {
            target.filter.is_none_or(|filter| {
                filter::matches_value(Some(attribute), &values[*at], filter, fold)
            })
        })
        .collect();
    // RFC 7644 section 3.5.2.3: replacing what is not there is noTarget. Adding it makes it, as Entra expects.
    if meant.is_empty() && op == Op::Replace && target.filter.is_some() {
        return Err(ScimError::no_target(
            "No value matches the filter in the path; use add to make one.",
        ));
    }
    if json::is_absent(&value) && op == Op::Add {
        return Ok(values);
    }
    let removes = op == Op::Remove || json::is_absent(&value);
    match target.sub {
        None if removes => {
            let mut at = 0;
            values.retain(|_| {
                at += 1;
                meant.binary_search(&(at - 1)).is_err()
            });
            return settle(attribute, values, None);
        }
        Some(sub) if removes => {
            for at in meant {
                if let Some(object) = values[at].as_object_mut() {
                    object.shift_remove(sub.name);
                }
            }
            return settle(attribute, values, None);
        }
        _ => {}
    }
    let laid = laid_over(target, value)?;
    let mut newest = None;
    if meant.is_empty() {
        let mut made = target.filter.map(equal_terms).unwrap_or_default();
        made.extend(laid.clone());
        let made = coerce_one(attribute, Value::Object(made))?;
        newest.clone_from(&made);
        values.extend(made);
    }
    let replaced = op == Op::Replace && target.sub.is_none();
    for at in meant {
        if let Some(present) = values[at].as_object_mut() {
            if replaced {
                // RFC 7644 section 3.5.2.3: the matching values are replaced, not merged.
                present.clear();
            }
            present.extend(laid.clone());
            if newest.is_none() && is_primary(&values[at]) && laid.contains_key("primary") {
                newest = Some(values[at].clone());
            }
        }
    }
    settle(attribute, values, newest.as_ref())
}

fn whole(
    attribute: &'static Attribute,
    op: Op,
    mut values: Vec<Value>,
    value: Value,
) -> Result<Vec<Value>, ScimError> {
    match op {
        Op::Add => {
            let added = coerce_many(attribute, value)?;
            let newest = added.iter().find(|value| is_primary(value)).cloned();
            values.extend(added);
            settle(attribute, values, newest.as_ref())
        }
        Op::Replace => settle(attribute, coerce_many(attribute, value)?, None),
        Op::Remove if json::is_absent(&value) => Ok(Vec::new()),
        // Not in the RFC: `remove` with a list removes those only.
        Op::Remove => {
            let named = coerce_many(attribute, value)?;
            values.retain(|present| !named.iter().any(|named| means(named, present)));
            Ok(values)
        }
    }
}

/// Whether every member a client named is the same in a present value; `primary` and `display` are not looked at.
fn means(named: &Value, present: &Value) -> bool {
    let same = |named: &Value, present: &Value| match (named, present) {
        (Value::String(named), Value::String(present)) => {
            named.to_lowercase() == present.to_lowercase()
        }
        (named, present) => named == present,
    };
    named.as_object().is_some_and(|named| {
        named
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "primary" | "display"))
            .all(|(name, value)| {
                present
                    .get(name)
                    .is_some_and(|present| same(value, present))
            })
    })
}

/// The sub-attributes an operation writes.
fn laid_over(target: &Target<'_>, value: Value) -> Result<Object, ScimError> {
    let value = match target.sub {
        Some(sub) => Value::Object(Object::from_iter([(sub.name.to_owned(), value)])),
        None => value,
    };
    match coerce_one(target.attribute, value)? {
        Some(Value::Object(object)) => Ok(object),
        _ => Ok(Object::new()),
    }
}

/// What a filter says for certain of the value it looks for: `type eq "work"` becomes `"type": "work"`.
fn equal_terms(filter: &Filter) -> Object {
    match filter {
        Filter::And(parts) => parts.iter().flat_map(equal_terms).collect(),
        Filter::Compare(Compare {
            path,
            op: CompareOp::Equal,
            value,
        }) => {
            let value = match value {
                Literal::String(text) => Value::from(text.as_str()),
                Literal::Number(number) => Value::Number(number.clone()),
                Literal::Bool(value) => Value::Bool(*value),
                Literal::Null => Value::Null,
            };
            Object::from_iter([(path.name.clone(), value)])
        }
        _ => Object::new(),
    }
}
