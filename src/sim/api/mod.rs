//! The Management API as Okta serves it: routes, and what every answer carries.

mod apps;
mod connection;
mod error;
mod fields;
mod filter;
mod group_push;
mod groups;
mod hooks;
mod logs;
mod page;
mod rate;
mod services;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use http::header::AUTHORIZATION;

pub(super) use error::ApiError;
pub use page::LinkStyle;
pub(super) use rate::Standing;
pub use rate::{Limiter, Rates};

use super::Shared;
use super::access::Principal;
use super::org::OktaId;

type Answer = Result<Response, ApiError>;

/// Every route under `/api/v1`.
pub(super) fn router(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/groups", get(groups::list).post(groups::create))
        .route(
            "/groups/{id}",
            get(groups::show)
                .put(groups::replace)
                .delete(groups::delete),
        )
        .route("/groups/{id}/users", get(groups::members))
        .route(
            "/groups/{id}/users/{user}",
            put(groups::add_member).delete(groups::remove_member),
        )
        .route("/users", get(users::list).post(users::create))
        .route(
            "/users/{id}",
            get(users::show)
                .put(users::replace)
                .post(users::update)
                .delete(users::delete),
        )
        .route("/users/{id}/groups", get(users::groups))
        .route("/users/{id}/lifecycle/{verb}", post(users::lifecycle))
        .route("/apps", get(services::list).post(services::create))
        .route("/apps/{id}", get(apps::show))
        .route("/apps/{id}/grants", post(services::grant))
        .route(
            "/apps/{id}/connections/default",
            get(connection::show).post(connection::save),
        )
        .route("/apps/{id}/users", get(apps::users).post(apps::assign))
        .route(
            "/apps/{id}/users/{user}",
            get(apps::user)
                .post(apps::update_user)
                .delete(apps::unassign),
        )
        .route("/apps/{id}/groups", get(apps::groups))
        .route(
            "/apps/{id}/groups/{group}",
            put(apps::assign_group).delete(apps::unassign_group),
        )
        .route(
            "/apps/{id}/group-push/mappings",
            get(group_push::list).post(group_push::create),
        )
        .route(
            "/apps/{id}/group-push/mappings/{mapping}",
            get(group_push::show)
                .patch(group_push::update)
                .delete(group_push::unlink),
        )
        .route("/logs", get(logs::list))
        .route("/eventHooks", get(hooks::list).post(hooks::create))
        .route("/eventHooks/{id}", delete(hooks::delete))
        .route("/eventHooks/{id}/lifecycle/verify", post(hooks::verify))
        .fallback(|| async { ApiError::no_endpoint() })
        .method_not_allowed_fallback(|| async { ApiError::no_endpoint() })
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(shared),
            admit,
        ))
}

/// Every route under `/oauth2/v1/clients`: admin roles of service apps.
pub(super) fn clients(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/{id}/roles", post(services::assign_role))
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(shared),
            admit,
        ))
}

/// Knows the caller, counts the request, and lets it pass.
async fn admit(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let path = if path.starts_with("/api/v1") {
        path
    } else {
        format!("/api/v1{path}")
    };
    let principal = match identify(&shared, &request) {
        Ok(principal) => principal,
        Err(refusal) => return *refusal,
    };
    let standing = shared
        .limiter
        .count(&principal.key, &path, shared.clock.now());
    let Some(_place) = shared.limiter.enter() else {
        // A concurrency violation says Limit 0 and Remaining 0.
        let zero = Standing {
            limit: 0,
            remaining: 0,
            ..standing
        };
        return with_standing(ApiError::rate_limited().into_response(), zero);
    };
    let response = if standing.refused {
        ApiError::rate_limited().into_response()
    } else {
        request.extensions_mut().insert(principal);
        next.run(request).await
    };
    with_standing(response, standing)
}

fn identify(shared: &Shared, request: &Request) -> Result<Principal, Box<Response>> {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    match scheme {
        "SSWS" => shared
            .access
            .ssws(token)
            .ok_or_else(|| Box::new(ApiError::invalid_token().into_response())),
        "Bearer" | "DPoP" => super::access::bearer(shared, request, scheme, token),
        _ => Err(Box::new(ApiError::invalid_token().into_response())),
    }
}

fn with_standing(mut response: Response, standing: Standing) -> Response {
    let headers = response.headers_mut();
    headers.insert("x-rate-limit-limit", standing.limit.into());
    headers.insert("x-rate-limit-remaining", standing.remaining.into());
    headers.insert("x-rate-limit-reset", standing.reset.into());
    response
}

fn id(raw: &str) -> Result<OktaId, ApiError> {
    OktaId::parse(raw).ok_or_else(|| ApiError::not_found(raw))
}

/// A body that may be left out.
struct OptionalBody(Option<serde_json::Value>);

impl<S: Send + Sync> FromRequest<S> for OptionalBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = bytes::Bytes::from_request(request, state)
            .await
            .map_err(|_| ApiError::bad_body())?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        serde_json::from_slice(&bytes)
            .map(|body| Self(Some(body)))
            .map_err(|_| ApiError::bad_body())
    }
}

/// A JSON body, whatever its content type; anything else is E0000003.
struct Body(serde_json::Value);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = bytes::Bytes::from_request(request, state)
            .await
            .map_err(|_| ApiError::bad_body())?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|_| ApiError::bad_body())
    }
}
