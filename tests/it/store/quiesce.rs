//! `Store::quiesce`, and what a write on PostgreSQL does first.

use std::sync::Arc;
use std::time::Duration;

use rosterd::model::random::SeededRandom;
use rosterd::store::{Engine, Options, Store, StoreError, Tx, organization};
use sqlx::{AnyConnection, Connection as _};
use tokio::sync::oneshot;

use crate::support::stores::{TestStore, on_each_store, write_until};

const AT_ONCE: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_mins(1);

on_each_store! {
    async fn r7_a_run_waits_for_the_writes_that_were_open_and_for_no_reading(store) {
        let reading = store.read().await.unwrap();
        store.quiesce(AT_ONCE).await.unwrap();

        let (opened, open) = oneshot::channel();
        let (end, ended) = oneshot::channel::<()>();
        let other = store.second().await;
        let writing = write_until(&other, opened, ended);
        let waiting = async {
            open.await.unwrap();
            let early = store.quiesce(AT_ONCE).await;
            match store.store.engine() {
                // The write has the lock: no other began before it.
                Engine::Sqlite => early.unwrap(),
                Engine::Postgres => assert!(matches!(early, Err(StoreError::Busy)), "{early:?}"),
            }
            let (quiet, ()) = tokio::join!(store.quiesce(LONG), async { end.send(()).unwrap() });
            quiet.unwrap();
        };
        tokio::join!(writing, waiting);
        reading.rollback().await.unwrap();
    }
}

/// Whoever reads the time first has a snapshot from before it shows itself, and sees no run that begins in between.
#[tokio::test(flavor = "multi_thread")]
async fn r7_a_write_sees_the_run_that_did_not_see_it() {
    const WAITING: &str = "SELECT COUNT(*) FROM pg_locks WHERE mode = 'RowShareLock' AND NOT granted \
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let Some(store) = TestStore::postgres().await else {
        return;
    };
    // With the server's clock, as daemons have it.
    let options = Options {
        url: store.url.clone(),
        create: false,
        connections: 4,
        force_clock: false,
    };
    let random = Arc::new(SeededRandom::new(1));
    let pushing = Store::open(&options, Arc::clone(&store.clock) as _, random)
        .await
        .unwrap();
    let mut conn = AnyConnection::connect(&store.url).await.unwrap();
    let mut run = conn.begin().await.unwrap();
    sqlx::query("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *run)
        .await
        .unwrap();
    let begins = async {
        while store.number(WAITING).await == 0 {
            tokio::task::yield_now().await;
        }
        sqlx::query(
            "INSERT INTO runs (id, kind, channel, actor, dry_run, state, began_at, epoch, summary) \
             VALUES ('r', 'full', 'poll', 'okta', 0, 'running', 1, 1, '{}')",
        )
        .execute(&mut *run)
        .await
        .unwrap();
        run.commit().await.unwrap();
    };
    let push = pushing.write(async |tx: &mut Tx| organization::find_outlook(tx).await);
    let (seen, ()) = tokio::join!(push, begins);
    assert!(seen.unwrap().stamping);
}
