//! Whether anything moves on a connection, and how long it may be that nothing does.
//!
//! A client that asks and does not read its answer (over HTTP/2: opens no window for it) would hold its connection, and
//! the snapshot the answer is read from, for as long as it likes: hyper limits how slowly a client may ask, not how
//! slowly it may read. A connection moves while a request is worked on, and an answer whenever more of it is asked for,
//! because that is not before what was given has gone out. What else is asked on the connection meanwhile does not help
//! an answer that nobody reads.
//!
//! hyper's own limit on headers runs while a connection is idle as well. A proxy keeps connections for a minute or more,
//! and one that is closed in the moment it sends a PUT on it answers 502 to Okta: an idle connection has a longer limit.

mod heard;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use heard::Heard;

/// Answers go out in parts of at most so many bytes, so that a slow client that does read is seen to.
const PART: usize = 16 * 1024;

/// How long a client may take for a part, over all parts; besides, it has once the time that an answer may stand still.
const PACE: Duration = Duration::from_secs(1);

/// How long we may take for a part: a store that is gone without a word would hold the connection for ever.
const MAKING: Duration = Duration::from_mins(1);

/// How long a connection may be without a move, by what it is at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// From the first byte of a request to the end of its headers.
    pub(super) head: Duration,
    /// While a part of an answer is to be read.
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
    /// The rest of an answer does not come from the store.
    Unmade,
    /// Nobody asks.
    Idle,
}

/// Who is to do something for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The client has a part to read.
    Client,
    /// The next part is being made.
    Ours,
}

/// An answer on its way.
#[derive(Debug, Clone, Copy)]
struct Sending {
    /// Whose turn it is.
    turn: Turn,
    /// Since when.
    since: Instant,
    /// How long it had for the parts before.
    taken: Duration,
    /// How many parts there were.
    parts: u32,
}

impl Sending {
    fn begin(now: Instant) -> Self {
        Self {
            turn: Turn::Client,
            since: now,
            taken: Duration::ZERO,
            parts: 0,
        }
    }

    /// More is asked for.
    fn ask(&mut self, now: Instant) {
        if self.turn == Turn::Client {
            self.taken += now.saturating_duration_since(self.since);
            (self.turn, self.since) = (Turn::Ours, now);
        }
    }

    /// A part goes out.
    fn give(&mut self, now: Instant) {
        (self.turn, self.since) = (Turn::Client, now);
        self.parts = self.parts.saturating_add(1);
    }

    /// What it is late with if nothing is done until then.
    fn due(&self, unread: Duration) -> (Overdue, Instant) {
        match self.turn {
            Turn::Client => {
                let all = unread.saturating_add(PACE.saturating_mul(self.parts));
                let left = all.saturating_sub(self.taken).min(unread);
                (Overdue::Unread, self.since + left)
            }
            Turn::Ours => (Overdue::Unmade, self.since + MAKING),
        }
    }
}

/// What a connection is doing.
#[derive(Debug)]
pub(super) struct Activity {
    moves: Mutex<Moves>,
    /// Something began that is due before the next was.
    begun: Notify,
}

#[derive(Debug)]
struct Moves {
    /// Requests that are worked on.
    working: usize,
    /// Answers in more than one part that are not wholly given yet, by the order they began in.
    sending: BTreeMap<u64, Sending>,
    /// How many there were.
    sent: u64,
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
                sending: BTreeMap::new(),
                sent: 0,
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

    /// Whether a request is worked on.
    pub(super) fn is_working(&self) -> bool {
        let moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        moves.working > 0
    }

    /// Ends when the connection's time is up.
    pub(super) async fn overdue(&self, limits: Limits) -> Overdue {
        loop {
            let due = match self.due(limits) {
                Some((overdue, at)) if at <= Instant::now() => return overdue,
                // A part that is made meanwhile is to be read before the making of it was due.
                Some((_, at)) => at.min(Instant::now() + limits.unread),
                // Looked at again when whoever works may be done.
                None => Instant::now() + limits.head.min(limits.unread),
            };
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.begun.notified() => {}
            }
        }
    }

    /// What it is late with if nothing moves until then; `None` while it is worked on and no answer is on its way.
    fn due(&self, limits: Limits) -> Option<(Overdue, Instant)> {
        let moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = moves.sending.values();
        let first = answers
            .map(|sending| sending.due(limits.unread))
            .min_by_key(|(_, at)| *at);
        if first.is_some() {
            return first;
        }
        match moves.head {
            _ if moves.working > 0 => None,
            Some(since) => Some((Overdue::Head, since + limits.head)),
            None => Some((Overdue::Idle, moves.last + limits.idle)),
        }
    }

    /// Bytes came from the client.
    fn heard(&self) {
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        if moves.working == 0 && moves.sending.is_empty() && moves.head.is_none() {
            moves.head = Some(Instant::now());
            self.begun.notify_one();
        }
    }

    /// The client's bytes, of which is noted that they came.
    pub(super) fn listen<S>(self: &Arc<Self>, stream: S) -> Heard<S> {
        Heard::new(stream, Arc::clone(self))
    }

    /// The body of an answer, whose client has to ask for part after part.
    pub(super) fn watch(self: &Arc<Self>, body: Body) -> Body {
        // One part is given at once, and nothing more is ever asked for.
        if body
            .size_hint()
            .upper()
            .is_some_and(|most| most <= PART as u64)
        {
            return body;
        }
        let number = self.note(|moves| {
            moves.sent += 1;
            moves.sending.insert(moves.sent, Sending::begin(moves.last));
            moves.sent
        });
        self.begun.notify_one();
        Body::new(Watched {
            body,
            number,
            rest: Bytes::new(),
            activity: Arc::clone(self),
        })
    }

    fn note<T>(&self, change: impl FnOnce(&mut Moves) -> T) -> T {
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        moves.last = Instant::now();
        change(&mut moves)
    }

    fn answer(&self, number: u64, change: impl FnOnce(&mut Sending, Instant)) {
        self.note(|moves| {
            let now = moves.last;
            (moves.sending.get_mut(&number)).map(|sending| change(sending, now))
        });
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
    number: u64,
    /// What is left of a frame that was too large to go at once.
    rest: Bytes,
    activity: Arc<Activity>,
}

impl Watched {
    fn part(&mut self, mut data: Bytes) -> Frame<Bytes> {
        if data.len() > PART {
            self.rest = data.split_off(PART);
        }
        self.activity.answer(self.number, Sending::give);
        Frame::data(data)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.activity
            .note(|moves| moves.sending.remove(&self.number));
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.activity.answer(self.number, Sending::ask);
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

#[cfg(test)]
mod tests;
