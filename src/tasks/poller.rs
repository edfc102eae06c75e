//! The poller: one run at a time, woken by a schedule, a request, an event, or a mapped group nobody has read yet.
//!
//! A wake-up only shortens the wait: the run reads everything itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Schedule;
use crate::model::actor::Channel;
use crate::model::id::OktaGroupId;
use crate::model::pulse::Pulse;
use crate::model::run::RunKind;
use crate::model::stop::StopListener;
use crate::model::time::{Clock, Timestamp};
use crate::service::hooks::{self, HookQueue};
use crate::service::sync::{Ask, Halt, Sync, Waiting};
use crate::store::sync_requests::SyncRequest;

use super::lease::Epoch;

/// How often is looked for requests and unread groups.
const LOOK: Duration = Duration::from_secs(1);

/// How long events gather before they are read, so that a burst is one run.
const GATHER: Duration = Duration::from_millis(300);

/// Most objects one hook run reads.
const HOOK_BATCH: usize = 200;

/// How long the loop may be silent before it counts as stuck.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// When runs are due.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Full runs.
    pub full: Schedule,
    /// Delta runs.
    pub delta: Schedule,
    /// Spreads stores over the schedule ([`Schedule::spread`]).
    pub seed: u64,
}

impl Plan {
    fn next(&self, kind: RunKind, after: Timestamp) -> Option<Timestamp> {
        let schedule = if kind == RunKind::Full {
            &self.full
        } else {
            &self.delta
        };
        let offset = schedule.spread(self.seed, after.as_millis());
        schedule
            .next_after(after.as_millis(), offset)
            .map(Timestamp::from_millis)
    }

    /// How often a kind was due in a stretch of time, up to a thousand.
    fn missed(&self, kind: RunKind, from: Timestamp, to: Timestamp) -> u64 {
        let mut at = from;
        let mut count = 0;
        while let Some(next) = self
            .next(kind, at)
            .filter(|next| *next <= to && count < 1_000)
        {
            at = next;
            count += 1;
        }
        count
    }
}

/// What the poller works with.
pub struct Poller {
    /// Runs.
    pub sync: Sync,
    /// When they are due.
    pub plan: Plan,
    /// Whether this daemon polls.
    pub epoch: Epoch,
    /// What events named.
    pub hooks: Arc<HookQueue>,
    /// The process's clock.
    pub clock: Arc<dyn Clock>,
    /// Its sign of life.
    pub pulse: Pulse,
}

/// When each kind is due next.
struct Due {
    full: Option<Timestamp>,
    delta: Option<Timestamp>,
}

impl Poller {
    /// Polls until the stop. A run that is under way is dropped then; the next daemon finds it interrupted.
    pub async fn run(self, mut stop: StopListener) {
        let mut due = self.due(self.clock.now());
        let mut tried: BTreeSet<OktaGroupId> = BTreeSet::new();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.pulse.beat();
            let events = self.hooks.arrived();
            let woken_by_event = tokio::select! {
                biased;
                () = stop.soft() => return,
                _ = look.tick() => false,
                () = events => true,
            };
            let epoch = *self.epoch.borrow();
            let Some(epoch) = epoch else {
                self.pass_on().await;
                due = self.due(self.clock.now());
                if woken_by_event {
                    tokio::time::sleep(GATHER).await;
                }
                continue;
            };
            let waiting = match self.sync.waiting().await {
                Ok(waiting) if waiting.paused => {
                    // What events name is kept for after the pause.
                    self.pass_on().await;
                    due = self.due(self.clock.now());
                    continue;
                }
                Ok(waiting) => waiting,
                Err(error) => {
                    tracing::warn!(%error, "the poller cannot look into the store");
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
            };
            let Some(ask) = self.choose(&due, &waiting, &tried).await else {
                continue;
            };
            tried.clone_from(&waiting.unread);
            let began = self.clock.now();
            let done = tokio::select! {
                biased;
                () = stop.soft() => return,
                done = self.fly(epoch, &ask) => done,
            };
            due = self.after(began, done).await;
        }
    }

    fn due(&self, after: Timestamp) -> Due {
        Due {
            full: self.plan.next(RunKind::Full, after),
            delta: self.plan.next(RunKind::Delta, after),
        }
    }

    /// What to run now, if anything: what somebody asked for, then schedules, then events.
    async fn choose(
        &self,
        due: &Due,
        waiting: &Waiting,
        tried: &BTreeSet<OktaGroupId>,
    ) -> Option<Ask> {
        if let Some(request) = waiting.requests.first() {
            return Some(asked(request));
        }
        let now = self.clock.now();
        let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        if is_due(due.full) || (waiting.virgin && tried.is_empty()) {
            return Some(Ask::scheduled(RunKind::Full));
        }
        if is_due(due.delta) || waiting.unread.difference(tried).next().is_some() {
            return Some(Ask::scheduled(RunKind::Delta));
        }
        if self.hooks.take_overflow() {
            return Some(Ask {
                channel: Channel::Hook,
                actor: "too many events".to_owned(),
                ..Ask::scheduled(RunKind::Delta)
            });
        }
        if self.hooks.is_empty() {
            return None;
        }
        tokio::time::sleep(GATHER).await;
        Some(Ask {
            channel: Channel::Hook,
            actor: "event hook".to_owned(),
            targets: self.hooks.take(HOOK_BATCH),
            ..Ask::scheduled(RunKind::Hook)
        })
    }

    /// Runs, and shows that it is alive meanwhile: every call to Okta and to the store has its own patience.
    async fn fly(&self, epoch: i64, ask: &Ask) -> Result<(), Halt> {
        let run = self.sync.run(epoch, ask);
        tokio::pin!(run);
        loop {
            tokio::select! {
                done = &mut run => return done.map(drop),
                () = tokio::time::sleep(LOOK) => self.pulse.beat(),
            }
        }
    }

    /// Counts schedules that passed while the run was in flight, and writes down what is next.
    async fn after(&self, began: Timestamp, done: Result<(), Halt>) -> Due {
        let now = self.clock.now();
        let skipped: u64 = [RunKind::Full, RunKind::Delta]
            .into_iter()
            .map(|kind| self.plan.missed(kind, began, now))
            .sum();
        if let Err(Halt::NotHolder | Halt::Paused) = done {
            // The lease task says when this daemon polls again.
            tokio::time::sleep(LOOK).await;
        }
        let due = self.due(now);
        if let Err(error) = self.sync.note_outlook(due.full, due.delta, skipped).await {
            tracing::warn!(%error, "the poller's outlook could not be written down");
        }
        due
    }

    /// This daemon does not apply now: what events named goes on the list of the one that does.
    async fn pass_on(&self) {
        let overflowed = self.hooks.take_overflow();
        let targets = self.hooks.take(HOOK_BATCH);
        if targets.is_empty() && !overflowed {
            return;
        }
        if let Err(error) = hooks::hand_over(&self.sync.service, &targets).await {
            tracing::warn!(%error, "events could not be handed to the daemon that polls");
        }
    }
}

fn asked(request: &SyncRequest) -> Ask {
    Ask {
        kind: request.kind,
        channel: Channel::parse(&request.channel).unwrap_or(Channel::Api),
        actor: request.actor.clone(),
        dry_run: request.dry_run,
        request: Some(request.id.clone()),
        targets: Vec::new(),
    }
}
