//! Who asks. An extractor gives the thing a handler needs; without it there is no handler.
//!
//! A token comes as `Authorization: Bearer <token>` (the scheme in any case), as the bare `Authorization: <token>` that
//! Okta's header template sends, or as the password of HTTP Basic, whose user name is not looked at. Kinds are not
//! interchangeable: a management token opens nothing under `/scim/v2`, and a SCIM token nothing else.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use super::App;
use super::error::{problem, scim, scim_response};
use super::request_id::RequestId;
use crate::model::actor::{Channel, Cx};
use crate::model::token::{Scope, Token};
use crate::scim::ScimError;
use crate::service::Error;

/// The longest Authorization value looked at.
const MAX_CREDENTIAL: usize = 1_024;

/// The token a request shows; `None` for none, several, or one that cannot be read.
fn presented(headers: &HeaderMap) -> Option<String> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    // Two headers: one may have been added on the way, and nobody can say which one counts.
    let (Some(value), None) = (all.next(), all.next()) else {
        return None;
    };
    let value = value.to_str().ok()?.trim();
    if value.len() > MAX_CREDENTIAL {
        return None;
    }
    let text = match value.split_once(' ') {
        None => value.to_owned(),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim().to_owned(),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("basic") => {
            let decoded = STANDARD.decode(rest.trim()).ok()?;
            let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
            password.to_owned()
        }
        Some(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

async fn token(app: &App, headers: &HeaderMap) -> Result<Option<Arc<Token>>, Error> {
    match presented(headers) {
        Some(text) => app.verifier.verify(&text).await,
        None => Ok(None),
    }
}

fn cx(channel: Channel, token: &Token, parts: &Parts) -> Cx {
    Cx {
        channel,
        actor: format!("token {} ({})", token.name, token.id),
        request_id: parts
            .extensions
            .get::<RequestId>()
            .map(|id| id.0.to_string()),
    }
}

/// Leave to speak SCIM: a live token of scope `scim`.
#[derive(Debug, Clone)]
pub struct ScimClient {
    /// The token.
    pub token: Arc<Token>,
    /// Who asks, for use cases.
    pub cx: Cx,
}

impl ScimClient {
    /// Looks at the credentials of a request.
    ///
    /// # Errors
    /// 401 unless they are a live SCIM token; 429 while the store cannot say.
    pub async fn authenticate(app: &App, parts: &Parts) -> Result<Self, ScimError> {
        let found = token(app, &parts.headers)
            .await
            .map_err(|error| scim(&error))?;
        match found.filter(|token| token.scope == Scope::Scim) {
            Some(token) => Ok(Self {
                cx: cx(Channel::Scim, &token, parts),
                token,
            }),
            None => Err(ScimError::unauthorized(
                "Send a live SCIM token: `Authorization: Bearer rst_scim_…`. `rosterd tokens issue --scope scim` makes one.",
            )),
        }
    }
}

impl<S> FromRequestParts<S> for ScimClient
where
    App: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        Self::authenticate(&App::from_ref(state), parts)
            .await
            .map_err(|error| scim_response(&error))
    }
}

/// Leave to read `/status`, runs and `/metrics`: a live token of scope `status` or `manage`.
#[derive(Debug, Clone)]
pub struct StatusReader {
    /// The token.
    pub token: Arc<Token>,
    /// Who asks, for use cases.
    pub cx: Cx,
}

/// Leave to use everything under `/api/v1`: a live token of scope `manage`.
#[derive(Debug, Clone)]
pub struct Manager {
    /// The token.
    pub token: Arc<Token>,
    /// Who asks, for use cases.
    pub cx: Cx,
}

impl<S> FromRequestParts<S> for StatusReader
where
    App: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let (token, cx) = admitted(state, parts, &[Scope::Status, Scope::Manage]).await?;
        Ok(Self { token, cx })
    }
}

impl<S> FromRequestParts<S> for Manager
where
    App: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let (token, cx) = admitted(state, parts, &[Scope::Manage]).await?;
        Ok(Self { token, cx })
    }
}

async fn admitted<S>(
    state: &S,
    parts: &Parts,
    scopes: &[Scope],
) -> Result<(Arc<Token>, Cx), Response>
where
    App: FromRef<S>,
{
    let found = token(&App::from_ref(state), &parts.headers)
        .await
        .map_err(IntoResponse::into_response)?;
    let Some(token) = found else {
        let detail = format!(
            "Send a live token: `Authorization: Bearer rst_{0}_…`. `rosterd tokens issue --scope {0}` makes one.",
            scopes[0].as_str()
        );
        return Err(problem(StatusCode::UNAUTHORIZED, None, &detail));
    };
    if !scopes.contains(&token.scope) {
        let detail = format!(
            "This token's scope is {}; here it takes {}.",
            token.scope.as_str(),
            scopes[0].as_str()
        );
        return Err(problem(StatusCode::FORBIDDEN, Some("wrong-scope"), &detail));
    }
    let cx = cx(Channel::Api, &token, parts);
    Ok((token, cx))
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;
    use http::{HeaderMap, HeaderValue};

    use super::presented;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append(AUTHORIZATION, value);
            }
        }
        headers
    }

    #[test]
    fn bearer_in_any_case_bare_and_basic_all_show_a_token() {
        // base64("anyone:tok")
        for value in [
            "Bearer tok",
            "bearer tok",
            "BEARER   tok ",
            "tok",
            "Basic YW55b25lOnRvaw==",
        ] {
            assert_eq!(
                presented(&headers(&[value])).as_deref(),
                Some("tok"),
                "{value}"
            );
        }
    }

    #[test]
    fn trust_5_nothing_empty_doubled_or_unreadable_is_a_token() {
        let long = format!("Bearer {}", "x".repeat(2_000));
        for values in [
            &[][..],
            &[""],
            &["Bearer "],
            &["Basic"],
            &["Basic "],
            &["Basic !!!"],
            &["Basic YW55b25l"],
            &["Digest tok"],
            &["Bearer tok", "Bearer tok"],
            &[&long],
        ] {
            let shown = presented(&headers(values));
            // `Bearer` and `Basic` alone read as bare words, which are no tokens either.
            assert!(
                shown.is_none()
                    || shown.as_deref() == Some("Basic")
                    || shown.as_deref() == Some("Bearer"),
                "{values:?}"
            );
        }
    }
}
