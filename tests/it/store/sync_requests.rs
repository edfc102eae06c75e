//! `store::sync_requests`.

use rosterd::model::run::RunKind;
use rosterd::store::Store;
use rosterd::store::sync_requests::{self, SyncRequest};

use super::setup::{at, read, run_id, write};
use crate::support::stores::on_each_store;

fn request(id: &str, asked: i64) -> SyncRequest {
    SyncRequest {
        id: id.to_owned(),
        kind: RunKind::Full,
        dry_run: true,
        actor: "mira".to_owned(),
        channel: "cli".to_owned(),
        asked_at: at(asked),
        run_id: None,
    }
}

async fn ask(store: &Store, requests: &[SyncRequest]) {
    write(store, async |tx| {
        for request in requests {
            sync_requests::insert(tx, request).await?;
        }
        Ok(())
    })
    .await;
}

async fn waiting(store: &Store) -> Vec<SyncRequest> {
    read(store, async |tx| sync_requests::list_waiting(tx).await).await
}

async fn find(store: &Store, id: &str) -> Option<SyncRequest> {
    read(store, async |tx| sync_requests::find(tx, id).await).await
}

async fn take(store: &Store, id: &str, run: u8) -> bool {
    let run = run_id(run);
    write(store, async |tx| {
        sync_requests::update_run(tx, id, &run).await
    })
    .await
}

on_each_store! {
    async fn what_is_asked_waits_the_oldest_first_until_a_run_takes_it(store) {
        let delta = SyncRequest { kind: RunKind::Delta, dry_run: false, ..request("b", 3) };
        let all = [request("d", 1), request("a", 3), delta, request("c", 2)];
        ask(&store, &all).await;
        let [d, a, b, c] = all;
        assert_eq!(waiting(&store).await, [d.clone(), c.clone(), a.clone(), b.clone()]);
        assert_eq!(find(&store, "b").await.as_ref(), Some(&b));
        assert_eq!(find(&store, "e").await, None);
        assert!(take(&store, "c", 1).await);
        assert_eq!(waiting(&store).await, [d, a, b]);
        assert_eq!(find(&store, "c").await, Some(SyncRequest { run_id: Some(run_id(1)), ..c }));
    }

    async fn a_request_becomes_one_run(store) {
        ask(&store, &[request("a", 1)]).await;
        assert!(take(&store, "a", 1).await);
        assert!(!take(&store, "a", 2).await, "another run took it first");
        assert!(!take(&store, "b", 2).await, "there is none");
        let taken = find(&store, "a").await.and_then(|request| request.run_id);
        assert_eq!(taken, Some(run_id(1)));
    }

    async fn of_two_daemons_that_take_a_request_at_once_one_has_it(store) {
        let second = store.second().await;
        for round in 0..6 {
            let id = format!("r{round}");
            ask(&store, &[request(&id, round)]).await;
            let (here, there) = tokio::join!(take(&store, &id, 1), take(&second, &id, 2));
            assert!(here != there, "{round}: {here} {there}");
            let taken = find(&store, &id).await.and_then(|request| request.run_id);
            assert_eq!(taken, Some(run_id(if here { 1 } else { 2 })), "{round}");
        }
        second.close().await;
    }

    async fn only_what_was_taken_is_forgotten_with_time(store) {
        ask(&store, &[request("old", 1), request("waits", 1), request("new", 2)]).await;
        take(&store, "old", 1).await;
        take(&store, "new", 1).await;
        let forget = async || write(&store, async |tx| sync_requests::remove_before(tx, at(2)).await).await;
        assert_eq!(forget().await, 1);
        assert_eq!(forget().await, 0);
        assert_eq!(find(&store, "old").await, None);
        assert!(find(&store, "new").await.is_some(), "asked at that instant, not before");
        assert_eq!(waiting(&store).await, [request("waits", 1)]);
    }
}
