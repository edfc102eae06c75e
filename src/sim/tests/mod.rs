//! The simulation held against what is known of Okta. Nothing of rosterd's server takes part.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::similar_names,
    reason = "tests"
)]

mod admin_api;
mod api;
mod groups;
mod hooks;
mod linking;
mod oauth;
mod oidc;
mod replay;
mod retry;
mod stub;
mod users;

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use super::scim_client::{Auth, ScimClient, ScimHabits, ScimTarget};
use super::{Sim, SimConfig, http_client};
use crate::model::time::{ManualClock, Timestamp};
use stub::Stub;

/// 2026-11-23T10:00:00Z.
const START: Timestamp = Timestamp::from_millis(1_795_428_000_000);

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(START))
}

/// An empty org on a clock that stands still.
async fn org(clock: &Arc<ManualClock>) -> Sim {
    Sim::start(SimConfig {
        clock: clock.clone(),
        ..SimConfig::default()
    })
    .await
    .unwrap()
}

/// An empty org whose app provisions to a recording stub.
async fn connected(habits: ScimHabits) -> (Sim, Arc<ScimClient>, Stub, Arc<ManualClock>) {
    let clock = clock();
    let sim = org(&clock).await;
    let stub = Stub::start().await;
    let auth = Auth::Bearer("secret".to_owned());
    let scim = sim.connect_scim(
        ScimTarget {
            base_url: stub.base_url.clone(),
            auth,
        },
        habits,
    );
    (sim, scim, stub, clock)
}

struct Got {
    status: u16,
    headers: http::HeaderMap,
    body: Value,
}

impl Got {
    fn ids(&self) -> Vec<&str> {
        self.body
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_str().unwrap())
            .collect()
    }

    /// The address of `rel="next"`, read from separate headers or a comma list.
    fn next(&self) -> Option<String> {
        let links = self
            .headers
            .get_all("link")
            .iter()
            .map(|link| link.to_str().unwrap());
        let next = links
            .flat_map(|link| link.split(", "))
            .find(|link| link.ends_with("rel=\"next\""))?;
        Some(next[1..next.find('>').unwrap()].to_owned())
    }
}

async fn call(sim: &Sim, method: Method, path: &str, body: Option<Value>) -> Got {
    let url = if path.starts_with("http") {
        path.to_owned()
    } else {
        format!("{}{path}", sim.base_url())
    };
    let mut request = http_client()
        .unwrap()
        .request(method, url)
        .header("authorization", format!("SSWS {}", sim.ssws_token()));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Got {
        status,
        headers,
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
    }
}

async fn get(sim: &Sim, path: &str) -> Got {
    call(sim, Method::GET, path, None).await
}

/// A path with one query parameter that is encoded as a client would.
fn with(path: &str, name: &str, value: &str) -> String {
    let value = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
    format!(
        "{path}{}{name}={value}",
        if path.contains('?') { '&' } else { '?' }
    )
}
