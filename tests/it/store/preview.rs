//! `store::preview`.

use rosterd::model::id::TeamId;
use rosterd::model::mode::OktaMode;
use rosterd::model::user::User;
use rosterd::store::preview::{self, Difference};
use rosterd::store::withheld::Cause;
use rosterd::store::{Store, memberships};

use super::setup::{
    deactivate, derive, give, group, join, local_user, map, read, switch, team, user, withhold,
    write,
};
use crate::support::stores::{TestStore, on_each_store};

/// A roster in which each of five stands in the team `second` for a reason of his own.
struct Cast {
    first: TeamId,
    second: TeamId,
    derived: User,
    given: User,
    local: User,
    kept: User,
    both: User,
}

impl Cast {
    async fn new(store: &TestStore) -> Self {
        let (first, second) = (team(store, "first").await, team(store, "second").await);
        let platform = group(store, "Platform").await;
        let cast = Self {
            derived: user(store, "derived@x", Some("00u1")).await,
            given: user(store, "given@x", None).await,
            local: local_user(store, "local@x").await,
            kept: user(store, "Kept@x", None).await,
            both: user(store, "both@x", Some("00u2")).await,
            first,
            second,
        };
        map(store, &platform, &cast.second).await;
        join(store, &platform, &["00u1", "00u2"]).await;
        derive(store, &[&cast.second]).await;
        for user in [&cast.given, &cast.local, &cast.both] {
            give(store, &cast.second, user).await;
        }
        withhold(store, &cast.kept, Some(&cast.second), Cause::Guard, None).await;
        withhold(store, &cast.kept, None, Cause::Guard, None).await;
        cast
    }
}

async fn names(store: &Store, under: OktaMode, not_under: OktaMode) -> Vec<String> {
    let found = read(store, async |tx| {
        preview::list(tx, under, not_under, 99).await
    })
    .await;
    found
        .into_iter()
        .map(|difference| difference.user_name)
        .collect()
}

on_each_store! {
    async fn r3_a_preview_tells_who_gains_and_who_loses_by_a_switch(store) {
        let cast = Cast::new(&store).await;
        let (off, on, hybrid) = (OktaMode::Off, OktaMode::On, OktaMode::Hybrid);
        for present in [off, on] {
            switch(&store, present).await;
            assert_eq!(names(&store, on, off).await, ["derived@x", "Kept@x"], "whatever the mode is now");
            assert_eq!(names(&store, off, on).await, ["given@x"]);
            assert_eq!(names(&store, hybrid, on).await, ["given@x"]);
            assert_eq!(names(&store, hybrid, off).await, ["derived@x", "Kept@x"]);
            assert_eq!(names(&store, off, hybrid).await, [""; 0]);
            assert_eq!(names(&store, on, on).await, [""; 0]);
        }
        deactivate(&store, &[&cast.derived, &cast.given]).await;
        assert_eq!(names(&store, on, off).await, ["Kept@x"], "who is inactive gains nothing");
        assert_eq!(names(&store, off, on).await, [""; 0]);
    }

    async fn r3_a_preview_is_by_team_and_name_and_no_longer_than_asked(store) {
        let cast = Cast::new(&store).await;
        give(&store, &cast.first, &cast.kept).await;
        give(&store, &cast.second, &cast.derived).await;
        give(&store, &cast.first, &cast.given).await;
        let difference = |team: &TeamId, team_name: &str, user: &User| Difference {
            team: team.clone(),
            team_name: team_name.to_owned(),
            user: user.id.clone(),
            user_name: user.user_name.clone(),
        };
        let expected = [
            difference(&cast.first, "first", &cast.given),
            difference(&cast.first, "first", &cast.kept),
            difference(&cast.second, "second", &cast.given),
        ];
        for limit in [3_usize, 2, 0] {
            let most = i64::try_from(limit).expect("few");
            let found = read(&store, async |tx| preview::list(tx, OktaMode::Off, OktaMode::On, most).await).await;
            assert_eq!(found, expected[..limit]);
        }
    }

    async fn r3_what_was_derived_is_kept_as_given_by_hand(store) {
        let cast = Cast::new(&store).await;
        switch(&store, OktaMode::On).await;
        deactivate(&store, &[&cast.derived]).await;
        let keep = async || write(&store, async |tx| preview::insert_kept(tx).await).await;
        assert_eq!(keep().await, 2, "of who is inactive now, and of who is withheld");
        assert_eq!(keep().await, 0);
        switch(&store, OktaMode::Off).await;
        let everybody = [&cast.derived, &cast.given, &cast.local, &cast.kept, &cast.both].map(|user| user.id.clone());
        let asked = everybody.iter().map(|user| (cast.second.clone(), user.clone())).collect();
        let local = read(&store, async |tx| memberships::local_of(tx, &asked).await).await;
        assert_eq!(local, asked);
        assert_eq!(names(&store, OktaMode::On, OktaMode::Off).await, [""; 0], "nobody loses by the switch");
    }

    async fn r3_a_local_users_membership_is_his_already(store) {
        let (platform, one) = (group(&store, "Platform").await, team(&store, "one").await);
        let local = local_user(&store, "local@x").await;
        map(&store, &platform, &one).await;
        join(&store, &platform, &[local.id.as_str()]).await;
        derive(&store, &[&one]).await;
        switch(&store, OktaMode::On).await;
        let kept = write(&store, async |tx| preview::insert_kept(tx).await).await;
        assert_eq!(kept, 0, "only Okta's users are copied");
    }
}
