//! Why a run ends before its end.

use crate::model::id::RunId;
use crate::model::time::Timestamp;
use crate::okta;
use crate::service::Error;
use crate::store::{Conflict, StoreError, Tx, lease, organization, runs};

/// Why a run ended early. What it had applied stays.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// Another daemon polls, or nobody holds the lease: nothing was written.
    #[error("another daemon polls now")]
    NotHolder,
    /// Runs are paused.
    #[error("runs are paused; `rosterd sync resume` ends the pause")]
    Paused,
    /// A write that began before the run did not end (R7).
    #[error(
        "a write that began before this run stayed open, so nothing was read; pg_stat_activity says which session it is"
    )]
    OpenWrite,
    /// The plan was approved, rejected or replaced in the meantime.
    #[error("this plan no longer waits for a decision")]
    Decided,
    /// Okta refuses us as a whole.
    #[error("{0}; check the token or the service app with `rosterd check --online`")]
    Okta(#[from] okta::Error),
    /// Another org answers (R8).
    #[error(
        "the Okta org that answers is {found}, and this store belongs to {known}; if the org really changed: `rosterd okta rebind`"
    )]
    OtherOrg {
        /// The org this store belongs to.
        known: String,
        /// The org that answered.
        found: String,
    },
    /// A use case refused or the store failed.
    #[error(transparent)]
    Service(#[from] Error),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Service(Error::Store(error))
    }
}

impl Conflict for Halt {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Service(error) if error.is_conflict())
    }
}

/// Leave to apply, asked for in every transaction that applies.
#[derive(Debug, Clone)]
pub(crate) enum Fence {
    /// A run: the lease in this epoch, and no pause.
    Lease {
        /// The daemon.
        holder: String,
        /// The epoch.
        epoch: i64,
    },
    /// An admin approves this run's plan, which must still be held.
    Held(RunId),
}

impl Fence {
    /// Refuses when the leave is gone.
    pub(crate) async fn check(&self, tx: &mut Tx) -> Result<(), Halt> {
        match self {
            Self::Lease { holder, epoch } => {
                if !lease::holds(tx, holder, *epoch).await? {
                    return Err(Halt::NotHolder);
                }
                let until = organization::find(tx).await?.paused_until;
                if until.is_some_and(|until: Timestamp| until > tx.now()) {
                    return Err(Halt::Paused);
                }
            }
            Self::Held(run) => {
                let state = runs::find(tx, run).await?.map(|run| run.state);
                if state != Some(crate::model::run::RunState::Held) {
                    return Err(Halt::Decided);
                }
            }
        }
        Ok(())
    }
}
