//! `store::memberships`: what follows from edges and mappings, and what counts.

use std::collections::BTreeSet;

use rosterd::model::id::{GroupId, TeamId, UserId};
use rosterd::model::mode::OktaMode;
use rosterd::model::time::Timestamp;
use rosterd::model::user::User;
use rosterd::store::memberships::{self, Derived, Pair};
use rosterd::store::withheld::Cause;
use rosterd::store::{Store, local, mappings, teams, user_lines};

use super::setup::{
    at, deactivate, derive, give, group, join, leave, local_user, map, read, switch, team, user,
    withhold, write,
};
use crate::support::stores::on_each_store;

fn pair(team: &TeamId, user: &User) -> Pair {
    (team.clone(), user.id.clone())
}

fn pairs_of(of: &[(&GroupId, &str)]) -> BTreeSet<(GroupId, String)> {
    of.iter()
        .map(|(group, member)| ((*group).clone(), (*member).to_owned()))
        .collect()
}

/// What appeared, in order; of those who are inactive; what went, in order.
fn seen(derived: Derived) -> (BTreeSet<Pair>, BTreeSet<Pair>, BTreeSet<(Pair, Timestamp)>) {
    let (added, removed) = (derived.added.len(), derived.removed.len());
    let seen: (BTreeSet<_>, _, BTreeSet<_>) = (
        derived.added.into_iter().collect(),
        derived.of_inactive,
        derived.removed.into_iter().collect(),
    );
    assert_eq!((seen.0.len(), seen.2.len()), (added, removed), "each once");
    seen
}

/// Everything that is derived.
async fn all_derived(store: &Store) -> BTreeSet<Pair> {
    let everybody = user_lines::Query {
        limit: 99,
        ..user_lines::Query::default()
    };
    read(store, async |tx| {
        let mut all = BTreeSet::new();
        for line in teams::list(tx).await? {
            for user in user_lines::list(tx, &everybody).await? {
                if local::is_derived(tx, &line.team.id, &user.id).await? {
                    all.insert((line.team.id.clone(), user.id));
                }
            }
        }
        Ok(all)
    })
    .await
}

on_each_store! {
    async fn r1_a_user_is_in_the_teams_that_his_edges_lead_to(store) {
        let (a, b) = (group(&store, "a").await, group(&store, "b").await);
        let (one, two) = (team(&store, "one").await, team(&store, "two").await);
        let (mira, noor) = (user(&store, "mira@x", Some("00u1")).await, user(&store, "noor@x", None).await);
        for (group, team) in [(&a, &one), (&b, &one), (&b, &two)] {
            map(&store, group, team).await;
        }
        join(&store, &a, &["00u1", "00uNobodyHere"]).await;
        join(&store, &b, &["00u1", noor.id.as_str()]).await;
        deactivate(&store, &[&noor]).await;
        let ids = [mira.id.clone(), noor.id.clone()];
        let settle = async || {
            let derived = write(&store, async |tx| {
                let mut derived = Derived::default();
                memberships::derive_for_users(tx, &ids, &mut derived).await?;
                Ok(derived)
            });
            seen(derived.await)
        };
        let everything: BTreeSet<Pair> =
            [pair(&one, &mira), pair(&two, &mira), pair(&one, &noor), pair(&two, &noor)].into();
        let inactive = [pair(&one, &noor), pair(&two, &noor)].into();
        assert_eq!(
            settle().await,
            (everything.clone(), inactive, [].into()),
            "whoever is active and whatever the mode",
        );
        assert_eq!(all_derived(&store).await, everything);
        assert_eq!(settle().await, ([].into(), [].into(), [].into()), "R10");
        store.clock.advance(5);
        leave(&store, &b, &["00u1"]).await;
        let gone = [(pair(&two, &mira), at(0))].into();
        assert_eq!(settle().await, ([].into(), [].into(), gone), "another group still leads to the first team");
    }

    async fn r1_what_is_asked_of_one_user_changes_no_other(store) {
        let (a, one) = (group(&store, "a").await, team(&store, "one").await);
        let (mira, noor) = (user(&store, "mira@x", Some("00u1")).await, user(&store, "noor@x", Some("00u2")).await);
        map(&store, &a, &one).await;
        join(&store, &a, &["00u1", "00u2"]).await;
        let ids = [mira.id.clone()];
        write(&store, async |tx| memberships::derive_for_users(tx, &ids, &mut Derived::default()).await).await;
        assert_eq!(all_derived(&store).await, [pair(&one, &mira)].into());
        derive(&store, &[&one]).await;
        assert_eq!(all_derived(&store).await, [pair(&one, &mira), pair(&one, &noor)].into());
        leave(&store, &a, &["00u1", "00u2"]).await;
        write(&store, async |tx| memberships::derive_for_users(tx, &ids, &mut Derived::default()).await).await;
        assert_eq!(all_derived(&store).await, [pair(&one, &noor)].into());
    }

    async fn r1_an_edge_that_came_brings_and_one_that_went_takes_what_hangs_on_it(store) {
        let (a, b) = (group(&store, "a").await, group(&store, "b").await);
        let (one, two) = (team(&store, "one").await, team(&store, "two").await);
        let mira = user(&store, "mira@x", Some("00u1")).await;
        for (group, team) in [(&a, &one), (&b, &one), (&b, &two)] {
            map(&store, group, team).await;
        }
        let added = async |edges: &BTreeSet<(GroupId, String)>| {
            let derived = write(&store, async |tx| {
                let mut derived = Derived::default();
                memberships::derive_from_added(tx, edges, &mut derived).await?;
                Ok(derived)
            });
            seen(derived.await)
        };
        let removed = async |edges: &BTreeSet<(GroupId, String)>| {
            let derived = write(&store, async |tx| {
                let mut derived = Derived::default();
                memberships::derive_from_removed(tx, edges, &mut derived).await?;
                Ok(derived)
            });
            seen(derived.await)
        };
        let nothing = || (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        assert_eq!(added(&pairs_of(&[(&a, "00u1")])).await, nothing(), "an edge that is not there brings nothing");
        join(&store, &a, &["00u1"]).await;
        join(&store, &b, &["00u1", "00uNobodyHere"]).await;
        let of_a = pairs_of(&[(&a, "00u1")]);
        let of_b = pairs_of(&[(&b, "00u1"), (&b, "00uNobodyHere")]);
        assert_eq!(added(&BTreeSet::new()).await, nothing());
        assert_eq!(added(&of_a).await, ([pair(&one, &mira)].into(), [].into(), [].into()));
        assert_eq!(
            added(&of_b).await,
            ([pair(&two, &mira)].into(), [].into(), [].into()),
            "he is in the first already",
        );
        assert_eq!(removed(&of_a).await, nothing(), "an edge that is still there takes nothing");
        leave(&store, &a, &["00u1"]).await;
        assert_eq!(removed(&of_a).await, nothing(), "the other group leads there too");
        leave(&store, &b, &["00u1"]).await;
        assert_eq!(removed(&BTreeSet::new()).await, nothing());
        let gone = [(pair(&one, &mira), at(0)), (pair(&two, &mira), at(0))].into();
        assert_eq!(removed(&of_b).await, ([].into(), [].into(), gone));
    }

    async fn r1_a_teams_rows_follow_its_mappings_and_local_ones_do_not(store) {
        let (a, one, two) = (group(&store, "a").await, team(&store, "one").await, team(&store, "two").await);
        let (mira, noor) = (user(&store, "mira@x", Some("00u1")).await, user(&store, "noor@x", None).await);
        join(&store, &a, &["00u1"]).await;
        give(&store, &one, &noor).await;
        let (to_one, _) = (map(&store, &a, &one).await, map(&store, &a, &two).await);
        let settle = async || {
            let derived = write(&store, async |tx| {
                let mut derived = Derived::default();
                memberships::derive_for_teams(tx, &[one.clone()].into(), &mut derived).await?;
                Ok(derived)
            });
            seen(derived.await)
        };
        assert_eq!(
            settle().await,
            ([pair(&one, &mira)].into(), [].into(), [].into()),
            "the other team was not asked for",
        );
        store.clock.advance(5);
        assert_eq!(settle().await, ([].into(), [].into(), [].into()));
        write(&store, async |tx| {
            let mapping = mappings::find(tx, &to_one).await?.expect("a mapping");
            mappings::remove(tx, &mapping).await
        })
        .await;
        assert_eq!(settle().await, ([].into(), [].into(), [(pair(&one, &mira), at(0))].into()));
        let ids = [noor.id.clone()];
        let since = read(&store, async |tx| memberships::standing_since(tx, &one, &ids).await).await;
        assert_eq!(since, [(noor.id, at(0))]);
    }

    async fn r1_what_counts_follows_from_the_mode(store) {
        let (a, one) = (group(&store, "a").await, team(&store, "one").await);
        let derived = user(&store, "derived@x", Some("00u1")).await;
        let given = user(&store, "given@x", None).await;
        let local = local_user(&store, "local@x").await;
        let kept = user(&store, "kept@x", None).await;
        map(&store, &a, &one).await;
        join(&store, &a, &["00u1"]).await;
        derive(&store, &[&one]).await;
        give(&store, &one, &given).await;
        give(&store, &one, &local).await;
        withhold(&store, &kept, Some(&one), Cause::Guard, None).await;
        // Neither a team.
        withhold(&store, &given, None, Cause::Guard, None).await;
        let users = [&derived, &given, &local, &kept].map(|user| user.id.clone());
        let pairs: BTreeSet<Pair> = users.iter().map(|user| (one.clone(), user.clone())).collect();
        for (mode, expected) in [
            (OktaMode::Off, vec![&given, &local]),
            (OktaMode::On, vec![&derived, &local, &kept]),
            (OktaMode::Hybrid, vec![&derived, &given, &local, &kept]),
        ] {
            switch(&store, mode).await;
            let expected: BTreeSet<Pair> = expected.into_iter().map(|user| pair(&one, user)).collect();
            let counting = read(&store, async |tx| memberships::effective_of_users(tx, &users).await).await;
            assert_eq!(counting, expected, "{mode:?}");
            let counting = read(&store, async |tx| memberships::effective_of(tx, &pairs).await).await;
            assert_eq!(counting, expected, "{mode:?}");
            for limit in [1, 9] {
                let count = read(&store, async |tx| memberships::count_effective(tx, &one, limit).await).await;
                assert_eq!(count, limit.min(i64::try_from(expected.len()).expect("few")), "{mode:?}");
            }
        }
        deactivate(&store, &[&derived, &given, &local, &kept]).await;
        assert_eq!(read(&store, async |tx| memberships::effective_of_users(tx, &users).await).await, [].into());
        assert_eq!(read(&store, async |tx| memberships::effective_of_users(tx, &[]).await).await, [].into());
    }

    async fn only_the_pairs_that_are_asked_for_are_told(store) {
        let (one, two) = (team(&store, "one").await, team(&store, "two").await);
        let (mira, noor) = (user(&store, "mira@x", None).await, user(&store, "noor@x", None).await);
        for (team, user) in [(&one, &mira), (&two, &mira), (&one, &noor)] {
            give(&store, team, user).await;
        }
        let asked = [pair(&one, &mira), pair(&two, &noor)].into();
        let counting = read(&store, async |tx| memberships::effective_of(tx, &asked).await).await;
        assert_eq!(counting, [pair(&one, &mira)].into());
        let local = read(&store, async |tx| memberships::local_of(tx, &asked).await).await;
        assert_eq!(local, [pair(&one, &mira)].into());
        let of_mira = read(&store, async |tx| memberships::effective_of_users(tx, &[mira.id.clone()]).await).await;
        assert_eq!(of_mira, [pair(&one, &mira), pair(&two, &mira)].into());
    }

    async fn what_an_admin_gave_is_told_from_what_follows(store) {
        let (a, one) = (group(&store, "a").await, team(&store, "one").await);
        let (mira, noor) = (user(&store, "mira@x", Some("00u1")).await, user(&store, "noor@x", Some("00u2")).await);
        map(&store, &a, &one).await;
        join(&store, &a, &["00u1", "00u2"]).await;
        derive(&store, &[&one]).await;
        give(&store, &one, &noor).await;
        let asked = [pair(&one, &mira), pair(&one, &noor)].into();
        let local = read(&store, async |tx| memberships::local_of(tx, &asked).await).await;
        assert_eq!(local, [pair(&one, &noor)].into());
        assert_eq!(read(&store, async |tx| memberships::local_of(tx, &[].into()).await).await, [].into());
    }

    async fn so_many_count_surely_only_by_what_follows_from_okta(store) {
        let (a, one) = (group(&store, "a").await, team(&store, "one").await);
        let mira = user(&store, "mira@x", Some("00u1")).await;
        user(&store, "noor@x", Some("00u2")).await;
        map(&store, &a, &one).await;
        join(&store, &a, &["00u1", "00u2"]).await;
        derive(&store, &[&one]).await;
        give(&store, &one, &local_user(&store, "local@x").await).await;
        let surely = async |size| read(&store, async |tx| memberships::has_at_least(tx, &one, size).await).await;
        assert!(!surely(1).await, "what follows does not count while Okta is off");
        assert!(surely(0).await && surely(-1).await);
        switch(&store, OktaMode::On).await;
        assert!(surely(2).await);
        assert!(!surely(3).await, "three count, but of the third nothing is sure");
        deactivate(&store, &[&mira]).await;
        assert!(surely(1).await && !surely(2).await);
    }

    async fn who_stands_in_a_team_stands_since_his_oldest_row(store) {
        let (a, one, two) = (group(&store, "a").await, team(&store, "one").await, team(&store, "two").await);
        let mira = user(&store, "mira@x", Some("00u1")).await;
        let noor = user(&store, "noor@x", None).await;
        let ada = user(&store, "ada@x", None).await;
        withhold(&store, &noor, Some(&one), Cause::LastAdmin, None).await;
        give(&store, &two, &mira).await;
        store.clock.advance(5);
        give(&store, &one, &mira).await;
        store.clock.advance(5);
        map(&store, &a, &one).await;
        join(&store, &a, &["00u1"]).await;
        derive(&store, &[&one]).await;
        let ids = [&mira, &noor, &ada].map(|user| user.id.clone());
        let since = async |ids: &[UserId]| {
            let found = read(&store, async |tx| memberships::standing_since(tx, &one, ids).await).await;
            found.into_iter().collect::<BTreeSet<_>>()
        };
        assert_eq!(since(&ids).await, [(mira.id.clone(), at(5)), (noor.id.clone(), at(0))].into());
        assert_eq!(since(&ids[1..2]).await, [(noor.id, at(0))].into());
        assert_eq!(since(&[]).await, [].into());
    }

    async fn the_groups_that_a_mapping_leads_from_are_told(store) {
        let (a, b, one) = (group(&store, "a").await, group(&store, "b").await, team(&store, "one").await);
        let two = team(&store, "two").await;
        map(&store, &a, &one).await;
        map(&store, &a, &two).await;
        let of = async |groups: &[&GroupId]| {
            let groups = groups.iter().copied().cloned().collect();
            read(&store, async |tx| memberships::mapped_groups(tx, &groups).await).await
        };
        assert_eq!(of(&[&a, &b]).await, [a.clone()].into());
        assert_eq!(of(&[&b]).await, [].into());
        assert_eq!(of(&[]).await, [].into());
    }
}
