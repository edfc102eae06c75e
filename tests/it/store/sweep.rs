//! `store::sweep`; that stamps outlive what they speak against stands beside the stamps.

use rosterd::model::actor::{Channel, Cx};
use rosterd::model::run::{Outcome, RunKind, RunState};
use rosterd::store::audit::{self, Entry};
use rosterd::store::guard_log::{self, Class, Line};
use rosterd::store::stamps::{self, Object};
use rosterd::store::sweep::{self, CHUNK, Log};
use rosterd::store::{Store, runs};

use super::run_changes::{change, keep};
use super::scim_requests::{keep as answer, request};
use super::setup::{at, read, run, run_id, write};
use crate::support::stores::{TestStore, on_each_store};

async fn sweep(store: &Store, log: Log, before: i64) -> u64 {
    write(store, async |tx| {
        sweep::remove_old(tx, log, at(before)).await
    })
    .await
}

/// Makes one line in each log but that of the runs.
async fn line(store: &Store, name: &str) {
    let cx = Cx {
        channel: Channel::Api,
        actor: name.to_owned(),
        request_id: None,
    };
    let entry = Entry {
        action: "x",
        object_kind: "user",
        object_id: name.to_owned(),
        before: None,
        after: None,
    };
    let left = Line {
        kind: "user",
        object: name.to_owned(),
        user: name.to_owned(),
        delta: -1,
    };
    write(store, async |tx| {
        audit::insert(tx, &cx, std::slice::from_ref(&entry)).await?;
        guard_log::insert(tx, Class::Poll, true, std::slice::from_ref(&left)).await
    })
    .await;
    let now = store.now().await.expect("a clock").since(at(0));
    answer(store, &[request(now, 200)]).await;
}

/// How much is left in the audit log, the window and the request log.
async fn left(store: &TestStore) -> [i64; 3] {
    [
        store.number("SELECT COUNT(*) FROM audit").await,
        store.number("SELECT COUNT(*) FROM guard_log").await,
        store.number("SELECT COUNT(*) FROM scim_requests").await,
    ]
}

on_each_store! {
    async fn r14_each_log_goes_by_its_own_age(store) {
        line(&store, "old").await;
        store.clock.advance(5);
        line(&store, "new").await;
        for log in [Log::Audit, Log::Guard, Log::ScimRequests] {
            assert_eq!(sweep(&store, log, 0).await, 0, "{log:?}");
        }
        assert_eq!(left(&store).await, [2, 2, 2]);
        assert_eq!(sweep(&store, Log::Audit, 5).await, 1, "what is of that instant is not before it");
        assert_eq!(left(&store).await, [1, 2, 2]);
        assert_eq!(sweep(&store, Log::Guard, 5).await, 1);
        assert_eq!(left(&store).await, [1, 1, 2]);
        assert_eq!(sweep(&store, Log::ScimRequests, 5).await, 1);
        assert_eq!(left(&store).await, [1, 1, 1]);
        assert_eq!(store.texts("SELECT actor FROM audit").await, ["new"]);
        assert_eq!(store.texts("SELECT object FROM guard_log").await, ["new"]);
        assert_eq!(store.texts("SELECT path FROM scim_requests").await, ["/Users/5"]);
    }

    async fn runs_go_with_their_changes_but_for_what_is_still_to_be_decided(store) {
        for (n, state) in (1..).zip([RunState::Applied, RunState::Held, RunState::Running, RunState::Failed]) {
            let id = run(&store, n, RunKind::Full, state).await;
            keep(&store, &id, &[change(1, "a", Outcome::Held), change(2, "b", Outcome::Applied)]).await;
        }
        run(&store, 5, RunKind::Delta, RunState::Applied).await;
        assert_eq!(sweep(&store, Log::Runs, 5).await, 2);
        assert_eq!(sweep(&store, Log::Runs, 5).await, 0);
        let left = read(&store, async |tx| runs::list(tx, None, 9).await).await;
        assert_eq!(left.into_iter().map(|run| run.id).collect::<Vec<_>>(), [5, 3, 2].map(run_id));
        assert_eq!(store.number("SELECT COUNT(*) FROM run_changes").await, 4);
    }

    async fn no_push_waits_long_behind_a_sweep(store) {
        let many: Vec<_> = (0..=CHUNK).map(|n| request(n, 200)).collect();
        answer(&store, &many).await;
        let all = CHUNK + 1;
        assert_eq!(sweep(&store, Log::ScimRequests, all).await, CHUNK.unsigned_abs());
        assert_eq!(
            store.texts("SELECT path FROM scim_requests").await,
            [format!("/Users/{CHUNK}")],
            "the oldest go first",
        );
        assert_eq!(sweep(&store, Log::ScimRequests, all).await, 1);
        for n in 1..=11 {
            run(&store, n, RunKind::Delta, RunState::Applied).await;
        }
        assert_eq!(sweep(&store, Log::Runs, 99).await, 10, "a run brings its changes along");
        let left = read(&store, async |tx| runs::list(tx, None, 9).await).await;
        assert_eq!(left.into_iter().map(|run| run.id).collect::<Vec<_>>(), [run_id(11)]);
    }

    async fn r7_stamps_are_swept_in_chunks_too(store) {
        let many: Vec<Object> = (0..=CHUNK).map(|n| Object::User(format!("00u{n}"))).collect();
        write(&store, async |tx| stamps::insert_many(tx, &many).await).await;
        let swept = async || write(&store, async |tx| sweep::remove_stamps(tx).await).await;
        assert_eq!(swept().await, CHUNK.unsigned_abs());
        assert_eq!(swept().await, 1);
        assert_eq!(swept().await, 0);
    }
}
