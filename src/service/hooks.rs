//! Event hooks: pings that name what to read again.
//!
//! Okta promises neither order nor delivery, so an event is never believed; its object is read by id. The door puts what
//! an event names into a bounded queue and answers at once. The daemon that polls takes it from there as a run of kind
//! `hook`; a daemon that does not poll puts it on the re-read list, where the poller's next run finds it, and asks for
//! one: only one daemon applies, so that two never race for one object.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::{Error, Service};
use crate::model::actor::{Channel, Cx};
use crate::model::run::RunKind;
use crate::okta::types::HookDelivery;
use crate::store::in_write;
use crate::store::rereads::{self, Target};
use crate::store::sync_requests;

/// What events named and nobody has read yet; each object once.
#[derive(Debug)]
pub struct HookQueue {
    waiting: Mutex<Waiting>,
    capacity: usize,
    arrived: Notify,
    overflowed: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    order: VecDeque<Target>,
    known: HashSet<Target>,
}

/// The queue is full: the event is refused, Okta may send it once more, and a delta run is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl HookQueue {
    /// An empty queue of so many objects.
    pub fn new(capacity: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            capacity,
            arrived: Notify::new(),
            overflowed: AtomicBool::new(false),
        }
    }

    /// Queues what a delivery names, all of it or nothing.
    ///
    /// # Errors
    /// [`Full`].
    pub fn accept(&self, delivery: &HookDelivery) -> Result<usize, Full> {
        let mut named: Vec<Target> = Vec::new();
        for event in &delivery.data.events {
            named.extend(event.users().map(Target::User));
            named.extend(event.groups().map(Target::Group));
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        named.retain(|target| !waiting.known.contains(target));
        named.sort_unstable();
        named.dedup();
        if waiting.order.len() + named.len() > self.capacity {
            self.overflowed.store(true, Ordering::SeqCst);
            self.arrived.notify_one();
            return Err(Full);
        }
        let count = named.len();
        for target in named {
            waiting.known.insert(target.clone());
            waiting.order.push_back(target);
        }
        drop(waiting);
        self.arrived.notify_one();
        Ok(count)
    }

    /// Waits until something is queued, or was refused.
    pub async fn arrived(&self) {
        loop {
            let arrived = self.arrived.notified();
            if !self.is_empty() || self.overflowed.load(Ordering::SeqCst) {
                return;
            }
            arrived.await;
        }
    }

    /// Takes at most `count` objects, oldest first.
    pub fn take(&self, count: usize) -> Vec<Target> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = count.min(waiting.order.len());
        let taken: Vec<Target> = waiting.order.drain(..count).collect();
        for target in &taken {
            waiting.known.remove(target);
        }
        taken
    }

    /// Gives back what was taken and could not be passed on; it is taken first again.
    pub fn put_back(&self, targets: Vec<Target>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for target in targets.into_iter().rev() {
            if waiting.known.insert(target.clone()) {
                waiting.order.push_front(target);
            }
        }
    }

    /// Whether something was refused since this was last asked: a delta run finds it.
    pub fn take_overflow(&self) -> bool {
        self.overflowed.swap(false, Ordering::SeqCst)
    }

    /// Asks for that delta run again: it could not be asked for.
    pub fn note_overflow(&self) {
        self.overflowed.store(true, Ordering::SeqCst);
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .order
            .is_empty()
    }
}

/// Hands objects over to the daemon that polls: on the re-read list, with a delta run asked for.
///
/// # Errors
/// [`Error::Store`]: nothing was handed over.
pub async fn hand_over(service: &Service, targets: &[Target]) -> Result<(), Error> {
    let named: Vec<(Target, &str)> = targets
        .iter()
        .map(|target| (target.clone(), "an event named it"))
        .collect();
    let waits: Result<bool, Error> = in_write!(service.store, |tx| {
        rereads::insert_many(tx, &named).await?;
        let waiting = sync_requests::list_waiting(tx).await?;
        Ok(waiting.iter().any(|request| !request.dry_run))
    });
    // Any run that begins after this reads the list: one that waits is enough, however many events a pause gathers.
    if waits? {
        return Ok(());
    }
    let cx = Cx {
        channel: Channel::Hook,
        actor: "event hook".to_owned(),
        request_id: None,
    };
    super::sync::request(service, &cx, RunKind::Delta, false).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Full, HookQueue};
    use crate::okta::types::HookDelivery;

    fn delivery(ids: &[&str]) -> HookDelivery {
        let events: Vec<String> = ids
            .iter()
            .map(|id| {
                format!(
                    r#"{{"uuid":"{id}","eventType":"x","target":[{{"id":"{id}","type":"User"}}]}}"#
                )
            })
            .collect();
        let body = format!(r#"{{"data":{{"events":[{}]}}}}"#, events.join(","));
        HookDelivery::read(body.as_bytes()).unwrap()
    }

    #[test]
    fn events_of_one_object_are_one() {
        let queue = HookQueue::new(2);
        assert_eq!(queue.accept(&delivery(&["00u1", "00u1"])), Ok(1));
        assert_eq!(queue.accept(&delivery(&["00u1", "00u2"])), Ok(1));
        assert_eq!(
            queue.accept(&delivery(&["00u2"])),
            Ok(0),
            "a known object fits a full queue"
        );
        assert_eq!(queue.take(10).len(), 2);
        assert_eq!(
            queue.accept(&delivery(&["00u1"])),
            Ok(1),
            "what was taken may come again"
        );
    }

    #[test]
    fn a_full_queue_takes_nothing_of_a_delivery_and_remembers_it() {
        let queue = HookQueue::new(2);
        assert_eq!(queue.accept(&delivery(&["00u1"])), Ok(1));
        assert_eq!(queue.accept(&delivery(&["00u2", "00u3"])), Err(Full));
        assert_eq!(queue.take(10).len(), 1);
        assert!(queue.take_overflow());
        assert!(!queue.take_overflow());
    }

    #[test]
    fn what_could_not_be_passed_on_is_taken_first_again_and_once() {
        let queue = HookQueue::new(2);
        assert_eq!(queue.accept(&delivery(&["00u1", "00u2"])), Ok(2));
        let taken = queue.take(2);
        assert_eq!(queue.accept(&delivery(&["00u2", "00u3"])), Ok(2));
        queue.put_back(taken.clone());
        let again = queue.take(9);
        assert_eq!((again.len(), &again[0]), (3, &taken[0]));
    }

    #[tokio::test]
    async fn who_waits_is_woken_also_by_what_came_before() {
        let queue = HookQueue::new(2);
        queue.accept(&delivery(&["00u1"])).unwrap();
        queue.arrived().await;
    }
}
