//! The rest of a body that nobody wanted.
//!
//! A refusal (401, 404, 413, 415, …) often needs no more than a request's head. If the connection is closed while the
//! client still sends, its kernel answers with a reset, and the client sees a broken connection in place of the refusal
//! (RFC 9112 section 9.6). So what is left is read and thrown away before the answer goes, within limits.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The most bytes thrown away; a client that sends more is cut off.
const MOST: u64 = 64 * 1024 * 1024;

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A body for a handler, which comes back when the handler drops it before its end.
pub(super) struct Lent<B> {
    body: Option<B>,
    back: Option<oneshot::Sender<B>>,
}

/// Where a lent body comes back.
pub(super) struct Leftover<B>(oneshot::Receiver<B>);

/// Lends a body to a handler.
pub(super) fn lend<B>(body: B) -> (Lent<B>, Leftover<B>) {
    let (back, rest) = oneshot::channel();
    let lent = Lent {
        body: Some(body),
        back: Some(back),
    };
    (lent, Leftover(rest))
}

impl<B: Body<Data = Bytes> + Unpin> Body for Lent<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(cx);
        if !matches!(polled, Poll::Pending | Poll::Ready(Some(Ok(_)))) {
            // It has ended, well or not: nothing more will come.
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B> Drop for Lent<B> {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take()) {
            // Nobody waits for it any more when the request was given up.
            let _ = back.send(body);
        }
    }
}

/// Whether a client will go on sending a body that was refused by its head: not one that waits for a word before it
/// begins, and not for the sake of what is too much to throw away.
pub(super) fn will_come(headers: &HeaderMap) -> bool {
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    !headers.contains_key(EXPECT) && length.is_none_or(|length| length <= MOST)
}

impl<B: Body<Data = Bytes> + Unpin> Leftover<B> {
    /// Reads what is left and throws it away. At once where the handler still has the body, or took all of it.
    pub(super) async fn discard(mut self) {
        let Ok(mut body) = self.0.try_recv() else {
            return;
        };
        let reading = async {
            let mut seen = 0;
            while let Some(Ok(frame)) = body.frame().await {
                seen += frame.data_ref().map_or(0, |data| data.remaining() as u64);
                if seen > MOST {
                    return;
                }
            }
        };
        // Whoever is slower than that is cut off.
        let _ = timeout(PATIENCE, reading).await;
    }
}
