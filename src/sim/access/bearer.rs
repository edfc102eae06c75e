//! Access tokens on API calls: `Bearer`, or `DPoP` with a proof (RFC 9449).

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::super::Shared;
use super::Principal;
use super::proof::{Proof, ProofUse};

/// The principal an access token stands for.
pub(in crate::sim) fn bearer(
    shared: &Shared,
    request: &Request,
    scheme: &str,
    token: &str,
) -> Result<Principal, Box<Response>> {
    let issued = shared.access.lock().issued.get(token).cloned();
    let Some(issued) = issued.filter(|issued| issued.expires > shared.clock.now()) else {
        return Err(refusal(
            StatusCode::UNAUTHORIZED,
            "Bearer",
            "invalid_token",
            "The access token is not valid",
        ));
    };
    let Some(thumbprint) = issued.thumbprint else {
        return if scheme == "Bearer" {
            Ok(issued.principal)
        } else {
            Err(refusal(
                StatusCode::UNAUTHORIZED,
                "DPoP",
                "invalid_token",
                "The token is not bound to a key",
            ))
        };
    };
    if scheme != "DPoP" {
        return Err(refusal(
            StatusCode::UNAUTHORIZED,
            "DPoP",
            "invalid_token",
            "The token is bound to a DPoP key",
        ));
    }
    let invalid = |why: &str| refusal(StatusCode::UNAUTHORIZED, "DPoP", "invalid_dpop_proof", why);
    let mut proofs = request.headers().get_all("dpop").iter();
    let (Some(proof), None) = (proofs.next(), proofs.next()) else {
        return Err(invalid("exactly one DPoP header is needed"));
    };
    let proof = Proof::read(proof.to_str().unwrap_or_default()).map_err(invalid)?;
    // `request.uri()` has lost the prefix of nested routes; the original is what the client signed.
    let uri = request
        .extensions()
        .get::<axum::extract::OriginalUri>()
        .map_or(request.uri(), |uri| &uri.0);
    let wanted = ProofUse {
        method: request.method().as_str(),
        url: &format!("{}{}", shared.base_url, uri.path()),
        access_token: Some(token),
        now: shared.clock.now(),
    };
    proof
        .check(&wanted, &mut shared.access.lock())
        .map_err(invalid)?;
    if proof.thumbprint() != thumbprint {
        return Err(invalid("the proof was signed by another key"));
    }
    Ok(issued.principal)
}

#[expect(
    clippy::unnecessary_box_returns,
    reason = "every caller passes it on boxed"
)]
fn refusal(status: StatusCode, scheme: &str, error: &str, why: &str) -> Box<Response> {
    let mut response = status.into_response();
    let challenge = format!(
        "{scheme} authorization_uri=\"/oauth2/v1/authorize\", algs=\"RS256 ES256\", error=\"{error}\", error_description=\"{why}\""
    );
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    Box::new(response)
}
