//! The task queue and the retry rules of provisioning tasks.

use super::super::lock;
use super::super::org::{OktaId, Task};
use super::wire::Failure;
use super::{Ran, ScimClient};
use crate::model::time::Timestamp;

/// A task that waits.
#[derive(Debug, Clone)]
pub(super) struct Queued {
    pub(super) task: Task,
    pub(super) is_late: bool,
    pub(super) loses_answer: bool,
    due: Timestamp,
    /// How often it was answered 429, and how long it waited last, in milliseconds.
    limited: u32,
    waited_ms: i64,
    /// How often it was tried again after a 5xx.
    retried: u32,
}

impl Queued {
    pub(super) fn new(task: Task, due: Timestamp) -> Self {
        Self {
            task,
            is_late: false,
            loses_answer: false,
            due,
            limited: 0,
            waited_ms: 0,
            retried: 0,
        }
    }

    pub(super) fn late(self, delay_ms: i64) -> Self {
        Self {
            is_late: true,
            due: self.due.plus_millis(delay_ms),
            ..self
        }
    }

    pub(super) fn with_answer_lost(self) -> Self {
        Self {
            loses_answer: true,
            ..self
        }
    }

    fn changes_members_of(&self) -> Option<OktaId> {
        match self.task {
            Task::AddMember { mapping, .. } | Task::RemoveMember { mapping, .. } => Some(mapping),
            _ => None,
        }
    }
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server answered 2xx to everything.
    Pushed,
    /// There was nothing to send, and why.
    Skipped(&'static str),
    /// It is tried again at this time.
    Again(Timestamp),
    /// It failed until an admin retries it; the text is what the admin is shown.
    Failed(String),
}

/// A task that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Which.
    pub task: Task,
    /// How it ended.
    pub outcome: Outcome,
}

/// Without an integer `Retry-After` the first wait is five minutes.
const DEFAULT_WAIT_MS: i64 = 300_000;
/// After so many attempts that were answered 429 a task fails for good.
const MAX_ATTEMPTS: u32 = 10;
/// Okta publishes no schedule for group pushes that it retries after a 5xx; a minute is our guess.
const GROUP_RETRY_MS: i64 = 60_000;

impl ScimClient {
    /// The first task that is due, with the membership changes of the same group that directly follow it.
    pub(super) fn take_due(&self) -> Option<Vec<Queued>> {
        let now = self.shared.clock.now();
        let limit = self.habits().batch.max(1);
        let mut queue = lock(&self.queue);
        let first = queue.iter().position(|queued| queued.due <= now)?;
        let mut batch = vec![queue.remove(first)?];
        let group = batch.first().and_then(Queued::changes_members_of);
        while batch.len() < limit && group.is_some() {
            let fits = |next: &Queued| {
                next.changes_members_of() == group && next.due <= now && !next.loses_answer
            };
            if !queue.get(first).is_some_and(fits) {
                break;
            }
            batch.extend(queue.remove(first));
        }
        Some(batch)
    }

    /// When the next task that waits for its time is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        lock(&self.queue).iter().map(|queued| queued.due).min()
    }

    /// Decides what becomes of tasks that ran: done, again later, or failed.
    pub(super) fn settle(&self, batch: Vec<Queued>, result: &Ran) -> Vec<Done> {
        let now = self.shared.clock.now();
        let mut done = Vec::new();
        for queued in batch {
            let task = queued.task.clone();
            let outcome = match result {
                Ok(outcome) => outcome.clone(),
                Err(failure) => self.after_failure(queued, failure, now),
            };
            done.push(Done { task, outcome });
        }
        done
    }

    fn after_failure(&self, queued: Queued, failure: &Failure, now: Timestamp) -> Outcome {
        self.note_error(&failure.shown());
        match failure {
            Failure::Limited {
                retry_after_seconds,
            } => {
                let limited = queued.limited + 1;
                if limited >= MAX_ATTEMPTS {
                    return self.fail(queued.task, failure);
                }
                let wait = if queued.limited == 0 {
                    retry_after_seconds
                        .map_or(DEFAULT_WAIT_MS, |seconds| seconds.saturating_mul(1000))
                } else {
                    // Each further 429 doubles the previous wait.
                    queued.waited_ms.saturating_mul(2)
                };
                self.again(Queued {
                    limited,
                    waited_ms: wait,
                    due: now.plus_millis(wait),
                    ..queued
                })
            }
            Failure::Broken(_)
                if is_group_task(&queued.task) && queued.retried < self.habits().group_retries =>
            {
                let retried = queued.retried + 1;
                self.again(Queued {
                    retried,
                    loses_answer: false,
                    due: now.plus_millis(GROUP_RETRY_MS),
                    ..queued
                })
            }
            Failure::Broken(_) | Failure::Refused { .. } => self.fail(queued.task, failure),
        }
    }

    fn again(&self, queued: Queued) -> Outcome {
        let at = queued.due;
        lock(&self.queue).push_back(queued);
        Outcome::Again(at)
    }

    fn fail(&self, task: Task, failure: &Failure) -> Outcome {
        let shown = failure.shown();
        match &task {
            Task::Provision { user }
            | Task::PushProfile { user }
            | Task::Deactivate { user, .. } => {
                self.org().note_failed(*user, &shown);
            }
            Task::PushGroup { mapping }
            | Task::LinkGroup { mapping }
            | Task::RenameGroup { mapping }
            | Task::AddMember { mapping, .. }
            | Task::RemoveMember { mapping, .. }
            | Task::PushNow { mapping } => self.org().note_group_push(*mapping, Err(&shown)),
            Task::DeleteGroup { .. } => {}
        }
        lock(&self.failed).push((task, shown.clone()));
        Outcome::Failed(shown)
    }
}

fn is_group_task(task: &Task) -> bool {
    !matches!(
        task,
        Task::Provision { .. } | Task::PushProfile { .. } | Task::Deactivate { .. }
    )
}
