//! Answers as bytes, as they come.

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt as _, try_unfold, unfold};
use http::header::{ALLOW, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, StatusCode};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::http::error::scim_response;
use crate::scim::{ScimError, etag};
use crate::service::{Error, directory};

/// How long a client may leave an answer unread. As long as it does, the answer holds a snapshot of the store.
const UNREAD: Duration = Duration::from_secs(30);

/// A good answer, and the members it had to skip (R15).
pub(super) struct Reply {
    pub(super) response: Response,
    pub(super) skipped: Vec<String>,
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
    pub(super) async fn read(status: StatusCode, mut body: directory::Body) -> Result<Self, Error> {
        let first = body.next().await?.unwrap_or_default();
        let Some(second) = body.next().await? else {
            return Ok(Self::json(status, first));
        };
        let ahead = vec![second, first];
        let stream = try_unfold((body, ahead), async |(mut body, mut ahead)| {
            let next = match ahead.pop() {
                Some(bytes) => Some(bytes),
                None => body.next().await.map_err(|error| cut(&error))?,
            };
            Ok::<Option<(Bytes, _)>, io::Error>(next.map(|bytes| (bytes, (body, ahead))))
        });
        Ok(Self::json(status, Body::from_stream(paced(stream, UNREAD))))
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
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Self {
            response,
            skipped: Vec::new(),
        }
    }
}

/// The same bytes, read by a task of its own that lets go of the source once the next ones were not taken for `patience`.
/// What was not sent whole ends in an error, so that the connection is cut.
fn paced<S>(source: S, patience: Duration) -> impl Stream<Item = io::Result<Bytes>>
where
    S: Stream<Item = io::Result<Bytes>> + Send + 'static,
{
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut source = pin!(source);
        loop {
            let item = source.next().await;
            let last = !matches!(item, Some(Ok(_)));
            let taken = matches!(timeout(patience, send.send(item)).await, Ok(Ok(())));
            if last || !taken {
                break;
            }
        }
    });
    unfold(Some(receive), async |receive| {
        let mut receive: mpsc::Receiver<Option<io::Result<Bytes>>> = receive?;
        match receive.recv().await {
            Some(Some(Ok(bytes))) => Some((Ok(bytes), Some(receive))),
            Some(Some(Err(error))) => Some((Err(error), None)),
            Some(None) => None,
            None => Some((Err(io::Error::other("the answer was left unread")), None)),
        }
    })
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::stream::{StreamExt as _, try_unfold};

    use super::paced;

    /// Three pieces, and something that is held until they are read.
    fn source(held: Arc<()>) -> impl futures_util::Stream<Item = io::Result<Bytes>> + Send {
        try_unfold((held, 0), async |(held, at)| {
            Ok((at < 3).then(|| (Bytes::from(vec![at]), (held, at + 1))))
        })
    }

    #[tokio::test]
    async fn an_answer_that_is_read_comes_whole() {
        let held = Arc::new(());
        let stream = paced(source(Arc::clone(&held)), Duration::from_mins(1));
        let pieces: Vec<_> = stream.map(Result::ok).collect().await;
        let expected = [0, 1, 2].map(|at| Some(Bytes::from(vec![at])));
        assert_eq!(pieces, expected);
    }

    #[tokio::test]
    async fn an_answer_left_unread_lets_go_of_its_source_and_is_cut() {
        let held = Arc::new(());
        let stream = paced(source(Arc::clone(&held)), Duration::from_millis(20));
        while Arc::strong_count(&held) > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let pieces: Vec<_> = stream.collect().await;
        assert!(
            pieces.len() < 4 && pieces.last().is_some_and(Result::is_err),
            "{pieces:?}"
        );
    }
}
