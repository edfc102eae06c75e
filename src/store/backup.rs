//! A copy of an SQLite store, taken while others write.

use std::path::Path;

use super::{Engine, Store, StoreError};

impl Store {
    /// Writes a copy of the store, as of one instant, to `file`, which is not there or empty. Others go on writing.
    ///
    /// # Errors
    /// [`StoreError::Open`] on PostgreSQL, whose own tools do this, and for a path that is not UTF-8.
    pub async fn back_up(&self, file: &Path) -> Result<(), StoreError> {
        if self.engine() == Engine::Postgres {
            return Err(StoreError::Open(
                "PostgreSQL is backed up with pg_dump".to_owned(),
            ));
        }
        let path = file
            .to_str()
            .ok_or_else(|| StoreError::Open(format!("{} is not UTF-8", file.display())))?;
        // The readers' connections may write nothing, not even another file.
        sqlx::query("VACUUM INTO $1")
            .bind(path.to_owned())
            .execute(&self.inner.writers)
            .await?;
        Ok(())
    }
}
