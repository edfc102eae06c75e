//! The access token of a service app: fetched once for all that wait, kept until shortly before it expires.

use std::sync::Arc;

use http::{Method, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::DPOP;
use super::assertion::assertion;
use super::dpop::Dpop;
use super::key::Signer;
use crate::model::time::Timestamp;
use crate::okta::client::Client;
use crate::okta::error::{Error, Place};
use crate::okta::org_url::OrgUrl;
use crate::okta::rate::{Bucket, Window};
use crate::okta::settings::{ServiceApp, SettingsError};
use crate::okta::transport::Answer;
use crate::okta::verdict::clean;
use crate::okta::waits::Tries;

/// A token is renewed this long before it expires (or at half its life, if that is shorter), in ms.
const MARGIN_MS: i64 = 5 * 60_000;

/// Okta takes times that are off by some minutes; beyond this a refusal may be the clock's fault.
const TOLERATED_MS: i64 = 30_000;

/// A service app.
pub(in crate::okta) struct Service {
    client_id: String,
    signer: Signer,
    key_id: Option<String>,
    scope: String,
    token_url: Url,
    pub(super) dpop: Arc<Dpop>,
    /// Held while a token is fetched, so that one request serves all that wait.
    current: Mutex<Option<Arc<Token>>>,
}

/// An access token, opaque to us.
pub(in crate::okta) struct Token {
    pub(super) value: SecretString,
    pub(super) dpop: bool,
    pub(super) scopes: Vec<String>,
    renew_at: Timestamp,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    expires_in: Option<i64>,
    scope: Option<String>,
}

/// RFC 6749 section 5.2; Okta's own errors have the other two.
#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default, rename = "errorCode")]
    code: String,
    #[serde(default, rename = "errorSummary")]
    summary: String,
}

impl Service {
    pub(super) fn new(app: ServiceApp, org: &OrgUrl) -> Result<Self, SettingsError> {
        use secrecy::ExposeSecret as _;
        if app.scopes.is_empty() {
            return Err(SettingsError::NoScopes);
        }
        let (signer, jwk_kid) = Signer::read(app.key.expose_secret(), app.algorithm)?;
        Ok(Self {
            client_id: app.client_id,
            signer,
            key_id: app.key_id.or(jwk_kid),
            scope: app.scopes.join(" "),
            token_url: org.at(&["oauth2", "v1", "token"]),
            dpop: Arc::new(Dpop::new(app.dpop)?),
            current: Mutex::new(None),
        })
    }

    /// The current token, or a new one.
    pub(super) async fn token(&self, client: &Client) -> Result<Arc<Token>, Error> {
        let mut current = self.current.lock().await;
        if let Some(token) = current
            .as_ref()
            .filter(|token| client.now() < token.renew_at)
        {
            return Ok(Arc::clone(token));
        }
        let fresh = Arc::new(self.fetch(client).await?);
        *current = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// Drops `refused`, unless another has taken its place already.
    pub(super) async fn discard(&self, refused: &Arc<Token>) {
        let mut current = self.current.lock().await;
        if current
            .as_ref()
            .is_some_and(|token| Arc::ptr_eq(token, refused))
        {
            *current = None;
        }
    }

    async fn fetch(&self, client: &Client) -> Result<Token, Error> {
        let asked = Place::new("POST", self.token_url.path());
        let mut tries = Tries::default();
        let mut nonces = 0;
        let mut blind = client.skew().is_none();
        loop {
            // Not counted among the requests in flight: the call that waits for this token may hold the last place.
            while let Err(wait) = client.room(Bucket::Token) {
                client.wait_for_room(wait, &asked, &mut tries).await?;
            }
            let bound = self.dpop.is_on();
            let asked_at = client.now();
            let request = self.request(client, bound, client.okta_now())?;
            let answer = match client.exchange(request, Bucket::Token).await? {
                Ok(answer) => answer,
                Err(why) => {
                    client.back_off(asked.clone(), why, &mut tries).await?;
                    continue;
                }
            };
            self.dpop.learn(&answer.headers);
            let place = asked.clone().answered(answer.request_id());
            match answer.status {
                status if status.is_success() => return granted(client, &answer, place, asked_at),
                StatusCode::TOO_MANY_REQUESTS => match Window::read(&answer.headers) {
                    Some(window) if window.is_concurrency() => {
                        client.crowded(place, &mut tries).await?;
                    }
                    window => client.throttled(window, place, &mut tries).await?,
                },
                status if status.is_server_error() => {
                    client
                        .back_off(place, status.to_string(), &mut tries)
                        .await?;
                }
                _ => {
                    let refused: Refused = serde_json::from_slice(&answer.body).unwrap_or_default();
                    let skewed = client.skew().is_some_and(|skew| skew.abs() > TOLERATED_MS);
                    match refused.error.as_str() {
                        // Made by our clock, before Okta told its own: once more by Okta's.
                        "invalid_client" | "invalid_dpop_proof" | "invalid_request"
                            if blind && skewed =>
                        {
                            blind = false;
                        }
                        // The nonce is noted; the next round brings it, with an assertion of its own.
                        "use_dpop_nonce" if nonces < 2 && bound => nonces += 1,
                        "invalid_dpop_proof" | "use_dpop_nonce"
                            if !bound && self.dpop.switch_on() =>
                        {
                            tracing::info!("Okta requires DPoP of this service app; switched on");
                        }
                        _ => return Err(explain(&refused, &answer, place)),
                    }
                }
            }
        }
    }

    fn request(
        &self,
        client: &Client,
        bound: bool,
        now: Timestamp,
    ) -> Result<reqwest::RequestBuilder, Error> {
        let random = &*client.shared.around.random;
        let url = self.token_url.as_str();
        let assertion = assertion(
            &self.signer,
            self.key_id.as_deref(),
            &self.client_id,
            url,
            now,
            random,
        )?;
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", &self.scope),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", &assertion),
        ];
        let request = client
            .http()
            .post(self.token_url.clone())
            .header(http::header::ACCEPT, "application/json")
            .form(&form);
        if !bound {
            return Ok(request);
        }
        Ok(request.header(
            DPOP,
            self.dpop
                .proof(&Method::POST, &self.token_url, None, now, random)?,
        ))
    }
}

fn granted(
    client: &Client,
    answer: &Answer,
    place: Place,
    asked_at: Timestamp,
) -> Result<Token, Error> {
    let granted: Granted = client.parse(answer, place.clone())?;
    let dpop = match granted.token_type.to_ascii_lowercase().as_str() {
        "bearer" => false,
        "dpop" => true,
        _ => {
            return Err(Error::Malformed {
                place,
                why: "token_type is neither Bearer nor DPoP".to_owned(),
            });
        }
    };
    let life = granted.expires_in.unwrap_or(3600).clamp(1, 86_400) * 1000;
    Ok(Token {
        value: SecretString::from(granted.access_token),
        dpop,
        scopes: granted
            .scope
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        renew_at: asked_at.plus_millis(life - MARGIN_MS.min(life / 2)),
    })
}

fn explain(refused: &Refused, answer: &Answer, place: Place) -> Error {
    let or = |first: &str, second: &str| clean(if first.is_empty() { second } else { first }, 300);
    let error = or(&refused.error, &refused.code);
    if error.is_empty() {
        return Error::Refused {
            place,
            status: answer.status.as_u16(),
            code: String::new(),
            summary: String::new(),
        };
    }
    Error::OAuth {
        error,
        description: or(&refused.error_description, &refused.summary),
    }
}
