//! `Store::quiesce`.

use std::time::Duration;

use rosterd::store::{Engine, StoreError, Tx};
use tokio::sync::oneshot;

use crate::support::stores::on_each_store;

const AT_ONCE: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_mins(1);

on_each_store! {
    async fn r7_a_run_waits_for_the_writes_that_were_open_and_for_no_reading(store) {
        let reading = store.read().await.unwrap();
        store.quiesce(AT_ONCE).await.unwrap();

        let (opened, open) = oneshot::channel();
        let (end, ended) = oneshot::channel::<()>();
        let (mut opened, mut ended) = (Some(opened), Some(ended));
        let other = store.second().await;
        // What it reads or writes does not matter: it is open.
        let writing = other.write(async |_: &mut Tx| {
            if let (Some(opened), Some(ended)) = (opened.take(), ended.take()) {
                opened.send(()).unwrap();
                ended.await.unwrap();
            }
            Ok::<_, StoreError>(())
        });
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
        let (written, ()) = tokio::join!(writing, waiting);
        written.unwrap();
        reading.rollback().await.unwrap();
    }
}
