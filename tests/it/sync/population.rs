//! R16: who is to be here.

use rosterd::model::actor::Channel;
use rosterd::model::id::{OktaGroupId, RunId, UserId};
use rosterd::model::run::RunState;
use rosterd::scim::patch;
use rosterd::service::membership::{Touched, settle};
use rosterd::service::{Error, Settings, provision, runs, users};
use rosterd::sim::org::OktaId;
use rosterd::store::edges::{self, Edge};
use rosterd::store::{Tx, groups};
use serde_json::json;

use super::world::{World, with_team};
use crate::support::stores::{TestStore, on_each_store};

const HOUR_MS: i64 = 60 * 60 * 1000;

/// A held plan that lets eleven of thirty people go, who left the mapped group long ago.
async fn held_leavers(store: TestStore) -> (World, RunId, Vec<OktaId>, OktaId) {
    let (world, people, group) = with_team(store, 30).await;
    for person in &people[..11] {
        world.sim.org().remove_member(group, *person).unwrap();
    }
    let edges = world.full().await;
    let service = &world.sync.service;
    runs::approve(service, &world.cx(Channel::Cli), &edges.id)
        .await
        .unwrap();
    world.settle().await;
    world.store.clock.advance(25 * HOUR_MS);
    let held = world.full().await;
    assert_eq!(held.state, RunState::Held, "{:?}", held.summary);
    (world, held.id, people, group)
}

on_each_store! {
    async fn r16_a_leaver_goes_after_two_full_runs_and_the_grace_and_comes_back_with_the_group(store) {
        let settings = Settings {
            leaver_grace_ms: 24 * HOUR_MS,
            ..Settings::default()
        };
        let world = World::with(store, false, settings).await;
        let people = world.people(4);
        let group = world.group("Engineering", &people);
        world.settle().await;
        world.map(group, "engineering").await;
        world.turn_on().await;
        world.settle().await;
        world.sim.org().remove_member(group, people[0]).unwrap();
        let active = || world.store.number("SELECT COUNT(*) FROM users WHERE active = 1");
        world.settle().await;
        world.store.clock.advance(23 * HOUR_MS);
        let before = world.dump().await;
        world.settle().await;
        assert_eq!(active().await, 4, "the grace is not over");
        assert_eq!(world.dump().await, before, "R10");
        world.store.clock.advance(HOUR_MS);
        world.delta().await;
        assert_eq!(active().await, 4, "only a full run says so");
        world.settle().await;
        assert_eq!(active().await, 3);
        world.sim.org().add_member(group, people[0]).unwrap();
        world.delta().await;
        assert_eq!(active().await, 4);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users WHERE absent_since IS NOT NULL").await, 0);
    }

    async fn r13_what_a_push_says_of_a_leaver_is_the_later_word(store) {
        let (world, people, group) = with_team(store, 4).await;
        world.sim.org().remove_member(group, people[0]).unwrap();
        world.settle().await;
        world.store.clock.advance(25 * HOUR_MS);
        world.settle().await;
        let active = || world.store.number("SELECT COUNT(*) FROM users WHERE active = 1");
        assert_eq!(active().await, 3, "he was let go");
        world.store.arrange("UPDATE users SET scim = 1").await;
        let id = world.store.texts("SELECT id FROM users WHERE active = 0").await.remove(0);
        let id = UserId::parse(&id).unwrap();
        let say = async |active: bool| {
            let body = json!({ "Operations": [{ "op": "replace", "value": { "userName": "p0@example.test", "active": active } }] });
            let operations = patch::parse(body.to_string().as_bytes()).unwrap();
            let cx = world.cx(Channel::Scim);
            provision::patch_user(&world.sync.service, &cx, &id, &operations, None).await.unwrap();
        };
        // Okta unassigns him; that a rule puts him into the group again does not assign him.
        say(false).await;
        world.sim.org().add_member(group, people[0]).unwrap();
        world.settle().await;
        assert_eq!(active().await, 3);
        // Assigned again and out of the group, he has two runs and the grace before him.
        world.sim.org().remove_member(group, people[0]).unwrap();
        world.settle().await;
        say(true).await;
        world.settle().await;
        assert_eq!(active().await, 4);
    }

    async fn r13_a_suspension_or_a_block_ends_sessions_and_what_comes_later_revokes_tokens(store) {
        let (world, people, _) = with_team(store, 4).await;
        let ended = || world.store.texts("SELECT user_name FROM users WHERE sessions_from > 0 ORDER BY user_name");
        let revoked = || world.store.texts("SELECT user_name FROM users WHERE tokens_from > 0");
        assert!(ended().await.is_empty());
        world.sim.org().suspend(people[0]).unwrap();
        world.delta().await;
        assert_eq!(ended().await, ["p0@example.test"]);
        let other = world.store.texts("SELECT id FROM users WHERE user_name = 'p1@example.test'").await.remove(0);
        let other = UserId::parse(&other).unwrap();
        users::block(&world.sync.service, &world.cx(Channel::Cli), &other, true).await.unwrap();
        assert_eq!(ended().await, ["p0@example.test", "p1@example.test"]);
        assert!(revoked().await.is_empty(), "either may be lifted");
        world.sim.org().deactivate(people[0]).unwrap();
        world.delta().await;
        assert_eq!(revoked().await, ["p0@example.test"]);
    }

    async fn r16_nobody_leaves_while_okta_is_off_or_no_mapping_is_bound(store) {
        let (world, people, group) = with_team(store, 4).await;
        world.store.arrange("UPDATE organization SET idp_mapping_enabled = 0, konnect_mapping_enabled = 1").await;
        world.sim.org().remove_member(group, people[0]).unwrap();
        world.settle().await;
        world.settle().await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users WHERE active = 1").await, 4);
        world.turn_on().await;
        world.store.arrange("DELETE FROM mappings").await;
        world.settle().await;
        world.settle().await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users WHERE active = 1").await, 4);
    }

    async fn r16_without_an_app_and_once_scim_was_used_the_poll_makes_and_deactivates_nobody(store) {
        let (world, people, group) = with_team(store, 4).await;
        world.store.arrange("UPDATE organization SET scim_used_at = 1").await;
        let newcomer = world.person("new@example.test");
        world.sim.org().add_member(group, newcomer).unwrap();
        world.sim.org().remove_member(group, people[0]).unwrap();
        world.sim.org().suspend(people[1]).unwrap();
        world.settle().await;
        world.settle().await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users").await, 4, "nobody is made");
        assert_eq!(world.store.number("SELECT COUNT(*) FROM edges").await, 4, "edges are repaired (R15)");
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users WHERE active = 1").await, 3, "statuses are read");
        assert_eq!(world.members().await.len(), 2);
    }

    async fn r16_a_deleted_user_is_confirmed_and_comes_back_as_somebody_else(store) {
        let (world, people, group) = with_team(store, 4).await;
        let anew = world.sim.org().recreate_user("p0@example.test").unwrap();
        world.sim.org().add_member(group, anew).unwrap();
        let ended = world.full().await;
        assert_eq!(ended.state, RunState::Applied);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users").await, 4, "R11: the row is bound again");
        assert_eq!(
            world.store.texts("SELECT okta_id FROM users WHERE user_name = 'p0@example.test' AND active = 1").await,
            [anew.as_str().to_owned()]
        );
        assert_eq!(world.members().await.len(), 4);
        let _ = people;
        let before = world.dump().await;
        world.settle().await;
        assert_eq!(world.dump().await, before, "R10");
    }

    async fn r16_who_is_back_in_a_mapped_group_is_not_let_go_by_an_old_plan(store) {
        let (world, held, people, group) = held_leavers(store).await;
        let service = &world.sync.service;
        let back: Result<(), Error> = world.store.write(async |tx: &mut Tx| {
            let group = groups::find_by_okta_id(tx, &OktaGroupId::parse(group.as_str()).unwrap()).await?.unwrap().id;
            let edge = Edge { group: group.clone(), member: people[0].as_str().to_owned() };
            edges::insert_many(tx, Channel::Scim, std::slice::from_ref(&edge)).await?;
            let touched = Touched { edges_added: [(group, edge.member)].into(), ..Touched::default() };
            settle(service, tx, &world.cx(Channel::Scim), &touched).await?;
            Ok(())
        }).await;
        back.unwrap();
        let decision = runs::approve(service, &world.cx(Channel::Cli), &held).await.unwrap();
        assert_eq!((decision.done, decision.left_out), (10, 1));
        let active = world.store.texts("SELECT okta_id FROM users WHERE active = 1").await;
        assert_eq!(active.len(), 20);
        assert!(active.contains(&people[0].as_str().to_owned()));
        let why = world.store.texts("SELECT reason FROM run_changes WHERE outcome = 'left_out'").await;
        assert!(why[0].ends_with("he is in a mapped group by now"), "{why:?}");
    }

    async fn r16_nobody_is_let_go_by_an_old_plan_once_okta_is_off(store) {
        let (world, held, ..) = held_leavers(store).await;
        world.store.arrange("UPDATE organization SET idp_mapping_enabled = 0, konnect_mapping_enabled = 1").await;
        let decision = runs::approve(&world.sync.service, &world.cx(Channel::Cli), &held).await.unwrap();
        assert_eq!((decision.done, decision.left_out), (0, 11));
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users WHERE active = 1").await, 30);
    }

    async fn r16_of_who_is_deactivated_and_not_here_nothing_is_asked(store) {
        let (world, _, group) = with_team(store, 3).await;
        let gone = world.person("gone@example.test");
        let new = [world.person("new1@example.test"), world.person("new2@example.test")];
        world.sim.org().deactivate(gone).unwrap();
        for person in [gone, new[0], new[1]] {
            world.sim.org().add_member(group, person).unwrap();
        }
        world.sim.forget_requests();
        world.delta().await;
        let asked = |person: OktaId| {
            let path = format!("/users/{}", person.as_str());
            world.sim.requests().iter().any(|request| request.contains(&path))
        };
        assert!(!asked(gone), "{:?}", world.sim.requests());
        assert!(asked(new[0]) && asked(new[1]));
        assert_eq!(world.members().await.len(), 5);
    }
}
