//! A small SCIM server that keeps what it is told and records how it was told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

use crate::sim::lock;

/// One request as it came in.
#[derive(Clone)]
pub(super) struct Received {
    pub(super) line: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

#[derive(Default)]
struct Kept {
    received: Vec<Received>,
    resources: BTreeMap<String, Value>,
    scripted: VecDeque<(u16, Option<&'static str>, &'static str)>,
    made: u32,
}

/// The stub; it answers as long as the test runs.
pub(super) struct Stub {
    pub(super) base_url: String,
    kept: Arc<Mutex<Kept>>,
}

impl Stub {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/scim/v2", listener.local_addr().unwrap());
        let kept = Arc::new(Mutex::new(Kept::default()));
        let router = axum::Router::new()
            .fallback(answer)
            .with_state(kept.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base_url, kept }
    }

    /// Method and decoded path of every request since the last call.
    pub(super) fn lines(&self) -> Vec<String> {
        self.received()
            .into_iter()
            .map(|received| received.line)
            .collect()
    }

    pub(super) fn received(&self) -> Vec<Received> {
        std::mem::take(&mut lock(&self.kept).received)
    }

    /// The next request is answered so instead: status, `Retry-After`, body.
    pub(super) fn next(&self, status: u16, retry_after: Option<&'static str>, body: &'static str) {
        lock(&self.kept)
            .scripted
            .push_back((status, retry_after, body));
    }

    pub(super) fn resource(&self, id: &str) -> Value {
        lock(&self.kept)
            .resources
            .get(id)
            .cloned()
            .unwrap_or(Value::Null)
    }

    pub(super) fn remove(&self, id: &str) {
        lock(&self.kept).resources.remove(id);
    }

    pub(super) fn put(&self, id: &str, resource: Value) {
        lock(&self.kept).resources.insert(id.to_owned(), resource);
    }
}

async fn answer(
    State(kept): State<Arc<Mutex<Kept>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = uri.to_string();
    let path = target.trim_start_matches("/scim/v2");
    let decoded = percent_encoding::percent_decode_str(path)
        .decode_utf8()
        .unwrap()
        .into_owned();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let mut kept = lock(&kept);
    kept.received.push(Received {
        line: format!("{method} {decoded}"),
        headers,
        body: body.clone(),
    });
    if let Some((status, retry_after, body)) = kept.scripted.pop_front() {
        let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
        if let Some(wait) = retry_after {
            response
                .headers_mut()
                .insert("retry-after", wait.parse().unwrap());
        }
        return response;
    }
    let scim_error = |status: u16, detail: &str| {
        let error = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                           "status": status.to_string(), "detail": detail});
        (StatusCode::from_u16(status).unwrap(), axum::Json(error)).into_response()
    };
    let mut parts = decoded.trim_start_matches('/').split(['/', '?']);
    let (endpoint, id) = (
        parts.next().unwrap_or_default().to_owned(),
        parts.next().unwrap_or_default().to_owned(),
    );
    match method {
        Method::GET if decoded.contains('?') => {
            let wanted = decoded.split('"').nth(1).map(str::to_owned);
            let found: Vec<Value> = kept
                .resources
                .iter()
                .filter(|(key, _)| key.starts_with(&endpoint))
                .map(|(_, resource)| resource.clone())
                .filter(|resource| {
                    let name = resource
                        .get("userName")
                        .or(resource.get("displayName"))
                        .and_then(Value::as_str);
                    wanted.as_deref().is_none_or(|wanted| name == Some(wanted))
                })
                .collect();
            axum::Json(json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "totalResults": found.len(), "startIndex": 1, "itemsPerPage": found.len(), "Resources": found}))
            .into_response()
        }
        Method::GET => match kept.resources.get(&id) {
            Some(resource) => axum::Json(resource.clone()).into_response(),
            None => scim_error(404, "gone"),
        },
        Method::POST => {
            kept.made += 1;
            let id = format!("{endpoint}-{}", kept.made);
            let mut resource = body;
            resource["id"] = json!(id);
            resource["meta"] =
                json!({"resourceType": endpoint.trim_end_matches('s'), "version": "W/\"1\""});
            resource.as_object_mut().unwrap().remove("password");
            kept.resources.insert(id, resource.clone());
            (StatusCode::CREATED, axum::Json(resource)).into_response()
        }
        Method::PUT if kept.resources.contains_key(&id) => {
            kept.resources.insert(id, body.clone());
            axum::Json(body).into_response()
        }
        // What a PATCH means is the server's business; the tests look at the request.
        Method::PATCH if kept.resources.contains_key(&id) => StatusCode::NO_CONTENT.into_response(),
        Method::DELETE if kept.resources.remove(&id).is_some() => {
            StatusCode::NO_CONTENT.into_response()
        }
        _ => scim_error(404, "gone"),
    }
}
