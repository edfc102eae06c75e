//! The IdP groups known here.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::page::{PageQuery, Query, Refused};
use crate::http::App;
use crate::http::auth::Manager;
use crate::service::Error;
use crate::service::groups;

/// A page of groups, in order of creation; `before` is the `next` of the page before.
pub(super) async fn list(
    _: Manager,
    State(app): State<App>,
    query: Query<PageQuery>,
) -> Result<Response, Error> {
    let limit = match query.0.limit() {
        Ok(limit) => limit,
        Err(refused) => return Ok(refused.into_response()),
    };
    let Ok(after) = query.0.before.as_deref().unwrap_or("0").parse() else {
        return Ok(Refused::new("`before` is the `next` of the page before.").into_response());
    };
    let lines = groups::list(&app.service, after, limit).await?;
    let next = lines
        .last()
        .filter(|_| i64::try_from(lines.len()) == Ok(limit))
        .map(|line| line.seq.to_string());
    Ok(Json(json!({"data": lines, "next": next})).into_response())
}
