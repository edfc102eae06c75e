//! The last SCIM requests and how they were answered, so that an admin sees what Okta saw.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::page::{PageQuery, Query, Refused};
use crate::http::App;
use crate::http::auth::Manager;
use crate::model::id::AuditId;
use crate::service::Error;
use crate::service::request_log;
use crate::store::scim_requests;

/// A page of requests, newest first.
pub(super) async fn list(
    _: Manager,
    State(app): State<App>,
    query: Query<PageQuery>,
) -> Result<Response, Error> {
    let limit = match query.0.limit() {
        Ok(limit) => limit,
        Err(refused) => return Ok(refused.into_response()),
    };
    let before = match query.0.before.as_deref().map(AuditId::parse) {
        Some(None) => return Ok(Refused::new("`before` is the id of a request.").into_response()),
        Some(before) => before,
        None => None,
    };
    let asked = scim_requests::Query {
        before,
        only_errors: query.0.errors,
        limit,
    };
    let found = request_log::list(&app.service, &asked).await?;
    let next = found
        .last()
        .filter(|_| i64::try_from(found.len()) == Ok(limit))
        .map(|(id, _)| id.to_string());
    let data: Vec<Value> = found
        .iter()
        .map(|(id, request)| {
            json!({
                "id": id, "at": request.at, "method": request.method, "path": request.path,
                "status": request.status, "duration_us": request.duration_us, "token_id": request.token_id,
                "skipped_members": request.skipped, "error": request.error, "request_id": request.request_id,
            })
        })
        .collect();
    Ok(Json(json!({"data": data, "next": next})).into_response())
}
