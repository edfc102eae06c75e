//! `store::marks`.

use rosterd::store::Store;
use rosterd::store::marks::{self, Mark, SKIPPED_RUNS, USERS_WATERMARK};

use super::setup::{at, read, write};
use crate::support::stores::on_each_store;

async fn value(store: &Store, name: &str) -> Option<String> {
    let mark = read(store, async |tx| marks::find(tx, name).await).await;
    mark.map(|mark| mark.value)
}

on_each_store! {
    async fn a_mark_holds_its_last_value_and_when_it_was_set(store) {
        assert_eq!(value(&store, USERS_WATERMARK).await, None);
        write(&store, async |tx| marks::update(tx, USERS_WATERMARK, "one").await).await;
        store.clock.advance(5);
        write(&store, async |tx| {
            marks::update(tx, USERS_WATERMARK, "two").await?;
            marks::update(tx, "another", "").await
        })
        .await;
        let mark = |name: &str, value: &str| Mark { name: name.to_owned(), value: value.to_owned(), at: at(5) };
        let found = read(&store, async |tx| marks::find(tx, USERS_WATERMARK).await).await;
        assert_eq!(found, Some(mark(USERS_WATERMARK, "two")));
        let all = read(&store, async |tx| marks::list(tx).await).await;
        assert_eq!(all, [mark("another", ""), mark(USERS_WATERMARK, "two")], "by name");
    }

    async fn a_forgotten_mark_is_none_and_may_be_forgotten_again(store) {
        write(&store, async |tx| {
            marks::update(tx, "a", "1").await?;
            marks::update(tx, "b", "2").await?;
            marks::remove(tx, "a").await?;
            marks::remove(tx, "a").await
        })
        .await;
        assert_eq!(value(&store, "a").await, None);
        assert_eq!(value(&store, "b").await.as_deref(), Some("2"));
    }

    async fn a_count_begins_at_one_also_where_no_number_stands_and_never_overflows(store) {
        for (before, after) in [(None, "1"), (Some("1"), "2"), (Some("-7"), "1"), (Some("many"), "1")] {
            write(&store, async |tx| {
                if let Some(before) = before {
                    marks::update(tx, SKIPPED_RUNS, before).await?;
                }
                marks::increment(tx, SKIPPED_RUNS).await
            })
            .await;
            assert_eq!(value(&store, SKIPPED_RUNS).await.as_deref(), Some(after), "{before:?}");
        }
        let last = u64::MAX.to_string();
        write(&store, async |tx| {
            marks::update(tx, SKIPPED_RUNS, &last).await?;
            marks::increment(tx, SKIPPED_RUNS).await
        })
        .await;
        assert_eq!(value(&store, SKIPPED_RUNS).await, Some(last));
    }

    async fn counts_of_two_connections_at_once_are_all_counted(store) {
        let second = store.second().await;
        let count = async |store: &Store| {
            for _ in 0..10 {
                write(store, async |tx| marks::increment(tx, SKIPPED_RUNS).await).await;
            }
        };
        tokio::join!(count(&store), count(&second));
        assert_eq!(value(&store, SKIPPED_RUNS).await.as_deref(), Some("20"));
        second.close().await;
    }
}
