//! An id for every request, in the answer and in every line logged for it; and the last net under a panic.

use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::client_addr::ClientAddr;
use super::error;
use super::problem::ProblemReply;
use super::redact;
use crate::model::random::Random;
use crate::scim::ScimError;

/// The header that carries it, both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids from outside are not taken.
const LONGEST: usize = 64;

/// Requests that took longer are worth a line at the usual level.
const SLOW: Duration = Duration::from_secs(1);

/// The id of a request: an extension of every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

/// Middleware that names each request, logs how it ended and answers for a handler that panicked.
pub async fn identify(
    State(random): State<Arc<dyn Random>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = id_of(&request, &*random);
    let path = request.uri().path().to_owned();
    let client = request.extensions().get::<ClientAddr>();
    let span = tracing::info_span!(
        "request",
        id = &*id.0,
        method = %request.method(),
        path = &*redact::path(&path),
        client = client.map(|client| tracing::field::display(client.0)),
    );
    request.extensions_mut().insert(id.clone());
    let began = Instant::now();
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = answered.instrument(span.clone()).await.unwrap_or_else(|_| {
        // The panic itself has been reported by the panic hook.
        tracing::error!(parent: &span, "a request failed: its handler panicked");
        fault(&path)
    });
    let took = began.elapsed();
    let status = response.status().as_u16();
    if took >= SLOW {
        tracing::info!(parent: &span, status, ms = took.as_millis(), "answered slowly");
    } else {
        tracing::debug!(parent: &span, status, ms = took.as_millis(), "answered");
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, value);
    }
    // Answers are about people: nothing on the way keeps them, and no browser takes one for a page.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The id a proxy in front gave, if it is one; else a new one of 128 random bits.
fn id_of(request: &Request, random: &dyn Random) -> RequestId {
    let given = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok());
    if let Some(given) = given.filter(|id| is_valid(id)) {
        return RequestId(given.into());
    }
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    let mut text = String::with_capacity(32);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    RequestId(text.into())
}

fn is_valid(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !id.is_empty() && id.len() <= LONGEST && id.bytes().all(plain)
}

fn fault(path: &str) -> Response {
    if path.starts_with("/scim/") {
        return error::scim_response(&ScimError::internal(
            "Something went wrong here; the log says what.",
        ));
    }
    ProblemReply::of_status(StatusCode::INTERNAL_SERVER_ERROR)
        .detail("Something went wrong here; the log says what.")
        .into_response()
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::expect_used,
        reason = "a handler that panics is what is tested"
    )]

    use super::{REQUEST_ID, identify};
    use crate::model::random::{Random, SeededRandom};
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use http::{Request, Response, StatusCode};
    use std::sync::Arc;
    use tower::ServiceExt as _;

    async fn ask(path: &str, id: Option<&str>) -> Response<Body> {
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
        let broken = || async { (None as Option<&str>).expect("on purpose") };
        let router = Router::new()
            .route("/ok", get(|| async { "ok" }))
            .route("/broken", get(broken))
            .route("/scim/v2/broken", get(broken))
            .layer(from_fn_with_state(random, identify));
        let mut request = Request::get(path);
        if let Some(id) = id {
            request = request.header(REQUEST_ID, id);
        }
        let request = request.body(Body::empty()).unwrap_or_default();
        match router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    #[tokio::test]
    async fn every_answer_carries_an_id_and_only_a_plain_one_is_taken_from_outside() {
        let given = ask("/ok", Some("trace-1.a_b")).await;
        assert_eq!(given.headers()[REQUEST_ID], "trace-1.a_b");
        for bad in ["", "a b", "<script>", &"x".repeat(65)] {
            let response = ask("/ok", Some(bad)).await;
            let id = response.headers()[REQUEST_ID].to_str().unwrap_or_default();
            assert_ne!(id, bad);
            assert_eq!(id.len(), 32);
        }
        assert_eq!(ask("/nowhere", None).await.headers()[REQUEST_ID].len(), 32);
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_in_the_doors_own_language() {
        let plain = ask("/broken", None).await;
        assert_eq!(plain.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(plain.headers()["content-type"], "application/problem+json");
        let scim = ask("/scim/v2/broken", None).await;
        assert_eq!(scim.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(
            scim.headers()["content-type"]
                .to_str()
                .is_ok_and(|kind| kind.starts_with("application/scim+json"))
        );
        assert!(scim.headers().contains_key(REQUEST_ID));
    }
}
