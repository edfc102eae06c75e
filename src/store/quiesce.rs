//! Waiting until every write that began earlier is over (R7).

use std::time::Duration;

use sqlx::Row as _;
use tokio::time::Instant;

use super::{Engine, Store, StoreError, Tx};

/// What a write on PostgreSQL does first: it takes a lock that nobody waits for and that readings do not take, so that the
/// writes which are open can be told from whatever else is (a long answer, `pg_dump`). LOCK takes no snapshot: a write
/// sees what was committed when it had this lock.
const OPEN_WRITE: &str = "LOCK TABLE runs IN ROW SHARE MODE";

/// Shows that a write is open, for [`Store::quiesce`]; on SQLite there is nothing to show.
pub(super) async fn show_open(tx: &mut Tx) -> Result<(), StoreError> {
    if tx.engine() == Engine::Postgres {
        sqlx::query(OPEN_WRITE).execute(tx.conn()).await?;
    }
    Ok(())
}

impl Store {
    /// Waits until every write that began before now has ended.
    ///
    /// A push stamps what it names while a run is in flight, and looks for one in its own snapshot: a push that began
    /// before the run's row was committed does not see it. Whatever it writes is committed when this is done, hence before
    /// the run's first read. On SQLite a write begins with the write lock, so there is none to wait for.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when such a write is still open after `patience`, [`StoreError::Unavailable`] when the
    /// database does not answer.
    pub async fn quiesce(&self, patience: Duration) -> Result<(), StoreError> {
        if self.engine() == Engine::Sqlite {
            return Ok(());
        }
        let asked = Instant::now();
        let started = {
            let mut tx = self.read().await?;
            let row = sqlx::query(
                "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
            )
            .fetch_one(tx.conn())
            .await?;
            tx.rollback().await?;
            row.try_get::<i64, _>(0)?
        };
        while self.is_writing_since(started).await? {
            if asked.elapsed() >= patience {
                return Err(StoreError::Busy);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Whether a write is open that began at `started`, in microseconds of the server's clock, or before.
    async fn is_writing_since(&self, started: i64) -> Result<bool, StoreError> {
        let mut tx = self.read().await?;
        let row = sqlx::query(
            "SELECT COUNT(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
             WHERE l.locktype = 'relation' AND l.mode = 'RowShareLock' AND l.relation = CAST('runs' AS regclass) \
             AND a.datname = current_database() AND CAST(extract(epoch FROM a.xact_start) * 1000000 AS BIGINT) <= $1",
        )
        .bind(started)
        .fetch_one(tx.conn())
        .await?;
        tx.rollback().await?;
        Ok(row.try_get::<i64, _>(0)? > 0)
    }
}
