//! From a use case's refusal to an answer, once: SCIM Error JSON under `/scim/v2`, problem+json elsewhere.
//!
//! What is the daemon's own fault is logged here, and nowhere else; the client is told no more than that.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::problem::ProblemReply;
use crate::model::mapping::Mapping;
use crate::scim::ScimError;
use crate::service::Error;
use crate::store::StoreError;

/// When a client may come back while the store is busy or away, in whole seconds: Okta takes nothing but an integer.
pub const RETRY_AFTER_SECONDS: u64 = 5;

/// What a refusal is, apart from how it is written.
struct Refusal {
    status: StatusCode,
    detail: String,
    retry: bool,
}

/// Reads a refusal once, and logs it if it is a fault of this side.
fn refusal(error: &Error) -> Refusal {
    let (status, detail, retry) = match error {
        Error::NotFound(what) => (404, format!("There is no such {what}."), false),
        Error::Conflict(detail) => (409, detail.clone(), false),
        Error::Invalid(detail) => (400, detail.clone(), false),
        Error::ManagedByOkta { detail, .. } => (403, detail.clone(), false),
        Error::LastAdmin => (409, error.to_string(), false),
        Error::Scim(error) => (error.status, error.detail.clone(), false),
        Error::Store(StoreError::Taken { what }) => (409, format!("{what} is taken."), false),
        Error::Store(fault @ (StoreError::Stale | StoreError::Busy)) => {
            tracing::warn!(error = %fault, "a request was told to come back");
            (503, "Too many writes at once; try again.".to_owned(), true)
        }
        Error::Store(fault @ StoreError::Unavailable(_)) => {
            tracing::warn!(error = fault.chain(), "the database does not answer");
            (
                503,
                "The database does not answer; try again.".to_owned(),
                true,
            )
        }
        Error::Store(fault) => {
            tracing::error!(error = fault.chain(), "a request failed");
            (
                500,
                "Something went wrong here; the log says what.".to_owned(),
                false,
            )
        }
    };
    Refusal {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        detail,
        retry,
    }
}

/// A refusal as a SCIM error. A store that is busy or away is 429: after that Okta comes back by itself, after a 5xx it
/// does not.
pub fn scim(error: &Error) -> ScimError {
    if let Error::Scim(error) = error {
        return error.clone();
    }
    let refusal = refusal(error);
    match refusal.status.as_u16() {
        400 => ScimError::invalid_value(refusal.detail),
        403 => ScimError::forbidden(refusal.detail),
        404 => ScimError::not_found(refusal.detail),
        409 => ScimError::uniqueness(refusal.detail),
        503 => ScimError::too_many_requests(refusal.detail),
        _ => ScimError::internal(refusal.detail),
    }
}

/// A SCIM error as an answer.
pub fn scim_response(error: &ScimError) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, error.to_json().to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/scim+json; charset=utf-8"),
    );
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"rosterd\""),
            );
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        _ => {}
    }
    response
}

/// A problem (RFC 9457). `kind` ends the problem's `type`; `None` is `about:blank`.
pub fn problem(status: StatusCode, kind: Option<&str>, detail: &str) -> Response {
    reply(status, kind, detail).into_response()
}

/// The answer to a method that a path does not take.
pub(super) async fn wrong_method() -> Response {
    problem(
        StatusCode::METHOD_NOT_ALLOWED,
        None,
        "This path does not take that method.",
    )
}

fn reply(status: StatusCode, kind: Option<&str>, detail: &str) -> ProblemReply {
    let blank = ProblemReply::of_status(status);
    match kind {
        Some(kind) => ProblemReply::new(status, kind, &blank.title),
        None => blank,
    }
    .detail(detail)
}

/// Everywhere but under `/scim/v2`, a refusal is a problem.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let kind = match &self {
            Self::ManagedByOkta { .. } => Some("managed-by-okta"),
            Self::LastAdmin => Some("last-admin"),
            _ => None,
        };
        let refusal = refusal(&self);
        let mut reply = reply(refusal.status, kind, &refusal.detail);
        if let Self::ManagedByOkta { mappings, .. } = &self {
            // Whoever may change a team may know which groups lead to it (R2).
            reply = reply.with("mappings", mappings.iter().map(led_by).collect());
        }
        if refusal.retry {
            reply = reply.retry_after(RETRY_AFTER_SECONDS);
        }
        reply.into_response()
    }
}

/// A mapping in a refusal.
fn led_by(mapping: &Mapping) -> Value {
    json!({
        "id": mapping.id,
        "group": mapping.group_name.as_deref().unwrap_or(&mapping.written),
        "team": mapping.team,
        "team_name": mapping.team_name,
        "state": mapping.state,
    })
}
