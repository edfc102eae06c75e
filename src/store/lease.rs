//! Who polls: one row with a holder, an expiry and an epoch.
//!
//! The epoch grows with every change of hands and is checked in every transaction that applies, so that a holder that was
//! stopped and resumed writes nothing.

use sqlx::Row as _;

use super::{StoreError, Tx};
use crate::model::time::Timestamp;

/// The one lease there is.
const NAME: &str = "poller";

/// The lease as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The daemon that has it.
    pub holder: String,
    /// Grows with every change of hands.
    pub epoch: i64,
    /// Not held from this instant on.
    pub expires_at: Timestamp,
}

impl Lease {
    /// Whether it is held at `now`.
    pub fn held_at(&self, now: Timestamp) -> bool {
        self.expires_at > now
    }
}

/// The lease, expired or not; `None` if nobody ever had it.
pub async fn find(tx: &mut Tx) -> Result<Option<Lease>, StoreError> {
    let row = sqlx::query("SELECT holder, epoch, expires_at FROM lease WHERE name = $1")
        .bind(NAME)
        .fetch_optional(tx.conn())
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Lease {
        holder: row.try_get(0)?,
        epoch: row.try_get(1)?,
        expires_at: Timestamp::from_millis(row.try_get(2)?),
    }))
}

/// Takes the lease or prolongs it, until `ttl_ms` from now. `None` when another holds it.
///
/// Prolonging keeps the epoch; taking it, also back from oneself after it expired, begins a new one: in between another
/// might have had it.
pub async fn take(tx: &mut Tx, holder: &str, ttl_ms: i64) -> Result<Option<i64>, StoreError> {
    let now = tx.now();
    let expires = now.plus_millis(ttl_ms).as_millis();
    let epoch = match find(tx).await? {
        Some(lease) if lease.held_at(now) && lease.holder != holder => return Ok(None),
        Some(lease) if lease.held_at(now) => lease.epoch,
        Some(lease) => lease.epoch + 1,
        None => 1,
    };
    sqlx::query(
        "INSERT INTO lease (name, holder, epoch, expires_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = excluded.epoch, expires_at = excluded.expires_at",
    )
    .bind(NAME)
    .bind(holder)
    .bind(epoch)
    .bind(expires)
    .execute(tx.conn())
    .await?;
    Ok(Some(epoch))
}

/// Whether `holder` has the lease in this epoch now. Asked in every transaction that applies.
pub async fn holds(tx: &mut Tx, holder: &str, epoch: i64) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(find(tx)
        .await?
        .is_some_and(|lease| lease.held_at(now) && lease.holder == holder && lease.epoch == epoch))
}

/// Gives the lease back, so that another need not wait for its expiry.
pub async fn release(tx: &mut Tx, holder: &str, epoch: i64) -> Result<(), StoreError> {
    let now = tx.now().as_millis();
    sqlx::query(
        "UPDATE lease SET expires_at = $1 WHERE name = $2 AND holder = $3 AND epoch = $4 AND expires_at > $1",
    )
    .bind(now)
    .bind(NAME)
    .bind(holder)
    .bind(epoch)
    .execute(tx.conn())
    .await?;
    Ok(())
}
