//! The org server as an OIDC issuer: discovery, keys, code flow with PKCE, userinfo, logout.
//!
//! Nobody is asked anything: [`Oidc::sign_in_as`] says who signs in next, and the authorization endpoint consents.

mod claims;
mod logout;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use url::Url;

pub use claims::{ClaimLimit, GroupsClaim};
use claims::{groups, half_hash, person};

use super::access::OAuthError;
use super::access::jose::{SigningKey, digest};
use super::org::{OktaId, UserStatus, letters};
use super::{Shared, lock};
use crate::model::time::Timestamp;

/// A sign-in app.
#[derive(Clone)]
pub struct WebApp {
    /// Its client id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Where browsers may be sent after signing out.
    pub post_logout_redirect_uris: Vec<String>,
}

struct Code {
    client_id: String,
    redirect_uri: String,
    scope: String,
    nonce: Option<String>,
    challenge: Option<String>,
    user: OktaId,
    made: Timestamp,
}

/// The issuer's state.
#[derive(Default)]
pub struct Oidc {
    keys: Mutex<Vec<Arc<SigningKey>>>,
    apps: Mutex<Vec<WebApp>>,
    signs_in: Mutex<Option<OktaId>>,
    claim: Mutex<(GroupsClaim, ClaimLimit)>,
    codes: Mutex<HashMap<String, Code>>,
    sessions: Mutex<HashMap<String, (OktaId, String)>>,
}

impl Oidc {
    /// Registers a sign-in app.
    pub fn add_app(&self, app: WebApp) {
        lock(&self.apps).push(app);
    }

    /// Says who signs in at the next authorization request.
    pub fn sign_in_as(&self, user: OktaId) {
        *lock(&self.signs_in) = Some(user);
    }

    /// Sets the groups claim.
    pub fn set_groups_claim(&self, claim: GroupsClaim, limit: ClaimLimit) {
        *lock(&self.claim) = (claim, limit);
    }

    /// A new signing key comes into force; the one before stays published, older ones do not.
    pub fn rotate_key(&self, kid: &str) {
        let Some(key) = SigningKey::generate(kid.to_owned()) else {
            return;
        };
        let mut keys = lock(&self.keys);
        keys.insert(0, Arc::new(key));
        keys.truncate(2);
    }

    /// The key in force; the first one is made when it is first needed, because that takes a while.
    fn key(&self) -> Option<Arc<SigningKey>> {
        if lock(&self.keys).is_empty() {
            self.rotate_key("simulated-key-1");
        }
        lock(&self.keys).first().cloned()
    }
}

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/oauth2/v1/keys", get(keys))
        .route("/oauth2/v1/authorize", get(authorize))
        .route("/oauth2/v1/token", post(token))
        .route("/oauth2/v1/userinfo", get(userinfo))
        .route("/oauth2/v1/logout", get(logout::logout))
}

/// Custom scopes and claims are not listed.
async fn discovery(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let base = &shared.base_url;
    Json(json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/oauth2/v1/authorize"),
        "token_endpoint": format!("{base}/oauth2/v1/token"),
        "userinfo_endpoint": format!("{base}/oauth2/v1/userinfo"),
        "jwks_uri": format!("{base}/oauth2/v1/keys"),
        "end_session_endpoint": format!("{base}/oauth2/v1/logout"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile", "groups", "offline_access"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "claims_supported": ["iss", "ver", "sub", "aud", "iat", "exp", "jti", "auth_time", "amr", "idp", "nonce",
                             "name", "preferred_username", "email", "at_hash"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

async fn keys(State(shared): State<Arc<Shared>>) -> Response {
    // Makes the first key if there is none yet.
    let _current = shared.oidc.key();
    let keys: Vec<Value> = lock(&shared.oidc.keys)
        .iter()
        .filter_map(|key| key.jwk())
        .collect();
    (
        [(header::CACHE_CONTROL, "max-age=3809152, must-revalidate")],
        Json(json!({"keys": keys})),
    )
        .into_response()
}

async fn authorize(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let field = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let bad = |why: &str| {
        OAuthError::new(StatusCode::BAD_REQUEST, "invalid_request", why).into_response()
    };
    let app = lock(&shared.oidc.apps)
        .iter()
        .find(|app| app.client_id == field("client_id"))
        .cloned();
    let Some(app) = app else {
        return bad("client_id is not known");
    };
    if !app
        .redirect_uris
        .iter()
        .any(|uri| uri == field("redirect_uri"))
    {
        return bad(
            "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings",
        );
    }
    let Ok(mut target) = Url::parse(field("redirect_uri")) else {
        return bad("redirect_uri is no URL");
    };
    let refusal = match signs_in(&shared, field("login_hint")) {
        Ok(user) if field("response_type") == "code" && has_scope(field("scope"), "openid") => {
            let code = letters(32, shared.random.as_ref());
            let made = Code {
                client_id: app.client_id,
                redirect_uri: field("redirect_uri").to_owned(),
                scope: field("scope").to_owned(),
                nonce: query.get("nonce").cloned(),
                challenge: query.get("code_challenge").cloned(),
                user,
                made: shared.clock.now(),
            };
            lock(&shared.oidc.codes).insert(code.clone(), made);
            target.query_pairs_mut().append_pair("code", &code);
            None
        }
        Ok(_) => Some((
            "invalid_request",
            "response_type must be code, and scope must hold openid",
        )),
        Err(why) => Some(("access_denied", why)),
    };
    if let Some((error, why)) = refusal {
        target
            .query_pairs_mut()
            .append_pair("error", error)
            .append_pair("error_description", why);
    }
    target
        .query_pairs_mut()
        .append_pair("state", field("state"));
    Redirect::to(target.as_str()).into_response()
}

/// Who signs in: whom the script named, else whom `login_hint` names. Who is suspended or deactivated cannot.
fn signs_in(shared: &Shared, hint: &str) -> Result<OktaId, &'static str> {
    let named = *lock(&shared.oidc.signs_in);
    let org = shared.org();
    let user = named
        .and_then(|id| org.user(id))
        .or_else(|| org.user_by_login(hint))
        .ok_or("nobody is there to sign in")?;
    match user.status {
        UserStatus::Suspended
        | UserStatus::Deprovisioned
        | UserStatus::Staged
        | UserStatus::LockedOut => Err("User is not assigned to the client application."),
        _ => Ok(user.id),
    }
}

async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    match form.get("grant_type").map(String::as_str) {
        Some("client_credentials") => super::access::client_credentials(&shared, &headers, &form),
        Some("authorization_code") => redeem(&shared, &headers, &form)
            .unwrap_or_else(axum::response::IntoResponse::into_response),
        _ => OAuthError::new(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "The grant_type is not supported.",
        )
        .into_response(),
    }
}

fn redeem(
    shared: &Shared,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
) -> Result<Response, OAuthError> {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let (client_id, secret) = basic(headers).unwrap_or_else(|| {
        (
            field("client_id").to_owned(),
            field("client_secret").to_owned(),
        )
    });
    let known = lock(&shared.oidc.apps)
        .iter()
        .any(|app| app.client_id == client_id && app.client_secret == secret);
    if !known {
        let why = "The client secret supplied for a confidential client is invalid.";
        return Err(OAuthError::new(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            why,
        ));
    }
    let invalid = || {
        OAuthError::new(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "The authorization code is invalid or has expired.",
        )
    };
    // A code works once, for a minute.
    let code = lock(&shared.oidc.codes)
        .remove(field("code"))
        .ok_or_else(invalid)?;
    let now = shared.clock.now();
    if now.since(code.made) > 60_000
        || code.client_id != client_id
        || code.redirect_uri != field("redirect_uri")
    {
        return Err(invalid());
    }
    if code
        .challenge
        .is_some_and(|challenge| digest(field("code_verifier").as_bytes()) != challenge)
    {
        return Err(OAuthError::new(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "PKCE verification failed.",
        ));
    }
    let broken = || {
        OAuthError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "no token could be made",
        )
    };
    let access_token = letters(48, shared.random.as_ref());
    let org = shared.org();
    let mut claims = person(&org, code.user, &code.scope).ok_or_else(invalid)?;
    let seconds = now.as_millis().div_euclid(1000);
    for (name, value) in [
        ("ver", json!(1)),
        ("iss", json!(shared.base_url)),
        ("aud", json!(client_id)),
        ("iat", json!(seconds)),
        ("exp", json!(seconds + 3600)),
        ("auth_time", json!(seconds)),
        (
            "jti",
            json!(format!("ID.{}", letters(20, shared.random.as_ref()))),
        ),
        ("amr", json!(["pwd"])),
        ("idp", json!(org.id())),
        // OIDC Core 3.1.3.6: the left half of the hash of the access token.
        ("at_hash", json!(half_hash(&access_token))),
    ] {
        claims.insert(name.to_owned(), value);
    }
    if let Some(nonce) = code.nonce {
        claims.insert("nonce".to_owned(), nonce.into());
    }
    // The org server puts groups into ID tokens only.
    if has_scope(&code.scope, "groups")
        && let Some(groups) = groups(shared, &org, code.user)?
    {
        claims.insert("groups".to_owned(), groups);
    }
    drop(org);
    let id_token = shared
        .oidc
        .key()
        .and_then(|key| key.sign(&Value::Object(claims)))
        .ok_or_else(broken)?;
    lock(&shared.oidc.sessions).insert(access_token.clone(), (code.user, code.scope.clone()));
    Ok(Json(json!({"token_type": "Bearer", "expires_in": 3600, "access_token": access_token, "scope": code.scope,
                   "id_token": id_token}))
    .into_response())
}

async fn userinfo(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let header = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let session = lock(&shared.oidc.sessions)
        .get(header.trim_start_matches("Bearer "))
        .cloned();
    let claims = session.and_then(|(user, scope)| person(&shared.org(), user, &scope));
    match claims {
        Some(claims) => Json(claims).into_response(),
        None => (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")],
        )
            .into_response(),
    }
}

fn has_scope(scope: &str, wanted: &str) -> bool {
    scope.split_whitespace().any(|scope| scope == wanted)
}

/// RFC 6749 2.3.1: name and secret are form-encoded before they are joined.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    use base64::Engine as _;
    let header = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Basic ")?;
    let decoded = String::from_utf8(
        base64::engine::general_purpose::STANDARD
            .decode(header)
            .ok()?,
    )
    .ok()?;
    let (name, secret) = decoded.split_once(':')?;
    let plain = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .ok()
            .map(std::borrow::Cow::into_owned)
    };
    Some((plain(name)?, plain(secret)?))
}
