//! `store::Store::back_up`.

use std::path::Path;
use std::sync::Arc;

use rosterd::model::random::SeededRandom;
use rosterd::model::time::SystemClock;
use rosterd::store::{Engine, Options, Store, StoreError, teams};

use super::setup::{read, team};
use crate::support::stores::on_each_store;

async fn open(file: &Path) -> Store {
    let options = Options {
        url: format!("sqlite://{}", file.display()),
        create: false,
        connections: 1,
        force_clock: false,
    };
    let random = Arc::new(SeededRandom::new(9));
    let opened = Store::open(&options, Arc::new(SystemClock::default()), random).await;
    opened.unwrap()
}

async fn named(store: &Store, name: &str) -> usize {
    read(store, async |tx| teams::list_by_name(tx, name).await)
        .await
        .len()
}

on_each_store! {
    async fn a_copy_is_the_store_as_of_one_instant_and_others_go_on_writing(store) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("copy.db");
        team(&store, "before").await;
        let reading = store.read().await.unwrap();
        let copied = store.back_up(&file).await;
        if store.store.engine() == Engine::Postgres {
            assert!(matches!(&copied, Err(StoreError::Open(why)) if why.contains("pg_dump")), "{copied:?}");
            assert!(!file.exists());
            return;
        }
        copied.unwrap();
        team(&store, "after").await;
        reading.rollback().await.unwrap();
        let copy = open(&file).await;
        assert_eq!((named(&copy, "before").await, named(&copy, "after").await), (1, 0));
        assert_eq!((named(&store, "before").await, named(&store, "after").await), (1, 1));
        // It is a store like any other.
        team(&copy, "new").await;
        copy.check().await.unwrap();
        copy.close().await;
        let again = store.back_up(&file).await;
        assert!(again.is_err(), "a file with something in it is not written over: {again:?}");
        assert_eq!(named(&open(&file).await, "new").await, 1);
    }
}
