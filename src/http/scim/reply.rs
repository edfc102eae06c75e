//! Answers as bytes, as they come.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream::try_unfold;
use http::header::{ALLOW, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, StatusCode};
use tokio::sync::Semaphore;

use crate::http::error::scim_response;
use crate::scim::{ScimError, etag};
use crate::service::{Error, directory};

/// A good answer, and what an admin should know of it.
pub(super) struct Reply {
    pub(super) response: Response,
    /// The members it had to skip (R15).
    pub(super) skipped: Vec<String>,
    /// What went wrong inside it: a bulk request is answered 200 whatever became of its operations.
    pub(super) failed: Option<String>,
}

impl Reply {
    /// An answer without a body.
    pub(super) fn empty(status: StatusCode) -> Self {
        status.into_response().into()
    }

    /// An answer that is at hand.
    pub(super) fn json(status: StatusCode, body: impl Into<Body>) -> Self {
        let mut response = (status, body.into()).into_response();
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/scim+json; charset=utf-8"),
        );
        response.into()
    }

    /// An answer still to be read. Its beginning is read before the status is told, so that a database that does not
    /// answer is told as such; if it goes away later the connection is cut, for a client to see that the answer is not
    /// whole.
    ///
    /// An answer of more than two chunks holds one of the store's connections for as long as its client reads: there are
    /// `slots` for so many of them, and 429 for the next.
    pub(super) async fn read(
        status: StatusCode,
        mut body: directory::Body,
        slots: &Arc<Semaphore>,
    ) -> Result<Self, Error> {
        let first = body.next().await?.unwrap_or_default();
        let Some(second) = body.next().await? else {
            return Ok(Self::json(status, first));
        };
        let slot = body
            .reads_on()
            .then(|| Arc::clone(slots).try_acquire_owned())
            .transpose()
            .map_err(|_| {
                ScimError::too_many_requests("Too many long answers are being read; try again.")
            })?;
        let ahead = vec![second, first];
        let stream = try_unfold((body, ahead, slot), async |(mut body, mut ahead, slot)| {
            let next = match ahead.pop() {
                Some(bytes) => Some(bytes),
                None => body.next().await.map_err(|error| cut(&error))?,
            };
            Ok::<Option<(Bytes, _)>, io::Error>(next.map(|bytes| (bytes, (body, ahead, slot))))
        });
        Ok(Self::json(status, Body::from_stream(stream)))
    }

    /// With the resource's URL and version.
    pub(super) fn of_resource(mut self, location: &str, version: i64) -> Self {
        let headers = self.response.headers_mut();
        if let Ok(location) = HeaderValue::from_str(location) {
            headers.insert(LOCATION, location);
        }
        if let Ok(tag) = HeaderValue::from_str(&etag::weak(version)) {
            headers.insert(ETAG, tag);
        }
        self
    }

    /// With the members that were skipped.
    pub(super) fn skipping(mut self, skipped: Vec<String>) -> Self {
        self.skipped = skipped;
        self
    }

    /// With what went wrong inside it.
    pub(super) fn failing(mut self, failed: Option<String>) -> Self {
        self.failed = failed;
        self
    }
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Self {
            response,
            skipped: Vec::new(),
            failed: None,
        }
    }
}

fn cut(error: &Error) -> io::Error {
    tracing::warn!(%error, "an answer was cut off");
    io::Error::other("the answer was cut off")
}

/// 405 with the methods there are.
pub(super) fn method_not_allowed(error: &ScimError, allow: &'static str) -> Response {
    let mut response = scim_response(error);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allow));
    response
}
