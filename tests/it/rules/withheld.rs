//! R9 with `guard.push = "hold"`: what pushes took past the threshold waits in one run for an admin's word.

use rosterd::model::actor::Channel;
use rosterd::model::id::{GroupId, RunId, TeamId, UserId};
use rosterd::model::mode::OktaMode;
use rosterd::service::{Error, GuardSettings, PushGuard, Settings, mode, runs, status, users};

use super::cast::{Cast, cx};
use crate::support::stores::{TestStore, on_each_store};

/// 25 people in a team by a group, of whom five left, which is as many as may.
async fn five_left(store: &TestStore) -> (Cast, GroupId, TeamId, Vec<UserId>) {
    let guard = GuardSettings {
        push: PushGuard::Hold,
        ..GuardSettings::default()
    };
    let settings = Settings {
        guard,
        ..Settings::default()
    };
    let cast = Cast::with(store, settings);
    let group = cast.group("Platform").await;
    let team = cast.team("engineering").await;
    cast.map(&group, &team).await;
    let mut people = Vec::new();
    for n in 0..25 {
        people.push(cast.user(&format!("u{n:02}@x")).await);
    }
    let everybody: Vec<&UserId> = people.iter().collect();
    cast.join(Channel::Scim, &group, &everybody).await;
    let cli = cx(Channel::Cli);
    mode::switch(&cast.service, &cli, OktaMode::On, false)
        .await
        .unwrap();
    for id in &everybody[..5] {
        cast.leave(Channel::Scim, &group, &[id]).await.unwrap();
    }
    (cast, group, team, people)
}

async fn held(cast: &Cast) -> RunId {
    let status = status::read(&cast.service).await.unwrap();
    RunId::parse(&status.withheld_run.unwrap().id).unwrap()
}

fn sorted(some: &[UserId], and: Option<&UserId>) -> Vec<UserId> {
    let mut sorted: Vec<UserId> = some.iter().chain(and).cloned().collect();
    sorted.sort();
    sorted
}

on_each_store! {
    async fn r9_held_pushes_wait_in_one_run_and_go_when_it_is_approved(store) {
        let (cast, group, team, people) = five_left(&store).await;
        let everybody: Vec<&UserId> = people.iter().collect();
        cast.leave(Channel::Scim, &group, &[&people[5]]).await.unwrap();
        let run = held(&cast).await;
        cast.leave(Channel::Scim, &group, &[&people[6]]).await.unwrap();
        assert_eq!(held(&cast).await, run, "later pushes add to it");
        assert_eq!(cast.members(&team, &everybody).await.len(), 20);
        let decision = runs::approve(&cast.service, &cx(Channel::Cli), &run).await.unwrap();
        assert_eq!(decision.done, 2);
        assert_eq!(cast.members(&team, &everybody).await, sorted(&people[7..], None));
        assert_eq!(store.number("SELECT COUNT(*) FROM withheld").await, 0);
        assert!(status::read(&cast.service).await.unwrap().withheld_run.is_none());
        let again = runs::approve(&cast.service, &cx(Channel::Cli), &run).await;
        assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
        let lines = store.number("SELECT COUNT(*) FROM guard_log WHERE counted = 0 AND kind = 'team'").await;
        assert_eq!(lines, 2, "the window knows of them, and does not count them");
        let logged = store.number("SELECT COUNT(*) FROM audit WHERE action = 'membership.removed'").await;
        assert_eq!(logged, 7, "R14: when it counts no longer is when it is logged");
    }

    async fn r9_whom_the_guard_keeps_active_keeps_sessions_and_tokens_until_it_is_approved(store) {
        let (cast, _, _, people) = five_left(&store).await;
        store.clock.advance(1_000);
        let voided = || store.number("SELECT COUNT(*) FROM users WHERE sessions_from > 0 OR tokens_from > 0");
        assert_eq!(voided().await, 0);
        cast.entitle(Channel::Scim, &[&people[6]], false).await.unwrap();
        assert!(cast.is_active(&people[6]).await);
        let run = held(&cast).await;
        assert_eq!(voided().await, 0, "he is kept, and has lost nothing");
        cast.entitle(Channel::Scim, &[&people[6]], false).await.unwrap();
        assert_eq!(voided().await, 0, "nor with a later push");
        runs::approve(&cast.service, &cx(Channel::Cli), &run).await.unwrap();
        assert!(!cast.is_active(&people[6]).await);
        assert_eq!(store.number("SELECT COUNT(*) FROM users WHERE sessions_from > 0 AND tokens_from > 0").await, 1);
    }

    async fn r9_held_pushes_that_were_rejected_are_kept_until_okta_gives_the_same_again(store) {
        let (cast, group, team, people) = five_left(&store).await;
        let everybody: Vec<&UserId> = people.iter().collect();
        cast.leave(Channel::Scim, &group, &[&people[5]]).await.unwrap();
        let first = held(&cast).await;
        runs::reject(&cast.service, &cx(Channel::Cli), &first).await.unwrap();
        assert_eq!(cast.members(&team, &everybody).await.len(), 20, "he stays");
        assert_eq!(store.texts("SELECT kept_by FROM withheld").await, ["test"], "and it shows who kept him");
        // What comes after a rejection waits in a run of its own, whose approval does not touch what was kept.
        cast.leave(Channel::Scim, &group, &[&people[6]]).await.unwrap();
        let second = held(&cast).await;
        assert_ne!(first, second);
        runs::approve(&cast.service, &cx(Channel::Cli), &second).await.unwrap();
        let expected = sorted(&people[7..], Some(&people[5]));
        assert_eq!(cast.members(&team, &everybody).await, expected);
        cast.join(Channel::Scim, &group, &[&people[5]]).await;
        assert_eq!(store.number("SELECT COUNT(*) FROM withheld").await, 0, "Okta gave it again");
        let gained = store
            .number("SELECT COUNT(*) FROM guard_log WHERE kind = 'team' AND delta > 0")
            .await;
        assert_eq!(gained, 0, "nobody gained what he had all along");
        assert_eq!(cast.members(&team, &everybody).await, expected);
    }

    async fn r9_held_deactivations_keep_the_users_active_until_approved(store) {
        let (cast, _, team, people) = five_left(&store).await;
        let everybody: Vec<&UserId> = people.iter().collect();
        let leaving: Vec<&UserId> = people[5..].iter().collect();
        cast.entitle(Channel::Scim, &leaving, false).await.unwrap();
        assert_eq!(cast.members(&team, &everybody).await.len(), 20);
        assert!(cast.is_active(&people[20]).await, "kept active (R13)");
        let run = held(&cast).await;
        runs::approve(&cast.service, &cx(Channel::Cli), &run).await.unwrap();
        assert!(!cast.is_active(&people[20]).await);
        assert!(cast.members(&team, &everybody).await.is_empty());
    }
    async fn r13_a_block_takes_also_whom_the_guard_keeps(store) {
        let (cast, _, team, people) = five_left(&store).await;
        let everybody: Vec<&UserId> = people.iter().collect();
        let leaving: Vec<&UserId> = people[5..].iter().collect();
        cast.entitle(Channel::Scim, &leaving, false).await.unwrap();
        assert!(cast.is_active(&people[20]).await, "the guard keeps him");
        users::block(&cast.service, &cx(Channel::Cli), &people[20], true).await.unwrap();
        assert!(!cast.is_active(&people[20]).await, "an admin's word is the last one");
        assert_eq!(cast.members(&team, &everybody).await.len(), 19);
        users::block(&cast.service, &cx(Channel::Cli), &people[20], false).await.unwrap();
        assert!(cast.is_active(&people[20]).await, "and he is kept as before");
    }
}
