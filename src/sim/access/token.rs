//! `POST /oauth2/v1/token` for service apps: `client_credentials` by `private_key_jwt`, with DPoP and its nonce dance.

use std::collections::HashMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use super::super::Shared;
use super::super::org::letters;
use super::jose::Jws;
use super::proof::{Proof, ProofUse};
use super::{Inner, Issued, Principal};

/// Access tokens live for an hour, fixed.
const LIFETIME_SECONDS: i64 = 3600;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Answers one `client_credentials` request.
pub(in crate::sim) fn client_credentials(
    shared: &Shared,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
) -> Response {
    match grant(shared, headers, form) {
        Ok(answer) => answer,
        Err(refusal) => refusal.into_response(),
    }
}

/// An error of the token endpoint: `error` and `error_description`, no error object.
pub(in crate::sim) struct OAuthError {
    status: StatusCode,
    error: &'static str,
    description: String,
    nonce: Option<String>,
}

impl OAuthError {
    pub(in crate::sim) fn new(status: StatusCode, error: &'static str, description: &str) -> Self {
        Self {
            status,
            error,
            description: description.to_owned(),
            nonce: None,
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description});
        let mut response = (self.status, Json(body)).into_response();
        if let Some(nonce) = self
            .nonce
            .and_then(|nonce| HeaderValue::from_str(&nonce).ok())
        {
            response.headers_mut().insert("dpop-nonce", nonce);
        }
        response
    }
}

fn grant(
    shared: &Shared,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
) -> Result<Response, OAuthError> {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let url = format!("{}/oauth2/v1/token", shared.base_url);
    let client_error = |why: &str| OAuthError::new(StatusCode::UNAUTHORIZED, "invalid_client", why);
    if field("client_assertion_type") != ASSERTION_TYPE {
        return Err(client_error(
            "This client authenticates by private_key_jwt.",
        ));
    }
    let assertion = Jws::read(field("client_assertion"))
        .ok_or_else(|| client_error("The client_assertion is no JWT."))?;
    let client_id = assertion.claim("sub").to_owned();
    let now = shared.clock.now();
    let mut access = shared.access.lock();
    let app = access.apps.get(&client_id).cloned();
    let app = app.ok_or_else(|| client_error("Invalid value for 'client_id' parameter."))?;
    let seconds = now.as_millis().div_euclid(1000);
    check_assertion(&assertion, &url, seconds, &app.keys).map_err(client_error)?;

    let asked: Vec<String> = field("scope")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    if asked.is_empty() || !asked.iter().all(|scope| app.scopes.contains(scope)) {
        let why = "One or more scopes are not configured for the authorization server resource.";
        return Err(OAuthError::new(
            StatusCode::BAD_REQUEST,
            "invalid_scope",
            why,
        ));
    }
    // Only an assertion that earned a token is used up, unless the org is told otherwise: whether Okta takes one again
    // after `use_dpop_nonce` is not known.
    let strict = access.strict_assertions;
    if strict {
        use_up(&assertion, &client_id, &mut access).map_err(client_error)?;
    }
    let thumbprint = if app.dpop {
        Some(check_proof(shared, headers, &url, &mut access)?)
    } else {
        None
    };
    if !strict {
        use_up(&assertion, &client_id, &mut access).map_err(client_error)?;
    }

    let token = letters(64, shared.random.as_ref());
    let token_type = if thumbprint.is_some() {
        "DPoP"
    } else {
        "Bearer"
    };
    let principal = Principal {
        key: format!("oauth:{client_id}"),
        role: app.role,
        scopes: Some(asked.clone()),
    };
    let expires = now.plus_millis(LIFETIME_SECONDS * 1000);
    access.issued.insert(
        token.clone(),
        Issued {
            principal,
            expires,
            thumbprint,
        },
    );
    let body = json!({"token_type": token_type, "expires_in": LIFETIME_SECONDS,
                      "access_token": token, "scope": asked.join(" ")});
    Ok(Json(body).into_response())
}

fn use_up(assertion: &Jws, client_id: &str, access: &mut Inner) -> Result<(), &'static str> {
    let jti = assertion.claim("jti");
    if jti.is_empty() || access.seen.insert(format!("assertion:{client_id}:{jti}")) {
        Ok(())
    } else {
        Err("The client_assertion token has already been used.")
    }
}

fn check_assertion(
    assertion: &Jws,
    url: &str,
    now: i64,
    keys: &[serde_json::Value],
) -> Result<(), &'static str> {
    if assertion.claim("iss") != assertion.claim("sub") {
        return Err("The issuer and the subject of the client_assertion differ.");
    }
    if assertion.claim("aud") != url {
        return Err("The audience claim for client_assertion must be the endpoint invoked.");
    }
    let exp = assertion
        .seconds("exp")
        .ok_or("The client_assertion has no expiration.")?;
    if exp <= now {
        return Err("The client_assertion token is expired.");
    }
    if exp > now + 3600 {
        return Err("The client_assertion token has an expiration too far into the future.");
    }
    let kid = assertion.header("kid");
    let named =
        |key: &&serde_json::Value| key.get("kid").and_then(serde_json::Value::as_str) == Some(kid);
    let key = keys
        .iter()
        .find(named)
        .ok_or("The kid names no registered key.")?;
    if assertion.is_signed_by(key) {
        Ok(())
    } else {
        Err("The client_assertion signature is invalid.")
    }
}

/// The dance: a proof without nonce is answered `use_dpop_nonce`; one with the nonce (or the one before) and a `jti` of
/// its own binds the token to its key.
fn check_proof(
    shared: &Shared,
    headers: &HeaderMap,
    url: &str,
    access: &mut Inner,
) -> Result<String, OAuthError> {
    let invalid = |why: &str| OAuthError::new(StatusCode::BAD_REQUEST, "invalid_dpop_proof", why);
    let header = headers.get("dpop").and_then(|value| value.to_str().ok());
    let header = header.ok_or_else(|| invalid("The DPoP proof JWT header is missing."))?;
    let proof = Proof::read(header).map_err(invalid)?;
    let wanted = ProofUse {
        method: "POST",
        url,
        access_token: None,
        now: shared.clock.now(),
    };
    proof.check(&wanted, access).map_err(invalid)?;
    if access.nonces.is_empty() {
        access.nonces.push(letters(32, shared.random.as_ref()));
    }
    if !access.nonces.iter().any(|nonce| nonce == proof.nonce()) {
        let why = "Authorization server requires nonce in DPoP proof.";
        return Err(OAuthError {
            nonce: access.nonces.first().cloned(),
            ..OAuthError::new(StatusCode::BAD_REQUEST, "use_dpop_nonce", why)
        });
    }
    proof.use_up(access).map_err(invalid)?;
    Ok(proof.thumbprint())
}
