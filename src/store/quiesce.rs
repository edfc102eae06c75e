//! Waiting until every write that began earlier is over (R7).

use std::time::Duration;

use sqlx::Row as _;

use super::{Engine, Store, StoreError, WRITE_PATIENCE_MS};

impl Store {
    /// Waits until every transaction that began before now has ended, at most as long as a write may take.
    ///
    /// A push stamps what it names while a run is in flight, and looks for one in its own snapshot: a push that began
    /// before the run's row was committed does not see it. Whatever it writes is committed when this is done, hence before
    /// the run's first read. On SQLite a write begins with the write lock, so there is none to wait for.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn quiesce(&self) -> Result<(), StoreError> {
        if self.engine() == Engine::Sqlite {
            return Ok(());
        }
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
        let mut waited = 0;
        while waited < WRITE_PATIENCE_MS {
            let mut tx = self.read().await?;
            let row = sqlx::query(
                "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
                 AND backend_type = 'client backend' AND state <> 'idle' \
                 AND CAST(extract(epoch FROM xact_start) * 1000000 AS BIGINT) <= $1",
            )
            .bind(started)
            .fetch_one(tx.conn())
            .await?;
            tx.rollback().await?;
            if row.try_get::<i64, _>(0)? == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            waited += 20;
        }
        Ok(())
    }
}
