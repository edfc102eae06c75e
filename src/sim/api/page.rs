//! Paging by `limit` and an opaque `after`, with `self` and `next` in `Link` headers.

use std::collections::HashMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::error::ApiError;
use crate::sim::org::OktaId;

/// How links are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkStyle {
    /// One `Link` header for `self`, another for `next`.
    #[default]
    Separate,
    /// One `Link` header with a comma between the two.
    Combined,
}

/// What a list request asked for.
pub(super) struct PageRequest<'a> {
    pub(super) limit: usize,
    pub(super) after: Option<OktaId>,
    pub(super) query: &'a HashMap<String, String>,
}

impl<'a> PageRequest<'a> {
    /// Reads `limit` and `after`. A limit over the endpoint's maximum is cut down to it; zero and text are refused.
    pub(super) fn read(
        query: &'a HashMap<String, String>,
        default: usize,
        max: usize,
    ) -> Result<Self, ApiError> {
        let limit = match query.get("limit") {
            None => default,
            Some(text) => match text.parse::<usize>() {
                Ok(limit) if limit > 0 => limit.min(max),
                _ => return Err(ApiError::invalid("limit: must be a positive integer")),
            },
        };
        let after = match query.get("after") {
            None => None,
            Some(cursor) => Some(
                open_cursor(cursor).ok_or_else(|| ApiError::invalid("after: Invalid cursor"))?,
            ),
        };
        Ok(Self {
            limit,
            after,
            query,
        })
    }

    /// Answers the first `limit` of `items` (which begin after the cursor), each with the id it is ordered by.
    pub(super) fn answer(
        &self,
        items: impl Iterator<Item = (OktaId, Value)>,
        base_url: &str,
        uri: &Uri,
        style: LinkStyle,
    ) -> Response {
        let mut page = Vec::new();
        let mut last = None;
        let mut more = false;
        for (id, item) in items {
            if page.len() == self.limit {
                more = true;
                break;
            }
            page.push(item);
            last = Some(id);
        }
        let own = format!("{base_url}{uri}");
        let next = last
            .filter(|_| more)
            .map(|last| self.next_link(base_url, uri.path(), last));
        with_links(Json(page).into_response(), &own, next.as_deref(), style)
    }

    fn next_link(&self, base_url: &str, path: &str, last: OktaId) -> String {
        let mut pairs: Vec<(&str, String)> = self
            .query
            .iter()
            .filter(|(name, _)| *name != "after")
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        pairs.sort();
        pairs.push(("after", STANDARD.encode(format!("cursor1:{last}"))));
        let query: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        format!("{base_url}{path}?{}", query.join("&"))
    }
}

/// Sets the links of a page.
pub(super) fn with_links(
    mut response: Response,
    own: &str,
    next: Option<&str>,
    style: LinkStyle,
) -> Response {
    let mut links = vec![format!("<{own}>; rel=\"self\"")];
    links.extend(next.map(|next| format!("<{next}>; rel=\"next\"")));
    if style == LinkStyle::Combined {
        links = vec![links.join(", ")];
    }
    for link in links {
        if let Ok(link) = HeaderValue::from_str(&link) {
            response.headers_mut().append(header::LINK, link);
        }
    }
    response
}

fn open_cursor(cursor: &str) -> Option<OktaId> {
    let bytes = STANDARD.decode(cursor).ok()?;
    OktaId::parse(std::str::from_utf8(&bytes).ok()?.strip_prefix("cursor1:")?)
}
