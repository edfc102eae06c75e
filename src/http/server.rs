//! The accept loop: one socket, a cap on connections, time limits on everything a client may be slow at.
//!
//! `axum::serve` has no header timeout, and hyper's own does nothing without a timer and does not cover the bytes by
//! which a connection's protocol is told; a client that sends half a request would hold its connection for good.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;
use tower_http::timeout::TimeoutBody;

use super::activity::{Activity, Limits, Overdue};
use super::leftover;
use super::tls::TlsReload;
use crate::model::pulse::Pulse;
use crate::model::stop::StopListener;

/// How long answers that were begun may take once the daemon is to stop.
pub const DRAIN: Duration = Duration::from_secs(10);

/// How long a body may be silent, either way. Okta gives up after 60 s of silence.
pub const SILENCE: Duration = Duration::from_secs(30);

/// Longest request line and headers together; beyond it the answer is 431.
const HEAD_LIMIT: usize = 32 * 1024;

/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 100;

/// How long to wait after a failed accept (no file descriptors left) instead of spinning.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often the accept loop shows that it is alive while nobody connects.
const BEAT: Duration = Duration::from_secs(1);

const UNREAD: &str = "the client does not read its answer";

const UNMADE: &str = "the rest of an answer did not come from the store";

/// What a server bears.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Most connections at once; more wait in the kernel's backlog.
    pub max_connections: usize,
    /// How long a client may take to send a request's headers, or to shake hands.
    pub header_timeout: Duration,
    /// How long a client may take to ask again.
    pub idle_timeout: Duration,
    /// How long a request's body may be silent, and how long a client may not read a long answer: [`SILENCE`]. What was
    /// given to the socket whole (a short answer, the end of a long one) counts as read; it has the time of an idle client.
    pub silence: Duration,
    /// TLS; `None` is plain HTTP.
    pub tls: Option<TlsReload>,
}

/// A bound socket.
pub struct Server {
    listener: TcpListener,
    options: ServerOptions,
}

impl Server {
    /// Binds `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(address: SocketAddr, options: ServerOptions) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address).await?,
            options,
        })
    }

    /// The address that was bound.
    ///
    /// # Errors
    /// When the socket cannot say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves `router` until `stop`: then accepts no more, lets each connection finish its answer for at most
    /// [`DRAIN`], and drops what is left. The peer's address is the extension `ConnectInfo<SocketAddr>`.
    pub async fn serve(self, router: Router, mut stop: StopListener, pulse: Pulse) {
        let slots = Arc::new(Semaphore::new(self.options.max_connections));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.soft() => break,
                () = sleep(BEAT) => {
                    pulse.beat();
                    continue;
                }
                Some(_) = connections.join_next() => continue,
                accepted = accept(&self.listener, &slots) => accepted,
            };
            let (stream, peer, slot) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            pulse.beat();
            let connection = Connection {
                router: router.clone(),
                peer,
                options: self.options.clone(),
                stop: stop.clone(),
            };
            connections.spawn(async move {
                if let Err(error) = connection.run(stream).await {
                    tracing::debug!(%peer, error, "a connection ended early");
                }
                drop(slot);
            });
        }
        drop(self.listener);
        let drained = async { while connections.join_next().await.is_some() {} };
        tokio::select! {
            () = drained => {}
            () = sleep(DRAIN) => tracing::warn!("connections were dropped: they took too long to finish"),
            () = stop.hard() => {}
        }
        connections.shutdown().await;
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await;
    // The semaphore is never closed.
    let slot = slot.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Refused for a client that is gone already: then its connection ends by itself, and nobody else waits for that.
    let _ = stream.set_nodelay(true);
    Ok((stream, peer, slot))
}

/// One client.
struct Connection {
    router: Router,
    peer: SocketAddr,
    options: ServerOptions,
    stop: StopListener,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

impl Connection {
    async fn run(mut self, stream: TcpStream) -> Result<(), String> {
        let patience = self.options.header_timeout;
        match self.options.tls.take() {
            None => {
                let told = tokio::select! {
                    told = timeout(patience, protocol_of(&stream)) => told,
                    () = self.stop.soft() => return Ok(()),
                };
                let protocol = told
                    .map_err(|_| "nothing was sent".to_owned())?
                    .map_err(|error| error.to_string())?;
                self.speak(stream, protocol).await
            }
            Some(tls) => {
                let shaken = tokio::select! {
                    shaken = timeout(patience, tls.acceptor().accept(stream)) => shaken,
                    () = self.stop.soft() => return Ok(()),
                };
                let stream = shaken
                    .map_err(|_| "the TLS handshake took too long".to_owned())?
                    .map_err(|error| error.to_string())?;
                let protocol = match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => Protocol::Http2,
                    _ => Protocol::Http1,
                };
                self.speak(stream, protocol).await
            }
        }
    }

    async fn speak<S>(self, stream: S, protocol: Protocol) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Self {
            router,
            peer,
            options,
            mut stop,
        } = self;
        let asked = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&asked);
        let activity = Activity::begin();
        let watched = Arc::clone(&activity);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            noted.store(true, Ordering::Relaxed);
            let request =
                request.map(|body| Body::new(Box::pin(TimeoutBody::new(options.silence, body))));
            answer(router.clone(), peer, request, Arc::clone(&watched))
        });
        let limits = Limits {
            head: options.header_timeout,
            unread: options.silence,
            idle: options.idle_timeout,
        };
        let io = TokioIo::new(activity.listen(stream));
        match protocol {
            Protocol::Http1 => {
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    // Ours does not run while nobody asks.
                    .header_read_timeout(None)
                    .max_header_size(HEAD_LIMIT)
                    .max_buf_size(2 * HEAD_LIMIT)
                    .serve_connection(io, service);
                tokio::pin!(connection);
                let ended = tokio::select! {
                    // A request that has come goes before a limit that is up in the same moment.
                    biased;
                    ended = connection.as_mut() => ended,
                    overdue = activity.overdue(limits) => match overdue {
                        Overdue::Head => return Err("the headers took too long".to_owned()),
                        Overdue::Unread => return Err(UNREAD.to_owned()),
                        Overdue::Unmade => return Err(UNMADE.to_owned()),
                        Overdue::Idle => {
                            // Closes at once, unless half a request was read along with the last: that is not waited for.
                            connection.as_mut().graceful_shutdown();
                            timeout(options.header_timeout, connection)
                                .await
                                .unwrap_or(Ok(()))
                        }
                    },
                    () = stop.soft() => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                };
                ended.map_err(|error| error.to_string())
            }
            Protocol::Http2 => {
                let connection = http2::Builder::new(TokioExecutor::new())
                    .timer(TokioTimer::new())
                    .max_header_list_size(u32::try_from(HEAD_LIMIT).unwrap_or(u32::MAX))
                    .max_concurrent_streams(STREAMS)
                    .keep_alive_interval(PING_EVERY)
                    .keep_alive_timeout(options.header_timeout)
                    .serve_connection(io, service);
                tokio::pin!(connection);
                // Pings are answered by a client that never asks anything, or sends its headers one frame at a time.
                // Frames that come are no headers: pings, windows, the rest of a body.
                let frames = Limits {
                    head: options.idle_timeout,
                    ..limits
                };
                let silent = async {
                    sleep(options.header_timeout).await;
                    if asked.load(Ordering::Relaxed) {
                        std::future::pending::<()>().await;
                    }
                };
                let ended = tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = silent => return Err("nothing was asked".to_owned()),
                    overdue = activity.overdue(frames) => {
                        connection.as_mut().graceful_shutdown();
                        // Whoever was merely idle goes now; an answer that nobody reads does not. Requests beside it, which may
                        // have changed something, are answered first; no new ones come.
                        loop {
                            match timeout(options.header_timeout, connection.as_mut()).await {
                                Ok(ended) => break ended,
                                Err(_) if activity.is_working() => {}
                                Err(_) if overdue == Overdue::Unmade => return Err(UNMADE.to_owned()),
                                Err(_) => return Err(UNREAD.to_owned()),
                            }
                        }
                    }
                    () = stop.soft() => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                };
                ended.map_err(|error| error.to_string())
            }
        }
    }
}

async fn answer(
    router: Router,
    peer: SocketAddr,
    request: hyper::Request<Body>,
    activity: Arc<Activity>,
) -> Result<Response, Infallible> {
    let will_come = leftover::will_come(request.headers());
    let (mut head, body) = request.into_parts();
    head.extensions.insert(ConnectInfo(peer));
    let (body, rest) = leftover::lend(body);
    let request = hyper::Request::from_parts(head, Body::new(body));
    let working = activity.work();
    let answered = router.oneshot(request).await;
    if will_come {
        rest.discard().await;
    }
    drop(working);
    answered.map(|response| response.map(|body| activity.watch(body)))
}

/// Looks at the first bytes without taking them: `PRI ` begins HTTP/2 with prior knowledge, and no HTTP/1 method.
async fn protocol_of(stream: &TcpStream) -> io::Result<Protocol> {
    const PREFACE: &[u8] = b"PRI ";
    let mut first = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut first).await?;
        let seen = first.get(..count).unwrap_or_default();
        if seen == PREFACE {
            return Ok(Protocol::Http2);
        }
        // A closed connection is hyper's to notice.
        if seen.is_empty() || !PREFACE.starts_with(seen) {
            return Ok(Protocol::Http1);
        }
        // What was peeked stays readable, so there is no event to wait for.
        sleep(Duration::from_millis(10)).await;
    }
}
