//! The memory that request bodies share.
//!
//! What is read of a body, and made of it, stays in memory until the request is answered, and that may be long where writes
//! queue up. Bodies that would take much wait for their turn, so that as many as there may be requests never take more
//! than a daemon may have.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many bytes of large bodies are held at once.
pub const BYTES: usize = 64 * 1024 * 1024;

/// How many values of bodies with many are held at once; each takes some hundred bytes, however shortly it was written.
pub const VALUES: usize = 256 * 1024;

/// From which length on a body is large, in bytes.
pub const LARGE: usize = 1024 * 1024;

/// From how many values on a body has many.
pub const MANY: usize = 2 * 1024;

/// The memory that request bodies share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Room {
    pub(super) bytes: Arc<Semaphore>,
    values: Arc<Semaphore>,
}

/// What one body takes of it, until it is let go.
#[derive(Debug, Default)]
pub struct Share {
    _bytes: Option<OwnedSemaphorePermit>,
    _values: Option<OwnedSemaphorePermit>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            bytes: Arc::new(Semaphore::new(BYTES)),
            values: Arc::new(Semaphore::new(VALUES)),
        }
    }
}

impl Room {
    /// Waits until there is room for a body of `length` bytes.
    pub async fn for_bytes(&self, length: usize) -> Share {
        Share {
            _bytes: take(&self.bytes, length, LARGE, BYTES).await,
            _values: None,
        }
    }

    /// Waits until there is room for its values as well. Everybody takes the two in this order, so nobody waits for
    /// somebody who waits for him.
    pub async fn for_values(&self, share: Share, count: usize) -> Share {
        Share {
            _values: take(&self.values, count, MANY, VALUES).await,
            ..share
        }
    }
}

/// What is more than all there is takes all there is. The semaphores are never closed.
async fn take(
    room: &Arc<Semaphore>,
    amount: usize,
    small: usize,
    all: usize,
) -> Option<OwnedSemaphorePermit> {
    if amount <= small {
        return None;
    }
    let share = u32::try_from(amount.min(all)).unwrap_or(u32::MAX);
    Arc::clone(room).acquire_many_owned(share).await.ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_small_never_waits_and_what_is_large_waits_for_room() {
        let room = Room::default();
        let all = room.for_bytes(2 * BYTES).await;
        assert!(room.for_bytes(LARGE + 1).now_or_never().is_none());
        let small = room.for_bytes(LARGE).now_or_never().unwrap();
        let all = room.for_values(all, 2 * VALUES).await;
        let small = room.for_values(small, MANY).now_or_never().unwrap();
        assert!(room.for_values(small, MANY + 1).now_or_never().is_none());
        drop(all);
        let share = room.for_bytes(LARGE + 1).now_or_never().unwrap();
        assert!(room.for_values(share, MANY + 1).now_or_never().is_some());
        assert_eq!(room.bytes.available_permits(), BYTES);
        assert_eq!(room.values.available_permits(), VALUES);
    }
}
