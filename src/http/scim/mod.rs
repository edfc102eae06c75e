//! `/scim/v2`: what Okta, or any SCIM 2.0 client, speaks to.
//!
//! The whole subtree is one handler, so that nothing in it is reached without passing [`answer`]: the path is read
//! ([`route`]), the credentials are looked at, and only then it matters what was asked for. The one open path is
//! `/ServiceProviderConfig`, which is the same for everybody. Whatever goes wrong is a SCIM Error.
//!
//! * [`route`]: a path as one of a closed set of routes, and the methods each takes
//! * [`media`]: Accept and Content-Type
//! * [`request`]: query, conditions and body
//! * [`resources`], [`bulk`], [`discovery`]: the answers
//! * [`reply`]: answers as bytes, as they come
//! * [`log`]: what is noted of each request

mod bulk;
mod discovery;
mod log;
mod media;
mod reply;
mod request;
mod resources;
mod route;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use http::Method;
use http::request::Parts;
use tokio::time::{Instant, timeout_at};

use self::reply::{Reply, method_not_allowed};
use self::request::Call;
use self::route::Route;
use super::App;
use super::auth::ScimClient;
use super::error::{scim, scim_response};
use crate::scim::ScimError;
use crate::service::Error;
use crate::store::StoreError;

/// Where the subtree begins.
pub const ROOT: &str = "/scim/v2";

/// The routes of `/scim/v2`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/scim/v2", any(handle))
        .route("/scim/v2/", any(handle))
        .route("/scim/v2/{*rest}", any(handle))
}

async fn handle(State(app): State<App>, request: Request) -> Response {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let route = Route::of(parts.uri.path());
    let noted = log::Noted::of(&parts, route.as_ref());
    let deadline = began + app.settings.scim_patience;
    let client = if open(&parts) {
        Ok(None)
    } else {
        timeout_at(deadline, ScimClient::authenticate(&app, &parts))
            .await
            .unwrap_or_else(|_| Err(scim(&late())))
            .map(Some)
    };
    let token = match &client {
        Ok(Some(client)) => Some(client.token.id.clone()),
        _ => None,
    };
    let outcome = match client {
        // What is committed is answered as such (R6): whoever writes keeps the time himself, for as long as he writes.
        Ok(client)
            if route
                .as_ref()
                .is_some_and(|route| route.writes(&parts.method)) =>
        {
            Box::pin(answer(&app, client, route, parts, body, deadline)).await
        }
        Ok(client) => {
            within(
                deadline,
                Box::pin(answer(&app, client, route, parts, body, deadline)),
            )
            .await
        }
        Err(error) => Err(Error::Scim(error)),
    };
    let (response, skipped, error) = match outcome {
        Ok(reply) => (reply.response, reply.skipped, reply.failed),
        Err(error) => {
            let error = scim(&error);
            let response = match error.status {
                405 => method_not_allowed(&error, noted.allow),
                _ => scim_response(&error),
            };
            (response, Vec::new(), Some(error.detail))
        }
    };
    noted.finish(
        &app,
        token,
        response.status(),
        began.elapsed(),
        skipped,
        error,
    );
    response
}

/// Does `work` by the deadline or not at all: what is not done by then is rolled back, its transaction ends with it. Only
/// a commit that was sent and not acknowledged may stand all the same; Okta comes back after a 429, and the same push
/// changes nothing more.
async fn within<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    timeout_at(deadline, work)
        .await
        .unwrap_or_else(|_| Err(late()))
}

fn late() -> Error {
    Error::Store(StoreError::Busy)
}

/// Whether a request needs no token. The path is compared as it came: whoever disguises it is no client that was told of
/// it, and is asked for a token.
fn open(parts: &Parts) -> bool {
    let path = parts.uri.path().trim_end_matches('/');
    parts.method == Method::GET && path == "/scim/v2/ServiceProviderConfig"
}

async fn answer(
    app: &App,
    client: Option<ScimClient>,
    route: Option<Route>,
    parts: Parts,
    body: Body,
    deadline: Instant,
) -> Result<Reply, Error> {
    let Some(route) = route else {
        return Err(ScimError::not_found("There is nothing at this path.").into());
    };
    if route == Route::Me {
        // RFC 7644 section 3.11: a service that has no notion of the client as a User answers 501.
        return Err(ScimError::not_implemented("A token is no user, so there is no /Me.").into());
    }
    if !route.takes(&parts.method) {
        return Err(
            ScimError::method_not_allowed(format!("This path takes {}.", route.allow())).into(),
        );
    }
    media::acceptable(&parts.headers)?;
    let call = Call::of(app, client, &parts, deadline)?;
    match (route, &parts.method) {
        (Route::ServiceProviderConfig, _) => Ok(discovery::service_provider_config(&call)),
        (Route::ResourceTypes(id), _) => discovery::resource_types(&call, id.as_deref()),
        (Route::Schemas(id), _) => discovery::schemas(&call, id.as_deref()),
        (Route::List(resource), &Method::GET) => resources::list(&call, resource).await,
        (Route::One(resource, id), &Method::GET) => resources::read(&call, resource, &id).await,
        (Route::One(resource, id), &Method::DELETE) => {
            resources::delete(&call, resource, &id).await
        }
        (route, method) => {
            let limit = app.settings.scim_body_limit;
            let held = request::body(&parts.headers, body, limit, &app.room);
            let held = within(deadline, async { Ok(held.await?) }).await?;
            let body = &held.bytes;
            match (route, method) {
                (Route::Bulk, _) => bulk::run(&call, body).await,
                (Route::Search(resource), _) => resources::search(&call, resource, body).await,
                (Route::List(resource), _) => resources::create(&call, resource, body).await,
                (Route::One(resource, id), &Method::PUT) => {
                    resources::replace(&call, resource, &id, body).await
                }
                (Route::One(resource, id), _) => resources::patch(&call, resource, &id, body).await,
                _ => Err(ScimError::not_found("There is nothing at this path.").into()),
            }
        }
    }
}
