//! The org itself: pure state and the operations an Okta admin has. No I/O.
//!
//! Time and chance come from outside, so that a history replays from its seed. Every operation writes the System Log
//! events Okta would write (hooks are delivered from them) and the provisioning [`Task`]s Okta's engine would queue
//! (the SCIM client takes them with [`Org::take_tasks`]).

mod app;
mod app_profile;
mod cast;
mod group;
mod id;
mod lag;
mod link;
mod log;
mod push;
mod rule;
mod user;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

pub use app::{App, AppUser, DeactivatedAppUser, Scope, SyncState};
pub use group::{Group, GroupFacts, GroupType};
pub use id::OktaId;
pub(super) use id::letters;
pub use lag::Lagging;
pub use log::{Event, HOOK_ELIGIBLE, Target};
pub use push::{Mapping, MappingStatus, Task};
pub use rule::{PushRule, RuleField, RuleMatch};
pub use user::{Profile, User, UserStatus};

use crate::model::random::Random;
use crate::model::time::{Clock, Timestamp};

/// Why the org refused an operation; the API answers it with Okta's error codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrgError {
    /// Nothing has this id (E0000007).
    #[error("Not found: Resource not found: {0}")]
    NotFound(String),
    /// The value is taken or malformed (E0000001).
    #[error("Api validation failed: {0}")]
    Invalid(String),
    /// The object's present state does not allow it (E0000016, E0000038 and friends).
    #[error("This operation is not allowed in the object's current status: {0}")]
    WrongState(String),
}

/// What the real org does that documents leave open, chosen once per org.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Habits {
    /// What becomes of an app user when Okta deactivates the person.
    pub deactivated_app_user: DeactivatedAppUser,
    /// How long `filter`, `search` and `q` on users and groups lag behind, in milliseconds (typically
    /// under a second). Reads by id never lag.
    pub search_lag_ms: i64,
}

/// One simulated Okta org with one application.
pub struct Org {
    id: OktaId,
    habits: Habits,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    users: BTreeMap<OktaId, Lagging<User>>,
    /// Whose login, in lower case: an org has each at most once.
    logins: HashMap<String, OktaId>,
    groups: BTreeMap<OktaId, Group>,
    everyone: OktaId,
    app: App,
    app_users: BTreeMap<OktaId, AppUser>,
    mappings: BTreeMap<OktaId, Mapping>,
    /// The groups an import found on the server, by their SCIM id.
    imported: BTreeMap<String, OktaId>,
    push_rules: Vec<PushRule>,
    log: VecDeque<(u64, Event)>,
    next_event: u64,
    tasks: Vec<Task>,
}

impl Org {
    /// An org with nobody in it, the built-in group "Everyone" and one app with SCIM provisioning switched on.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>, habits: Habits) -> Self {
        let now = clock.now();
        let everyone = Group::new(
            OktaId::new("00g", random.as_ref()),
            GroupType::BuiltIn,
            "Everyone",
            "All users in your organization",
            now,
        );
        Self {
            id: OktaId::new("00o", random.as_ref()),
            habits,
            users: BTreeMap::new(),
            logins: HashMap::new(),
            everyone: everyone.id,
            groups: BTreeMap::from([(everyone.id, everyone)]),
            app: App::new(OktaId::new("0oa", random.as_ref()), now),
            app_users: BTreeMap::new(),
            mappings: BTreeMap::new(),
            imported: BTreeMap::new(),
            push_rules: Vec::new(),
            log: VecDeque::new(),
            next_event: 0,
            tasks: Vec::new(),
            clock,
            random,
        }
    }

    /// The org's own id (`00o…`), as `/.well-known/okta-organization` tells it.
    pub fn id(&self) -> OktaId {
        self.id
    }

    /// The behaviours chosen for this org.
    pub fn habits(&self) -> Habits {
        self.habits
    }

    /// Sets how long searches lag, in milliseconds, from now on.
    pub fn set_search_lag(&mut self, ms: i64) {
        self.habits.search_lag_ms = ms;
    }

    /// Sets what becomes of the app user of somebody who is deactivated from now on.
    pub fn set_deactivated_app_user(&mut self, kind: DeactivatedAppUser) {
        self.habits.deactivated_app_user = kind;
    }

    /// The present instant by Okta's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The provisioning work queued since the last call, in the order of the events that caused it.
    pub fn take_tasks(&mut self) -> Vec<Task> {
        std::mem::take(&mut self.tasks)
    }

    fn queue(&mut self, task: Task) {
        if self.app.provisioning && self.tasks.last() != Some(&task) {
            self.tasks.push(task);
        }
    }
}

impl std::fmt::Debug for Org {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Org")
            .field("id", &self.id)
            .field("users", &self.users.len())
            .field("groups", &self.groups.len())
            .finish_non_exhaustive()
    }
}
