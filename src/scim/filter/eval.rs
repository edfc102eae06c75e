//! What a filter says of a JSON resource.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{Compare, CompareOp, Filter, Literal};
use crate::scim::json;
use crate::scim::path::AttrPath;
use crate::scim::schema::{self, Attribute, Kind, ResourceType};

/// How strings that are not caseExact are made comparable.
pub type Fold = fn(&str) -> String;

/// Whether a resource meets a filter. Attributes in no schema are compared by the fold, RFC 7643's default.
pub fn matches(resource_type: ResourceType, resource: &Value, filter: &Filter, fold: Fold) -> bool {
    let Value::Object(object) = resource else {
        return false;
    };
    holds(&Scope::Resource(resource_type), object, filter, fold)
}

/// Whether one value of an attribute meets the filter in the brackets of a value path. `attribute` gives the types of the
/// sub-attributes; a value that is no object is taken for `{"value": …}`.
pub fn matches_value(
    attribute: Option<&'static Attribute>,
    value: &Value,
    filter: &Filter,
    fold: Fold,
) -> bool {
    let scope = Scope::Value(attribute);
    match value {
        Value::Object(object) => holds(&scope, object, filter, fold),
        other => {
            let mut object = Map::new();
            object.insert("value".to_owned(), other.clone());
            holds(&scope, &object, filter, fold)
        }
    }
}

/// Where the names of a filter are looked up.
enum Scope {
    Resource(ResourceType),
    Value(Option<&'static Attribute>),
}

impl Scope {
    /// The attribute a path names, before its sub-attribute.
    fn attribute(&self, path: &AttrPath) -> Option<&'static Attribute> {
        match self {
            Self::Resource(resource) => {
                let whole = AttrPath {
                    sub: None,
                    ..path.clone()
                };
                schema::resolve(*resource, &whole).map(|resolved| resolved.attribute)
            }
            Self::Value(attribute) => attribute.and_then(|attribute| attribute.sub(&path.name)),
        }
    }

    /// The object that holds a path's attribute: the resource, or one of its extensions.
    fn holder<'a>(
        &self,
        object: &'a Map<String, Value>,
        path: &AttrPath,
    ) -> Option<&'a Map<String, Value>> {
        match (self, &path.urn) {
            (Self::Resource(resource), Some(urn)) if !urn.eq_ignore_ascii_case(resource.urn()) => {
                json::get(object, urn).and_then(Value::as_object)
            }
            _ => Some(object),
        }
    }
}

fn holds(scope: &Scope, object: &Map<String, Value>, filter: &Filter, fold: Fold) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| holds(scope, object, part, fold)),
        Filter::Or(parts) => parts.iter().any(|part| holds(scope, object, part, fold)),
        Filter::Not(inner) => !holds(scope, object, inner, fold),
        Filter::Present(path) => !values(scope, object, path).1.is_empty(),
        Filter::ValuePath { path, filter } => {
            let attribute = scope.attribute(path);
            values(scope, object, path)
                .1
                .into_iter()
                .any(|value| matches_value(attribute, value, filter, fold))
        }
        Filter::Compare(Compare { path, op, value }) => {
            let (attribute, found) = values(scope, object, path);
            let equals = |op| {
                found.iter().any(|found| {
                    // A complex value stands for its `value` sub-attribute.
                    let (attribute, found) = match found {
                        Value::Object(inner) => match json::get(inner, "value") {
                            Some(inner) => (
                                attribute.and_then(|attribute| attribute.sub("value")),
                                inner,
                            ),
                            None => return false,
                        },
                        other => (attribute, *other),
                    };
                    compare(attribute, found, op, value, fold)
                })
            };
            match (op, value) {
                (CompareOp::Equal, Literal::Null) => found.is_empty(),
                (CompareOp::NotEqual, Literal::Null) => !found.is_empty(),
                (CompareOp::NotEqual, _) => !equals(CompareOp::Equal),
                (op, _) => equals(*op),
            }
        }
    }
}

/// The present values a path leads to, lists taken apart, and the leaf attribute if a schema has it.
fn values<'a>(
    scope: &Scope,
    object: &'a Map<String, Value>,
    path: &AttrPath,
) -> (Option<&'static Attribute>, Vec<&'a Value>) {
    let attribute = scope.attribute(path);
    let Some(holder) = scope.holder(object, path) else {
        return (None, Vec::new());
    };
    let mut found = Vec::new();
    spread(json::get(holder, &path.name), &mut found);
    let Some(sub) = &path.sub else {
        return (attribute, found);
    };
    let mut inner = Vec::new();
    for value in found {
        if let Value::Object(object) = value {
            spread(json::get(object, sub), &mut inner);
        }
    }
    (attribute.and_then(|attribute| attribute.sub(sub)), inner)
}

fn spread<'a>(value: Option<&'a Value>, into: &mut Vec<&'a Value>) {
    match value {
        Some(Value::Array(values)) => {
            into.extend(values.iter().filter(|value| !json::is_absent(value)));
        }
        Some(value) if !json::is_absent(value) => into.push(value),
        _ => {}
    }
}

fn compare(
    attribute: Option<&Attribute>,
    found: &Value,
    op: CompareOp,
    wanted: &Literal,
    fold: Fold,
) -> bool {
    match (found, wanted) {
        (Value::String(found), Literal::String(wanted)) => {
            if attribute.is_some_and(|attribute| attribute.kind == Kind::DateTime) {
                let instants = (
                    found.parse::<jiff::Timestamp>(),
                    wanted.parse::<jiff::Timestamp>(),
                );
                return matches!(instants, (Ok(found), Ok(wanted)) if ordered(op, found.cmp(&wanted)));
            }
            if attribute.is_some_and(|attribute| attribute.case_exact) {
                text(op, found, wanted)
            } else {
                text(op, &fold(found), &fold(wanted))
            }
        }
        (Value::Bool(found), Literal::Bool(wanted)) => op == CompareOp::Equal && found == wanted,
        (Value::Number(found), Literal::Number(wanted)) => {
            match (found.as_i64(), wanted.as_i64()) {
                (Some(found), Some(wanted)) => ordered(op, found.cmp(&wanted)),
                _ => match (found.as_f64(), wanted.as_f64()) {
                    (Some(found), Some(wanted)) => found
                        .partial_cmp(&wanted)
                        .is_some_and(|order| ordered(op, order)),
                    _ => false,
                },
            }
        }
        _ => false,
    }
}

fn text(op: CompareOp, found: &str, wanted: &str) -> bool {
    match op {
        CompareOp::Contains => found.contains(wanted),
        CompareOp::StartsWith => found.starts_with(wanted),
        CompareOp::EndsWith => found.ends_with(wanted),
        _ => ordered(op, found.cmp(wanted)),
    }
}

fn ordered(op: CompareOp, order: Ordering) -> bool {
    match op {
        CompareOp::Equal => order.is_eq(),
        CompareOp::Greater => order.is_gt(),
        CompareOp::GreaterOrEqual => order.is_ge(),
        CompareOp::Less => order.is_lt(),
        CompareOp::LessOrEqual => order.is_le(),
        CompareOp::NotEqual | CompareOp::Contains | CompareOp::StartsWith | CompareOp::EndsWith => {
            false
        }
    }
}
