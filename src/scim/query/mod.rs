//! What a client asks of a list: the parameters of a GET, or the body of a POST to `/.search` (RFC 7644 sections 3.4.2
//! and 3.4.3, RFC 9865).

use serde_json::{Value, json};

use super::cursor::{self, Fingerprint};
use super::error::ScimError;
use super::filter::{self, Filter};
use super::json::{self, Object};
use super::path::AttrPath;
use super::projection::Projection;
use super::schema::{self, ResourceType, Returned};

/// A list request, read but not yet checked against a resource type ([`ListQuery::check`]).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListQuery {
    /// Which resources.
    pub filter: Option<Filter>,
    /// Sorted by what; none: by creation.
    pub sort_by: Option<AttrPath>,
    /// In which order.
    pub sort_order: SortOrder,
    /// From where on.
    pub page: Page,
    /// How many at most. A negative one was read as 0 (RFC 7644 section 3.4.2.4).
    pub count: Option<u64>,
    /// Which attributes.
    pub projection: Projection,
}

/// `sortOrder`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum SortOrder {
    #[default]
    Ascending,
    Descending,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// `startIndex`, 1 for the first. Less was read as 1 (RFC 7644 section 3.4.2.4).
    Index(u64),
    /// `cursor` without a value: the first page, to go on by cursor (RFC 9865 section 2).
    FirstByCursor,
    /// A cursor as the client sent it; [`ListQuery::position`] opens it.
    Cursor(String),
}

impl Default for Page {
    fn default() -> Self {
        Self::Index(1)
    }
}

impl ListQuery {
    /// Reads query parameters, percent-decoded. Unknown ones are ignored, known ones may occur once.
    ///
    /// # Errors
    /// 400 `invalidFilter`, `invalidValue` or `invalidCount`, naming the parameter.
    pub fn from_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ScimError> {
        let mut found = [None; NAMES.len()];
        for (name, value) in pairs {
            if let Some(at) = NAMES
                .iter()
                .position(|known| known.eq_ignore_ascii_case(name))
                && found[at].replace(value).is_some()
            {
                return Err(ScimError::invalid_value(format!(
                    "{} is given twice; send it once.",
                    NAMES[at]
                )));
            }
        }
        let [
            filter,
            sort_by,
            sort_order,
            start_index,
            count,
            cursor,
            attributes,
            excluded,
        ] = found;
        Self::read(Raw {
            filter,
            sort_by,
            sort_order,
            start_index: integer("startIndex", start_index.filter(|text| !text.is_empty()))?,
            count: counted(
                cursor,
                integer("count", count.filter(|text| !text.is_empty())),
            )?,
            cursor,
            projection: Projection::new(attributes, excluded)?,
        })
    }

    /// Reads the body of a `/.search` request.
    ///
    /// # Errors
    /// As [`ListQuery::from_pairs`], and 400 `invalidSyntax` for what is no JSON object.
    pub fn from_search(body: &[u8]) -> Result<Self, ScimError> {
        let object = json::object(body)?;
        let (attributes, excluded) = (
            names(&object, "attributes")?,
            names(&object, "excludedAttributes")?,
        );
        let cursor = text(&object, "cursor")?;
        Self::read(Raw {
            filter: text(&object, "filter")?,
            sort_by: text(&object, "sortBy")?,
            sort_order: text(&object, "sortOrder")?,
            start_index: number(&object, "startIndex")?,
            count: counted(cursor, number(&object, "count"))?,
            cursor,
            projection: Projection::from_lists(&attributes, &excluded)?,
        })
    }

    fn read(raw: Raw<'_>) -> Result<Self, ScimError> {
        // A blank filter is no filter: read as none, it would name everybody.
        let filter = raw.filter.map(filter::parse).transpose()?;
        let sort_by = raw.sort_by.filter(|text| !text.is_empty()).map(|text| {
            text.parse()
                .map_err(|_| ScimError::invalid_value("sortBy must be the path of one attribute."))
        });
        let sort_order = match raw.sort_order {
            None | Some("") => SortOrder::Ascending,
            Some(text) if text.eq_ignore_ascii_case("ascending") => SortOrder::Ascending,
            Some(text) if text.eq_ignore_ascii_case("descending") => SortOrder::Descending,
            Some(_) => {
                return Err(ScimError::invalid_value(
                    "sortOrder must be ascending or descending.",
                ));
            }
        };
        let page = match (raw.cursor, raw.start_index) {
            (Some(_), Some(_)) => {
                return Err(ScimError::invalid_value(
                    "Send startIndex or cursor, not both.",
                ));
            }
            (Some(""), None) => Page::FirstByCursor,
            (Some(cursor), None) => Page::Cursor(cursor.to_owned()),
            (None, index) => Page::Index(
                index
                    .and_then(|index| u64::try_from(index).ok())
                    .unwrap_or(1)
                    .max(1),
            ),
        };
        let count = raw.count.map(|count| u64::try_from(count).unwrap_or(0));
        if page.by_cursor() && count == Some(0) {
            // RFC 9865 section 2.1: a page by cursor has at least one place.
            return Err(ScimError::invalid_count(
                "count must be at least 1 with a cursor.",
            ));
        }
        Ok(Self {
            filter,
            sort_by: sort_by.transpose()?,
            sort_order,
            page,
            count,
            projection: raw.projection,
        })
    }

    /// Checks filter and order against the attributes of a resource type.
    ///
    /// # Errors
    /// 400 `invalidFilter`, 400 `invalidValue` for `sortBy`.
    pub fn check(&self, resource: ResourceType) -> Result<(), ScimError> {
        if let Some(filter) = &self.filter {
            filter::check(resource, filter)?;
        }
        let sortable = |path| {
            schema::resolve(resource, path)
                .and_then(|resolved| resolved.comparable())
                .is_some_and(|attribute| attribute.returned != Returned::Never)
        };
        match &self.sort_by {
            Some(path) if !sortable(path) => Err(ScimError::invalid_value(
                "sortBy must name an attribute of this resource that has an order.",
            )),
            _ => Ok(()),
        }
    }

    /// How many resources to give: `count`, or `default` without one, never more than `max`.
    pub fn limit(&self, default: u64, max: u64) -> u64 {
        self.count.unwrap_or(default).min(max)
    }

    /// What a cursor of this query is bound to. `endpoint` tells the lists apart, as `/Users`.
    pub fn fingerprint(&self, endpoint: &str) -> Fingerprint {
        let filter = self
            .filter
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let sort_by = self
            .sort_by
            .as_ref()
            .map(|path| path.to_string().to_ascii_lowercase())
            .unwrap_or_default();
        let order = match self.sort_order {
            SortOrder::Ascending => "a",
            SortOrder::Descending => "d",
        };
        Fingerprint::of(&[endpoint, &filter, &sort_by, order])
    }

    /// The position in the cursor that was sent; none if the page is the first, or one by index.
    ///
    /// # Errors
    /// 400 `invalidCursor`.
    pub fn position(&self, endpoint: &str) -> Result<Option<String>, ScimError> {
        match &self.page {
            Page::Cursor(cursor) => cursor::decode(cursor, self.fingerprint(endpoint)).map(Some),
            Page::Index(_) | Page::FirstByCursor => Ok(None),
        }
    }
}

impl Page {
    /// Whether the client goes by cursor.
    pub const fn by_cursor(&self) -> bool {
        matches!(self, Self::FirstByCursor | Self::Cursor(_))
    }
}

/// The members of a list response before its `Resources` (RFC 7644 section 3.4.2), whose order is the wire's.
///
/// By index: `startIndex`. By cursor: `nextCursor`, if there is more (RFC 9865 section 2).
pub fn list_head(total: u64, items: u64, page: &Page, next_cursor: Option<&str>) -> Object {
    let mut head = Object::new();
    head.insert("schemas".to_owned(), json!([super::LIST_URN]));
    head.insert("totalResults".to_owned(), total.into());
    head.insert("itemsPerPage".to_owned(), items.into());
    if let Page::Index(index) = page {
        head.insert("startIndex".to_owned(), (*index).into());
    }
    if let Some(cursor) = next_cursor {
        head.insert("nextCursor".to_owned(), cursor.into());
    }
    head
}

const NAMES: [&str; 8] = [
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
    "attributes",
    "excludedAttributes",
];

struct Raw<'a> {
    filter: Option<&'a str>,
    sort_by: Option<&'a str>,
    sort_order: Option<&'a str>,
    start_index: Option<i64>,
    count: Option<i64>,
    cursor: Option<&'a str>,
    projection: Projection,
}

fn integer(name: &str, text: Option<&str>) -> Result<Option<i64>, ScimError> {
    text.map(|text| text.trim().parse().map_err(|_| not_integer(name)))
        .transpose()
}

fn not_integer(name: &str) -> ScimError {
    ScimError::invalid_value(format!("{name} must be an integer of at most 64 bits."))
}

/// A `count` that is no number; with a cursor RFC 9865 section 2.1 has a word of its own for it.
fn counted<T>(cursor: Option<&str>, count: Result<T, ScimError>) -> Result<T, ScimError> {
    count.map_err(|error| match cursor {
        Some(_) => ScimError::invalid_count(error.detail),
        None => error,
    })
}

fn present<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    json::get(object, name).filter(|value| !value.is_null())
}

fn text<'a>(object: &'a Object, name: &str) -> Result<Option<&'a str>, ScimError> {
    present(object, name)
        .map(|value| {
            value
                .as_str()
                .ok_or_else(|| ScimError::invalid_value(format!("{name} must be a string.")))
        })
        .transpose()
}

fn number(object: &Object, name: &str) -> Result<Option<i64>, ScimError> {
    present(object, name)
        .map(|value| value.as_i64().ok_or_else(|| not_integer(name)))
        .transpose()
}

/// A list of names; also one string with commas, as in the query.
fn names(object: &Object, name: &str) -> Result<Vec<String>, ScimError> {
    let wrong = || ScimError::invalid_value(format!("{name} must be a list of attribute names."));
    match present(object, name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.split(',').map(str::to_owned).collect()),
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| value.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests;
