//! One daemon per SQLite file (PostgreSQL takes several).

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::StoreError;
use super::connect::{Location, locate, prepare_file};

/// The claim of a daemon on an SQLite file. It ends with the process, however that ends.
#[derive(Debug)]
pub struct Claim {
    lock: File,
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that is being started holds it too until it runs its program.
        let _ = self.lock.unlock();
    }
}

impl Claim {
    /// Claims the store at `url` by a lock on a file beside it; `None` for PostgreSQL. Taken before the store is opened:
    /// opening brings the schema up to date, which is not to happen under another daemon. The command line needs no
    /// claim: SQLite keeps writers apart.
    ///
    /// # Errors
    /// [`StoreError::Open`] when another daemon has it, or when the place is none.
    pub fn take(url: &str) -> Result<Option<Self>, StoreError> {
        let (_, Location::File(path)) = locate(url)? else {
            return Ok(None);
        };
        prepare_file(&path, true)?;
        Self::lock(&path).map(Some)
    }

    fn lock(path: &Path) -> Result<Self, StoreError> {
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
            // Whoever may open the file may lock it, and so keep a daemon from starting.
            .mode(0o600)
            .open(&name)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Open(format!(
                "another rosterd runs on {}: stop it first, or give several daemons one PostgreSQL",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}
