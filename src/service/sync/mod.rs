//! A run: fetched, planned, guarded, applied or held, recorded.
//!
//! [`Sync::run`] is the one entry, whatever woke it: a schedule, a kick, a request, an event. It takes no hints from what
//! woke it (a hook names only what to read) and reads everything itself, so running twice changes nothing (R10).
//!
//! | file | one idea |
//! |---|---|
//! | `flight` | the state of a run in flight; how it begins |
//! | `groups`, `joins`, `members`, `users`, `candidates`, `rereads`, `leavers` | what is read, and the plan that follows from it |
//! | `apply/` | changes into the store, in one transaction each chunk (R7) |
//! | `judge` | what a plan would take, before the guard (R9) |
//! | `takings` | takings applied or held |
//! | `admins` | which takings go first (R5) |
//! | `finish` | the held plan, re-reads, watermarks and the run's row |
//! | `request` | asking the daemon that polls |
//! | `leadership`, `outlook` | which daemon that is; what it looks at between runs |

pub(crate) mod admins;
pub(crate) mod apply;
mod candidates;
mod finish;
mod flight;
mod groups;
mod halt;
mod joins;
mod judge;
mod leadership;
mod leavers;
mod members;
mod outlook;
mod request;
mod rereads;
mod summary;
mod takings;
mod users;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use halt::Fence;
pub use halt::Halt;
pub use leadership::{lead, resign};
pub use outlook::Waiting;
pub use request::{find_request, request};
pub use summary::{ReadCounts, Summary, Unknown};

use super::Service;
use crate::model::actor::Channel;
use crate::model::id::RunId;
use crate::model::run::{RunKind, RunState};
use crate::model::time::Clock;
use crate::okta::Client;
use crate::reconcile::chunks;
use crate::store::StoreError;
use crate::store::rereads::Target;
use flight::Flight;

/// Most rows one statement or transaction is given.
pub(crate) const CHUNK: usize = chunks::MOST;

/// How long a run waits for the writes that were open when it began. A push is answered within 50 seconds, done or not,
/// and what stands still in one is cut sooner.
const QUIET_WITHIN: Duration = Duration::from_mins(1);

/// What makes runs: the store, Okta, and the name under which this daemon holds the lease.
#[derive(Clone)]
pub struct Sync {
    /// The use cases' store and settings.
    pub service: Service,
    /// Okta.
    pub okta: Client,
    /// The clock that `okta` reads.
    pub clock: Arc<dyn Clock>,
    /// This daemon's name in the lease.
    pub holder: String,
}

/// What a run is to be.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Full, delta or hook.
    pub kind: RunKind,
    /// Who wants it: `poll` (a schedule), `hook`, `api`, `cli`.
    pub channel: Channel,
    /// By name.
    pub actor: String,
    /// Only plan: nothing but the run's own rows is written.
    pub dry_run: bool,
    /// The `sync_requests` row it answers.
    pub request: Option<String>,
    /// What to read, beside what a run of this kind reads anyway.
    pub targets: Vec<Target>,
}

impl Ask {
    /// What a schedule wants.
    pub fn scheduled(kind: RunKind) -> Self {
        Self {
            kind,
            channel: Channel::Poll,
            actor: "schedule".to_owned(),
            dry_run: false,
            request: None,
            targets: Vec::new(),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The run.
    pub id: RunId,
    /// Its state.
    pub state: RunState,
    /// What it read and did.
    pub summary: Summary,
}

impl Sync {
    /// Does one run in the lease's `epoch`. What it was to read by name ([`Ask::targets`]) and did not, because it ended
    /// early, is its caller's to keep.
    ///
    /// # Errors
    /// Why it ended early. Unless the lease is lost or the store is away, its row says so too.
    pub async fn run(&self, epoch: i64, ask: &Ask) -> Result<Ended, Halt> {
        let mut flight = Flight::begin(self, epoch, ask).await?;
        tracing::info!(run = %flight.id, kind = flight.kind.as_str(), "run begun");
        match flight.fly(ask).await {
            Ok(state) => {
                tracing::info!(run = %flight.id, state = state.as_str(), "run ended");
                Ok(Ended {
                    id: flight.id.clone(),
                    state,
                    summary: flight.summary,
                })
            }
            Err(halt) => {
                tracing::warn!(run = %flight.id, error = %halt, "run ended early");
                if let Err(error) = flight.fail(&halt).await {
                    tracing::warn!(run = %flight.id, %error, "the end of the run could not be recorded");
                }
                Err(halt)
            }
        }
    }
}

impl Flight<'_> {
    async fn fly(&mut self, ask: &Ask) -> Result<RunState, Halt> {
        // Before the first read: a push that began earlier did not see this run and stamped nothing (R7).
        match self.sync.service.store.quiesce(QUIET_WITHIN).await {
            Err(StoreError::Busy) => return Err(Halt::OpenWrite),
            quiet => quiet?,
        }
        self.check_org().await?;
        self.reread(&ask.targets).await?;
        if self.kind != RunKind::Hook {
            self.read_groups().await?;
        }
        self.read_members().await?;
        if self.kind != RunKind::Hook {
            self.read_users().await?;
        }
        self.apply_renames().await?;
        self.take().await?;
        self.join_freed().await?;
        // Who left a mapped group is looked for once his edges are gone, who came back under an old name once that is free.
        self.find_leavers().await?;
        self.take().await?;
        self.try_deferred().await?;
        self.finish().await
    }
}
