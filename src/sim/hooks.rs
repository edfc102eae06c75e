//! Event hooks: registration, verification and delivery.
//!
//! Delivery is best effort: at least once, unordered, 3 seconds of patience, one retry after a 5xx or a timeout, none
//! after a 4xx; then the event is lost.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::lock;
use super::org::{Event, HOOK_ELIGIBLE, OktaId, Org};
use super::weather::{Fate, Weather};
use crate::model::random::Random;
use crate::model::time::Timestamp;

/// One registered hook.
#[derive(Clone)]
pub struct Hook {
    /// `who…`.
    pub id: OktaId,
    /// Where events go.
    pub uri: String,
    /// The static header that authenticates Okta.
    header: (String, String),
    items: Vec<String>,
    /// Only verified hooks receive events.
    pub verified: bool,
    next_event: u64,
}

impl Hook {
    /// Reads a registration; it hears of events from number `next_event` on. `None` when URI or events are missing.
    pub(super) fn read(body: &Value, random: &dyn Random, next_event: u64) -> Option<Self> {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let items = body.pointer("/events/items")?.as_array()?;
        Some(Self {
            id: OktaId::new("who", random),
            uri: text("/channel/config/uri")?.to_owned(),
            header: (
                text("/channel/config/authScheme/key")
                    .unwrap_or("Authorization")
                    .to_owned(),
                text("/channel/config/authScheme/value")
                    .unwrap_or_default()
                    .to_owned(),
            ),
            items: items
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            verified: false,
            next_event,
        })
    }

    /// The hook object of the Management API; the secret is never shown.
    pub fn to_json(&self) -> Value {
        json!({"id": self.id, "status": "ACTIVE",
               "verificationStatus": if self.verified { "VERIFIED" } else { "UNVERIFIED" },
               "events": {"type": "EVENT_TYPE", "items": self.items},
               "channel": {"type": "HTTP", "version": "1.0.0",
                           "config": {"uri": self.uri, "authScheme": {"type": "HEADER", "key": self.header.0}}}})
    }
}

/// One delivery that is on its way.
struct Delivery {
    hook: OktaId,
    event: Event,
    due: Timestamp,
}

/// What became of one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The event's uuid.
    pub uuid: String,
    /// The event's type.
    pub event_type: &'static str,
    /// The statuses answered, one for each attempt; `None` for a timeout or a connection that failed.
    pub answers: Vec<Option<u16>>,
}

/// All hooks and what is on its way to them.
pub struct Hooks {
    http: reqwest::Client,
    registered: Mutex<Vec<Hook>>,
    on_the_way: Mutex<Vec<Delivery>>,
    batch: AtomicUsize,
    /// What is done to deliveries.
    pub weather: Weather,
}

impl Hooks {
    pub(super) fn new(http: reqwest::Client, seed: u64) -> Self {
        Self {
            http,
            registered: Mutex::default(),
            on_the_way: Mutex::default(),
            batch: AtomicUsize::new(1),
            weather: Weather::new(seed),
        }
    }

    /// The registered hooks.
    pub fn list(&self) -> Vec<Hook> {
        lock(&self.registered).clone()
    }

    /// How many events one delivery may carry: one, unless told otherwise.
    pub fn set_batch(&self, events: usize) {
        self.batch.store(events.max(1), Ordering::SeqCst);
    }

    pub(super) fn add(&self, hook: Hook) {
        lock(&self.registered).push(hook);
    }

    pub(super) fn remove(&self, id: OktaId) {
        lock(&self.registered).retain(|hook| hook.id != id);
    }

    /// Asks the endpoint to prove itself: one GET with a challenge, one retry. Whether it answered it.
    pub async fn verify(&self, id: OktaId) -> bool {
        let Some(hook) = self.list().into_iter().find(|hook| hook.id == id) else {
            return false;
        };
        let challenge = format!("challenge-{id}");
        for _attempt in 0..2 {
            let request = self
                .http
                .get(&hook.uri)
                .timeout(PATIENCE)
                .header("x-okta-verification-challenge", &challenge)
                .header(hook.header.0.as_str(), hook.header.1.as_str());
            let Ok(response) = request.send().await else {
                continue;
            };
            if response.status() != http::StatusCode::OK {
                continue;
            }
            let answered = response.json::<Value>().await.unwrap_or_default();
            if answered.get("verification").and_then(Value::as_str) == Some(challenge.as_str()) {
                for hook in lock(&self.registered)
                    .iter_mut()
                    .filter(|hook| hook.id == id)
                {
                    hook.verified = true;
                }
                return true;
            }
        }
        false
    }

    /// Takes new events from the log and puts them on their way, as the weather lets them.
    pub fn collect(&self, org: &Org) {
        let now = org.now();
        let mut on_the_way = lock(&self.on_the_way);
        for hook in lock(&self.registered).iter_mut() {
            let from = std::mem::replace(&mut hook.next_event, org.next_event());
            if !hook.verified {
                continue;
            }
            for (_, event) in org.events_from(from) {
                let wanted = hook.items.iter().any(|item| item == event.event_type);
                if !wanted || !HOOK_ELIGIBLE.contains(&event.event_type) {
                    continue;
                }
                let (copies, delay) = match self.weather.fate() {
                    Fate::Lost => (0, 0),
                    Fate::Twice => (2, 0),
                    Fate::Late(delay) => (1, delay),
                    Fate::Plain | Fate::AnswerLost => (1, 0),
                };
                let due = now.plus_millis(delay);
                for _ in 0..copies {
                    on_the_way.push(Delivery {
                        hook: hook.id,
                        event: event.clone(),
                        due,
                    });
                }
            }
        }
        self.weather.shuffle(&mut on_the_way);
    }

    /// Delivers what is due at `now`; neighbours that go to the same hook share a POST, as far as a batch goes.
    pub async fn deliver_due(&self, now: Timestamp) -> Vec<Delivered> {
        let due: Vec<Delivery> = lock(&self.on_the_way)
            .extract_if(.., |delivery| delivery.due <= now)
            .collect();
        let limit = self.batch.load(Ordering::SeqCst);
        let mut done = Vec::new();
        for neighbours in due.chunk_by(|one, next| one.hook == next.hook) {
            for batch in neighbours.chunks(limit) {
                let hooks = self.list();
                let hook = batch
                    .first()
                    .and_then(|first| hooks.iter().find(|hook| hook.id == first.hook));
                if let Some(hook) = hook {
                    done.extend(self.deliver(hook, batch, now).await);
                }
            }
        }
        done
    }

    /// How many deliveries are on their way.
    pub fn waiting(&self) -> usize {
        lock(&self.on_the_way).len()
    }

    async fn deliver(&self, hook: &Hook, batch: &[Delivery], now: Timestamp) -> Vec<Delivered> {
        let events: Vec<Value> = batch
            .iter()
            .map(|delivery| delivery.event.to_json())
            .collect();
        let body = json!({
            "eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "cloudEventsVersion": "0.1",
            "source": hook.uri, "eventId": batch.first().map(|delivery| delivery.event.uuid.as_str()), "eventTime": now,
            "contentType": "application/json", "data": {"events": events},
        });
        let mut answers = Vec::new();
        for _attempt in 0..2 {
            let request = self
                .http
                .post(&hook.uri)
                .timeout(PATIENCE)
                .header(hook.header.0.as_str(), hook.header.1.as_str())
                .json(&body);
            let status = request
                .send()
                .await
                .ok()
                .map(|response| response.status().as_u16());
            answers.push(status);
            if status.is_some_and(|status| status < 500) {
                break;
            }
        }
        let delivered = |delivery: &Delivery| Delivered {
            uuid: delivery.event.uuid.clone(),
            event_type: delivery.event.event_type,
            answers: answers.clone(),
        };
        batch.iter().map(delivered).collect()
    }
}

const PATIENCE: Duration = Duration::from_secs(3);
