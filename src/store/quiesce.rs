//! Waiting until every write that began earlier is over (R7).

use std::collections::HashSet;
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
        let mut open = self.open_writes().await?;
        while !open.is_empty() {
            if asked.elapsed() >= patience {
                return Err(StoreError::Busy);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            // Whoever began since sees the run: only those of the first look are waited for.
            let still = self.open_writes().await?;
            open.retain(|write| still.contains(write));
        }
        Ok(())
    }

    /// The transactions that write now, by PostgreSQL's name for them.
    async fn open_writes(&self) -> Result<HashSet<String>, StoreError> {
        let mut tx = self.read().await?;
        let rows = sqlx::query(
            "SELECT virtualtransaction FROM pg_locks \
             WHERE locktype = 'relation' AND mode = 'RowShareLock' AND granted AND relation = CAST('runs' AS regclass) \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .fetch_all(tx.conn())
        .await?;
        tx.rollback().await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}
