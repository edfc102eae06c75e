//! `store::withheld`.

use std::collections::BTreeSet;

use rosterd::model::id::{RunId, TeamId};
use rosterd::model::mode::OktaMode;
use rosterd::model::team::organization_admin;
use rosterd::model::user::User;
use rosterd::store::Store;
use rosterd::store::withheld::{self, Cause, Withheld};

use super::setup::{
    at, deactivate, derive, give, group, join, map, read, run_id, switch, team, user, withhold,
    write,
};
use crate::support::stores::on_each_store;

fn row(
    user: &User,
    team: Option<&TeamId>,
    cause: Cause,
    run: Option<&RunId>,
    since: i64,
) -> Withheld {
    Withheld {
        user: user.id.clone(),
        team: team.cloned(),
        cause,
        run: run.cloned(),
        kept_by: None,
        since: at(since),
    }
}

async fn list(store: &Store) -> Vec<Withheld> {
    read(store, async |tx| withheld::list(tx).await).await
}

/// The same rows in the order of their values.
fn sorted(mut rows: Vec<Withheld>) -> Vec<Withheld> {
    rows.sort();
    rows
}

on_each_store! {
    async fn what_is_withheld_already_stays_as_it_is(store) {
        let (mira, noor) = (user(&store, "mira@x", None).await, user(&store, "noor@x", None).await);
        let (one, run) = (team(&store, "one").await, run_id(1));
        assert!(!read(&store, async |tx| withheld::any(tx).await).await);
        let rows = [(mira.id.clone(), None), (noor.id.clone(), Some(one.clone()))].into();
        let put = async |rows: &BTreeSet<_>, run| {
            write(&store, async |tx| withheld::insert(tx, rows, Cause::Guard, run).await).await
        };
        assert_eq!(put(&rows, Some(&run)).await, 2);
        store.clock.advance(5);
        let more = [(mira.id.clone(), None), (mira.id.clone(), Some(one.clone())), (noor.id.clone(), None)].into();
        assert_eq!(put(&more, None).await, 2);
        assert_eq!(put(&BTreeSet::new(), None).await, 0);
        let first = sorted(vec![
            row(&mira, None, Cause::Guard, Some(&run), 0),
            row(&noor, Some(&one), Cause::Guard, Some(&run), 0),
        ]);
        let all = list(&store).await;
        assert_eq!(all[..2], first, "the oldest first");
        let second = sorted(vec![
            row(&mira, Some(&one), Cause::Guard, None, 5),
            row(&noor, None, Cause::Guard, None, 5),
        ]);
        assert_eq!(all[2..], second);
        assert!(read(&store, async |tx| withheld::any(tx).await).await);
    }

    async fn two_causes_may_keep_the_same(store) {
        let mira = user(&store, "mira@x", None).await;
        withhold(&store, &mira, None, Cause::Guard, None).await;
        withhold(&store, &mira, None, Cause::LastAdmin, None).await;
        assert_eq!(list(&store).await.len(), 2);
        let ids = [mira.id.clone()];
        let gone = write(&store, async |tx| withheld::remove(tx, &ids, Cause::LastAdmin).await).await;
        assert_eq!(gone, [row(&mira, None, Cause::LastAdmin, None, 0)]);
        assert_eq!(list(&store).await, [row(&mira, None, Cause::Guard, None, 0)]);
        let gone = write(&store, async |tx| withheld::remove(tx, &ids, Cause::LastAdmin).await).await;
        assert_eq!(gone, []);
    }

    async fn rows_of_a_cause_are_dropped_of_those_users_only(store) {
        let (mira, noor) = (user(&store, "mira@x", None).await, user(&store, "noor@x", None).await);
        let one = team(&store, "one").await;
        for (who, team) in [(&mira, None), (&mira, Some(&one)), (&noor, None)] {
            withhold(&store, who, team, Cause::LastAdmin, None).await;
        }
        let ids = [mira.id.clone()];
        let gone = write(&store, async |tx| withheld::remove(tx, &ids, Cause::LastAdmin).await).await;
        let expected = vec![
            row(&mira, None, Cause::LastAdmin, None, 0),
            row(&mira, Some(&one), Cause::LastAdmin, None, 0),
        ];
        assert_eq!(sorted(gone), sorted(expected));
        assert_eq!(list(&store).await, [row(&noor, None, Cause::LastAdmin, None, 0)]);
    }

    async fn r9_approving_drops_what_a_run_lists_and_rejecting_keeps_it_in_a_name(store) {
        let (mira, noor, one) = (
            user(&store, "mira@x", None).await,
            user(&store, "noor@x", None).await,
            team(&store, "one").await,
        );
        let (open, later) = (run_id(1), run_id(2));
        withhold(&store, &mira, None, Cause::Guard, Some(&open)).await;
        withhold(&store, &mira, Some(&one), Cause::Guard, Some(&later)).await;
        withhold(&store, &noor, None, Cause::LastAdmin, None).await;
        let reject = async |run| write(&store, async |tx| withheld::update_kept_by(tx, run, "ada").await).await;
        let approve = async |run| write(&store, async |tx| withheld::remove_of_run(tx, run).await).await;
        assert_eq!(reject(&open).await, 1);
        assert_eq!(reject(&open).await, 0, "it is decided");
        assert_eq!(approve(&open).await, [], "what was kept stays kept");
        assert_eq!(approve(&later).await, [row(&mira, Some(&one), Cause::Guard, Some(&later), 0)]);
        assert_eq!(approve(&run_id(3)).await, []);
        let kept = Withheld { kept_by: Some("ada".to_owned()), ..row(&mira, None, Cause::Guard, Some(&open), 0) };
        assert_eq!(sorted(list(&store).await), sorted(vec![kept, row(&noor, None, Cause::LastAdmin, None, 0)]));
    }

    async fn r9_what_okta_gives_again_is_not_withheld_any_more(store) {
        let (mira, noor) = (user(&store, "mira@x", Some("00u1")).await, user(&store, "noor@x", Some("00u2")).await);
        let (one, two, platform) = (
            team(&store, "one").await,
            team(&store, "two").await,
            group(&store, "Platform").await,
        );
        for who in [&mira, &noor] {
            withhold(&store, who, None, Cause::LastAdmin, None).await;
            withhold(&store, who, Some(&one), Cause::Guard, None).await;
            withhold(&store, who, Some(&two), Cause::Guard, None).await;
        }
        join(&store, &platform, &["00u1", "00u2"]).await;
        map(&store, &platform, &one).await;
        derive(&store, &[&one]).await;
        // What an admin gave is nothing that Okta did.
        give(&store, &two, &mira).await;
        let (active, users) = ([noor.id.clone()], [mira.id.clone()].into());
        let given = async || write(&store, async |tx| withheld::remove_given_again(tx, &active, &users).await).await;
        assert_eq!(given().await, 2);
        assert_eq!(given().await, 0);
        let expected = vec![
            row(&mira, None, Cause::LastAdmin, None, 0),
            row(&mira, Some(&two), Cause::Guard, None, 0),
            row(&noor, Some(&one), Cause::Guard, None, 0),
            row(&noor, Some(&two), Cause::Guard, None, 0),
        ];
        assert_eq!(sorted(list(&store).await), sorted(expected));
    }

    async fn r5_a_last_admin_is_kept_for_as_long_as_nobody_else_counts(store) {
        let admins = organization_admin();
        let (mira, noor) = (user(&store, "mira@x", None).await, user(&store, "noor@x", None).await);
        switch(&store, OktaMode::Hybrid).await;
        let needless = async || read(&store, async |tx| withheld::list_needless(tx, &admins).await).await;
        withhold(&store, &mira, None, Cause::LastAdmin, None).await;
        withhold(&store, &mira, Some(&admins), Cause::LastAdmin, None).await;
        withhold(&store, &noor, None, Cause::Guard, None).await;
        assert_eq!(needless().await, [], "he counts himself, and nobody else does");
        give(&store, &team(&store, "another").await, &noor).await;
        assert_eq!(needless().await, [], "in another team");
        give(&store, &admins, &noor).await;
        let both = vec![
            row(&mira, None, Cause::LastAdmin, None, 0),
            row(&mira, Some(&admins), Cause::LastAdmin, None, 0),
        ];
        assert_eq!(sorted(needless().await), sorted(both), "what the guard keeps is not named");
        deactivate(&store, &[&noor]).await;
        assert_eq!(needless().await, []);
    }
}
