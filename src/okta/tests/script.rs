//! A server that answers as told and remembers what it heard.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use http::HeaderMap;

use crate::model::random::SeededRandom;
use crate::model::time::{ManualClock, Timestamp};
use crate::okta::{Auth, Client, OrgUrl, Pause, Settings, Surroundings};

/// What the server heard.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    /// Which request it is, from 0.
    pub(super) number: usize,
    /// The server's URL.
    pub(super) base: String,
}

impl Heard {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }
}

/// What it answers.
pub(super) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    manner: Manner,
    took_ms: i64,
}

#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Whole,
    BrokenOff,
    Never,
}

impl Reply {
    pub(super) fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            manner: Manner::Whole,
            took_ms: 0,
        }
    }

    pub(super) fn ok(body: impl Into<String>) -> Self {
        Self::new(200, body)
    }

    /// One of Okta's errors.
    pub(super) fn error(status: u16, code: &str) -> Self {
        let body = format!(
            r#"{{"errorCode":"{code}","errorSummary":"summary of {code}","errorId":"oaeHidden","errorCauses":[]}}"#
        );
        Self::new(status, body).with("x-okta-request-id", "reqId1")
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn next(self, url: impl std::fmt::Display) -> Self {
        self.with("link", format!(r#"<{url}>; rel="next""#))
    }

    pub(super) fn rate(self, limit: u32, remaining: u32, reset: i64) -> Self {
        self.with("x-rate-limit-limit", limit.to_string())
            .with("x-rate-limit-remaining", remaining.to_string())
            .with("x-rate-limit-reset", reset.to_string())
    }

    /// The clock goes on by so much before the answer comes.
    pub(super) fn taking(mut self, ms: i64) -> Self {
        self.took_ms = ms;
        self
    }

    /// The connection breaks in the middle of the body.
    pub(super) fn broken_off(mut self) -> Self {
        self.manner = Manner::BrokenOff;
        self
    }

    /// No answer ever.
    pub(super) fn never() -> Self {
        Self {
            manner: Manner::Never,
            ..Self::ok("")
        }
    }
}

/// A timer that takes no time: it moves the clock and notes the wait.
pub(super) struct Skip {
    clock: Arc<ManualClock>,
    waits: Mutex<Vec<i64>>,
}

impl Pause for Skip {
    fn pause(&self, wait: Duration) -> BoxFuture<'_, ()> {
        let ms = i64::try_from(wait.as_millis()).unwrap();
        self.waits.lock().unwrap().push(ms);
        self.clock.advance(ms);
        Box::pin(tokio::task::yield_now())
    }
}

/// The server, and a clock and a timer to go with it.
pub(super) struct Script {
    pub(super) base: String,
    pub(super) clock: Arc<ManualClock>,
    skip: Arc<Skip>,
    heard: Arc<Mutex<Vec<Heard>>>,
    in_flight: Arc<AtomicUsize>,
    most_in_flight: Arc<AtomicUsize>,
}

/// 2026-11-23T10:00:00Z, when every script starts.
pub(super) const START: i64 = 1_795_428_000;

impl Script {
    pub(super) async fn start(answer: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(START * 1000)));
        let skip = Arc::new(Skip {
            clock: Arc::clone(&clock),
            waits: Mutex::default(),
        });
        let script = Self {
            base: base.clone(),
            clock: Arc::clone(&clock),
            skip,
            heard: Arc::default(),
            in_flight: Arc::default(),
            most_in_flight: Arc::default(),
        };
        let (heard, now, most) = (
            Arc::clone(&script.heard),
            Arc::clone(&script.in_flight),
            Arc::clone(&script.most_in_flight),
        );
        let answer = Arc::new(answer);
        let app = axum::Router::new().fallback(move |request: Request| {
            let (heard, now, most) = (Arc::clone(&heard), Arc::clone(&now), Arc::clone(&most));
            let (answer, base, clock) = (Arc::clone(&answer), base.clone(), Arc::clone(&clock));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let asked = hear(request, base, &heard).await;
                let reply = answer(&asked);
                if reply.manner == Manner::Never {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                clock.advance(reply.took_ms);
                respond(reply, &clock)
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        script
    }

    pub(super) fn settings(&self) -> Settings {
        let token = "00SecretApiToken".to_owned().into();
        Settings {
            timeout: Duration::from_secs(20),
            ..Settings::new(OrgUrl::parse(&self.base).unwrap(), Auth::Ssws { token })
        }
    }

    pub(super) fn surroundings(&self) -> Surroundings {
        let random = Arc::new(SeededRandom::new(1));
        Surroundings {
            clock: Arc::clone(&self.clock) as _,
            random,
            pause: Arc::clone(&self.skip) as _,
        }
    }

    pub(super) fn client_with(&self, settings: Settings) -> Client {
        Client::new(settings, self.surroundings()).unwrap()
    }

    pub(super) fn client(&self) -> Client {
        self.client_with(self.settings())
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    pub(super) fn targets(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| heard.target).collect()
    }

    /// The waits in ms, in order.
    pub(super) fn waits(&self) -> Vec<i64> {
        self.skip.waits.lock().unwrap().clone()
    }

    pub(super) fn most_in_flight(&self) -> usize {
        self.most_in_flight.load(Ordering::SeqCst)
    }
}

async fn hear(request: Request, base: String, log: &Mutex<Vec<Heard>>) -> Heard {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let mut log = log.lock().unwrap();
    let heard = Heard {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
        number: log.len(),
        base,
    };
    log.push(heard.clone());
    heard
}

fn respond(reply: Reply, clock: &ManualClock) -> Response {
    use crate::model::time::Clock as _;
    let mut response = Response::builder().status(reply.status);
    if !reply.headers.iter().any(|(name, _)| name == "date") {
        response = response.header("date", http_date(clock.now()));
    }
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let body = match reply.manner {
        Manner::BrokenOff => {
            let half = Bytes::copy_from_slice(&reply.body.as_bytes()[..reply.body.len() / 2]);
            // The half has to be on its way before the connection goes.
            Body::from_stream(
                stream::iter([Ok(half), Err(std::io::Error::other("cut"))]).then(async |part| {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    part
                }),
            )
        }
        Manner::Whole | Manner::Never => Body::from(reply.body),
    };
    response.body(body).unwrap()
}

pub(super) fn http_date(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .unwrap()
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}
