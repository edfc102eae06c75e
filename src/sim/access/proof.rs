//! DPoP proofs (RFC 9449) as Okta checks them.

use serde_json::Value;

use super::Inner;
use super::jose::{Jws, digest, thumbprint};
use crate::model::time::Timestamp;

/// A proof whose signature holds.
pub(super) struct Proof {
    jws: Jws,
    thumbprint: String,
}

/// What a proof must have been made for.
pub(super) struct ProofUse<'a> {
    pub(super) method: &'a str,
    /// Without query and fragment.
    pub(super) url: &'a str,
    /// The token it goes with, whose hash it must carry.
    pub(super) access_token: Option<&'a str>,
    pub(super) now: Timestamp,
}

/// How far a proof's `iat` may be from Okta's clock: it must have been minted just now.
const LEEWAY_SECONDS: i64 = 60;

impl Proof {
    /// Takes a proof apart and verifies it with the key it carries.
    pub(super) fn read(compact: &str) -> Result<Self, &'static str> {
        let jws = Jws::read(compact).ok_or("the proof is not a JWS")?;
        if jws.header("typ") != "dpop+jwt" {
            return Err("typ must be dpop+jwt");
        }
        let jwk = jws.header.get("jwk").cloned().unwrap_or(Value::Null);
        if ["d", "p", "q", "k"]
            .iter()
            .any(|private| jwk.get(private).is_some())
        {
            return Err("jwk must hold no private key");
        }
        let thumbprint = thumbprint(&jwk).ok_or("jwk is missing or of an unknown kind")?;
        if !jws.is_signed_by(&jwk) {
            return Err("the signature does not match");
        }
        Ok(Self { jws, thumbprint })
    }

    /// Checks what the proof says; its `jti` is used up by it, when `token` use asks for one.
    pub(super) fn check(
        &self,
        wanted: &ProofUse<'_>,
        access: &mut Inner,
    ) -> Result<(), &'static str> {
        if self.jws.claim("htm") != wanted.method {
            return Err("htm is not the method");
        }
        if self.jws.claim("htu") != wanted.url {
            return Err("htu is not the URL without query and fragment");
        }
        let now = wanted.now.as_millis().div_euclid(1000);
        if self
            .jws
            .seconds("iat")
            .is_none_or(|iat| (iat - now).abs() > LEEWAY_SECONDS)
        {
            return Err("iat is not now");
        }
        if let Some(token) = wanted.access_token {
            if self.jws.claim("ath") != digest(token.as_bytes()) {
                return Err("ath is not the hash of the token");
            }
            self.use_up(access)?;
        }
        Ok(())
    }

    /// Uses up the proof's `jti`.
    pub(super) fn use_up(&self, access: &mut Inner) -> Result<(), &'static str> {
        let jti = self.jws.claim("jti");
        if jti.is_empty() {
            return Err("jti is missing");
        }
        if access.seen.insert(format!("proof:{jti}")) {
            Ok(())
        } else {
            Err("jti was used before")
        }
    }

    pub(super) fn nonce(&self) -> &str {
        self.jws.claim("nonce")
    }

    pub(super) fn thumbprint(&self) -> String {
        self.thumbprint.clone()
    }
}
