//! Use cases: one function = one transaction = one policy decision. No network inside a transaction.
//!
//! Every use case that changes what membership follows from (users' facts, edges, mappings, the mode) ends with
//! [`membership::settle`]: it keeps derived memberships current (R1), withholds what must not go (R5, R9), and logs what
//! changed (R14), in the transaction that changed it.

pub mod binding;
pub mod directory;
mod error;
pub mod groups;
pub mod hooks;
pub mod joining;
pub mod mappings;
pub mod membership;
pub mod mode;
mod password;
pub mod provision;
pub mod request_log;
pub mod retention;
pub mod run_views;
pub mod runs;
mod settings;
pub mod sides;
pub mod status;
pub mod sync;
pub mod teams;
pub mod tokens;
pub mod users;

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Semaphore;

pub use error::Error;
pub use settings::{GuardSettings, PushGuard, Settings};

use crate::store::{Store, organization};

/// What every use case needs: the store and the settings in force.
#[derive(Clone)]
pub struct Service {
    /// The store.
    pub store: Store,
    settings: Arc<RwLock<Arc<Settings>>>,
    /// Turns to hash a password: as many as there are cores.
    hashing: Arc<Semaphore>,
}

impl Service {
    /// A service over `store` with these settings.
    pub fn new(store: Store, settings: Settings) -> Self {
        Self {
            store,
            settings: Arc::new(RwLock::new(Arc::new(settings))),
            hashing: Arc::new(Semaphore::new(
                std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            )),
        }
    }

    /// The settings in force now.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts new settings in force (SIGHUP).
    pub fn replace_settings(&self, settings: Settings) {
        *self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// What spreads this store's schedules over the minute: random, made with the store, the same for every daemon.
    pub async fn schedule_seed(&self) -> Result<u64, Error> {
        let mut tx = self.store.read().await?;
        let id = organization::find(&mut tx).await?.store_id;
        tx.rollback().await?;
        Ok(id
            .get(..16)
            .and_then(|head| u64::from_str_radix(head, 16).ok())
            .unwrap_or(0))
    }
}
