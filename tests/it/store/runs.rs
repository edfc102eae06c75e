//! `store::runs`.

use rosterd::model::id::RunId;
use rosterd::model::run::{RunKind, RunState};
use rosterd::model::time::Timestamp;
use rosterd::store::runs::{self, Run};

use super::setup::{at, new_run, read, run, run_id, write};
use crate::support::stores::{TestStore, on_each_store};

/// Notes a run that is over: when it ended, of what kind, how, and whether it read everything.
async fn ended(store: &TestStore, at: i64, kind: &str, state: &str, whole: bool) {
    let unknown = if whole { "" } else { r#"{"object":"x"}"# };
    let run = format!(
        "INSERT INTO runs (id, kind, channel, actor, dry_run, state, began_at, ended_at, epoch, summary) \
         VALUES ('{kind}{at}', '{kind}', 'poll', 'okta', 0, '{state}', {at} - 1, {at}, 1, '{{\"unknown\":[{unknown}]}}')"
    );
    store.arrange(run.leak()).await;
}

async fn since(store: &TestStore) -> (Option<i64>, Option<i64>, Option<i64>) {
    let mut tx = store.store.read().await.unwrap();
    let failing = runs::failing_since(&mut tx, RunKind::Delta).await.unwrap();
    let unknown = runs::unknown_since(&mut tx, RunKind::Delta).await.unwrap();
    let good = runs::find_last_good(&mut tx, RunKind::Delta).await.unwrap();
    tx.rollback().await.unwrap();
    let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
    (
        millis(failing),
        millis(unknown),
        millis(good.and_then(|run| run.ended_at)),
    )
}

on_each_store! {
    async fn what_goes_wrong_run_after_run_has_a_beginning(store) {
        assert_eq!(since(&store).await, (None, None, None));
        ended(&store, 10, "delta", "failed", true).await;
        ended(&store, 20, "delta", "failed", true).await;
        assert_eq!(since(&store).await, (Some(10), None, None), "there was none before that went well");
        ended(&store, 30, "delta", "applied", true).await;
        assert_eq!(since(&store).await, (None, None, Some(30)));
        ended(&store, 40, "delta", "applied", false).await;
        ended(&store, 50, "delta", "interrupted", true).await;
        ended(&store, 60, "delta", "failed", true).await;
        ended(&store, 70, "delta", "held", false).await;
        assert_eq!(since(&store).await, (None, Some(40), Some(70)), "interrupted or failed, it goes on");
        ended(&store, 80, "delta", "failed", true).await;
        ended(&store, 90, "full", "failed", false).await;
        ended(&store, 100, "delta", "failed", true).await;
        assert_eq!(since(&store).await, (Some(80), Some(40), Some(70)));
    }

    async fn a_run_is_found_as_it_was_recorded_and_what_changes_about_it_is_kept(store) {
        let mut run = new_run(1, RunKind::Full, RunState::Running);
        write(&store, async |tx| runs::insert(tx, &run).await).await;
        let found = async |id: &RunId| read(&store, async |tx| runs::find(tx, id).await).await;
        assert_eq!(found(&run.id).await.as_ref(), Some(&run));
        assert_eq!(found(&run_id(9)).await, None);
        let other = new_run(2, RunKind::Delta, RunState::Running);
        write(&store, async |tx| runs::insert(tx, &other).await).await;
        run.state = RunState::Superseded;
        run.ended_at = Some(at(9));
        run.summary = r#"{"read":1}"#.to_owned();
        run.error = Some("why".to_owned());
        run.decided_by = Some("mira".to_owned());
        run.successor = Some(other.id.clone());
        let told = Run { kind: RunKind::Hook, began_at: at(5), epoch: 7, dry_run: true, ..run.clone() };
        write(&store, async |tx| runs::update(tx, &told).await).await;
        assert_eq!(found(&run.id).await, Some(run), "how it began stays");
        assert_eq!(found(&other.id).await, Some(other), "another's row too");
    }

    async fn a_dry_run_is_recorded_as_one(store) {
        let dry = Run { dry_run: true, channel: "cli".to_owned(), ..new_run(1, RunKind::Full, RunState::Planned) };
        write(&store, async |tx| runs::insert(tx, &dry).await).await;
        assert_eq!(read(&store, async |tx| runs::find(tx, &dry.id).await).await.as_ref(), Some(&dry));
        for kind in [RunKind::Full, RunKind::Delta] {
            assert_eq!(read(&store, async |tx| runs::find_last(tx, kind).await).await, None, "no run went before");
            assert_eq!(read(&store, async |tx| runs::find_last_good(tx, kind).await).await, None);
        }
        assert!(!read(&store, async |tx| runs::full_before(tx).await).await);
    }

    async fn r9_there_is_a_held_plan_of_the_polls_and_an_open_list_of_pushes_apart(store) {
        let found = async || {
            let plan = read(&store, async |tx| runs::find_held(tx).await).await;
            let list = read(&store, async |tx| runs::find_open_scim(tx).await).await;
            (plan.map(|run| run.id), list.map(|run| run.id))
        };
        run(&store, 1, RunKind::Full, RunState::Applied).await;
        run(&store, 2, RunKind::Scim, RunState::Rejected).await;
        assert_eq!(found().await, (None, None));
        let list = run(&store, 3, RunKind::Scim, RunState::Held).await;
        assert_eq!(found().await, (None, Some(list.clone())));
        let plan = run(&store, 4, RunKind::Hook, RunState::Held).await;
        assert_eq!(found().await, (Some(plan), Some(list)));
    }

    async fn the_last_run_of_a_kind_is_the_one_begun_last_that_is_over(store) {
        let last = async |kind| {
            let last = read(&store, async |tx| runs::find_last(tx, kind).await).await;
            let good = read(&store, async |tx| runs::find_last_good(tx, kind).await).await;
            (last.map(|run| run.id), good.map(|run| run.id))
        };
        let good = run(&store, 1, RunKind::Delta, RunState::Held).await;
        assert_eq!(last(RunKind::Delta).await, (Some(good.clone()), Some(good.clone())));
        let failed = run(&store, 2, RunKind::Delta, RunState::Failed).await;
        run(&store, 3, RunKind::Delta, RunState::Running).await;
        let other = run(&store, 4, RunKind::Hook, RunState::Interrupted).await;
        assert_eq!(last(RunKind::Delta).await, (Some(failed), Some(good)));
        assert_eq!(last(RunKind::Hook).await, (Some(other), None));
        assert_eq!(last(RunKind::Full).await, (None, None));
    }

    async fn a_full_run_counts_once_it_was_carried_through(store) {
        let before = async || read(&store, async |tx| runs::full_before(tx).await).await;
        let states = [RunState::Running, RunState::Failed, RunState::Interrupted];
        for (n, state) in (1..).zip(states) {
            run(&store, n, RunKind::Full, state).await;
        }
        run(&store, 4, RunKind::Delta, RunState::Applied).await;
        assert!(!before().await);
        run(&store, 5, RunKind::Full, RunState::Held).await;
        assert!(before().await, "whatever the guard held of it");
    }

    async fn the_run_in_flight_is_interrupted_when_its_epoch_is_over(store) {
        let running = async || {
            let found = read(&store, async |tx| runs::find_running(tx).await).await;
            found.map(|run| run.id)
        };
        assert_eq!(running().await, None);
        let over = run(&store, 1, RunKind::Full, RunState::Applied).await;
        let old = run(&store, 2, RunKind::Full, RunState::Running).await;
        assert_eq!(running().await, Some(old.clone()));
        let next = Run { epoch: 2, ..new_run(3, RunKind::Delta, RunState::Running) };
        write(&store, async |tx| runs::insert(tx, &next).await).await;
        store.clock.advance(50);
        let interrupt = async || write(&store, async |tx| runs::update_interrupted(tx, 1).await).await;
        assert_eq!(interrupt().await, 1);
        assert_eq!(interrupt().await, 0);
        assert_eq!(running().await, Some(next.id), "a later epoch's goes on");
        let ended = async |id: &RunId| {
            let found = read(&store, async |tx| runs::find(tx, id).await).await.expect("a run");
            (found.state, found.ended_at, found.error.is_some())
        };
        assert_eq!(ended(&old).await, (RunState::Interrupted, Some(at(50)), true));
        assert_eq!(ended(&over).await, (RunState::Applied, None, false));
    }

    async fn the_history_is_paged_the_newest_first(store) {
        for n in 1..=3 {
            run(&store, n, RunKind::Delta, RunState::Applied).await;
        }
        let page = async |before: Option<u8>, limit| {
            let before = before.map(run_id);
            let found = read(&store, async |tx| runs::list(tx, before.as_ref(), limit).await).await;
            found.into_iter().map(|run| run.id).collect::<Vec<_>>()
        };
        assert_eq!(page(None, 2).await, [run_id(3), run_id(2)]);
        assert_eq!(page(Some(2), 2).await, [run_id(1)]);
        assert_eq!(page(Some(1), 2).await, []);
    }
}
