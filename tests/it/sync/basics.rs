//! A run from end to end.

use rosterd::model::actor::Channel;
use rosterd::model::run::{RunKind, RunState};
use rosterd::service::mode;
use rosterd::service::sync::Halt;

use super::world::{World, with_team};
use crate::support::stores::on_each_store;

on_each_store! {
    async fn a_full_run_brings_groups_members_and_teams(store) {
        let world = World::new(store).await;
        let people = world.people(12);
        let group = world.group("Engineering", &people[..9]);
        world.group("Nobody maps this", &people);
        world.settle().await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users").await, 0, "no mapping, no population");
        assert_eq!(world.store.number("SELECT COUNT(*) FROM idp_groups WHERE okta_id IS NOT NULL").await, 4);
        world.map(group, "engineering").await;
        world.turn_on().await;
        let ended = world.settle().await;
        assert_eq!(ended.summary.read.member_lists, 1, "members are read for mapped groups only");
        assert_eq!(world.members().await.len(), 9);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM edges").await, 9);
    }

    async fn r10_a_second_run_writes_nothing_but_its_own_row(store) {
        let world = World::new(store).await;
        let people = world.people(30);
        let group = world.group("Engineering", &people[..20]);
        world.settle().await;
        world.map(group, "engineering").await;
        world.turn_on().await;
        world.settle().await;
        let before = world.dump().await;
        world.settle().await;
        assert_eq!(world.dump().await, before);
        world.delta().await;
        assert_eq!(world.dump().await, before);
    }

    async fn r7_a_holder_that_lost_the_lease_writes_nothing(store) {
        let world = World::new(store).await;
        world.group("Engineering", &world.people(3));
        let before = world.dump().await;
        world
            .store
            .arrange("UPDATE lease SET epoch = epoch + 1, holder = 'another'")
            .await;
        let ended = world.try_run(RunKind::Full).await;
        assert!(matches!(ended, Err(Halt::NotHolder)), "{ended:?}");
        assert_eq!(world.dump().await, before);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM runs").await, 0);
    }

    async fn a_dry_run_writes_its_plan_and_nothing_else(store) {
        let world = World::new(store).await;
        world.group("Engineering", &world.people(3));
        let mut ask = rosterd::service::sync::Ask::scheduled(RunKind::Full);
        ask.dry_run = true;
        let ended = world.sync.run(world.epoch, &ask).await.unwrap();
        assert_eq!(ended.state, RunState::Planned);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM idp_groups").await, 0);
        assert_eq!(
            world.store.number("SELECT COUNT(*) FROM run_changes WHERE outcome = 'planned'").await,
            3
        );
    }

    async fn with_an_app_the_run_makes_who_is_assigned(store) {
        let world = World::with_app(store).await;
        let people = world.people(3);
        world.sim.org().assign_user(people[0]).unwrap();
        world.sim.org().assign_user(people[1]).unwrap();
        world.settle().await;
        let names = || world.store.texts("SELECT user_name FROM users WHERE active = 1 ORDER BY user_name");
        assert_eq!(names().await, ["p0@example.test", "p1@example.test"]);
        world.sim.org().unassign_user(people[0]).unwrap();
        world.settle().await;
        assert_eq!(names().await, ["p1@example.test"]);
        world.sim.org().suspend(people[1]).unwrap();
        world.delta().await;
        assert!(names().await.is_empty());
    }

    async fn c8_1_what_the_search_index_shows_late_a_later_delta_finds(store) {
        let (world, _, group) = with_team(store, 5).await;
        world.delta().await;
        world.sim.org().set_search_lag(30_000);
        let newcomer = world.person("new@example.test");
        world.sim.org().add_member(group, newcomer).unwrap();
        world.delta().await;
        assert_eq!(world.members().await.len(), 5, "the index does not show it yet");
        world.store.clock.advance(31_000);
        world.delta().await;
        assert!(world.members().await.contains(&"new@example.test".to_owned()));
    }

    async fn r8_a_rebind_forgets_how_far_the_old_org_was_read(store) {
        let (world, ..) = with_team(store, 4).await;
        world.store.arrange("INSERT INTO rereads (kind, object, reason, since) VALUES ('user', '00uOfAnotherOrg', 'x', 1)").await;
        mode::rebind(&world.sync.service, &world.cx(Channel::Cli)).await.unwrap();
        assert_eq!(world.store.number("SELECT COUNT(*) FROM rereads").await, 0);
        let ended = world.delta().await;
        assert!(ended.summary.read.users >= 4, "everybody is read, also by a delta: {:?}", ended.summary);
    }
}
