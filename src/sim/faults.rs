//! Scripted trouble: what the Management API does wrong, when, and how often.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::model::random::{Random, SeededRandom};

/// One way to go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// 500 with Okta's error object (E0000009).
    InternalError,
    /// 503 with Okta's error object (E0000010).
    Unavailable,
    /// 401 with Okta's error object (E0000011): the token is good for nothing any more.
    Unauthorized,
    /// 403 with Okta's error object (E0000006).
    Forbidden,
    /// 429 with Okta's error object (E0000047) and an empty bucket.
    RateLimited,
    /// No answer within the client's patience: the answer never comes.
    Hang,
    /// The right answer, late.
    Slow(Duration),
    /// The answer that was right when it was asked for, late.
    Stale(Duration),
    /// The answer that was right when it was asked for, once somebody opens the gate.
    Gate(Gate),
    /// The right headers and length, half the body, then the connection ends.
    TruncatedBody,
    /// The connection ends before any answer.
    Cut,
    /// `rel="next"` leads to another host.
    NextElsewhere(String),
    /// `rel="next"` leads to the page itself.
    RepeatedPage,
    /// 200 with an empty list and no `next`.
    EmptyList,
    /// `/.well-known/okta-organization` names another org.
    WrongOrg,
    /// 200 whose body is an HTML page, as a proxy makes it.
    HtmlPage,
}

/// Holds an answer back until it is opened; so a test, and not a wait, says what happens while Okta is silent.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<Passage>>);

#[derive(Debug, Default)]
struct Passage {
    reached: bool,
    open: bool,
}

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::default()))
    }
}

impl PartialEq for Gate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Gate {}

impl Gate {
    /// Returns once an answer waits at the gate, or has passed it.
    pub async fn reached(&self) {
        self.until(|passage| passage.reached).await;
    }

    /// Lets what waits, and whatever comes, pass.
    pub fn open(&self) {
        self.0.send_modify(|passage| passage.open = true);
    }

    /// Waits at the gate.
    pub(super) async fn pass(&self) {
        self.0.send_modify(|passage| passage.reached = true);
        self.until(|passage| passage.open).await;
    }

    async fn until(&self, holds: impl FnMut(&Passage) -> bool) {
        let mut passage = self.0.subscribe();
        // It cannot fail: the sender lives as long as this gate.
        let _state = passage.wait_for(holds).await;
    }
}

/// When a [`Fault`] strikes.
#[derive(Debug, Clone)]
pub struct Rule {
    fault: Fault,
    /// `METHOD` to match; any when `None`.
    method: Option<String>,
    /// Text that path and query must contain; any when empty.
    contains: String,
    /// Times left; `None` is for ever.
    times: Option<u32>,
    /// Requests to let pass first.
    skip: u32,
    /// Chance in a thousand.
    per_mille: u16,
}

impl Rule {
    /// Strikes every request.
    pub fn always(fault: Fault) -> Self {
        Self {
            fault,
            method: None,
            contains: String::new(),
            times: None,
            skip: 0,
            per_mille: 1000,
        }
    }

    /// Strikes the next `times` requests it matches.
    pub fn next(times: u32, fault: Fault) -> Self {
        Self {
            times: Some(times),
            ..Self::always(fault)
        }
    }

    /// Strikes with a chance of `per_mille` in a thousand.
    pub fn sometimes(per_mille: u16, fault: Fault) -> Self {
        Self {
            per_mille,
            ..Self::always(fault)
        }
    }

    /// Only where path and query contain `text`.
    #[must_use]
    pub fn on(mut self, text: &str) -> Self {
        text.clone_into(&mut self.contains);
        self
    }

    /// Only this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Lets the first `skip` requests it matches pass.
    #[must_use]
    pub fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }
}

/// The script in force. Rules are tried in the order they were added; the first that strikes is used.
pub struct Faults {
    random: SeededRandom,
    rules: Mutex<Vec<Rule>>,
}

impl Faults {
    /// No faults; chances are drawn from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            random: SeededRandom::new(seed),
            rules: Mutex::new(Vec::new()),
        }
    }

    /// Adds a rule.
    pub fn add(&self, rule: Rule) {
        self.lock().push(rule);
    }

    /// Ends all trouble.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The fault that strikes this request, if any.
    pub(super) fn strike(&self, method: &str, path_and_query: &str) -> Option<Fault> {
        let mut rules = self.lock();
        for rule in rules.iter_mut() {
            let matches = rule.method.as_deref().is_none_or(|wanted| wanted == method)
                && path_and_query.contains(&rule.contains)
                && rule.times != Some(0);
            if !matches {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if rule.per_mille < 1000 && self.random.below(1000) >= u64::from(rule.per_mille) {
                continue;
            }
            rule.times = rule.times.map(|times| times - 1);
            return Some(rule.fault.clone());
        }
        None
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Fault, Faults, Gate, Rule};

    #[test]
    fn a_rule_strikes_as_often_and_where_it_was_told() {
        let faults = Faults::new(1);
        faults.add(
            Rule::next(2, Fault::Forbidden)
                .on("/groups/00g")
                .method("GET")
                .after(1),
        );
        let hit = |method, path| faults.strike(method, path).is_some();
        assert!(!hit("GET", "/api/v1/users"));
        assert!(!hit("GET", "/api/v1/groups/00g1"), "the first one passes");
        assert!(!hit("PUT", "/api/v1/groups/00g1"));
        assert!(hit("GET", "/api/v1/groups/00g1"));
        assert!(hit("GET", "/api/v1/groups/00g2"));
        assert!(!hit("GET", "/api/v1/groups/00g2"), "twice is enough");
    }

    #[tokio::test]
    async fn a_gate_tells_who_waits_and_lets_all_pass_once_it_is_open() {
        let gate = Gate::default();
        let waits = gate.clone();
        let passed = tokio::spawn(async move { waits.pass().await });
        gate.reached().await;
        assert!(!passed.is_finished());
        gate.open();
        passed.await.unwrap();
        gate.pass().await;
    }

    #[test]
    fn chances_replay_from_the_seed() {
        let draw = || {
            let faults = Faults::new(7);
            faults.add(Rule::sometimes(300, Fault::Cut));
            (0..50)
                .map(|_| faults.strike("GET", "/").is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
        assert!(draw().contains(&true) && draw().contains(&false));
    }
}
