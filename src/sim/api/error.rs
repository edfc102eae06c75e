//! Okta's error object, which every failure of the Management API carries.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::sim::org::OrgError;

/// A failure: readers branch on `code` only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sim) struct ApiError {
    pub(in crate::sim) status: StatusCode,
    pub(in crate::sim) code: &'static str,
    pub(in crate::sim) summary: String,
    pub(in crate::sim) causes: Vec<String>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, summary: impl Into<String>) -> Self {
        Self {
            status,
            code,
            summary: summary.into(),
            causes: Vec::new(),
        }
    }

    pub(in crate::sim) fn invalid_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "E0000011",
            "Invalid token provided",
        )
    }

    pub(in crate::sim) fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "E0000006",
            "You do not have permission to perform the requested action",
        )
    }

    pub(in crate::sim) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "E0000007",
            format!("Not found: Resource not found: {what}"),
        )
    }

    pub(in crate::sim) fn no_endpoint() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "E0000022",
            "The endpoint does not support the provided HTTP method",
        )
    }

    pub(in crate::sim) fn bad_filter(why: &str) -> Self {
        let mut error = Self::new(
            StatusCode::BAD_REQUEST,
            "E0000031",
            "Invalid search criteria.",
        );
        error.causes.push(why.to_owned());
        error
    }

    pub(in crate::sim) fn invalid(what: &str) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, "E0000001", "Api validation failed");
        error.causes.push(what.to_owned());
        error
    }

    pub(in crate::sim) fn bad_body() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "E0000003",
            "The request body was not well-formed.",
        )
    }

    pub(in crate::sim) fn rate_limited() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "E0000047",
            "API call exceeded rate limit due to too many requests.",
        )
    }

    pub(in crate::sim) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "E0000009",
            "Internal Server Error",
        )
    }

    pub(in crate::sim) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "E0000010",
            "Service is in read only mode",
        )
    }

    fn body(&self) -> Value {
        let causes: Vec<Value> = self
            .causes
            .iter()
            .map(|cause| json!({"errorSummary": cause}))
            .collect();
        json!({"errorCode": self.code, "errorSummary": self.summary, "errorLink": self.code,
               "errorId": "oaeSimulatedError000", "errorCauses": causes})
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, axum::Json(self.body())).into_response()
    }
}

impl From<OrgError> for ApiError {
    fn from(error: OrgError) -> Self {
        match error {
            OrgError::NotFound(what) => Self::not_found(&what),
            OrgError::Invalid(what) => Self::invalid(&what),
            OrgError::WrongState(what) => Self::new(
                StatusCode::FORBIDDEN,
                "E0000038",
                format!("This operation is not allowed in the user's current status: {what}"),
            ),
        }
    }
}
