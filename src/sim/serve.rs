//! The listener. Our own loop instead of `axum::serve`, because a simulated fault must be able to end a connection
//! before, or in the middle of, an answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::Shared;
use super::api::{ApiError, Standing};
use super::faults::Fault;

/// The connection is to end without an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection cut by the script")]
struct Cut;

/// Serves until `stop` turns true; open connections end with it.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                stream
            } else {
                // Out of file handles, most likely: give others time to close theirs.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            },
            _ = connections.join_next(), if !connections.is_empty() => continue,
            _ = stop.changed() => break,
        };
        let _unused = stream.set_nodelay(true);
        let (router, shared) = (router.clone(), Arc::clone(&shared));
        connections.spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                answer(router.clone(), Arc::clone(&shared), request)
            });
            // A connection that fails concerns its client only.
            let _ended = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
    connections.shutdown().await;
}

async fn answer(
    router: Router,
    shared: Arc<Shared>,
    request: http::Request<hyper::body::Incoming>,
) -> Result<Response, Cut> {
    let method = request.method().as_str().to_owned();
    let target = request
        .uri()
        .path_and_query()
        .map_or_else(String::new, ToString::to_string);
    shared.note_request(&method, &target);
    let fault = shared.faults.strike(&method, &target);
    match &fault {
        Some(Fault::Cut) => return Err(Cut),
        Some(Fault::Hang) => tokio::time::sleep(Duration::from_hours(1)).await,
        Some(Fault::Slow(wait)) => tokio::time::sleep(*wait).await,
        _ => {}
    }
    let now_seconds = shared.clock.now().as_millis().div_euclid(1000);
    let mut response = match &fault {
        Some(Fault::InternalError) => ApiError::internal().into_response(),
        Some(Fault::Unavailable) => ApiError::unavailable().into_response(),
        Some(Fault::Unauthorized) => ApiError::invalid_token().into_response(),
        Some(Fault::Forbidden) => ApiError::forbidden().into_response(),
        Some(Fault::RateLimited) => {
            let standing = Standing {
                limit: 50,
                remaining: 0,
                reset: now_seconds + 1,
                refused: true,
            };
            let mut response = ApiError::rate_limited().into_response();
            response
                .headers_mut()
                .insert("x-rate-limit-limit", standing.limit.into());
            response
                .headers_mut()
                .insert("x-rate-limit-remaining", standing.remaining.into());
            response
                .headers_mut()
                .insert("x-rate-limit-reset", standing.reset.into());
            response
        }
        Some(Fault::HtmlPage) => {
            axum::response::Html("<html><body>Bad gateway</body></html>").into_response()
        }
        _ => {
            let outcome: Result<Response, Infallible> =
                router.oneshot(request.map(Body::new)).await;
            match outcome {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
    };
    if let Some(fault) = fault {
        response = spoil(response, &fault, &shared.base_url, &target).await;
    }
    stamp(response.headers_mut(), &shared);
    Ok(response)
}

/// Changes a right answer as the script says.
async fn spoil(mut response: Response, fault: &Fault, base_url: &str, target: &str) -> Response {
    match fault {
        Fault::EmptyList => axum::Json(serde_json::json!([])).into_response(),
        Fault::WrongOrg => {
            let body = serde_json::json!({"id": "00oAnotherOrg0000000", "pipeline": "idx", "settings": {}});
            axum::Json(body).into_response()
        }
        Fault::NextElsewhere(host) => {
            relink(response.headers_mut(), |next| {
                next.replacen(base_url, host, 1)
            });
            response
        }
        Fault::RepeatedPage => {
            relink(response.headers_mut(), |_| format!("{base_url}{target}"));
            response
        }
        Fault::TruncatedBody => truncate(response).await,
        Fault::Stale(wait) => {
            tokio::time::sleep(*wait).await;
            response
        }
        Fault::Gate(gate) => {
            gate.pass().await;
            response
        }
        _ => response,
    }
}

/// Gives every `rel="next"` another address; one is added where there was none, so that the fault always bites.
fn relink(headers: &mut HeaderMap, address: impl Fn(&str) -> String) {
    let old: Vec<String> = headers
        .get_all(header::LINK)
        .iter()
        .filter_map(|link| link.to_str().ok())
        .map(str::to_owned)
        .collect();
    headers.remove(header::LINK);
    let mut links: Vec<String> = old
        .iter()
        .flat_map(|link| link.split(", "))
        .map(str::to_owned)
        .collect();
    if !links.iter().any(|link| link.contains("rel=\"next\""))
        && let Some(own) = links.first()
    {
        links.push(own.replace("rel=\"self\"", "rel=\"next\""));
    }
    for link in links {
        let link = match link.split_once('>') {
            Some((target, rest)) if rest.contains("rel=\"next\"") => {
                format!("<{}>{rest}", address(target.trim_start_matches('<')))
            }
            _ => link,
        };
        if let Ok(link) = HeaderValue::from_str(&link) {
            headers.append(header::LINK, link);
        }
    }
}

/// The full length in the header, half of it in the body, then the end of the connection.
async fn truncate(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(whole) = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
    else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    parts
        .headers
        .insert(header::CONTENT_LENGTH, whole.len().into());
    let half = whole.slice(..whole.len() / 2);
    let pieces = async_stream::stream! {
        yield Ok::<Bytes, Cut>(half);
        // Time for the half to leave before the connection goes.
        tokio::time::sleep(Duration::from_millis(20)).await;
        yield Err(Cut);
    };
    Response::from_parts(parts, Body::from_stream(pieces))
}

/// Okta's own clock and a number for each answer.
fn stamp(headers: &mut HeaderMap, shared: &Shared) {
    let date = jiff::Timestamp::from_millisecond(shared.clock.now().as_millis())
        .map(|at| at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
        headers.insert(header::DATE, date);
    }
    if let Ok(number) = HeaderValue::from_str(&format!("simulated-{}", shared.next_request())) {
        headers.insert("x-okta-request-id", number);
    }
}
