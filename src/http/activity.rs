//! Whether anything moves on a connection, and how long it may be that nothing does.
//!
//! A client that asks and does not read its answer (over HTTP/2: opens no window for it) would hold its connection, and
//! the snapshot the answer is read from, for as long as it likes: hyper limits how slowly a client may ask, not how
//! slowly it may read. A connection moves while a request is worked on, and whenever more of an answer is asked for,
//! because that is not before what was given has gone out.
//!
//! hyper's own limit on headers runs while a connection is idle as well. A proxy keeps connections for a minute or more,
//! and one that is closed in the moment it sends a PUT on it answers 502 to Okta: an idle connection has a longer limit.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Answers go out in parts of at most so many bytes, so that a slow client that does read is seen to.
const PART: usize = 16 * 1024;

/// How long a connection may be without a move, by what it is at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// From the first byte of a request to the end of its headers.
    pub(super) head: Duration,
    /// While an answer is to be read.
    pub(super) unread: Duration,
    /// Between two requests.
    pub(super) idle: Duration,
}

/// Why a connection's time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// A request was begun and did not come.
    Head,
    /// The client does not read its answer.
    Unread,
    /// Nobody asks.
    Idle,
}

/// What a connection is doing.
#[derive(Debug)]
pub(super) struct Activity {
    moves: Mutex<Moves>,
    /// A request begins to come: it is due before the next was.
    begun: Notify,
}

#[derive(Debug)]
struct Moves {
    /// Requests that are worked on.
    working: usize,
    /// Answers in more than one part that are not wholly given yet.
    sending: usize,
    /// Since when a request has been coming.
    head: Option<Instant>,
    /// When something last moved.
    last: Instant,
}

impl Activity {
    /// Of a connection that begins now, by asking something.
    pub(super) fn begin() -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            moves: Mutex::new(Moves {
                working: 0,
                sending: 0,
                head: Some(now),
                last: now,
            }),
            begun: Notify::new(),
        })
    }

    /// A request is worked on for as long as the value lives.
    pub(super) fn work(self: &Arc<Self>) -> Working {
        self.note(|moves| {
            moves.working += 1;
            moves.head = None;
        });
        Working(Arc::clone(self))
    }

    /// Ends when the connection's time is up.
    pub(super) async fn overdue(&self, limits: Limits) -> Overdue {
        loop {
            let due = match self.due(limits) {
                Some((overdue, at)) if at <= Instant::now() => return overdue,
                Some((_, at)) => at,
                // Looked at again when whoever works may be done.
                None => Instant::now() + limits.head.min(limits.unread),
            };
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.begun.notified() => {}
            }
        }
    }

    /// What it is late with if nothing moves until then; `None` while it is worked on.
    fn due(&self, limits: Limits) -> Option<(Overdue, Instant)> {
        let moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        match moves.head {
            _ if moves.working > 0 => None,
            _ if moves.sending > 0 => Some((Overdue::Unread, moves.last + limits.unread)),
            Some(since) => Some((Overdue::Head, since + limits.head)),
            None => Some((Overdue::Idle, moves.last + limits.idle)),
        }
    }

    /// Bytes came from the client.
    fn heard(&self) {
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        if moves.working == 0 && moves.sending == 0 && moves.head.is_none() {
            moves.head = Some(Instant::now());
            self.begun.notify_one();
        }
    }

    /// The client's bytes, of which is noted that they came.
    pub(super) fn listen<S>(self: &Arc<Self>, stream: S) -> Heard<S> {
        Heard {
            stream,
            activity: Arc::clone(self),
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
        self.note(|moves| moves.sending += 1);
        Body::new(Watched {
            body,
            rest: Bytes::new(),
            activity: Arc::clone(self),
        })
    }

    fn note(&self, change: impl FnOnce(&mut Moves)) {
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
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

impl Drop for Watched {
    fn drop(&mut self) {
        self.activity.note(|moves| moves.sending -= 1);
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

/// A stream that tells when bytes come.
pub(super) struct Heard<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.activity.heard();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
