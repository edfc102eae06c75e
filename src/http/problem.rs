//! problem+json (RFC 9457): how everything but SCIM says what went wrong.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What the `type` of our problems begins with.
const TYPE_PREFIX: &str = "urn:rosterd:problem:";

/// A problem as it is answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProblemReply {
    /// What kind of problem: `urn:rosterd:problem:<code>`, or `about:blank` where the status says it all.
    pub r#type: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// This problem in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// More members.
    #[serde(flatten)]
    pub more: Map<String, Value>,
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl ProblemReply {
    /// A problem that its status explains.
    pub fn of_status(status: StatusCode) -> Self {
        Self {
            r#type: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: None,
            next_step: None,
            more: Map::new(),
            retry_after: None,
        }
    }

    /// A problem of our own kind `code` (`managed-by-okta`).
    pub fn new(status: StatusCode, code: &str, title: &str) -> Self {
        Self {
            r#type: format!("{TYPE_PREFIX}{code}"),
            title: title.to_owned(),
            ..Self::of_status(status)
        }
    }

    /// With this problem in words.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With what to do about it.
    #[must_use]
    pub fn next_step(mut self, next_step: impl Into<String>) -> Self {
        self.next_step = Some(next_step.into());
        self
    }

    /// With one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    /// With a `Retry-After` of whole seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl IntoResponse for ProblemReply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"rosterd\""),
            );
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::ProblemReply;
    use axum::response::IntoResponse as _;
    use http::StatusCode;
    use serde_json::json;

    #[test]
    fn a_problem_has_its_type_a_next_step_and_its_own_content_type() {
        let problem = ProblemReply::new(
            StatusCode::FORBIDDEN,
            "managed-by-okta",
            "Okta manages this",
        )
        .detail("Okta gives membership in `core`.")
        .next_step("Change the mapping or the group in Okta.")
        .with("mappings", json!([]));
        let shown = serde_json::to_value(&problem).unwrap_or_default();
        assert_eq!(
            shown,
            json!({
                "type": "urn:rosterd:problem:managed-by-okta",
                "title": "Okta manages this",
                "status": 403,
                "detail": "Okta gives membership in `core`.",
                "next_step": "Change the mapping or the group in Okta.",
                "mappings": [],
            })
        );
        let response = problem.retry_after(5).into_response();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        assert_eq!(response.headers()["retry-after"], "5");
    }
}
