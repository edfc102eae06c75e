//! A filter as a condition. Its meaning is [`crate::scim::filter::matches`]; a property test compares the two on both
//! engines.
//!
//! A comparison with an absent value is null in SQL. That counts as false, so only `not` has to make it so.

use super::place::{Leaf, Place, Rows, place};
use super::text::Text;
use super::{Binds, SearchError};
use crate::model::fold::fold;
use crate::scim::filter::{Compare, CompareOp, Filter, Literal};
use crate::scim::path::AttrPath;
use crate::scim::schema::{Resolved, ResourceType, resolve};

const TRUE: &str = "(1 = 1)";
const FALSE: &str = "(1 = 0)";

pub(super) struct Compiler<'c> {
    pub(super) text: Text,
    pub(super) resource: ResourceType,
    pub(super) base: &'c str,
    pub(super) binds: &'c mut Binds,
}

/// What the names in the brackets of a value path mean.
#[derive(Clone, Copy)]
enum Scope {
    Resource,
    /// The rows' own sub-attributes.
    Rows(Rows),
    /// The sub-attributes of one complex value.
    Complex(Resolved),
}

impl Compiler<'_> {
    /// The condition that a filter is.
    pub(super) fn filter(&mut self, filter: &Filter) -> Result<String, SearchError> {
        self.walk(filter, Scope::Resource)
    }

    fn walk(&mut self, filter: &Filter, scope: Scope) -> Result<String, SearchError> {
        match filter {
            Filter::And(parts) => self.balanced(parts, " AND ", scope),
            Filter::Or(parts) => self.balanced(parts, " OR ", scope),
            Filter::Not(inner) => Ok(negated(&self.walk(inner, scope)?)),
            Filter::Compare(compare) => self.compare(compare, scope),
            Filter::Present(path) => self.present(path, scope),
            Filter::ValuePath { path, filter } => self.value_path(path, filter, scope),
        }
    }

    /// A chain of hundreds of terms as a tree: an engine's parser would nest it to that depth.
    fn balanced(
        &mut self,
        parts: &[Filter],
        word: &str,
        scope: Scope,
    ) -> Result<String, SearchError> {
        match parts {
            [] => Err(SearchError::Unsupported),
            [one] => self.walk(one, scope),
            many => {
                let (left, right) = many.split_at(many.len() / 2);
                let left = self.balanced(left, word, scope)?;
                let right = self.balanced(right, word, scope)?;
                Ok(format!("({left}{word}{right})"))
            }
        }
    }

    fn compare(&mut self, compare: &Compare, scope: Scope) -> Result<String, SearchError> {
        // RFC 7644 leaves `ne` of an absent attribute open; here it is `not … eq`, and `eq null` is `not … pr`.
        match (compare.op, &compare.value) {
            (CompareOp::Equal, Literal::Null) => {
                let present = self.present(&compare.path, scope)?;
                Ok(negated(&present))
            }
            (CompareOp::NotEqual, Literal::Null) => self.present(&compare.path, scope),
            (_, Literal::Null) => Ok(FALSE.to_owned()),
            (CompareOp::NotEqual, value) => {
                let equal = self.any(&compare.path, CompareOp::Equal, value, scope)?;
                Ok(negated(&equal))
            }
            (op, value) => self.any(&compare.path, op, value, scope),
        }
    }

    /// Whether any value a path leads to compares so.
    fn any(
        &mut self,
        path: &AttrPath,
        op: CompareOp,
        value: &Literal,
        scope: Scope,
    ) -> Result<String, SearchError> {
        let resolved = match scope {
            Scope::Rows(rows) => {
                let leaf = self.row_leaf(rows, path)?;
                return Ok(self.leaf(&leaf, op, value));
            }
            Scope::Complex(whole) => inside(whole, path)?,
            Scope::Resource => resolve(self.resource, path).ok_or(SearchError::Unsupported)?,
        };
        // A complex value stands for its `value` sub-attribute.
        let resolved = match resolved.comparable() {
            Some(leaf) if !std::ptr::eq(leaf, resolved.leaf()) => Resolved {
                sub: Some(leaf),
                ..resolved
            },
            _ => resolved,
        };
        match place(self.text, self.resource, &resolved) {
            Place::One(leaf) => Ok(self.leaf(&leaf, op, value)),
            Place::Many(rows) => {
                let sub = resolved.sub.ok_or(SearchError::Unsupported)?.name;
                let selective = op == CompareOp::Equal;
                let rows = match rows {
                    Rows::Json("emails") if selective && sub == "value" && !folds_away(value) => {
                        Rows::Emails
                    }
                    rows => rows,
                };
                let leaf = rows.leaf(self.text, sub).ok_or(SearchError::Unsupported)?;
                let condition = self.leaf(&leaf, op, value);
                Ok(rows.any(self.text, &condition, selective && sub != "type"))
            }
            Place::Schemas => Ok(self.schemas(op, value)),
            Place::Complex(..) | Place::Meta => Err(SearchError::Unsupported),
        }
    }

    fn present(&mut self, path: &AttrPath, scope: Scope) -> Result<String, SearchError> {
        let resolved = match scope {
            Scope::Rows(rows) => {
                let leaf = self.row_leaf(rows, path)?;
                return Ok(self.leaf_present(&leaf));
            }
            Scope::Complex(whole) => inside(whole, path)?,
            Scope::Resource => resolve(self.resource, path).ok_or(SearchError::Unsupported)?,
        };
        self.resolved_present(&resolved)
    }

    fn resolved_present(&mut self, resolved: &Resolved) -> Result<String, SearchError> {
        match place(self.text, self.resource, resolved) {
            Place::One(leaf) => Ok(self.leaf_present(&leaf)),
            Place::Complex(None, name) => Ok(self.text.has("u.resource", &[name])),
            Place::Complex(Some(urn), name) => Ok(self.text.has("u.resource", &[urn, name])),
            Place::Meta | Place::Schemas => Ok(TRUE.to_owned()),
            Place::Many(rows) => match (resolved.sub, rows) {
                (None, Rows::Json(name)) => Ok(self.text.has("u.resource", &[name])),
                (None, rows) => Ok(rows.any(self.text, TRUE, false)),
                (Some(sub), rows) => {
                    let leaf = rows
                        .leaf(self.text, sub.name)
                        .ok_or(SearchError::Unsupported)?;
                    let condition = self.leaf_present(&leaf);
                    Ok(rows.any(self.text, &condition, false))
                }
            },
        }
    }

    fn value_path(
        &mut self,
        path: &AttrPath,
        filter: &Filter,
        scope: Scope,
    ) -> Result<String, SearchError> {
        let Scope::Resource = scope else {
            return Err(SearchError::Unsupported);
        };
        let resolved = resolve(self.resource, path).ok_or(SearchError::Unsupported)?;
        let Place::Many(rows) = place(self.text, self.resource, &resolved) else {
            let present = self.resolved_present(&resolved)?;
            let condition = self.walk(filter, Scope::Complex(resolved))?;
            return Ok(format!("({present} AND {condition})"));
        };
        let selective = names_value(filter);
        let rows = match rows {
            Rows::Json("emails") if selective && emails_hold(filter) => Rows::Emails,
            rows => rows,
        };
        let condition = self.walk(filter, Scope::Rows(rows))?;
        Ok(rows.any(self.text, &condition, selective))
    }

    fn row_leaf(&self, rows: Rows, path: &AttrPath) -> Result<Leaf, SearchError> {
        canonical(rows, self.resource, &path.name)
            .and_then(|name| rows.leaf(self.text, name))
            .ok_or(SearchError::Unsupported)
    }

    /// A comparison with one value.
    fn leaf(&mut self, leaf: &Leaf, op: CompareOp, value: &Literal) -> String {
        match (leaf, value) {
            (
                Leaf::Text {
                    raw,
                    compared,
                    folded,
                },
                Literal::String(wanted),
            ) => {
                let away = *folded && folds_away(value);
                let wanted = self.binds.text(as_compared(wanted, *folded));
                let condition = self.text.compare(compared, op, &wanted);
                // Only blanks fold to nothing; whether a value of blanks is there, the value as sent says.
                if away {
                    format!("({raw} <> '' AND {condition})")
                } else {
                    condition
                }
            }
            (Leaf::Url { id, path, folded }, Literal::String(wanted)) => {
                let base = as_compared(&format!("{}{path}", self.base), *folded);
                let base = self.binds.text(base);
                let wanted = self.binds.text(as_compared(wanted, *folded));
                let url = format!("(CAST({base} AS TEXT) || {id})");
                self.text.compare(&url, op, &wanted)
            }
            (Leaf::Constant { value, folded }, Literal::String(wanted)) => {
                let (value, wanted) = (as_compared(value, *folded), as_compared(wanted, *folded));
                truth(text_holds(&value, op, &wanted))
            }
            (Leaf::Instant(column), Literal::String(wanted)) => self.instant(column, op, wanted),
            (Leaf::Flag(column), Literal::Bool(wanted)) if op == CompareOp::Equal => {
                format!("({column} = {})", i32::from(*wanted))
            }
            (Leaf::Part { alias, name }, Literal::Bool(wanted)) if op == CompareOp::Equal => {
                self.text.part_is(alias, name, *wanted)
            }
            // A value of another type equals nothing.
            _ => FALSE.to_owned(),
        }
    }

    fn leaf_present(&self, leaf: &Leaf) -> String {
        match leaf {
            Leaf::Text { raw, .. } => format!("({raw} <> '')"),
            Leaf::Part { alias, name } => format!("({} IS NOT NULL)", self.text.part(alias, name)),
            Leaf::Url { .. } | Leaf::Constant { .. } | Leaf::Instant(_) | Leaf::Flag(_) => {
                TRUE.to_owned()
            }
        }
    }

    /// Stored times have milliseconds, those in filters may have more digits.
    fn instant(&mut self, column: &str, op: CompareOp, wanted: &str) -> String {
        let Ok(wanted) = wanted.parse::<jiff::Timestamp>() else {
            return FALSE.to_owned();
        };
        let floor = wanted.as_nanosecond().div_euclid(1_000_000);
        let exact = wanted.as_nanosecond().rem_euclid(1_000_000) == 0;
        let sign = match (op, exact) {
            (CompareOp::Equal, true) => "=",
            (CompareOp::GreaterOrEqual, true) => ">=",
            (CompareOp::Less, true) => "<",
            (CompareOp::Greater | CompareOp::GreaterOrEqual, _) => ">",
            (CompareOp::Less | CompareOp::LessOrEqual, _) => "<=",
            _ => return FALSE.to_owned(),
        };
        let floor = self.binds.integer(i64::try_from(floor).unwrap_or(i64::MAX));
        format!("({column} {sign} {floor})")
    }

    /// `schemas` is made when a resource is given out: the core's URN, and the name of each extension there is.
    fn schemas(&mut self, op: CompareOp, value: &Literal) -> String {
        let Literal::String(wanted) = value else {
            return FALSE.to_owned();
        };
        let core = truth(text_holds(self.resource.urn(), op, wanted));
        let document = match self.resource {
            ResourceType::User => "u.resource",
            ResourceType::Group => "g.resource",
        };
        let (rows, name) = self.text.names(document);
        let wanted = self.binds.text(wanted.clone());
        let condition = self.text.compare(name, op, &wanted);
        format!(
            "({core} OR EXISTS (SELECT 1 FROM {rows} WHERE lower(substr({name}, 1, 4)) = 'urn:' AND {condition}))"
        )
    }
}

fn negated(condition: &str) -> String {
    format!("(NOT COALESCE({condition}, {FALSE}))")
}

fn truth(holds: bool) -> String {
    if holds { TRUE } else { FALSE }.to_owned()
}

fn as_compared(text: &str, folded: bool) -> String {
    if folded { fold(text) } else { text.to_owned() }
}

fn folds_away(value: &Literal) -> bool {
    matches!(value, Literal::String(text) if fold(text).is_empty())
}

fn text_holds(value: &str, op: CompareOp, wanted: &str) -> bool {
    match op {
        CompareOp::Equal => value == wanted,
        CompareOp::NotEqual => value != wanted,
        CompareOp::Contains => value.contains(wanted),
        CompareOp::StartsWith => value.starts_with(wanted),
        CompareOp::EndsWith => value.ends_with(wanted),
        CompareOp::Greater => value > wanted,
        CompareOp::GreaterOrEqual => value >= wanted,
        CompareOp::Less => value < wanted,
        CompareOp::LessOrEqual => value <= wanted,
    }
}

/// The path of a sub-attribute in the brackets of a single complex attribute.
fn inside(whole: Resolved, path: &AttrPath) -> Result<Resolved, SearchError> {
    let sub = whole
        .attribute
        .sub(&path.name)
        .ok_or(SearchError::Unsupported)?;
    Ok(Resolved {
        sub: Some(sub),
        ..whole
    })
}

/// The schema's spelling of a sub-attribute in brackets.
fn canonical(rows: Rows, resource: ResourceType, name: &str) -> Option<&'static str> {
    let attribute = match rows {
        Rows::Json(attribute) => attribute,
        Rows::Emails => "emails",
        Rows::Groups => "groups",
        Rows::Members => "members",
    };
    let attribute = resource.schema().attribute(attribute)?;
    attribute.sub(name).map(|sub| sub.name)
}

/// Whether a filter in brackets asks for one `value` (or `display`) whatever else it asks: then few rows can meet it.
fn names_value(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().any(names_value),
        Filter::Compare(compare) => {
            compare.op == CompareOp::Equal
                && compare.path.name.eq_ignore_ascii_case("value")
                && matches!(compare.value, Literal::String(_))
                && !folds_away(&compare.value)
        }
        _ => false,
    }
}

/// Whether `user_emails` knows all that a filter in brackets asks: comparisons of `value` and `type` with texts.
fn emails_hold(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().all(emails_hold),
        Filter::Not(inner) => emails_hold(inner),
        Filter::Compare(compare) => {
            let name = compare.path.name.as_str();
            (name.eq_ignore_ascii_case("value") || name.eq_ignore_ascii_case("type"))
                && matches!(compare.value, Literal::String(_))
                && !folds_away(&compare.value)
        }
        Filter::Present(_) | Filter::ValuePath { .. } => false,
    }
}
