//! Runs that end before their end: what they knew of and did not do, a later run still does.

use rosterd::model::actor::Channel;
use rosterd::model::id::OktaUserId;
use rosterd::model::run::{RunKind, RunState};
use rosterd::service::hooks::hand_over;
use rosterd::service::mode;
use rosterd::service::sync::{Ask, Halt};
use rosterd::sim::faults::{Fault, Rule};
use rosterd::sim::org::OktaId;
use rosterd::store::rereads::Target;

use super::world::{World, with_team};
use crate::support::stores::on_each_store;

/// Longer than a delta looks back.
const LATER: i64 = 10 * 60 * 1000;

fn members_of(group: OktaId) -> String {
    format!("/groups/{}/users", group.as_str())
}

/// A delta that finds one member gone and cannot read the group whole: it stands on the re-read list, and no later delta
/// would look at it by itself.
async fn with_an_unread_group(world: &World, people: &[OktaId], group: OktaId) {
    world.sim.org().remove_member(group, people[7]).unwrap();
    world
        .sim
        .faults()
        .add(Rule::always(Fault::Forbidden).on(&members_of(group)));
    world.delta().await;
    assert_eq!(
        world.store.texts("SELECT kind FROM rereads").await,
        ["group"]
    );
    world.store.clock.advance(LATER);
}

on_each_store! {
    async fn r8_a_group_stands_on_the_list_until_its_members_came_whole(store) {
        let (world, people, group) = with_team(store, 8).await;
        with_an_unread_group(&world, &people, group).await;
        for _ in 0..2 {
            world.delta().await;
            assert_eq!(world.store.texts("SELECT kind FROM rereads").await, ["group"]);
            world.store.clock.advance(LATER);
        }
        world.sim.faults().clear();
        world.delta().await;
        assert_eq!(world.members().await.len(), 7);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM rereads").await, 0);
    }

    async fn r7_a_run_that_ends_early_takes_nothing_off_the_list(store) {
        let (world, people, group) = with_team(store, 8).await;
        with_an_unread_group(&world, &people, group).await;
        world.sim.faults().clear();
        for dry_run in [true, false] {
            // The group is read; before what it lost is taken, Okta refuses the token.
            world.sim.faults().add(Rule::always(Fault::Unauthorized).on("/api/v1/users?"));
            let ask = Ask { dry_run, ..Ask::scheduled(RunKind::Delta) };
            let ended = world.sync.run(world.epoch, &ask).await;
            assert!(matches!(ended, Err(Halt::Okta(_))), "{ended:?}");
            assert_eq!(world.members().await.len(), 8);
            assert_eq!(world.store.texts("SELECT kind FROM rereads").await, ["group"], "dry run: {dry_run}");
            world.sim.faults().clear();
            world.store.clock.advance(LATER);
        }
        world.delta().await;
        assert_eq!(world.members().await.len(), 7);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM rereads").await, 0);
    }

    async fn events_that_cannot_be_read_yet_ask_for_one_run(store) {
        let (world, people, _) = with_team(store, 2).await;
        for person in people {
            let target = Target::User(OktaUserId::parse(person.as_str()).unwrap());
            hand_over(&world.sync.service, &[target]).await.unwrap();
        }
        assert_eq!(world.store.number("SELECT COUNT(*) FROM rereads").await, 2);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM sync_requests").await, 1, "one run reads them all");
    }

    async fn a_dry_run_against_another_org_writes_no_problem(store) {
        let (world, ..) = with_team(store, 2).await;
        let before = world.dump().await;
        world.sim.faults().add(Rule::always(Fault::WrongOrg));
        let ask = Ask { dry_run: true, ..Ask::scheduled(RunKind::Full) };
        let ended = world.sync.run(world.epoch, &ask).await;
        assert!(matches!(ended, Err(Halt::OtherOrg { .. })), "{ended:?}");
        assert_eq!(world.dump().await, before);
    }

    async fn a_run_in_flight_when_the_pause_comes_applies_nothing_more(store) {
        let (world, people, group) = with_team(store, 8).await;
        world.sim.org().remove_member(group, people[0]).unwrap();
        let newcomer = world.person("new@example.test");
        world.sim.org().add_member(group, newcomer).unwrap();
        let path = members_of(group);
        let gate = world.gate(&path);
        let mut run = Box::pin(world.try_run(RunKind::Full));
        tokio::select! {
            biased;
            () = world.asked(&gate) => {}
            ended = &mut run => panic!("it did not wait for {path}: {ended:?}"),
        }
        let cx = world.cx(Channel::Cli);
        mode::pause(&world.sync.service, &cx, None).await.unwrap();
        let before = world.dump().await;
        gate.open();
        let ended = run.await;
        assert!(matches!(ended, Err(Halt::Paused)), "{ended:?}");
        assert_eq!(world.dump().await, before);
        assert_eq!(world.store.texts("SELECT state FROM runs ORDER BY id DESC LIMIT 1").await, ["failed"]);
        world.sim.faults().clear();
        mode::resume(&world.sync.service, &cx).await.unwrap();
        assert_eq!(world.settle().await.state, RunState::Applied);
        assert_eq!(world.members().await.len(), 8);
        assert!(world.members().await.contains(&"new@example.test".to_owned()));
    }
}
