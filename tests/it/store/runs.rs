//! `store::runs`.

use rosterd::model::run::RunKind;
use rosterd::model::time::Timestamp;
use rosterd::store::runs;

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
}
