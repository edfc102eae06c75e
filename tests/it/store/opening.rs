//! Opening a store, by several at once.

use std::sync::Arc;

use rosterd::model::random::SeededRandom;
use rosterd::model::time::SystemClock;
use rosterd::store::{Options, Store};

/// A daemon that starts, and the commands that an admin's script calls right behind it.
#[test]
fn who_opens_a_new_file_at_once_with_others_finds_it_whole() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("rosterd.db").display());
        std::thread::scope(|scope| {
            for seed in 0..4 {
                let url = url.clone();
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread();
                    let runtime = { runtime }.enable_all().build().unwrap();
                    let options = Options {
                        url,
                        create: true,
                        connections: 1,
                        force_clock: false,
                    };
                    let random = Arc::new(SeededRandom::new(seed));
                    let clock = Arc::new(SystemClock::default());
                    runtime.block_on(async {
                        let store = Store::open(&options, clock, random).await.unwrap();
                        store.close().await;
                    });
                });
            }
        });
    }
}

/// Only a daemon makes a store or brings it up to date: a command would do so under a daemon that works with the older one.
#[test]
fn who_may_not_make_a_store_leaves_it_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rosterd.db");
    let url = format!("sqlite://{}", path.display());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let open = async |create: bool| {
        let options = Options {
            url: url.clone(),
            create,
            connections: 1,
            force_clock: false,
        };
        let random = Arc::new(SeededRandom::new(1));
        Store::open(&options, Arc::new(SystemClock::default()), random).await
    };
    runtime.block_on(async {
        std::fs::write(&path, "").unwrap();
        let refused = open(false).await.err().unwrap().to_string();
        assert!(refused.contains("there is no roster at"), "{refused}");
        assert!(refused.contains(&path.display().to_string()), "{refused}");
        open(true).await.unwrap().close().await;
        open(false).await.unwrap().close().await;
        // What an older daemon left, and still works with.
        let older = sqlx::SqlitePool::connect(&url).await.unwrap();
        sqlx::query("DELETE FROM _sqlx_migrations WHERE version > 1")
            .execute(&older)
            .await
            .unwrap();
        let refused = open(false).await.err().unwrap().to_string();
        assert!(
            refused.contains("an older version") && refused.contains("serve"),
            "{refused}"
        );
        let left: i64 = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations")
            .fetch_one(&older)
            .await
            .unwrap();
        assert_eq!(left, 1);
        older.close().await;
    });
}
