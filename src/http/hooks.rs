//! The door for Okta's event hooks.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;

use super::error::{problem, wrong_method};
use super::input::Whole;
use crate::okta::types::HookDelivery;
use crate::service::hooks::HookQueue;

/// Okta batches events; each is a few kilobytes.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// What the door needs.
#[derive(Clone)]
pub struct HookDoor {
    /// Where what events name goes.
    pub queue: Arc<HookQueue>,
    /// What Okta sends in `Authorization`; Okta does not sign (no HMAC), so this is all that tells it from others.
    /// A reload replaces it.
    pub secret: watch::Receiver<SecretString>,
}

/// `GET` and `POST /okta/events`. Without a configured secret the route is not there at all.
pub fn router<S: Clone + Send + Sync + 'static>(door: HookDoor) -> Router<S> {
    Router::new()
        .route("/okta/events", get(verify).post(deliver))
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(door)
}

/// Okta's one-time verification: it wants its challenge back. Its documentation names no other header of this request, so
/// one without the secret is answered, too: it tells nothing and does nothing. A wrong secret is refused, so that it shows
/// in the Admin Console at once.
async fn verify(State(door): State<HookDoor>, headers: HeaderMap) -> Response {
    if headers.contains_key(header::AUTHORIZATION) && !door.admits(&headers) {
        return refuse();
    }
    match headers
        .get("x-okta-verification-challenge")
        .and_then(|value| value.to_str().ok())
    {
        Some(challenge) => axum::Json(json!({ "verification": challenge })).into_response(),
        None => problem(
            StatusCode::BAD_REQUEST,
            None,
            "There is no x-okta-verification-challenge.",
        ),
    }
}

/// A delivery: queued and answered at once. Okta waits three seconds and never repeats after a 4xx.
async fn deliver(State(door): State<HookDoor>, _: Admitted, Whole(body): Whole) -> Response {
    let Ok(delivery) = HookDelivery::read(&body) else {
        return problem(
            StatusCode::BAD_REQUEST,
            None,
            "This is no delivery of an event hook.",
        );
    };
    match door.queue.accept(&delivery) {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(_) => problem(
            StatusCode::SERVICE_UNAVAILABLE,
            None,
            "Too many events wait; a run will find what this one stood for.",
        ),
    }
}

impl HookDoor {
    fn admits(&self, headers: &HeaderMap) -> bool {
        let secret = self.secret.borrow();
        let secret = secret.expose_secret().as_bytes();
        let mut shown = headers.get_all(header::AUTHORIZATION).iter();
        match (shown.next(), shown.next()) {
            (Some(shown), None) => !secret.is_empty() && bool::from(shown.as_bytes().ct_eq(secret)),
            _ => false,
        }
    }
}

/// Who has shown the secret. Looked at before a body is: a stranger's is not waited for, however slowly it comes.
struct Admitted;

impl FromRequestParts<HookDoor> for Admitted {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, door: &HookDoor) -> Result<Self, Response> {
        if door.admits(&parts.headers) {
            return Ok(Self);
        }
        Err(refuse())
    }
}

fn refuse() -> Response {
    problem(
        StatusCode::UNAUTHORIZED,
        None,
        "The event hook's secret is missing or wrong.",
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use axum::body::Body;
    use http::{Request, StatusCode};
    use tokio::sync::watch;
    use tower::ServiceExt as _;

    use super::{HookDoor, router};
    use crate::service::hooks::HookQueue;

    const EVENT: &str = r#"{"data":{"events":[{"uuid":"1","eventType":"x","target":[{"id":"00u1","type":"User"}]}]}}"#;

    async fn ask(
        capacity: usize,
        secret: &str,
        request: http::request::Builder,
        body: &'static str,
    ) -> (StatusCode, String) {
        let door = HookDoor {
            queue: Arc::new(HookQueue::new(capacity)),
            secret: watch::channel(secret.to_owned().into()).1,
        };
        let answer = router::<()>(door)
            .oneshot(request.uri("/okta/events").body(Body::from(body)).unwrap())
            .await
            .unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 10_000)
            .await
            .unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_challenge_comes_back_unless_the_secret_is_wrong() {
        let request = || Request::get("/").header("x-okta-verification-challenge", "abc");
        let (status, body) = ask(9, "s", request().header("authorization", "s"), "").await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::OK, r#"{"verification":"abc"}"#)
        );
        let (status, _) = ask(9, "s", request(), "").await;
        assert_eq!(status, StatusCode::OK, "Okta may send it without");
        let (status, _) = ask(9, "s", request().header("authorization", "t"), "").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        let (status, _) = ask(9, "s", Request::get("/"), "").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn a_stranger_s_body_is_not_waited_for() {
        let door = HookDoor {
            queue: Arc::new(HookQueue::new(9)),
            secret: watch::channel("s".to_owned().into()).1,
        };
        let never = Body::from_stream(futures_util::stream::pending::<std::io::Result<Vec<u8>>>());
        let request = Request::post("/okta/events").header("authorization", "t");
        let asked = router::<()>(door).oneshot(request.body(never).unwrap());
        let answer = tokio::time::timeout(std::time::Duration::from_secs(10), asked).await;
        assert_eq!(answer.unwrap().unwrap().status(), StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn another_method_is_answered_with_a_problem() {
        let (status, body) = ask(9, "s", Request::delete("/"), "").await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["detail"], "This path does not take that method.");
    }

    #[tokio::test]
    async fn a_delivery_is_queued_refused_or_told_to_wait() {
        let post = |secret| Request::post("/").header("authorization", secret);
        assert_eq!(
            ask(9, "s", post("s"), EVENT).await.0,
            StatusCode::NO_CONTENT
        );
        assert_eq!(
            ask(9, "s", post("t"), EVENT).await.0,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            ask(9, "", post(""), EVENT).await.0,
            StatusCode::UNAUTHORIZED,
            "no secret admits nobody"
        );
        assert_eq!(
            ask(9, "s", post("s").header("authorization", "s"), EVENT)
                .await
                .0,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            ask(9, "s", post("s"), "{}").await.0,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(
            ask(0, "s", post("s"), EVENT).await.0,
            StatusCode::SERVICE_UNAVAILABLE
        );
    }
}
