//! One daemon per SQLite file (PostgreSQL takes several).

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::StoreError;

/// The claim of a daemon on an SQLite file. It ends with the process, however that ends.
#[derive(Debug)]
pub struct Claim {
    _lock: File,
}

impl Claim {
    /// Claims the store at `path` by a lock on a file beside it. The command line needs no claim: SQLite keeps writers
    /// apart.
    ///
    /// # Errors
    /// [`StoreError::Open`] when another daemon has it.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let failed = |error: std::io::Error| {
            StoreError::Open(format!(
                "{} cannot be locked: {error}",
                Path::new(&name).display()
            ))
        };
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&name)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Open(format!(
                "another rosterd runs on {}: stop it first, or give several daemons one PostgreSQL",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}
