//! R9: mass change is held, not applied.

use rosterd::model::actor::Channel;
use rosterd::model::id::GroupId;
use rosterd::model::mode::OktaMode;
use rosterd::model::run::{Outcome, RunState};
use rosterd::scim;
use rosterd::service::membership::{Touched, settle};
use rosterd::service::{Error, mode, provision, runs};
use rosterd::store::{Tx, users};

use super::world::{World, with_team};
use crate::store::users::new_user;
use crate::support::stores::on_each_store;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn leave(world: &World, group: rosterd::sim::org::OktaId, who: &[rosterd::sim::org::OktaId]) {
    let mut org = world.sim.org();
    for person in who {
        org.remove_member(group, *person).unwrap();
    }
}

on_each_store! {
    async fn r9_a_mass_removal_is_held_and_what_gives_is_applied(store) {
        let (world, people, group) = with_team(store, 20).await;
        leave(&world, group, &people[..5]);
        let newcomer = world.person("new@example.test");
        world.sim.org().add_member(group, newcomer).unwrap();
        let ended = world.full().await;
        assert_eq!(ended.state, RunState::Held, "{:?}", ended.summary);
        assert_eq!(ended.summary.breaches.len(), 1);
        assert_eq!(world.members().await.len(), 21);
        let held = runs::changes(&world.sync.service, &ended.id, Some(Outcome::Held), 0, 100).await.unwrap();
        assert_eq!(held.len(), 5);

        let before = world.dump().await;
        let again = world.full().await;
        assert_eq!((again.state, again.summary.still_held), (RunState::Applied, 5));
        assert_eq!(world.dump().await, before, "R10: the held plan stays as it is");
        world.delta().await;
        assert_eq!(world.dump().await, before);
    }

    async fn r9_four_of_twenty_are_not_a_mass(store) {
        let (world, people, group) = with_team(store, 20).await;
        leave(&world, group, &people[..4]);
        world.settle().await;
        assert_eq!(world.members().await.len(), 16);
    }

    async fn r9_slices_are_counted_over_the_window(store) {
        let (world, people, group) = with_team(store, 20).await;
        leave(&world, group, &people[..3]);
        world.settle().await;
        leave(&world, group, &people[3..5]);
        assert_eq!(world.full().await.state, RunState::Held, "3 and 2 of 20 are 5 of 20");
        assert_eq!(world.members().await.len(), 17);
        world.store.clock.advance(DAY_MS);
        leave(&world, group, &people[5..6]);
        let ended = world.full().await;
        assert_eq!(ended.summary.still_held, 2, "a held change stays held, whichever run finds it");
        assert_eq!(world.members().await.len(), 16, "and one of 17 is no mass");
    }

    async fn r9_approving_applies_and_is_not_counted(store) {
        let (world, people, group) = with_team(store, 20).await;
        leave(&world, group, &people[..10]);
        let held = world.full().await;
        let cx = world.cx(Channel::Cli);
        let decision = runs::approve(&world.sync.service, &cx, &held.id).await.unwrap();
        assert_eq!((decision.done, decision.left_out), (10, 0));
        assert_eq!(world.members().await.len(), 10);
        assert!(runs::approve(&world.sync.service, &cx, &held.id).await.is_err(), "once");
        leave(&world, group, &people[10..11]);
        world.settle().await;
        assert_eq!(world.members().await.len(), 9);
    }

    async fn r9_rejecting_mutes_the_same_changes_for_a_while(store) {
        let (world, people, group) = with_team(store, 20).await;
        leave(&world, group, &people[..10]);
        let held = world.full().await;
        runs::reject(&world.sync.service, &world.cx(Channel::Cli), &held.id).await.unwrap();
        let muted = world.full().await;
        assert_eq!((muted.state, muted.summary.muted), (RunState::Applied, 10));
        assert_eq!(world.members().await.len(), 20);
        world.store.clock.advance(DAY_MS + 1);
        assert_eq!(world.full().await.state, RunState::Held, "asked again");
    }

    async fn r9_the_plan_goes_on_under_the_newer_run_and_ends_when_nothing_is_left(store) {
        let (world, people, group) = with_team(store, 20).await;
        leave(&world, group, &people[..10]);
        let first = world.full().await;
        world.sim.org().add_member(group, people[0]).unwrap();
        let second = world.full().await;
        assert_eq!(second.state, RunState::Held);
        let old = runs::show(&world.sync.service, &first.id).await.unwrap();
        assert_eq!((old.run.state, old.run.successor), (RunState::Superseded, Some(second.id.clone())));
        let new = runs::show(&world.sync.service, &second.id).await.unwrap();
        assert_eq!(new.outcomes.get("held"), Some(&9));
        for person in &people[1..10] {
            world.sim.org().add_member(group, *person).unwrap();
        }
        let third = world.full().await;
        assert_eq!(third.state, RunState::Applied);
        let gone = runs::show(&world.sync.service, &second.id).await.unwrap();
        assert_eq!((gone.run.state, gone.run.successor), (RunState::Superseded, None));
    }

    async fn r9_a_mapped_group_of_five_is_not_emptied(store) {
        let (world, people, group) = with_team(store, 6).await;
        leave(&world, group, &people[..1]);
        world.settle().await;
        leave(&world, group, &people[1..]);
        assert_eq!(world.full().await.state, RunState::Held);
        assert_eq!(world.members().await.len(), 5);
    }

    async fn r9_a_group_deleted_while_its_removals_wait_does_not_take_them_along(store) {
        let (world, people, group) = with_team(store, 20).await;
        leave(&world, group, &people);
        assert_eq!(world.full().await.state, RunState::Held);
        world.sim.org().delete_group(group).unwrap();
        let ended = world.full().await;
        assert_eq!(world.members().await.len(), 20, "{:?}", ended.summary);
        let cx = world.cx(Channel::Cli);
        runs::reject(&world.sync.service, &cx, &ended.id).await.unwrap();
        let muted = world.full().await;
        assert_eq!(world.members().await.len(), 20, "{:?}", muted.summary);
        assert_eq!((muted.state, muted.summary.muted), (RunState::Applied, 21));
    }

    async fn r9_a_group_deleted_in_okta_is_held_with_its_edges(store) {
        let (world, _, group) = with_team(store, 20).await;
        world.sim.org().delete_group(group).unwrap();
        let held = world.full().await;
        assert_eq!(held.state, RunState::Held);
        assert_eq!(world.members().await.len(), 20);
        let decision = runs::approve(&world.sync.service, &world.cx(Channel::Api), &held.id).await.unwrap();
        assert_eq!((decision.done, decision.left_out), (21, 0));
        assert!(world.members().await.is_empty());
        assert_eq!(world.store.number("SELECT COUNT(*) FROM idp_groups WHERE okta_id IS NULL AND scim = 0").await, 1);
        world.settle().await;
    }

    async fn r9_who_is_pushed_to_a_group_whose_end_waits_stays(store) {
        let (world, _, group) = with_team(store, 20).await;
        world.store.arrange("UPDATE idp_groups SET scim = 1, scim_name = okta_name").await;
        world.sim.org().delete_group(group).unwrap();
        let held = world.full().await;
        assert_eq!(held.state, RunState::Held);
        // Another group of that name is pushed to the copy; its push adds somebody once.
        let newcomer = world.person("new@example.test");
        let (service, cx) = (&world.sync.service, world.cx(Channel::Scim));
        let id = newcomer.as_str();
        let body = format!(r#"{{"userName":"new@example.test","externalId":"{id}"}}"#);
        let user = provision::create_user(service, &cx, &scim::user::parse(body.as_bytes()).unwrap()).await.unwrap().resource;
        let copy = GroupId::parse(&world.store.texts("SELECT id FROM idp_groups WHERE scim = 1").await[0]).unwrap();
        let body = format!(r#"{{"Operations":[{{"op":"add","path":"members","value":[{{"value":"{}"}}]}}]}}"#, user.id);
        let patch = scim::group::parse_patch(copy.as_str(), body.as_bytes()).unwrap();
        provision::patch_group(service, &cx, "", &copy, &patch, None).await.unwrap();
        assert_eq!(world.members().await.len(), 21);
        let before = world.full().await;
        assert_eq!(world.members().await.len(), 21, "held: {:?}", before.summary);
        runs::reject(service, &world.cx(Channel::Cli), &held.id).await.unwrap();
        let muted = world.full().await;
        assert_eq!(world.members().await.len(), 21, "muted: {:?}", muted.summary);
        world.store.clock.advance(DAY_MS + 1);
        let again = world.full().await;
        assert_eq!(again.state, RunState::Held, "asked again");
        runs::approve(service, &world.cx(Channel::Cli), &again.id).await.unwrap();
        assert!(world.members().await.is_empty(), "an admin lets the side go, and everybody with it");
    }

    async fn r9_many_deactivated_at_once_are_held(store) {
        let (world, people, _) = with_team(store, 30).await;
        for person in &people[..11] {
            world.sim.org().deactivate(*person).unwrap();
        }
        let held = world.full().await;
        assert_eq!(held.state, RunState::Held, "{:?}", held.summary);
        assert_eq!(world.members().await.len(), 30);
        runs::approve(&world.sync.service, &world.cx(Channel::Api), &held.id).await.unwrap();
        assert_eq!(world.members().await.len(), 19);
    }

    async fn r9_local_memberships_that_do_not_count_soften_no_mass_removal(store) {
        let (world, people, group) = with_team(store, 20).await;
        let cli = world.cx(Channel::Cli);
        for (to, keep) in [(OktaMode::Off, true), (OktaMode::On, false)] {
            mode::switch(&world.sync.service, &cli, to, keep).await.unwrap();
        }
        assert_eq!(world.store.number("SELECT COUNT(*) FROM memberships WHERE origin = 'local'").await, 20);
        leave(&world, group, &people[..10]);
        let ended = world.full().await;
        assert_eq!(ended.state, RunState::Held, "{:?}", ended.summary);
        assert_eq!(world.members().await.len(), 20);
    }

    async fn r9_users_met_for_the_first_time_are_not_made_inactive_past_the_guard(store) {
        let world = World::new(store).await;
        let people = world.people(100);
        let service = &world.sync.service;
        let made: Result<(), Error> = world.store.write(async |tx: &mut Tx| {
            let mut touched = Touched::default();
            for n in 0..100 {
                let user = users::insert(tx, &new_user(&format!("p{n}@example.test"), None)).await?;
                touched.users.insert(user.unwrap().id);
            }
            settle(service, tx, &world.cx(Channel::Scim), &touched).await?;
            Ok(())
        }).await;
        made.unwrap();
        for person in &people[..30] {
            world.sim.org().suspend(*person).unwrap();
        }
        let ended = world.full().await;
        assert_eq!(ended.state, RunState::Held, "{:?}", ended.summary);
        let active = || world.store.number("SELECT COUNT(*) FROM users WHERE active = 1");
        assert_eq!(active().await, 100);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users WHERE okta_id IS NOT NULL").await, 100, "all are bound");
        let held = runs::changes(service, &ended.id, Some(Outcome::Held), 0, 100).await.unwrap();
        assert_eq!(held.len(), 30);
        let before = world.dump().await;
        world.full().await;
        assert_eq!(world.dump().await, before, "R10");
        runs::approve(service, &world.cx(Channel::Cli), &ended.id).await.unwrap();
        assert_eq!(active().await, 70);
    }
}
