//! Whether anything moves on a connection.
//!
//! A client that asks and does not read its answer (over HTTP/2: opens no window for it) would hold its connection, and
//! the snapshot the answer is read from, for as long as it likes: hyper limits how slowly a client may ask, not how
//! slowly it may read. A connection moves while a request is worked on, and whenever more of an answer is asked for,
//! because that is not before what was given has gone out.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, sleep, sleep_until};

/// Answers go out in parts of at most so many bytes, so that a slow client that does read is seen to.
const PART: usize = 16 * 1024;

/// What a connection is doing.
#[derive(Debug)]
pub(super) struct Activity(Mutex<Moves>);

#[derive(Debug)]
struct Moves {
    /// Requests that are worked on.
    working: usize,
    /// When something last moved.
    last: Instant,
}

impl Activity {
    /// Of a connection that begins now.
    pub(super) fn begin() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Moves {
            working: 0,
            last: Instant::now(),
        })))
    }

    /// A request is worked on for as long as the value lives.
    pub(super) fn work(self: &Arc<Self>) -> Working {
        self.note(|moves| moves.working += 1);
        Working(Arc::clone(self))
    }

    /// Ends when nothing has moved for so long.
    pub(super) async fn silent(&self, patience: Duration) {
        loop {
            let (working, last) = {
                let moves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                (moves.working > 0, moves.last)
            };
            if working {
                sleep(patience).await;
            } else if last.elapsed() >= patience {
                return;
            } else {
                sleep_until(last + patience).await;
            }
        }
    }

    /// The body of an answer, each part of which counts as a move.
    pub(super) fn watch(self: &Arc<Self>, body: Body) -> Body {
        // One part is given at once, and nothing more is ever asked for.
        if body
            .size_hint()
            .upper()
            .is_some_and(|most| most <= PART as u64)
        {
            return body;
        }
        Body::new(Watched {
            body,
            rest: Bytes::new(),
            activity: Arc::clone(self),
        })
    }

    fn note(&self, change: impl FnOnce(&mut Moves)) {
        let mut moves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut moves);
        moves.last = Instant::now();
    }
}

/// A request that is worked on.
pub(super) struct Working(Arc<Activity>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.note(|moves| moves.working -= 1);
    }
}

struct Watched {
    body: Body,
    /// What is left of a frame that was too large to go at once.
    rest: Bytes,
    activity: Arc<Activity>,
}

impl Watched {
    fn part(&mut self, mut data: Bytes) -> Frame<Bytes> {
        if data.len() > PART {
            self.rest = data.split_off(PART);
        }
        Frame::data(data)
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.activity.note(|_| ());
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(self.part(rest))));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| match frame.into_data() {
                Ok(data) => self.part(data),
                Err(trailers) => trailers,
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}
