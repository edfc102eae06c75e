//! Path ids and bodies, whose refusals are problems too: axum's own are plain text.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use super::error::problem;

/// The id in a path.
pub(super) struct Id(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            // What is not UTF-8 is the id of nothing.
            Err(_) => Err(problem(
                StatusCode::NOT_FOUND,
                None,
                "There is nothing of that id.",
            )),
        }
    }
}

/// A body, whole.
pub(super) struct Whole(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(problem(
                StatusCode::PAYLOAD_TOO_LARGE,
                None,
                "The body is too large for this path.",
            )),
            Err(error) => Err(problem(
                error.status(),
                None,
                "The body did not come whole.",
            )),
        }
    }
}
