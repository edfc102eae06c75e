//! One write transaction, repeated while others get in between.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::quiesce::show_open;
use super::{Conflict, Engine, Store, StoreError, Tx, WRITE_PATIENCE_MS};
use crate::model::time::Timestamp;

/// Does `$body` in one write transaction of `$store` and commits it; what it gave is durable when this is done.
///
/// The body is an async block that gives `Result<T, E>` with `E: From<StoreError> + Conflict`; `?` in it leaves the body
/// and rolls back. It is a macro because an async closure over borrowed input cannot yet be proven `Send`.
macro_rules! in_write {
    ($store:expr, |$tx:ident| $body:block) => {{
        let mut attempts = $store.attempts();
        loop {
            match attempts.begin().await {
                Err(error) => break Err(error.into()),
                Ok(mut unit) => {
                    let outcome = {
                        let $tx = unit.tx();
                        async { $body }.await
                    };
                    if let std::ops::ControlFlow::Break(done) = attempts.finish(unit, outcome).await
                    {
                        break done;
                    }
                }
            }
        }
    }};
}
pub(crate) use in_write;

/// How many attempts are made beside other writers.
const ALONE_AFTER: u32 = 3;

/// How often a unit of work has been tried, and for how long.
pub(crate) struct Attempts<'s> {
    pub(super) store: &'s Store,
    pub(super) began: Instant,
    pub(super) count: u32,
}

/// One attempt: an open write transaction and its turn in the queue.
pub(crate) struct Unit<'s> {
    tx: Tx,
    turn: SemaphorePermit<'s>,
}

impl Unit<'_> {
    /// The transaction to work in.
    pub(crate) fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }
}

impl<'s> Attempts<'s> {
    /// Waits for its turn and begins.
    pub(crate) async fn begin(&self) -> Result<Unit<'s>, StoreError> {
        let inner = &*self.store.inner;
        // Whoever has lost often enough runs alone: nobody here gets in between any more.
        let turns = if self.count < ALONE_AFTER {
            1
        } else {
            inner.turns
        };
        let turn = tokio::time::timeout(
            Duration::from_millis(WRITE_PATIENCE_MS),
            inner.turn.acquire_many(turns),
        );
        let Ok(Ok(turn)) = turn.await else {
            return Err(StoreError::Busy);
        };
        let begin = match inner.engine {
            Engine::Sqlite => "BEGIN IMMEDIATE",
            Engine::Postgres => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
        let conn = inner.writers.begin_with(begin).await;
        let conn = conn.map_err(|error| began_late(error.into()))?;
        let mut tx = Tx::new(
            conn,
            inner.engine,
            Timestamp::default(),
            Arc::clone(&inner.random),
        );
        // Before anything is read, the time too: what is read is then what was committed when the write showed itself.
        show_open(&mut tx).await.map_err(began_late)?;
        self.store.tell_time(&mut tx).await?;
        Ok(Unit { tx, turn })
    }

    /// Commits or rolls back; `Continue` means that the work is to be done again.
    pub(crate) async fn finish<T, E>(
        &mut self,
        unit: Unit<'s>,
        outcome: Result<T, E>,
    ) -> ControlFlow<Result<T, E>>
    where
        E: From<StoreError> + Conflict,
    {
        let Unit { tx, turn } = unit;
        let outcome = match outcome {
            Ok(done) => tx.commit().await.map(|()| done).map_err(E::from),
            Err(refused) => {
                // A connection that cannot even roll back is closed by its pool; the refusal is what matters.
                let _ = tx.rollback().await;
                Err(refused)
            }
        };
        match outcome {
            Err(error) if error.is_conflict() => {
                // An attempt may itself have waited for a lock, so the pauses alone say little.
                if self.began.elapsed() >= Duration::from_millis(WRITE_PATIENCE_MS) {
                    return ControlFlow::Break(Err(StoreError::Busy.into()));
                }
                drop(turn);
                let pause = 1 + self.store.inner.random.below(2_u64 << self.count.min(8));
                tokio::time::sleep(Duration::from_millis(pause)).await;
                self.count += 1;
                ControlFlow::Continue(())
            }
            done => ControlFlow::Break(done),
        }
    }
}

/// SQLite waits for another process's write by itself, PostgreSQL for whoever alters a table; once that wait is over there
/// is nothing to repeat.
fn began_late(error: StoreError) -> StoreError {
    match error {
        StoreError::Stale => StoreError::Busy,
        other => other,
    }
}

impl Store {
    /// The unit of work for callers that own what they use: does `work` in one write transaction and commits it. It may
    /// run again, as under `in_write!`.
    ///
    /// # Errors
    /// Those of `work`, and [`StoreError::Busy`] when others got in between for too long.
    pub async fn write<T, E>(
        &self,
        mut work: impl AsyncFnMut(&mut Tx) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError> + Conflict,
    {
        in_write!(self, |tx| { work(tx).await })
    }
}
