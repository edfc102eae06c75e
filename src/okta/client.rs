//! One call to Okta: a token, room in the bucket, a fresh proof, the request, the verdict, and again while patience lasts.

use std::sync::Arc;

use http::{Method, header};
use tokio::sync::Semaphore;
use url::Url;

use super::auth::{Authorizer, Pass};
use super::error::{Error, Place};
use super::health::{BucketRoom, Health, Snapshot};
use super::org_url::OrgUrl;
use super::pause::{Patience, Pause, TokioPause};
use super::rate::{Bucket, Ledger, Window};
use super::settings::{PageSizes, Settings, SettingsError};
use super::transport::{Answer, Transport};
use super::types::AppId;
use super::verdict::{Verdict, judge};
use super::waits::Tries;
use super::{ReadTime, types};
use crate::model::random::Random;
use crate::model::time::{Clock, Timestamp};

/// Time and chance, which are arguments.
#[derive(Clone)]
pub struct Surroundings {
    /// Our clock.
    pub clock: Arc<dyn Clock>,
    /// For jitter and `jti`s.
    pub random: Arc<dyn Random>,
    /// The timer.
    pub pause: Arc<dyn Pause>,
}

impl Surroundings {
    /// With the runtime's timer.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            clock,
            random,
            pause: Arc::new(TokioPause),
        }
    }
}

/// A client of one org's Management API. Clones share everything but the patience.
#[derive(Clone)]
pub struct Client {
    pub(super) shared: Arc<Shared>,
    pub(super) patience: Patience,
}

pub(super) struct Shared {
    pub(super) org: OrgUrl,
    pub(super) app_id: Option<AppId>,
    pub(super) pages: PageSizes,
    pub(super) around: Surroundings,
    transport: Transport,
    auth: Authorizer,
    pub(super) ledger: Ledger,
    pub(super) health: Health,
    pub(super) in_flight: Semaphore,
}

/// How long an attempt may take while the circuit is open.
const PROBE: std::time::Duration = std::time::Duration::from_secs(10);

/// What to ask for.
pub(super) struct Ask {
    pub(super) url: Url,
    /// The parts of users to leave out (`okta-response`).
    pub(super) slim: bool,
    /// Whether our proof of identity goes along.
    pub(super) anonymous: bool,
    /// Whether a 500 comes back at once, for a smaller page to be asked for.
    pub(super) stop_at_500: bool,
}

impl Ask {
    pub(super) const fn new(url: Url) -> Self {
        Self {
            url,
            slim: false,
            anonymous: false,
            stop_at_500: false,
        }
    }
}

/// What came of it.
pub(super) enum Got {
    /// A 2xx answer.
    Good {
        answer: Answer,
        at: ReadTime,
        place: Place,
    },
    /// Okta's own 404. `error` is for callers to whom it proves nothing.
    Gone { at: ReadTime, error: Error },
    /// A 500, where the caller asked to be told.
    TooLarge(Error),
}

impl Client {
    /// A client. Nothing is sent yet.
    ///
    /// # Errors
    /// When a token, key, proxy or certificate in the settings cannot be used.
    pub fn new(settings: Settings, around: Surroundings) -> Result<Self, SettingsError> {
        let transport = Transport::new(&settings)?;
        let auth = Authorizer::new(settings.auth, &settings.org_url)?;
        let shared = Shared {
            org: settings.org_url,
            app_id: settings.app_id,
            pages: settings.pages,
            around,
            transport,
            auth,
            ledger: Ledger::new(settings.share),
            health: Health::default(),
            in_flight: Semaphore::new(settings.max_concurrent.clamp(1, 1_000)),
        };
        Ok(Self {
            shared: Arc::new(shared),
            patience: Patience::default(),
        })
    }

    /// The same client with another patience.
    #[must_use]
    pub fn with_patience(&self, patience: Patience) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            patience,
        }
    }

    /// How Okta is doing.
    pub fn status(&self) -> Snapshot {
        let buckets = self
            .shared
            .ledger
            .all()
            .into_iter()
            .map(|(bucket, window)| BucketRoom {
                name: bucket.name(),
                limit: window.limit,
                remaining: window.remaining,
                resets_at: window.reset,
            });
        Snapshot {
            buckets: buckets.collect(),
            ..self.shared.health.snapshot()
        }
    }

    /// The org.
    pub fn org_url(&self) -> &OrgUrl {
        &self.shared.org
    }

    /// The app of the settings.
    pub fn app_id(&self) -> Option<&AppId> {
        self.shared.app_id.as_ref()
    }

    /// Asks until there is an answer or patience ends.
    pub(super) async fn get(&self, ask: &Ask) -> Result<Got, Error> {
        let got = self.attempts(ask).await;
        if let Err(error) | Ok(Got::TooLarge(error)) = &got {
            self.shared.health.failed(self.now(), error);
        }
        got
    }

    async fn attempts(&self, ask: &Ask) -> Result<Got, Error> {
        let path = ask.url.path();
        let bucket = Bucket::of(path);
        let asked = Place::new("GET", path);
        let mut tries = Tries::default();
        loop {
            let pass = if ask.anonymous {
                None
            } else {
                Some(self.pass().await?)
            };
            let turn = self.turn(bucket, &asked, &mut tries).await?;
            let read_at = self.now();
            let mut request = self
                .shared
                .transport
                .http()
                .get(ask.url.clone())
                .header(header::ACCEPT, "application/json");
            if self.shared.health.is_open() {
                // The circuit is open: who waits a minute for each of a thousand reads waits for nothing.
                request = request.timeout(PROBE.min(self.shared.transport.timeout));
            }
            if ask.slim {
                // Okta takes its response options as a parameter of the request's Content-Type, on a GET too.
                let options =
                    r#"application/json; okta-response="omitCredentials,omitCredentialsLinks""#;
                request = request.header(header::CONTENT_TYPE, options);
            }
            if let Some(pass) = &pass {
                request = request.headers(pass.headers(
                    &Method::GET,
                    &ask.url,
                    self.okta_now(),
                    &*self.shared.around.random,
                )?);
            }
            let sent = self.exchange(request, bucket).await?;
            drop(turn);
            let answer = match sent {
                Ok(answer) => answer,
                Err(why) => {
                    self.back_off(asked.clone(), why, &mut tries).await?;
                    continue;
                }
            };
            self.shared.auth.learn(&answer);
            let place = asked.clone().answered(answer.request_id());
            let took = self.now().since(read_at).max(0);
            let at = ReadTime {
                read_at,
                okta_at: answer.date().map(|date| date.minus_millis(took)),
            };
            match judge(&answer, path, &place) {
                Verdict::Good => return Ok(Got::Good { answer, at, place }),
                Verdict::Gone => {
                    let (code, summary) =
                        ("E0000007".to_owned(), "Okta has no such object".to_owned());
                    return Ok(Got::Gone {
                        at,
                        error: Error::NotFound {
                            place,
                            code,
                            summary,
                        },
                    });
                }
                Verdict::NonceWanted(error) => {
                    tries.nonces += 1;
                    if tries.nonces > 2 {
                        return Err(error);
                    }
                }
                Verdict::TokenRefused(error) => {
                    let renewable = match &pass {
                        Some(pass) if !tries.renewed => self.shared.auth.discard(pass).await,
                        _ => false,
                    };
                    if !renewable {
                        return Err(error);
                    }
                    tries.renewed = true;
                }
                Verdict::RateLimited(window) => self.throttled(window, place, &mut tries).await?,
                Verdict::Crowded => self.crowded(place, &mut tries).await?,
                Verdict::Down {
                    why,
                    page_too_large: true,
                } if ask.stop_at_500 => {
                    return Ok(Got::TooLarge(Error::Unavailable { place, why }));
                }
                Verdict::Down { why, .. } => self.back_off(place, why, &mut tries).await?,
                Verdict::Final(error) => return Err(error),
            }
        }
    }

    /// A token; who waits for another's fetching of it can be cancelled by himself.
    async fn pass(&self) -> Result<Pass, Error> {
        tokio::select! {
            biased;
            () = self.patience.cancel.cancelled() => Err(Error::Cancelled),
            pass = self.shared.auth.pass(self) => pass,
        }
    }

    /// Sends and notes what the answer says of Okta's health. The outer error is being cancelled.
    pub(super) async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
        bucket: Bucket,
    ) -> Result<Result<Answer, String>, Error> {
        let shared = &self.shared;
        let request = match request.build() {
            Ok(request) => request,
            Err(why) => return Ok(Err(why.without_url().to_string())),
        };
        let sent = tokio::select! {
            biased;
            () = self.patience.cancel.cancelled() => return Err(Error::Cancelled),
            sent = shared.transport.send(request) => sent,
        };
        let status = sent.as_ref().ok().map(|answer| answer.status.as_u16());
        shared.health.counted(status);
        if let Ok(answer) = &sent {
            if let Some(date) = answer.date() {
                shared.health.clock(self.now(), date);
            }
            if let Some(window) = Window::read(&answer.headers) {
                shared.ledger.note(bucket, window);
            }
            for name in &shared.transport.keep {
                if let Some(value) = answer
                    .headers
                    .get(name)
                    .and_then(|value| value.to_str().ok())
                {
                    shared.health.kept(name.as_str(), value);
                }
            }
            if !answer.status.is_server_error() {
                shared.health.answered(self.now());
            }
        }
        Ok(sent)
    }

    /// Our clock.
    pub(super) fn now(&self) -> Timestamp {
        self.shared.around.clock.now()
    }

    /// Okta's clock, as far as its answers told: what it compares the times of assertions and proofs with.
    pub(super) fn okta_now(&self) -> Timestamp {
        self.shared.health.okta_now(self.now())
    }

    /// Okta's clock less ours, in ms, once an answer told.
    pub(super) fn skew(&self) -> Option<i64> {
        self.shared.health.snapshot().clock_skew_ms
    }

    /// The HTTP client, for requests that [`Client::exchange`] sends.
    pub(super) fn http(&self) -> &reqwest::Client {
        self.shared.transport.http()
    }

    /// For a service app: the scopes granted, and whether its tokens are bound.
    pub(super) async fn granted(&self) -> Option<Result<(Vec<String>, bool), Error>> {
        self.shared.auth.granted(self).await
    }

    /// Reads an answer's JSON.
    pub(super) fn parse<T: serde::de::DeserializeOwned>(
        &self,
        answer: &Answer,
        place: Place,
    ) -> Result<T, Error> {
        types::read(&answer.body).map_err(|why| {
            let error = Error::Malformed { place, why };
            self.shared.health.failed(self.now(), &error);
            error
        })
    }
}

/// Shows the org only.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("org", &self.shared.org.to_string())
            .finish_non_exhaustive()
    }
}
