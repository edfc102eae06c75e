//! Okta's provisioning engine as a SCIM 2.0 client.
//!
//! Work comes from the org as [`Task`]s and waits in a queue that the caller steps with [`ScimClient::run_pending`]; so
//! a test decides when a push happens, and the weather whether, when and how often it does. Every request and answer is
//! kept for assertions, without the credential.

mod body;
mod groups;
mod import;
mod queue;
mod users;
mod wire;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;

pub use import::Imported;
pub use queue::{Done, Outcome};
pub use wire::Exchange;

use super::org::{Org, Task};
use super::weather::{Fate, Weather};
use super::{Shared, lock};
use queue::Queued;
use wire::{Failure, Session};

/// How Okta proves itself to the server.
#[derive(Clone)]
pub enum Auth {
    /// Okta writes `Bearer ` before what the admin pasted.
    Bearer(String),
    /// The template's "Header Auth": the admin's value as it is.
    Header(String),
    /// HTTP Basic.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
}

/// The two kinds of app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// A custom app made in the App Integration Wizard: GET, then PUT of the whole resource.
    #[default]
    Wizard,
    /// A catalogue integration or the SCIM test template: path-less PATCH.
    Template,
}

/// How "Push Now" writes the full membership in the template dialect; all three were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FullSet {
    /// `{"op":"replace","path":"members","value":[…]}`.
    #[default]
    Path,
    /// `{"op":"replace","value":{"members":[…]}}`.
    Pathless,
    /// `{"op":"replace","value":{"members":[…],"id":…,"displayName":…}}`.
    PathlessWithName,
}

/// Where the template dialect repeats the group's name with every membership update; documents leave it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameRestated {
    /// As the first operation of the same PATCH.
    #[default]
    SameRequest,
    /// In a PATCH of its own, before.
    OwnRequest,
}

/// What an attribute that was cleared in Okta looks like on the wire; all three are documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cleared {
    /// A PUT leaves it out; a PATCH says null, having no other way.
    #[default]
    Omitted,
    /// JSON null.
    Null,
    /// The empty text.
    Empty,
}

/// The engine's settings: an admin's choices, and what documents leave open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, named where it is set"
)]
pub struct ScimHabits {
    /// The kind of app.
    pub dialect: Dialect,
    /// Whether `externalId` is mapped to the Okta user id, as it is by default.
    pub maps_external_id: bool,
    /// Whether `members[].display` holds the login; else it is null.
    pub fills_display: bool,
    /// Changes per membership PATCH, 100 to 1,000.
    pub batch: usize,
    /// The shape of "Push Now".
    pub full_set: FullSet,
    /// Where the name is repeated.
    pub name_restated: NameRestated,
    /// How cleared attributes are sent.
    pub cleared: Cleared,
    /// How often a group push is tried again after a 5xx or a timeout ("some"); user tasks never are.
    pub group_retries: u32,
    /// Whether a person who was provisioned for the first time is then sent to the groups that are pushed. After a
    /// reactivation it never happens: the group must be pushed again.
    pub pushes_groups_of_newcomers: bool,
    /// Whether a late `Provision` goes out although the person is not assigned any more, as one that was already on the
    /// wire would.
    pub late_pushes_are_stale: bool,
    /// Whether somebody who leaves is deleted instead of deactivated ("granular deprovisioning", 2026, off by default).
    pub deletes_leavers: bool,
    /// Whether "Import Groups" is ticked: the connection test then asks for groups too.
    pub imports_groups: bool,
}

impl Default for ScimHabits {
    fn default() -> Self {
        Self {
            dialect: Dialect::Wizard,
            maps_external_id: true,
            fills_display: true,
            batch: 100,
            full_set: FullSet::Path,
            name_restated: NameRestated::SameRequest,
            cleared: Cleared::Omitted,
            group_retries: 3,
            pushes_groups_of_newcomers: true,
            late_pushes_are_stale: false,
            deletes_leavers: false,
            imports_groups: false,
        }
    }
}

/// The server Okta provisions to.
#[derive(Clone)]
pub struct ScimTarget {
    /// The base URL as the admin entered it; Okta appends `/Users`, so a slash at the end makes `//Users`.
    pub base_url: String,
    /// The credential.
    pub auth: Auth,
}

/// The engine.
pub struct ScimClient {
    shared: std::sync::Arc<Shared>,
    http: reqwest::Client,
    target: Mutex<ScimTarget>,
    habits: Mutex<ScimHabits>,
    queue: Mutex<VecDeque<Queued>>,
    failed: Mutex<Vec<(Task, String)>>,
    exchanges: Mutex<Vec<Exchange>>,
    last_error: Mutex<Option<String>>,
    /// What is done to tasks between the event and the push.
    pub weather: Weather,
}

impl ScimClient {
    pub(super) fn new(
        shared: std::sync::Arc<Shared>,
        http: reqwest::Client,
        target: ScimTarget,
        habits: ScimHabits,
        seed: u64,
    ) -> Self {
        Self {
            shared,
            http,
            target: Mutex::new(target),
            habits: Mutex::new(habits),
            queue: Mutex::default(),
            failed: Mutex::default(),
            exchanges: Mutex::default(),
            last_error: Mutex::default(),
            weather: Weather::new(seed),
        }
    }

    /// Sends to another server, or with another credential, from now on.
    pub fn set_target(&self, target: ScimTarget) {
        *lock(&self.target) = target;
    }

    /// The settings in force.
    pub fn habits(&self) -> ScimHabits {
        *lock(&self.habits)
    }

    /// Changes the settings from now on.
    pub fn set_habits(&self, habits: ScimHabits) {
        *lock(&self.habits) = habits;
    }

    /// Every request sent so far and its answer, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.exchanges).clone()
    }

    /// Forgets the requests sent so far.
    pub fn forget_exchanges(&self) {
        lock(&self.exchanges).clear();
    }

    /// The error an admin saw last.
    pub fn last_error(&self) -> Option<String> {
        lock(&self.last_error).clone()
    }

    /// The tasks that failed and wait for an admin, each with the error shown.
    pub fn failed(&self) -> Vec<(Task, String)> {
        lock(&self.failed).clone()
    }

    /// The tasks that wait, in the order in which they would run.
    pub fn waiting(&self) -> Vec<Task> {
        lock(&self.queue)
            .iter()
            .map(|queued| queued.task.clone())
            .collect()
    }

    /// "Retry Selected" on everything that failed.
    pub fn retry_failed(&self) {
        let now = self.shared.clock.now();
        let mut queue = lock(&self.queue);
        queue.extend(
            lock(&self.failed)
                .drain(..)
                .map(|(task, _)| Queued::new(task, now)),
        );
    }

    /// Drops all that waits, as an outage of Okta's job queue would.
    pub fn drop_waiting(&self) {
        self.collect();
        lock(&self.queue).clear();
    }

    /// Puts what waits in another order: the task at `from` comes to stand at `to`. Out of range changes nothing.
    pub fn reorder(&self, from: usize, to: usize) {
        let mut queue = lock(&self.queue);
        if to < queue.len()
            && let Some(task) = queue.remove(from)
        {
            queue.insert(to, task);
        }
    }

    /// Takes new work from the org into the queue, as the weather lets it.
    pub fn collect(&self) {
        let (tasks, now) = {
            let mut org = self.org();
            (org.take_tasks(), org.now())
        };
        if tasks.is_empty() {
            return;
        }
        let mut queue = lock(&self.queue);
        for task in tasks {
            let plain = Queued::new(task, now);
            match self.weather.fate() {
                Fate::Plain => queue.push_back(plain),
                Fate::Lost => {}
                Fate::Late(delay) => queue.push_back(plain.late(delay)),
                Fate::Twice => {
                    queue.push_back(plain.clone());
                    queue.push_back(plain);
                }
                Fate::AnswerLost => queue.push_back(plain.with_answer_lost()),
            }
        }
        self.weather.shuffle(queue.make_contiguous());
    }

    /// Runs all that is due, one after the other, what it causes included. What waits for a later time stays.
    pub async fn run_pending(&self) -> Vec<Done> {
        let mut done = Vec::new();
        loop {
            self.collect();
            let Some(batch) = self.take_due() else {
                return done;
            };
            done.extend(self.run(batch).await);
        }
    }

    /// Runs the first piece of work that is due; `None` when nothing is.
    pub async fn step(&self) -> Option<Vec<Done>> {
        self.collect();
        let batch = self.take_due()?;
        Some(self.run(batch).await)
    }

    /// Runs all that is due with up to `workers` tasks at a time, those of one group included, as Okta does.
    pub async fn run_pending_in_parallel(&self, workers: usize) -> Vec<Done> {
        self.collect();
        let due: Vec<Vec<Queued>> = std::iter::from_fn(|| self.take_due()).collect();
        let running = futures_util::stream::iter(due).map(|batch| self.run(batch));
        running
            .buffer_unordered(workers.max(1))
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .flatten()
            .collect()
    }

    fn org(&self) -> MutexGuard<'_, Org> {
        self.shared.org()
    }

    fn session(&self, loses_answer: bool) -> Session<'_> {
        Session::new(self, loses_answer)
    }

    fn note_error(&self, shown: &str) {
        *self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(shown.to_owned());
    }

    /// Runs one piece of work: a single task, or membership changes of one group that go together.
    async fn run(&self, batch: Vec<Queued>) -> Vec<Done> {
        let Some(first) = batch.first() else {
            return Vec::new();
        };
        let mut session = self.session(batch.iter().any(|queued| queued.loses_answer));
        let stale = first.is_late && self.habits().late_pushes_are_stale;
        let result = match first.task.clone() {
            Task::Provision { user } => self.provision(&mut session, user, stale).await,
            Task::PushProfile { user } => self.push_profile(&mut session, user).await,
            Task::Deactivate { user, scim_id } => {
                self.deactivate(&mut session, user, scim_id).await
            }
            Task::PushGroup { mapping } => self.push_group(&mut session, mapping).await,
            Task::LinkGroup { mapping } => self.link_group(&mut session, mapping).await,
            Task::RenameGroup { mapping } => self.rename_group(&mut session, mapping).await,
            Task::PushNow { mapping } => self.push_now(&mut session, mapping).await,
            Task::DeleteGroup { scim_id } => self.delete_group(&mut session, &scim_id).await,
            Task::AddMember { mapping, .. } | Task::RemoveMember { mapping, .. } => {
                let tasks: Vec<Task> = batch.iter().map(|queued| queued.task.clone()).collect();
                self.change_members(&mut session, mapping, &tasks).await
            }
        };
        self.settle(batch, &result)
    }
}

/// What a task came to.
type Ran = Result<Outcome, Failure>;
