//! The order of a list, and the condition "behind this key".
//!
//! RFC 7644 section 3.4.2.3: what has no value for `sortBy` comes last ascending and first descending; a multi-valued
//! attribute is sorted by its primary value, else by its first. Equal keys are in the order of creation. A text is sorted
//! by its first [`SORTED_CHARS`] characters.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::place::{Leaf, Place, Rows, alias, place};
use super::text::Text;
use super::{Binds, SearchError};
use crate::scim::schema::{Kind, Resolved, ResourceType};

/// By how much of a text a list is sorted: a cursor holds the sort key of its place, and goes in a URL.
const SORTED_CHARS: usize = 512;

/// By what a list is sorted.
#[derive(Debug, Clone, Copy)]
pub struct Sort {
    /// The attribute.
    pub by: Resolved,
    /// Whether the largest comes first.
    pub descending: bool,
}

/// A place in a list: the order of creation, and the sort key where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The resource's order of creation.
    pub seq: i64,
    /// Its sort key.
    pub sorted: Option<Sorted>,
}

/// A sort key's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sorted {
    /// Absent.
    Absent,
    /// A text.
    Text(String),
    /// A number: an instant, or a boolean.
    Number(i64),
}

/// An order as SQL.
pub(super) struct Order {
    pub(super) expression: String,
    table: &'static str,
    text: bool,
    descending: bool,
}

impl Key {
    /// The key as the text that a cursor carries.
    pub fn to_position(&self) -> String {
        let sorted = match &self.sorted {
            None => return serde_json::json!([self.seq]).to_string(),
            Some(Sorted::Absent) => serde_json::Value::Null,
            Some(Sorted::Text(text)) => text.as_str().into(),
            Some(Sorted::Number(number)) => (*number).into(),
        };
        serde_json::json!([self.seq, sorted]).to_string()
    }

    /// Reads a cursor's text, which nobody vouches for.
    pub fn from_position(text: &str) -> Option<Self> {
        let parts: Vec<serde_json::Value> = serde_json::from_str(text).ok()?;
        let sorted = match parts.get(1) {
            None => None,
            Some(serde_json::Value::Null) => Some(Sorted::Absent),
            Some(serde_json::Value::String(text)) if !text.contains('\0') => {
                Some(Sorted::Text(text.clone()))
            }
            Some(other) => Some(Sorted::Number(other.as_i64()?)),
        };
        Some(Self {
            seq: parts.first()?.as_i64()?,
            sorted,
        })
    }

    /// Whether this key can stand in a list of that order.
    pub fn fits(&self, sort: Option<&Sort>) -> bool {
        match (&self.sorted, sort) {
            (None, None) | (Some(Sorted::Absent), Some(_)) => true,
            (Some(Sorted::Text(_)), Some(sort)) => !is_number(sort),
            (Some(Sorted::Number(_)), Some(sort)) => is_number(sort),
            _ => false,
        }
    }

    pub(super) fn read(row: &AnyRow, order: Option<&Order>) -> Result<Self, SearchError> {
        let sorted = match order {
            None => None,
            Some(order) if order.text => Some(
                row.try_get::<Option<String>, _>(1)?
                    .map_or(Sorted::Absent, Sorted::Text),
            ),
            Some(_) => Some(
                row.try_get::<Option<i64>, _>(1)?
                    .map_or(Sorted::Absent, Sorted::Number),
            ),
        };
        Ok(Self {
            seq: row.try_get(0)?,
            sorted,
        })
    }
}

/// Whether keys of this order are numbers.
fn is_number(sort: &Sort) -> bool {
    sort.by
        .comparable()
        .is_some_and(|leaf| matches!(leaf.kind, Kind::Boolean | Kind::DateTime))
}

impl Order {
    /// The order that `sort` asks for.
    pub(super) fn of(text: Text, resource: ResourceType, sort: &Sort) -> Result<Self, SearchError> {
        let leaf = sort.by.comparable().ok_or(SearchError::Unsupported)?;
        let by = if std::ptr::eq(leaf, sort.by.leaf()) {
            sort.by
        } else {
            Resolved {
                sub: Some(leaf),
                ..sort.by
            }
        };
        let expression = match place(text, resource, &by) {
            Place::One(leaf) => one(&leaf)?,
            Place::Many(Rows::Json(name)) => beginning(&first(text, name, leaf.name)?),
            _ => return Err(SearchError::Unsupported),
        };
        Ok(Self {
            expression,
            table: alias(resource),
            text: !is_number(sort),
            descending: sort.descending,
        })
    }

    fn ordered(&self, text: Text) -> String {
        if self.text {
            text.ordered(&self.expression)
        } else {
            self.expression.clone()
        }
    }

    /// What stands behind ORDER BY, but for the order of creation.
    pub(super) fn by(&self, text: Text) -> String {
        let way = if self.descending { "DESC" } else { "ASC" };
        let expression = &self.expression;
        format!(
            "CASE WHEN {expression} IS NULL THEN 1 ELSE 0 END {way}, {} {way}",
            self.ordered(text)
        )
    }

    /// Whether a row comes after `key`.
    pub(super) fn behind(&self, text: Text, key: &Key, binds: &mut Binds) -> String {
        let (expression, table) = (&self.expression, self.table);
        let ordered = self.ordered(text);
        let later = behind_seq(table, key, binds);
        let placeholder = match &key.sorted {
            Some(Sorted::Text(text)) => binds.text(text.clone()),
            Some(Sorted::Number(number)) => binds.integer(*number),
            None | Some(Sorted::Absent) if self.descending => {
                return format!("(({expression} IS NULL AND {later}) OR {expression} IS NOT NULL)");
            }
            None | Some(Sorted::Absent) => return format!("({expression} IS NULL AND {later})"),
        };
        let same = format!("({expression} = {placeholder} AND {later})");
        if self.descending {
            format!("({ordered} < {placeholder} OR {same})")
        } else {
            format!("({ordered} > {placeholder} OR {same} OR {expression} IS NULL)")
        }
    }
}

/// Whether a row was created after the one `key` names.
pub(super) fn behind_seq(table: &str, key: &Key, binds: &mut Binds) -> String {
    let seq = binds.integer(key.seq);
    format!("{table}.seq > {seq}")
}

fn one(leaf: &Leaf) -> Result<String, SearchError> {
    Ok(match leaf {
        Leaf::Text { compared, .. } => beginning(compared),
        Leaf::Instant(column) | Leaf::Flag(column) => (*column).to_owned(),
        // The URL of a resource is ordered as its id is.
        Leaf::Url { id, .. } => (*id).to_owned(),
        Leaf::Constant { .. } => "''".to_owned(),
        Leaf::Part { .. } => return Err(SearchError::Unsupported),
    })
}

/// The part of a text by which it is sorted.
fn beginning(expression: &str) -> String {
    format!("SUBSTR({expression}, 1, {SORTED_CHARS})")
}

/// The sort key of a multi-valued attribute: of its primary value, else of its first.
fn first(text: Text, name: &str, sub: &str) -> Result<String, SearchError> {
    if sub == "primary" {
        return Err(SearchError::Unsupported);
    }
    let rows = text.values("u.folded", &name.to_ascii_lowercase(), "e");
    let value = text.part("e", &sub.to_ascii_lowercase());
    let primary = text.part_is("e", "primary", true);
    Ok(format!(
        "(SELECT {value} FROM {rows} ORDER BY CASE WHEN {primary} THEN 0 ELSE 1 END, e.key LIMIT 1)"
    ))
}
