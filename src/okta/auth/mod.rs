//! How we prove who we are: an SSWS token, or an OAuth service app with or without DPoP.

mod assertion;
mod dpop;
mod key;
mod token;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use secrecy::ExposeSecret as _;
use url::Url;

use self::dpop::Dpop;
use self::token::{Service, Token};
use super::client::Client;
use super::error::Error;
use super::org_url::OrgUrl;
use super::settings::{Auth, SettingsError};
use super::transport::Answer;
use crate::model::random::Random;
use crate::model::time::Timestamp;

/// The way the settings chose.
pub(super) enum Authorizer {
    /// The whole header value, marked sensitive.
    Ssws(HeaderValue),
    Service(Box<Service>),
}

/// What one request is sent with.
pub(super) enum Pass {
    Ssws(HeaderValue),
    Token { token: Arc<Token>, dpop: Arc<Dpop> },
}

impl Authorizer {
    pub(super) fn new(auth: Auth, org: &OrgUrl) -> Result<Self, SettingsError> {
        match auth {
            Auth::Ssws { token } => {
                let text = token.expose_secret();
                if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
                    return Err(SettingsError::Token);
                }
                Ok(Self::Ssws(
                    sensitive(&format!("SSWS {text}")).ok_or(SettingsError::Token)?,
                ))
            }
            Auth::ServiceApp(app) => Ok(Self::Service(Box::new(Service::new(app, org)?))),
        }
    }

    /// A token fit for use, fetched where there is none.
    pub(super) async fn pass(&self, client: &Client) -> Result<Pass, Error> {
        match self {
            Self::Ssws(value) => Ok(Pass::Ssws(value.clone())),
            Self::Service(service) => {
                let token = service.token(client).await?;
                Ok(Pass::Token {
                    token,
                    dpop: Arc::clone(&service.dpop),
                })
            }
        }
    }

    /// Okta refused `pass`: drops its token. Says whether a fresh one can be had.
    pub(super) async fn discard(&self, pass: &Pass) -> bool {
        match (self, pass) {
            (Self::Service(service), Pass::Token { token, .. }) => {
                service.discard(token).await;
                true
            }
            _ => false,
        }
    }

    /// Keeps the nonce that any answer may carry (RFC 9449 section 8.2).
    pub(super) fn learn(&self, answer: &Answer) {
        if let Self::Service(service) = self {
            service.dpop.learn(&answer.headers);
        }
    }

    /// For a service app: the scopes granted, and whether its tokens are bound.
    pub(super) async fn granted(
        &self,
        client: &Client,
    ) -> Option<Result<(Vec<String>, bool), Error>> {
        match self {
            Self::Ssws(_) => None,
            Self::Service(service) => Some(
                service
                    .token(client)
                    .await
                    .map(|token| (token.scopes.clone(), token.dpop)),
            ),
        }
    }
}

impl Pass {
    /// The headers for one request; a proof of possession is made anew for each.
    pub(super) fn headers(
        &self,
        method: &Method,
        url: &Url,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        match self {
            Self::Ssws(value) => {
                headers.insert(header::AUTHORIZATION, value.clone());
            }
            Self::Token { token, dpop } => {
                let text = token.value.expose_secret();
                let scheme = if token.dpop { "DPoP" } else { "Bearer" };
                let unfit = Error::Signing("the access token cannot stand in a header");
                headers.insert(
                    header::AUTHORIZATION,
                    sensitive(&format!("{scheme} {text}")).ok_or(unfit)?,
                );
                if token.dpop {
                    headers.insert(DPOP, dpop.proof(method, url, Some(text), now, random)?);
                }
            }
        }
        Ok(headers)
    }
}

/// The proof's header (RFC 9449).
pub(super) const DPOP: HeaderName = HeaderName::from_static("dpop");

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A `jti`: 128 random bits.
fn jti(random: &dyn Random) -> String {
    use base64::Engine as _;
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Seconds since the epoch, as JWTs count.
const fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}
