//! Filters (RFC 7644 section 3.4.2.2): text to tree, tree to text, and what a tree says of a JSON resource.
//!
//! The tree is what `store` compiles to SQL. [`check`] refuses what no resource of a type can answer, so that a
//! compiler meets known attributes only; [`matches()`] is the meaning, on JSON, and the oracle of the compiler's tests.
//!
//! The meaning of what the RFC leaves open:
//! - `ne` is exactly `not (… eq …)`: an absent attribute is `ne` to every value, and a multi-valued attribute is `ne` to
//!   a value that none of its values equals.
//! - `eq null` is `not (… pr)`.
//! - Every other comparison with an absent attribute is false.
//! - A value is present unless it is null, `""`, `[]` or `{}` (RFC 7643 section 2.5).
//! - Strings are compared by the fold the caller gives, unless the schema says caseExact; order is by code point.
//! - A comparison with a value of another type than the attribute's is false (so its `ne` is true).

mod check;
mod eval;
mod parse;

use std::fmt;

use serde_json::Number;

use super::error::ScimError;
use super::path::AttrPath;

pub use check::check;
pub(crate) use check::check_value;
pub use eval::{Fold, matches, matches_value};

/// A parsed filter. `And` and `Or` as parsed hold at least two filters, none of them of the same kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them.
    And(Vec<Filter>),
    /// Any of them.
    Or(Vec<Filter>),
    /// Not it.
    Not(Box<Filter>),
    /// `path op value`.
    Compare(Compare),
    /// `path pr`.
    Present(AttrPath),
    /// `path[filter]`: one value of a multi-valued attribute meets the whole filter. Paths inside name sub-attributes.
    ValuePath {
        /// The attribute; has no sub-attribute.
        path: AttrPath,
        /// What one of its values must meet.
        filter: Box<Filter>,
    },
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    /// What is compared.
    pub path: AttrPath,
    /// How.
    pub op: CompareOp,
    /// With what.
    pub value: Literal,
}

/// The operators that take a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `co`
    Contains,
    /// `sw`
    StartsWith,
    /// `ew`
    EndsWith,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
}

impl CompareOp {
    /// All, with their words.
    const WORDS: [(Self, &'static str); 9] = [
        (Self::Equal, "eq"),
        (Self::NotEqual, "ne"),
        (Self::Contains, "co"),
        (Self::StartsWith, "sw"),
        (Self::EndsWith, "ew"),
        (Self::Greater, "gt"),
        (Self::GreaterOrEqual, "ge"),
        (Self::Less, "lt"),
        (Self::LessOrEqual, "le"),
    ];

    /// The operator as it is written.
    pub fn as_str(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(op, _)| *op == self)
            .map_or("", |(_, word)| word)
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(word))
            .map(|(op, _)| *op)
    }
}

/// The value of a comparison: `false / null / true / number / string` of JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A string, as written, unescaped.
    String(String),
    /// A number.
    Number(Number),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// How large a filter may be. Beyond it a filter is refused before any work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text.
    pub length: usize,
    /// Parentheses, brackets and `not` inside each other.
    pub depth: usize,
    /// Comparisons, `pr` and value paths.
    pub terms: usize,
}

impl Limits {
    /// For `filter` parameters: every term becomes SQL.
    pub const LIST: Self = Self {
        length: 16 * 1024,
        depth: 32,
        terms: 256,
    };
    /// For a chain of `value eq "…" or …` in the brackets of a PATCH path: a batch of removals comes so from Okta. It is
    /// read as a list of ids, so that its length costs nothing more; any other filter there has [`Limits::LIST`].
    pub const PATH: Self = Self {
        length: 1024 * 1024,
        depth: 32,
        terms: 10_000,
    };
}

/// Reads a `filter` parameter.
///
/// # Errors
/// 400 `invalidFilter`.
pub fn parse(text: &str) -> Result<Filter, ScimError> {
    parse_with(text, Limits::LIST)
}

/// Reads a filter within the given limits.
///
/// # Errors
/// 400 `invalidFilter`.
pub fn parse_with(text: &str, limits: Limits) -> Result<Filter, ScimError> {
    parse::Parser::new(text, limits)?.filter()
}

impl Filter {
    /// `path op value`, for filters made in code.
    pub fn compare(path: AttrPath, op: CompareOp, value: Literal) -> Self {
        Self::Compare(Compare { path, op, value })
    }

    /// `path eq "value"`, for filters made in code.
    pub fn equal(path: AttrPath, value: &str) -> Self {
        Self::compare(path, CompareOp::Equal, Literal::String(value.to_owned()))
    }

    /// How many comparisons, `pr` and value paths it has.
    pub fn terms(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::terms).sum(),
            Self::Not(inner) => inner.terms(),
            Self::Compare(_) | Self::Present(_) => 1,
            Self::ValuePath { filter, .. } => 1 + filter.terms(),
        }
    }

    /// The values of `value eq "…" or value eq "…"`; none for any other filter.
    pub fn equal_values(&self) -> Option<Vec<&str>> {
        match self {
            Self::Or(parts) => {
                let parts: Option<Vec<_>> = parts.iter().map(Self::equal_values).collect();
                Some(parts?.concat())
            }
            Self::Compare(Compare {
                path,
                op: CompareOp::Equal,
                value: Literal::String(value),
            }) if path.name.eq_ignore_ascii_case("value")
                && path.urn.is_none()
                && path.sub.is_none() =>
            {
                Some(vec![value])
            }
            _ => None,
        }
    }

    /// The same filter with its strings folded, for values that are folded already.
    pub(in crate::scim) fn folded(&self, fold: Fold) -> Self {
        let all = |parts: &[Self]| parts.iter().map(|part| part.folded(fold)).collect();
        match self {
            Self::And(parts) => Self::And(all(parts)),
            Self::Or(parts) => Self::Or(all(parts)),
            Self::Not(inner) => Self::Not(Box::new(inner.folded(fold))),
            Self::Compare(Compare {
                path,
                op,
                value: Literal::String(text),
            }) => Self::compare(path.clone(), *op, Literal::String(fold(text))),
            Self::ValuePath { path, filter } => Self::ValuePath {
                path: path.clone(),
                filter: Box::new(filter.folded(fold)),
            },
            Self::Compare(_) | Self::Present(_) => self.clone(),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => join(f, parts, " and ", |part| {
                matches!(part, Self::And(_) | Self::Or(_))
            }),
            Self::Or(parts) => join(f, parts, " or ", |part| matches!(part, Self::Or(_))),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Compare(compare) => compare.fmt(f),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::ValuePath { path, filter } => write!(f, "{path}[{filter}]"),
        }
    }
}

fn join(
    f: &mut fmt::Formatter<'_>,
    parts: &[Filter],
    word: &str,
    parenthesized: impl Fn(&Filter) -> bool,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        if parenthesized(part) {
            write!(f, "({part})")?;
        } else {
            write!(f, "{part}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.path, self.op.as_str(), self.value)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => serde_json::Value::from(text.as_str()).fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Null => f.write_str("null"),
        }
    }
}

#[cfg(test)]
mod tests;
