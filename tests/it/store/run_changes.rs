//! `store::run_changes`.

use rosterd::model::id::RunId;
use rosterd::model::run::{Outcome, RunKind, RunState};
use rosterd::store::Store;
use rosterd::store::run_changes::{self, RunChange};

use super::setup::{at, read, run, run_id, write};
use crate::support::stores::on_each_store;

/// A change at this place of a run.
pub(crate) fn change(ordinal: i64, key: &str, outcome: Outcome) -> RunChange {
    RunChange {
        ordinal,
        key: key.to_owned(),
        change: format!(r#"{{"change":"{key}"}}"#),
        reason: "why".to_owned(),
        outcome,
        observed_at: at(ordinal),
    }
}

/// Notes what a run found.
pub(crate) async fn keep(store: &Store, run: &RunId, changes: &[RunChange]) {
    write(store, async |tx| {
        run_changes::insert(tx, run, changes).await
    })
    .await;
}

/// A held run with one change of each of these outcomes, in this order, from place 1 on.
async fn held(store: &Store, outcomes: &[Outcome]) -> (RunId, Vec<RunChange>) {
    let id = run(store, 1, RunKind::Full, RunState::Held).await;
    let changes: Vec<RunChange> = (1..)
        .zip(outcomes)
        .map(|(n, outcome)| change(n, &format!("k{n}"), *outcome))
        .collect();
    keep(store, &id, &changes).await;
    (id, changes)
}

async fn outcomes(store: &Store, run: &RunId) -> Vec<Outcome> {
    let all = read(store, async |tx| run_changes::list(tx, run, 0, 99).await).await;
    all.into_iter().map(|change| change.outcome).collect()
}

on_each_store! {
    async fn a_runs_changes_are_read_page_by_page_as_they_were_written(store) {
        let (id, all) = held(&store, &[Outcome::Held, Outcome::Applied, Outcome::Held]).await;
        let other = run(&store, 2, RunKind::Full, RunState::Applied).await;
        keep(&store, &other, &[change(1, "z", Outcome::Held)]).await;
        keep(&store, &other, &[]).await;
        let page = async |after, limit| {
            read(&store, async |tx| run_changes::list(tx, &id, after, limit).await).await
        };
        assert_eq!(page(0, 2).await, all[..2]);
        assert_eq!(page(2, 2).await, all[2..]);
        assert_eq!(page(3, 2).await, []);
        let nobody = run_id(9);
        assert_eq!(read(&store, async |tx| run_changes::list(tx, &nobody, 0, 9).await).await, []);
        let of = async |outcome, after, limit| {
            read(&store, async |tx| run_changes::list_with(tx, &id, outcome, after, limit).await).await
        };
        assert_eq!(of(Outcome::Held, 0, 1).await, all[..1]);
        assert_eq!(of(Outcome::Held, 1, 9).await, all[2..]);
        assert_eq!(of(Outcome::Applied, 0, 9).await, all[1..2]);
        assert_eq!(of(Outcome::Muted, 0, 9).await, []);
    }

    async fn the_changes_of_a_run_are_counted_by_what_became_of_them(store) {
        let (id, _) = held(&store, &[Outcome::Held, Outcome::LeftOut, Outcome::Held]).await;
        let counts = read(&store, async |tx| run_changes::count(tx, &id).await).await;
        assert_eq!(counts, [("held".to_owned(), 2), ("left_out".to_owned(), 1)].into());
        let nobody = run_id(9);
        assert!(read(&store, async |tx| run_changes::count(tx, &nobody).await).await.is_empty());
    }

    async fn r9_only_what_is_still_held_is_listed_as_held(store) {
        let (id, all) = held(&store, &[Outcome::Held, Outcome::Approved, Outcome::Held, Outcome::Held]).await;
        let at_places = read(&store, async |tx| run_changes::list_held_at(tx, &id, &[4, 2, 1, 9]).await).await;
        assert_eq!(at_places, [all[0].clone(), all[3].clone()]);
        assert_eq!(read(&store, async |tx| run_changes::list_held_at(tx, &id, &[]).await).await, []);
        let keys = async |after, limit| {
            read(&store, async |tx| run_changes::list_held_keys(tx, &id, after, limit).await).await
        };
        let key = |n: i64| (n, format!("k{n}"));
        assert_eq!(keys(0, 2).await, [key(1), key(3)]);
        assert_eq!(keys(3, 2).await, [key(4)]);
        assert_eq!(keys(4, 2).await, []);
    }

    async fn r9_what_is_held_goes_on_in_the_next_plan_as_it_was_read(store) {
        let (id, all) = held(&store, &[Outcome::Held, Outcome::Rejected, Outcome::Held, Outcome::Held]).await;
        let next = run(&store, 2, RunKind::Delta, RunState::Held).await;
        let places = [(3, 11), (1, 12), (2, 13), (7, 14)];
        write(&store, async |tx| run_changes::copy_held(tx, &id, &next, &places).await).await;
        let taken = read(&store, async |tx| run_changes::list(tx, &next, 0, 9).await).await;
        // Each keeps when it was read: what a push said since stands against it (R7).
        let moved = |from: &RunChange, ordinal| RunChange { ordinal, ..from.clone() };
        assert_eq!(taken, [moved(&all[2], 11), moved(&all[0], 12)]);
        let old = read(&store, async |tx| run_changes::list(tx, &id, 0, 9).await).await;
        assert_eq!(old, all, "the earlier plan keeps its own");
    }

    async fn places_of_a_run_get_a_new_outcome_and_no_other_run_does(store) {
        let (id, _) = held(&store, &[Outcome::Planned, Outcome::Planned, Outcome::Planned]).await;
        let other = run(&store, 2, RunKind::Full, RunState::Running).await;
        keep(&store, &other, &[change(1, "z", Outcome::Planned)]).await;
        write(&store, async |tx| {
            run_changes::update_outcome(tx, &id, &[1, 3, 8], Outcome::Applied).await?;
            run_changes::update_outcome(tx, &id, &[], Outcome::Skipped).await
        })
        .await;
        assert_eq!(outcomes(&store, &id).await, [Outcome::Applied, Outcome::Planned, Outcome::Applied]);
        assert_eq!(outcomes(&store, &other).await, [Outcome::Planned]);
    }

    async fn r9_what_is_left_out_of_an_approval_says_why(store) {
        let (id, all) = held(&store, &[Outcome::Held, Outcome::Held]).await;
        write(&store, async |tx| run_changes::update_left_out(tx, &id, &[2], "pushed since").await).await;
        let now = read(&store, async |tx| run_changes::list(tx, &id, 0, 9).await).await;
        let left_out = RunChange {
            outcome: Outcome::LeftOut,
            reason: "why; pushed since".to_owned(),
            ..all[1].clone()
        };
        assert_eq!(now, [all[0].clone(), left_out]);
    }

    async fn r9_a_decision_is_about_what_is_held_at_a_place_and_behind_it(store) {
        let (id, _) = held(&store, &[Outcome::Held, Outcome::Applied, Outcome::Held, Outcome::Held]).await;
        write(&store, async |tx| run_changes::update_held_from(tx, &id, 3, Outcome::Superseded).await).await;
        assert_eq!(
            outcomes(&store, &id).await,
            [Outcome::Held, Outcome::Applied, Outcome::Superseded, Outcome::Superseded]
        );
        write(&store, async |tx| run_changes::update_held(tx, &id, Outcome::Rejected).await).await;
        assert_eq!(
            outcomes(&store, &id).await,
            [Outcome::Rejected, Outcome::Applied, Outcome::Superseded, Outcome::Superseded],
            "what was decided stays decided",
        );
    }
}
