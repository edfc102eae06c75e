//! RP-initiated logout: a redirect of the browser, for who can show an ID token.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use url::Url;

use super::super::access::OAuthError;
use super::super::access::jose::Jws;
use super::super::{Shared, lock};

/// An expired hint is accepted; one that was signed by nobody here is not.
pub(super) async fn logout(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let field = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let bad = |why: &str| {
        OAuthError::new(StatusCode::BAD_REQUEST, "invalid_request", why).into_response()
    };
    let Some(hint) = Jws::read(field("id_token_hint")) else {
        return bad("id_token_hint is missing or no JWT");
    };
    let ours = lock(&shared.oidc.keys)
        .iter()
        .filter_map(|key| key.jwk())
        .any(|key| hint.is_signed_by(&key));
    if !ours {
        return bad("id_token_hint was not issued here");
    }
    let back = field("post_logout_redirect_uri");
    if back.is_empty() {
        return StatusCode::OK.into_response();
    }
    let registered = lock(&shared.oidc.apps).iter().any(|app| {
        app.client_id == hint.claim("aud")
            && app.post_logout_redirect_uris.iter().any(|uri| uri == back)
    });
    match Url::parse(back) {
        Ok(mut target) if registered => {
            if let Some(state) = query.get("state") {
                target.query_pairs_mut().append_pair("state", state);
            }
            Redirect::to(target.as_str()).into_response()
        }
        _ => bad("The 'post_logout_redirect_uri' parameter must be in the client app settings"),
    }
}
