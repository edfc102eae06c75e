//! The client assertion: `private_key_jwt` (RFC 7523, OpenID Connect Core section 9).

use serde_json::json;

use super::key::Signer;
use super::{jti, seconds};
use crate::model::random::Random;
use crate::model::time::Timestamp;
use crate::okta::error::Error;

/// How long an assertion is good for, in seconds. Okta takes up to an hour; it is used at once.
const LIFETIME: i64 = 300;

/// A fresh assertion. Each is used for one request: Okta may refuse a `jti` that it has seen.
pub(super) fn assertion(
    signer: &Signer,
    key_id: Option<&str>,
    client_id: &str,
    token_url: &str,
    now: Timestamp,
    random: &dyn Random,
) -> Result<String, Error> {
    let mut header = json!({"alg": signer.algorithm().as_str(), "typ": "JWT"});
    if let Some(kid) = key_id {
        header["kid"] = kid.into();
    }
    let iat = seconds(now);
    let claims = json!({
        "iss": client_id, "sub": client_id, "aud": token_url, "iat": iat, "exp": iat + LIFETIME, "jti": jti(random),
    });
    signer.jws(&header, &claims)
}
