//! The only SQL: free functions that take `&mut Tx`, one file per table family.
//!
//! One portable text serves SQLite and PostgreSQL through `sqlx::Any`; where the engines must differ, [`sql`] says so
//! and nothing else does. There is no storage trait: the seam is this module.
//!
//! * `in_write!(store, |tx| { … })` is the unit of work: one write transaction, committed at its end. It may run again:
//!   after a serialization failure, a deadlock or a stale version it is repeated with jitter for at most
//!   [`WRITE_PATIENCE_MS`]. What it uses from outside must therefore be input, never output.
//! * [`Store::read`] is a snapshot: all statements of one read see the same state.
//! * No statement uses an error as control flow inside a transaction (PostgreSQL aborts it): `ON CONFLICT DO NOTHING`
//!   and row counts instead.

pub mod audit;
mod backup;
pub mod bindings;
mod claim;
mod connect;
pub mod counts;
pub mod edges;
mod error;
pub mod group_lines;
pub mod group_sides;
pub mod groups;
pub mod guard_log;
pub mod lease;
pub mod local;
pub mod mappings;
pub mod marks;
pub mod memberships;
pub mod mirror;
pub mod mutes;
pub mod organization;
pub mod person;
pub mod preview;
pub mod problems;
pub mod profile;
mod quiesce;
pub mod rereads;
pub mod run_changes;
pub mod runs;
pub mod scim_requests;
pub mod search;
pub mod sql;
pub mod stamps;
pub mod sweep;
pub mod sync_requests;
pub mod teams;
pub mod tokens;
mod tx;
mod unit_of_work;
pub mod user_lines;
pub mod users;
pub mod withheld;

use std::sync::Arc;

use sqlx::AnyPool;
use tokio::sync::Semaphore;

pub use claim::Claim;
pub use connect::{Location, Options};
pub use error::{Conflict, StoreError};
pub use tx::{Engine, Tx};
pub(crate) use unit_of_work::{Attempts, in_write};

use crate::model::random::Random;
use crate::model::time::{Clock, Timestamp};

/// How long a write is repeated before it gives up, in milliseconds.
pub const WRITE_PATIENCE_MS: u64 = 10_000;

/// An open store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    location: Location,
    readers: AnyPool,
    writers: AnyPool,
    /// First come, first served: SQLite has one writer anyway; on PostgreSQL fewer at once means fewer repeats.
    turn: Semaphore,
    /// How many turns there are.
    turns: u32,
    clock: StoreClock,
    random: Arc<dyn Random>,
}

/// Whose clock the store's times are (R7: one clock for everybody who shares the store).
enum StoreClock {
    /// This process is alone with the store, or a test drives the time.
    Process(Arc<dyn Clock>),
    /// Daemons on several machines share a PostgreSQL: its clock.
    Server,
}

impl Store {
    /// A snapshot of the store to read from.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        let inner = &*self.inner;
        let begin = match inner.engine {
            Engine::Sqlite => "BEGIN DEFERRED",
            Engine::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        let conn = inner.readers.begin_with(begin).await?;
        let mut tx = Tx::new(
            conn,
            inner.engine,
            Timestamp::default(),
            Arc::clone(&inner.random),
        );
        self.tell_time(&mut tx).await?;
        Ok(tx)
    }

    /// For a read that is one statement and so needs no snapshot.
    fn readers(&self) -> &AnyPool {
        &self.inner.readers
    }

    /// The attempts of one unit of work; [`in_write!`](crate::store::in_write) drives them.
    pub(crate) fn attempts(&self) -> Attempts<'_> {
        Attempts {
            store: self,
            began: tokio::time::Instant::now(),
            count: 0,
        }
    }

    async fn tell_time(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let now = match &self.inner.clock {
            StoreClock::Process(clock) => clock.now(),
            StoreClock::Server => tx.server_time().await?,
        };
        tx.set_now(now);
        Ok(())
    }

    /// The store's clock (R7), outside any transaction.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the clock is a database's that does not answer.
    pub async fn now(&self) -> Result<Timestamp, StoreError> {
        match &self.inner.clock {
            StoreClock::Process(clock) => Ok(clock.now()),
            StoreClock::Server => {
                let tx = self.read().await?;
                let now = tx.now();
                tx.rollback().await?;
                Ok(now)
            }
        }
    }

    /// Which engine this is.
    pub fn engine(&self) -> Engine {
        self.inner.engine
    }

    /// Where the store is, without credentials.
    pub fn location(&self) -> &Location {
        &self.inner.location
    }

    /// Whether the store answers and its schema is this program's: what `/readyz` says.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer, [`StoreError::Open`] when its schema is another.
    pub async fn check(&self) -> Result<(), StoreError> {
        if connect::applied(self.readers()).await? == connect::schema_version() {
            return Ok(());
        }
        Err(connect::other_version())
    }

    /// Closes every connection; on SQLite the last one out writes the log back into the file.
    pub async fn close(&self) {
        self.inner.writers.close().await;
        self.inner.readers.close().await;
    }
}
