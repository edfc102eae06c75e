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
