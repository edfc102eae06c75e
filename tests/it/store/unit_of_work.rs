//! `Store::write`, `Store::read`, and what a transaction knows.

use rosterd::store::{Engine, StoreError, Tx, marks, users};

use super::setup::{at, read, user, write};
use crate::support::stores::on_each_store;

on_each_store! {
    async fn a_write_that_is_refused_leaves_nothing_and_is_not_done_again(store) {
        let mut times = 0;
        let refused = store
            .write(async |tx: &mut Tx| {
                times += 1;
                marks::update(tx, "a", "1").await?;
                Err::<(), _>(StoreError::Taken { what: "a name" })
            })
            .await;
        assert!(matches!(refused, Err(StoreError::Taken { what: "a name" })), "{refused:?}");
        assert_eq!(times, 1);
        assert_eq!(read(&store, async |tx| marks::list(tx).await).await, []);
    }

    async fn a_write_that_was_overtaken_is_done_again_from_its_beginning(store) {
        let mut times = 0;
        let done = store
            .write(async |tx: &mut Tx| {
                times += 1;
                marks::increment(tx, "times").await?;
                if times < 3 { Err(StoreError::Stale) } else { Ok(times) }
            })
            .await;
        assert_eq!(done.unwrap(), 3);
        let mark = read(&store, async |tx| marks::find(tx, "times").await).await;
        assert_eq!(mark.map(|mark| mark.value).as_deref(), Some("1"), "what went before left nothing");
    }

    async fn of_two_that_change_a_row_at_once_the_later_sees_the_earlier(store) {
        let (second, made) = (store.second().await, user(&store, "mira@x", None).await);
        let change = async |store: &rosterd::store::Store| {
            for _ in 0..10 {
                write(store, async |tx| {
                    let mut found = users::find(tx, &made.id).await?.expect("a user");
                    found.facts.blocked = !found.facts.blocked;
                    users::update(tx, &found).await
                })
                .await;
            }
        };
        tokio::join!(change(&store), change(&second));
        let found = read(&store, async |tx| users::find(tx, &made.id).await).await.expect("a user");
        assert_eq!((found.version, found.facts.blocked), (21, false));
        second.close().await;
    }

    async fn a_reading_sees_one_state_and_can_write_nothing(store) {
        write(&store, async |tx| marks::update(tx, "a", "1").await).await;
        let mut tx = store.read().await.unwrap();
        let value = async |tx: &mut Tx| marks::find(tx, "a").await.unwrap().map(|mark| mark.value);
        assert_eq!(value(&mut tx).await.as_deref(), Some("1"));
        write(&store, async |tx| marks::update(tx, "a", "2").await).await;
        assert_eq!(value(&mut tx).await.as_deref(), Some("1"), "as of its beginning");
        assert!(marks::update(&mut tx, "a", "3").await.is_err());
        tx.rollback().await.unwrap();
        // Nor does one whose state is the present one.
        let mut tx = store.read().await.unwrap();
        assert!(marks::update(&mut tx, "a", "3").await.is_err());
        tx.rollback().await.unwrap();
        let now = read(&store, async |tx| marks::find(tx, "a").await).await;
        assert_eq!(now.map(|mark| mark.value).as_deref(), Some("2"));
    }

    async fn a_transaction_knows_its_time_its_engine_and_chance(store) {
        store.clock.advance(5);
        let sqlite = store.url.starts_with("sqlite");
        let expected = if sqlite { (Engine::Sqlite, "sqlite") } else { (Engine::Postgres, "postgres") };
        let seen = write(&store, async |tx| {
            store.clock.advance(5);
            let (mut one, mut other) = ([0; 16], [0; 16]);
            tx.random().fill(&mut one);
            tx.random().fill(&mut other);
            assert_ne!(one, other);
            Ok((tx.now(), tx.engine()))
        })
        .await;
        assert_eq!(seen, (at(5), expected.0), "the time at which it began");
        assert_eq!((store.engine(), store.engine().name()), expected);
        assert_eq!(store.now().await.unwrap(), at(10));
        assert_eq!(read(&store, async |tx| Ok((tx.now(), tx.engine()))).await, (at(10), expected.0));
    }

    async fn a_store_that_is_closed_does_not_answer(store) {
        store.check().await.unwrap();
        store.close().await;
        let refused = store.read().await.err().expect("no answer");
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
        assert!(refused.chain().starts_with("the database does not answer: "), "{}", refused.chain());
        let refused = store.write(async |tx: &mut Tx| marks::update(tx, "a", "1").await).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        assert!(matches!(store.check().await, Err(StoreError::Unavailable(_))));
    }

    async fn a_store_whose_schema_is_another_versions_is_not_ready(store) {
        store.check().await.unwrap();
        store.arrange("UPDATE _sqlx_migrations SET version = version + 1000").await;
        let refused = store.check().await;
        assert!(matches!(&refused, Err(StoreError::Open(why)) if why.contains("another version")), "{refused:?}");
    }

    async fn a_store_says_where_it_is_without_credentials(store) {
        let place = store.location().to_string();
        let end = store.url.rsplit('/').next().expect("a name");
        assert!(place.ends_with(end), "{place}");
        assert!(!place.contains('@'), "{place}");
    }

    async fn a_commit_is_on_disk_before_it_is_answered(store) {
        let name = if store.store.engine() == Engine::Sqlite { "synchronous" } else { "synchronous_commit" };
        for seen in store.durability().await.unwrap() {
            assert!(matches!(seen.get(name).map(String::as_str), Some("2" | "on")), "{seen:?}");
        }
    }
}
