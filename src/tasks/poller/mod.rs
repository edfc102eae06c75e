//! The poller: one run at a time, woken by a schedule, a request, an event, or a mapped group nobody has read yet.
//!
//! A wake-up only shortens the wait: the run reads everything itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::config::Schedule;
use crate::model::actor::Channel;
use crate::model::id::OktaGroupId;
use crate::model::pulse::Pulse;
use crate::model::run::RunKind;
use crate::model::stop::StopListener;
use crate::model::time::{Clock, Timestamp};
use crate::okta::Client;
use crate::service::hooks::{self, HookQueue};
use crate::service::sync::{Ask, Ended, Halt, Sync, Waiting};
use crate::store::rereads::Target;
use crate::store::sync_requests::SyncRequest;

use super::lease::Epoch;
use super::run_counts::RunCounts;

/// How often is looked for requests and unread groups.
const LOOK: Duration = Duration::from_secs(1);

/// How long events gather before they are read, so that a burst is one run.
const GATHER: Duration = Duration::from_millis(300);

/// Most objects one hook run reads.
const HOOK_BATCH: usize = 200;

/// How long a database that hangs is waited for between runs.
const ASK: Duration = Duration::from_secs(12);

/// What is said of one that was waited for long enough.
const HANGS: &str = "the database hangs";

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
        let offset = schedule.spread(self.seed);
        schedule
            .next_after(after.as_millis(), offset)
            .map(Timestamp::from_millis)
    }

    /// When each kind is due next.
    fn due(&self, after: Timestamp) -> Due {
        Due {
            from: after,
            full: self.next(RunKind::Full, after),
            delta: self.next(RunKind::Delta, after),
        }
    }

    /// When each kind is due next by a plan that has changed; what is due already keeps its turn.
    fn due_still(&self, due: &Due, now: Timestamp) -> Due {
        let waits = |at: Option<Timestamp>| at.filter(|at| *at <= now);
        let next = self.due(now);
        Due {
            full: waits(due.full).or(next.full),
            delta: waits(due.delta).or(next.delta),
            ..next
        }
    }

    /// What is due after a run that was in flight from `began` to `now`, and how many runs its flight has skipped. What was
    /// due before it began and had no turn yet keeps its place; a delta needs none after a full run.
    fn after(
        &self,
        due: &Due,
        ran: Option<RunKind>,
        began: Timestamp,
        now: Timestamp,
    ) -> (Due, u64) {
        let mut next = self.due(now);
        let mut skipped =
            self.missed(RunKind::Full, began, now) + self.missed(RunKind::Delta, began, now);
        let waits = |at: Option<Timestamp>| at.is_some_and(|at| at <= began);
        if waits(due.full) && ran != Some(RunKind::Full) {
            next.full = due.full;
        }
        if waits(due.delta) {
            match ran {
                Some(RunKind::Delta) => {}
                Some(RunKind::Full) => skipped += 1,
                _ => next.delta = due.delta,
            }
        }
        (next, skipped)
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

/// How Okta is polled from now on: a reload brings it, and it counts from the next run.
#[derive(Debug, Clone)]
pub struct Change {
    /// Okta, with its secrets read anew.
    pub okta: Client,
    /// Full runs.
    pub full: Schedule,
    /// Delta runs.
    pub delta: Schedule,
}

/// What the poller works with.
pub struct Poller {
    /// Runs.
    pub sync: Sync,
    /// When they are due.
    pub plan: Plan,
    /// Whether this daemon polls.
    pub epoch: Epoch,
    /// What a reload changed.
    pub changed: watch::Receiver<Option<Change>>,
    /// What events named.
    pub hooks: Arc<HookQueue>,
    /// The process's clock.
    pub clock: Arc<dyn Clock>,
    /// Its sign of life.
    pub pulse: Pulse,
    /// What its runs came to.
    pub counts: RunCounts,
}

/// When each kind is due next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    /// Reckoned from this instant: a clock that shows an earlier one was set back, and all is reckoned anew.
    from: Timestamp,
    full: Option<Timestamp>,
    delta: Option<Timestamp>,
}

impl Poller {
    /// Polls until the stop. A run that is under way is dropped then; the next daemon finds it interrupted.
    pub async fn run(mut self, mut stop: StopListener) {
        let mut due = self.plan.due(self.clock.now());
        let mut first_tried = false;
        let mut tried: BTreeSet<OktaGroupId> = BTreeSet::new();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.pulse.beat();
            if self.take_change() {
                due = self.plan.due_still(&due, self.clock.now());
            }
            let events = self.hooks.arrived();
            let woken_by_event = tokio::select! {
                biased;
                () = stop.soft() => return self.leave(Vec::new()).await,
                _ = look.tick() => false,
                () = events => true,
            };
            if self.clock.now() < due.from {
                due = self.plan.due(self.clock.now());
            }
            let epoch = *self.epoch.borrow();
            let Some(epoch) = epoch else {
                self.pass_on().await;
                due = self.plan.due(self.clock.now());
                if woken_by_event {
                    tokio::time::sleep(GATHER).await;
                }
                continue;
            };
            let waiting = match self.waiting().await {
                Ok(waiting) if waiting.paused => {
                    // What events name is kept for after the pause.
                    self.pass_on().await;
                    due = self.plan.due(self.clock.now());
                    continue;
                }
                Ok(waiting) => waiting,
                Err(error) => {
                    tracing::warn!(error, "the poller cannot look into the store");
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
            };
            let first = waiting.virgin && !first_tried;
            let Some(ask) = self.choose(&due, &waiting, &tried, first).await else {
                continue;
            };
            tried.clone_from(&waiting.unread);
            let ran = (!ask.dry_run).then_some(ask.kind);
            first_tried |= ran == Some(RunKind::Full);
            let began = self.clock.now();
            let done = tokio::select! {
                biased;
                () = stop.soft() => return self.leave(ask.targets).await,
                done = self.fly(epoch, &ask) => done,
            };
            let (next, skipped) = self.plan.after(&due, ran, began, self.clock.now());
            due = next;
            if done.is_err() && !ask.targets.is_empty() {
                // A run keeps none of them itself: it may have been cut, or the store was away.
                self.hooks.put_back(ask.targets);
                self.pass_on().await;
            }
            self.note(&due, skipped, done).await;
        }
    }

    /// Puts a reload in force; says whether there was one.
    fn take_change(&mut self) -> bool {
        if !self.changed.has_changed().unwrap_or(false) {
            return false;
        }
        let Some(change) = self.changed.borrow_and_update().clone() else {
            return false;
        };
        self.sync.okta = change.okta;
        self.plan.full = change.full;
        self.plan.delta = change.delta;
        true
    }

    async fn waiting(&self) -> Result<Waiting, String> {
        match timeout(ASK, self.sync.waiting()).await {
            Ok(waiting) => waiting.map_err(|error| error.to_string()),
            Err(_) => Err(HANGS.to_owned()),
        }
    }

    /// What to run now, if anything: what somebody asked for, then schedules, then events.
    async fn choose(
        &self,
        due: &Due,
        waiting: &Waiting,
        tried: &BTreeSet<OktaGroupId>,
        first: bool,
    ) -> Option<Ask> {
        if let Some(request) = waiting.requests.first() {
            return Some(asked(request));
        }
        let now = self.clock.now();
        let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        // Until a full run came through, every delta is one: a delta sees no assignments and confirms no absence.
        if is_due(due.full) || first || (waiting.virgin && is_due(due.delta)) {
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

    /// Runs, and shows that it is alive meanwhile: every call to Okta has its own patience, and a run that a database
    /// hangs on is dropped once the lease could not be prolonged.
    async fn fly(&self, epoch: i64, ask: &Ask) -> Result<(), Halt> {
        let mut leading = self.epoch.clone();
        let began = self.clock.now();
        let run = self.sync.run(epoch, ask);
        tokio::pin!(run);
        loop {
            tokio::select! {
                biased;
                done = &mut run => return done.map(|ended| {
                    let took = self.clock.now().since(began);
                    let took = Duration::from_millis(u64::try_from(took).unwrap_or(0));
                    self.counts.ended(ask.kind, took, &ended);
                }),
                () = tokio::time::sleep(LOOK) => self.pulse.beat(),
                () = lost(&mut leading, epoch) => return cut_short(run).await,
            }
        }
    }

    /// Writes down what is next and how many runs were skipped.
    async fn note(&self, due: &Due, skipped: u64, done: Result<(), Halt>) {
        if let Err(Halt::NotHolder | Halt::Paused) = done {
            // The lease task says when this daemon polls again.
            tokio::time::sleep(LOOK).await;
        }
        let noted = self.sync.note_outlook(due.full, due.delta, skipped);
        let error = match timeout(ASK, noted).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => HANGS.to_owned(),
        };
        tracing::warn!(error, "the poller's outlook could not be written down");
    }

    /// This daemon does not apply now: what events named goes on the list of the one that does.
    async fn pass_on(&self) {
        let overflowed = self.hooks.take_overflow();
        let targets = self.hooks.take(usize::MAX);
        if targets.is_empty() && !overflowed {
            return;
        }
        let handed = hooks::hand_over(&self.sync.service, &targets);
        let error = match timeout(ASK, handed).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => HANGS.to_owned(),
        };
        tracing::warn!(error, "events could not be handed to the daemon that polls");
        self.hooks.put_back(targets);
        if overflowed {
            self.hooks.note_overflow();
        }
        // Not at once again: what is queued wakes the loop.
        tokio::time::sleep(LOOK).await;
    }

    /// The stop: what events named is kept for whoever polls next. `flying` is what a run read that is dropped now.
    async fn leave(&self, flying: Vec<Target>) {
        self.hooks.put_back(flying);
        self.pass_on().await;
    }
}

/// Waits until this daemon does not poll in this epoch any more.
async fn lost(leading: &mut Epoch, epoch: i64) {
    // The lease's task is gone only at the stop.
    let _ = leading.wait_for(|now| *now != Some(epoch)).await;
}

/// The lease is lost. The run's next look at the store finds out; it gets a moment to say so itself.
async fn cut_short(run: impl Future<Output = Result<Ended, Halt>>) -> Result<(), Halt> {
    if let Ok(done) = timeout(ASK, run).await {
        return done.map(drop);
    }
    tracing::warn!("a run was dropped: another daemon polls, or the database hangs");
    Err(Halt::NotHolder)
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

#[cfg(test)]
mod tests;
