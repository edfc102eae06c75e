//! `store::lease`.

use rosterd::store::lease::{self, Lease};
use rosterd::store::{Store, StoreError, Tx};

use super::setup::{at, read, write};
use crate::support::stores::on_each_store;

async fn take(store: &Store, holder: &str) -> Option<i64> {
    write(store, async |tx| lease::take(tx, holder, 100).await).await
}

async fn holds(store: &Store, holder: &str, epoch: i64) -> bool {
    read(store, async |tx| lease::holds(tx, holder, epoch).await).await
}

on_each_store! {
    async fn nobody_has_the_lease_of_a_new_store(store) {
        assert_eq!(read(&store, async |tx| lease::find(tx).await).await, None);
        assert!(!holds(&store, "a", 0).await);
        write(&store, async |tx| lease::release(tx, "a", 1).await).await;
        assert_eq!(read(&store, async |tx| lease::find(tx).await).await, None);
    }

    async fn a_lease_is_prolonged_by_its_holder_in_the_same_epoch_and_refused_to_others(store) {
        assert_eq!(take(&store, "a").await, Some(1));
        store.clock.advance(99);
        assert_eq!(take(&store, "b").await, None);
        assert_eq!(take(&store, "a").await, Some(1));
        store.clock.advance(99);
        assert_eq!(take(&store, "b").await, None, "it was prolonged");
        let lease = read(&store, async |tx| lease::find(tx).await).await;
        assert_eq!(lease, Some(Lease { holder: "a".to_owned(), epoch: 1, expires_at: at(199) }));
        assert!(holds(&store, "a", 1).await);
        assert!(!holds(&store, "b", 1).await);
        assert!(!holds(&store, "a", 2).await);
    }

    async fn a_lease_is_taken_over_when_it_expired_and_the_old_holder_writes_nothing(store) {
        take(&store, "a").await;
        store.clock.advance(100);
        let lease = read(&store, async |tx| lease::find(tx).await).await.expect("a lease");
        assert!(lease.held_at(at(99)) && !lease.held_at(at(100)), "not held from that instant on");
        assert!(!holds(&store, "a", 1).await);
        assert_eq!(take(&store, "b").await, Some(2));
        assert!(holds(&store, "b", 2).await);
        // The old holder was stopped and resumes.
        assert!(!holds(&store, "a", 1).await);
        assert_eq!(take(&store, "a").await, None);
        write(&store, async |tx| lease::release(tx, "a", 1).await).await;
        assert!(holds(&store, "b", 2).await, "what is another's is not released");
    }

    async fn who_takes_his_own_expired_lease_begins_a_new_epoch(store) {
        take(&store, "a").await;
        store.clock.advance(100);
        assert_eq!(take(&store, "a").await, Some(2), "in between another might have had it");
        assert!(!holds(&store, "a", 1).await);
        write(&store, async |tx| lease::release(tx, "a", 1).await).await;
        assert!(holds(&store, "a", 2).await, "the end of the old one is no end of this");
    }

    async fn a_released_lease_is_anothers_at_once(store) {
        take(&store, "a").await;
        store.clock.advance(1);
        for (holder, epoch) in [("a", 2), ("b", 1)] {
            write(&store, async |tx| lease::release(tx, holder, epoch).await).await;
            assert!(holds(&store, "a", 1).await, "{holder} {epoch}");
        }
        write(&store, async |tx| lease::release(tx, "a", 1).await).await;
        assert!(!holds(&store, "a", 1).await);
        assert_eq!(take(&store, "b").await, Some(2));
        // Released again, it has no other end.
        write(&store, async |tx| lease::release(tx, "a", 1).await).await;
        assert!(holds(&store, "b", 2).await);
    }

    async fn of_two_daemons_that_take_the_lease_at_once_one_has_it(store) {
        let second = store.second().await;
        for epoch in 1..=8 {
            let (here, there) = tokio::join!(take(&store, "a"), take(&second, "b"));
            assert!(matches!((here, there), (Some(_), None) | (None, Some(_))), "{here:?} {there:?}");
            assert_eq!(here.or(there), Some(epoch));
            assert_eq!(holds(&store, "a", epoch).await, here.is_some());
            assert_eq!(holds(&second, "b", epoch).await, there.is_some());
            store.clock.advance(100);
        }
        second.close().await;
    }

    async fn what_is_applied_without_the_lease_is_not_committed(store) {
        take(&store, "a").await;
        let applied = async |epoch| {
            let done = store.write(async |tx: &mut Tx| {
                rosterd::store::marks::update(tx, "applied", "yes").await?;
                if lease::holds(tx, "a", epoch).await? { Ok(()) } else { Err(StoreError::Busy) }
            });
            done.await.is_ok()
        };
        assert!(!applied(2).await);
        assert_eq!(store.number("SELECT COUNT(*) FROM marks").await, 0);
        assert!(applied(1).await);
        assert_eq!(store.number("SELECT COUNT(*) FROM marks").await, 1);
    }
}
