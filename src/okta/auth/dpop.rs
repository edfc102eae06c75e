//! DPoP (RFC 9449): tokens bound to a key of ours, proved anew on every request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::json;
use url::Url;

use super::key::{Signer, coordinates};
use super::{jti, seconds};
use crate::model::random::Random;
use crate::model::time::Timestamp;
use crate::okta::error::Error;
use crate::okta::settings::{DpopMode, SettingsError};

/// Our key pair (one per process, never the one that signs assertions) and Okta's nonce.
pub(in crate::okta) struct Dpop {
    key: Signer,
    jwk: serde_json::Value,
    mode: DpopMode,
    on: AtomicBool,
    nonce: Mutex<Option<String>>,
}

impl Dpop {
    pub(super) fn new(mode: DpopMode) -> Result<Self, SettingsError> {
        let pair = Signer::generate()?;
        let (x, y) =
            coordinates(&pair).ok_or_else(|| SettingsError::Key("none can be made".to_owned()))?;
        Ok(Self {
            key: Signer::Es256(Box::new(pair)),
            jwk: json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}),
            mode,
            on: AtomicBool::new(mode == DpopMode::On),
            nonce: Mutex::default(),
        })
    }

    /// Whether token requests carry a proof.
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// The token endpoint wants a proof. Says whether that is news and allowed.
    pub(super) fn switch_on(&self) -> bool {
        self.mode == DpopMode::Auto && !self.on.swap(true, Ordering::Relaxed)
    }

    /// Keeps the nonce of an answer; Okta changes it every 24 hours and takes the old one for three days.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        if let Some(nonce) = headers
            .get("dpop-nonce")
            .and_then(|nonce| nonce.to_str().ok())
        {
            *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce.to_owned());
        }
    }

    /// A proof for one request; with the access token's hash (`ath`) where one goes along.
    pub(super) fn proof(
        &self,
        method: &Method,
        url: &Url,
        token: Option<&str>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<HeaderValue, Error> {
        // htu is without query and fragment (RFC 9449 section 4.2).
        let mut target = url.clone();
        target.set_query(None);
        target.set_fragment(None);
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk});
        let mut claims = json!({"jti": jti(random), "htm": method.as_str(), "htu": target.as_str(), "iat": seconds(now)});
        if let Some(token) = token {
            claims["ath"] = URL_SAFE_NO_PAD
                .encode(digest::digest(&digest::SHA256, token.as_bytes()))
                .into();
        }
        if let Some(nonce) = self
            .nonce
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_deref()
        {
            claims["nonce"] = nonce.into();
        }
        let proof = self.key.jws(&header, &claims)?;
        HeaderValue::from_str(&proof)
            .map_err(|_| Error::Signing("the proof cannot stand in a header"))
    }
}
