//! Pushes while a run applies: how long the slowest of them waits.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::figures::{line, median};
use super::wire::{Wire, request};

/// What a client does between two pushes, Okta's pace being no faster.
const PAUSE: Duration = Duration::from_millis(20);

/// How long each push waited, in milliseconds.
pub(crate) struct Waits(Vec<f64>);

/// Renames a group of SCIM's alone, which no poll looks at, until `done`.
pub(crate) fn push(address: SocketAddr, token: &str, done: &AtomicBool) -> Waits {
    let mut wire = Wire::open(address);
    let made = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "Pushed",
        "members": [],
    });
    let answer = wire.send(&request(
        "POST",
        "/scim/v2/Groups",
        token,
        Some(&made.to_string()),
    ));
    assert_eq!(answer.status, 201);
    let group = answer.json()["id"].as_str().expect("an id").to_owned();
    let mut waits = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let rename = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "value": { "id": group, "displayName": format!("Pushed {}", waits.len()) } }],
        });
        let path = format!("/scim/v2/Groups/{group}");
        let request = request("PATCH", &path, token, Some(&rename.to_string()));
        let began = Instant::now();
        assert_eq!(wire.send(&request).status, 200);
        waits.push(began.elapsed().as_secs_f64() * 1e3);
        std::thread::sleep(PAUSE);
    }
    Waits(waits)
}

impl Waits {
    pub(crate) fn show(&self) {
        let longest = self.0.iter().copied().fold(0.0, f64::max);
        line(
            "the longest that a push waited meanwhile",
            &format!("{longest:.0} ms"),
            &format!(
                "of {} pushes, one client; the median {:.1} ms (asked for: never over a second)",
                self.0.len(),
                median(&self.0)
            ),
        );
    }
}
