//! `store::mutes`.

use rosterd::model::run::{Outcome, RunKind, RunState};
use rosterd::store::{Store, mutes, sweep};

use super::run_changes::{change, keep};
use super::setup::{at, read, run, write};
use crate::support::stores::on_each_store;

async fn muted(store: &Store, keys: &[&str]) -> Vec<String> {
    let found = read(store, async |tx| mutes::list(tx, keys).await).await;
    let mut found: Vec<String> = found.into_iter().collect();
    found.sort();
    found
}

on_each_store! {
    async fn r9_what_a_rejected_run_held_is_muted_until_an_instant_and_nothing_else(store) {
        let rejected = run(&store, 1, RunKind::Full, RunState::Held).await;
        let other = run(&store, 2, RunKind::Delta, RunState::Applied).await;
        let held = [
            change(1, "a", Outcome::Held),
            change(2, "b", Outcome::Applied),
            change(3, "c", Outcome::Held),
            // The same change may be found twice in one run.
            change(4, "c", Outcome::Held),
        ];
        keep(&store, &rejected, &held).await;
        keep(&store, &other, &[change(1, "d", Outcome::Held)]).await;
        write(&store, async |tx| mutes::insert_held(tx, &rejected, at(10)).await).await;
        let keys = ["a", "b", "c", "d", "e"];
        assert_eq!(muted(&store, &keys).await, ["a", "c"]);
        assert_eq!(muted(&store, &["c"]).await, ["c"], "only what is asked for");
        assert_eq!(muted(&store, &[]).await, [""; 0]);
        store.clock.advance(9);
        assert_eq!(muted(&store, &keys).await, ["a", "c"]);
        store.clock.advance(1);
        assert_eq!(muted(&store, &keys).await, [""; 0], "not at the instant itself");
    }

    async fn r9_a_change_rejected_again_is_muted_for_as_long_as_the_later_says(store) {
        let (first, second) = (
            run(&store, 1, RunKind::Full, RunState::Held).await,
            run(&store, 2, RunKind::Full, RunState::Held).await,
        );
        keep(&store, &first, &[change(1, "a", Outcome::Held), change(2, "b", Outcome::Held)]).await;
        keep(&store, &second, &[change(1, "a", Outcome::Held)]).await;
        write(&store, async |tx| {
            mutes::insert_held(tx, &first, at(10)).await?;
            mutes::insert_held(tx, &second, at(20)).await
        })
        .await;
        store.clock.advance(10);
        assert_eq!(muted(&store, &["a", "b"]).await, ["a"]);
        let swept = write(&store, async |tx| sweep::remove_mutes(tx).await).await;
        assert_eq!(swept, 1, "what mutes no more goes");
        assert_eq!(store.texts("SELECT change_key FROM mutes").await, ["a"]);
        let swept = write(&store, async |tx| sweep::remove_mutes(tx).await).await;
        assert_eq!(swept, 0);
    }
}
