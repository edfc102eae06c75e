//! Refusing what no resource of a type can answer.

use super::{Compare, CompareOp, Filter, Literal};
use crate::scim::error::{ScimError, shown};
use crate::scim::path::AttrPath;
use crate::scim::schema::{self, Attribute, Kind, ResourceType, Returned};

/// Checks every path of a filter against the schemas, and every value against the type of its attribute.
///
/// A filter that is not understood in full must never be answered in part: unknown attributes (also of unknown
/// extensions), `password`, a comparison of a complex attribute without `value`, an order of booleans, and a value of the
/// wrong type are refused.
///
/// # Errors
/// 400 `invalidFilter`.
pub fn check(resource: ResourceType, filter: &Filter) -> Result<(), ScimError> {
    walk(filter, &mut |filter| match filter {
        Filter::Compare(compare) => {
            comparison(compare, known(resource, &compare.path)?.comparable())
        }
        Filter::Present(path) => known(resource, path).map(drop),
        Filter::ValuePath { path, filter } => {
            let attribute = known(resource, path)?.leaf();
            if attribute.kind != Kind::Complex {
                return Err(unknown(
                    path,
                    "has no sub-attributes; leave the brackets out",
                ));
            }
            check_value(attribute, filter)
        }
        Filter::And(_) | Filter::Or(_) | Filter::Not(_) => Ok(()),
    })
}

/// Checks a filter on the values of one attribute: the brackets of a value path.
pub(crate) fn check_value(attribute: &'static Attribute, filter: &Filter) -> Result<(), ScimError> {
    let sub = |path: &AttrPath| match (&path.urn, &path.sub, attribute.sub(&path.name)) {
        (None, None, Some(sub)) => Ok(sub),
        _ => Err(unknown(
            path,
            "is not a sub-attribute of the attribute before the brackets",
        )),
    };
    walk(filter, &mut |filter| match filter {
        Filter::Compare(compare) => comparison(compare, Some(sub(&compare.path)?)),
        Filter::Present(path) => sub(path).map(drop),
        Filter::ValuePath { path, .. } => Err(unknown(path, "stands in brackets inside brackets")),
        Filter::And(_) | Filter::Or(_) | Filter::Not(_) => Ok(()),
    })
}

fn walk(
    filter: &Filter,
    visit: &mut impl FnMut(&Filter) -> Result<(), ScimError>,
) -> Result<(), ScimError> {
    visit(filter)?;
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            parts.iter().try_for_each(|part| walk(part, visit))
        }
        Filter::Not(inner) => walk(inner, visit),
        Filter::Compare(_) | Filter::Present(_) | Filter::ValuePath { .. } => Ok(()),
    }
}

fn known(resource: ResourceType, path: &AttrPath) -> Result<schema::Resolved, ScimError> {
    match schema::resolve(resource, path) {
        Some(resolved) if resolved.leaf().returned != Returned::Never => Ok(resolved),
        _ => Err(unknown(path, "is not an attribute that can be searched")),
    }
}

fn comparison(compare: &Compare, attribute: Option<&Attribute>) -> Result<(), ScimError> {
    let Some(attribute) = attribute else {
        return Err(unknown(
            &compare.path,
            "cannot be compared as a whole; name a sub-attribute",
        ));
    };
    let ordered = matches!(
        compare.op,
        CompareOp::Greater | CompareOp::GreaterOrEqual | CompareOp::Less | CompareOp::LessOrEqual
    );
    let fits = match (attribute.kind, &compare.value) {
        (_, Literal::Null)
        | (Kind::Integer | Kind::Decimal, Literal::Number(_))
        | (Kind::String | Kind::Reference, Literal::String(_)) => true,
        // RFC 7644 table 3: booleans and binary values have no order.
        (Kind::Boolean, Literal::Bool(_)) | (Kind::Binary, Literal::String(_)) => !ordered,
        (Kind::DateTime, Literal::String(text)) => {
            let partial = matches!(
                compare.op,
                CompareOp::Contains | CompareOp::StartsWith | CompareOp::EndsWith
            );
            !partial && text.parse::<jiff::Timestamp>().is_ok()
        }
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(unknown(
            &compare.path,
            "cannot be compared so, or not with a value of this type",
        ))
    }
}

fn unknown(path: &AttrPath, what: &str) -> ScimError {
    ScimError::invalid_filter(format!("{} {what}.", shown(&path.to_string())))
}
