//! Which daemon polls, and what one that takes over finds.

use super::finish::targets;
use super::halt::Halt;
use crate::service::Service;
use crate::store::{Tx, in_write, lease, rereads, runs, stamps};

/// Takes or prolongs the lease for `ttl_ms`. Gives the epoch; `None` when another daemon has it.
///
/// A run that the last holder left in flight is marked interrupted, and what was pushed since it began is read by id by
/// the next run, as if that run had ended (R7).
///
/// # Errors
/// Those of the store.
pub async fn lead(service: &Service, holder: &str, ttl_ms: i64) -> Result<Option<i64>, Halt> {
    in_write!(service.store, |tx| {
        let before = lease::find(tx).await?.map(|lease| lease.epoch);
        let Some(epoch) = lease::take(tx, holder, ttl_ms).await? else {
            return Ok(None);
        };
        if before != Some(epoch) {
            interrupt(tx, epoch - 1).await?;
        }
        Ok(Some(epoch))
    })
}

/// Ends a run, of this epoch or one before, that nobody flies any more.
pub(super) async fn interrupt(tx: &mut Tx, epoch: i64) -> Result<(), Halt> {
    let Some(run) = runs::find_running(tx).await? else {
        return Ok(());
    };
    let pushed = stamps::list_named_since(tx, run.began_at).await?;
    let again = targets(tx, &pushed).await?;
    rereads::insert_many(tx, &again).await?;
    runs::update_interrupted(tx, epoch).await?;
    stamps::remove_unneeded(tx).await?;
    Ok(())
}

/// Gives the lease back, so that another daemon need not wait for its expiry.
///
/// # Errors
/// Those of the store.
pub async fn resign(service: &Service, holder: &str, epoch: i64) -> Result<(), Halt> {
    in_write!(service.store, |tx| {
        lease::release(tx, holder, epoch).await?;
        Ok(())
    })
}
