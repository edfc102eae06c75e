//! Paging backwards through what grows: `?before=ID&limit=N`, newest first.

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use crate::http::error::problem;

/// Most rows on one page.
const MOST: i64 = 1_000;

/// The query of a paged list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// Rows before this one.
    pub(super) before: Option<String>,
    /// At most so many, 1 to 1,000; 100 unless told.
    pub(super) limit: Option<i64>,
    /// Only what went wrong.
    #[serde(default)]
    pub(super) errors: bool,
}

impl PageQuery {
    /// How many rows are asked for.
    pub(super) fn limit(&self) -> Result<i64, Refused> {
        match self.limit {
            None => Ok(100),
            Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
            Some(_) => Err(Refused::new("`limit` is a number from 1 to 1000.")),
        }
    }
}

/// A query that makes no sense (400).
#[derive(Debug)]
pub(super) struct Refused(&'static str);

impl Refused {
    /// With what is wrong.
    pub(super) fn new(detail: &'static str) -> Self {
        Self(detail)
    }
}

impl axum::response::IntoResponse for Refused {
    fn into_response(self) -> Response {
        problem(StatusCode::BAD_REQUEST, Some("invalid-query"), self.0)
    }
}

/// The query of a request, or the 400 that says what is wrong with it.
pub(super) struct Query<T>(pub(super) T);

impl<S, T> axum::extract::FromRequestParts<S> for Query<T>
where
    T: serde::de::DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut http::request::Parts, _: &S) -> Result<Self, Response> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|error| {
                problem(
                    StatusCode::BAD_REQUEST,
                    Some("invalid-query"),
                    &error.body_text(),
                )
            })
    }
}
