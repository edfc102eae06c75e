//! R7: what a push said between two reads of one run, or between the run that found a change and the one that holds it.

use std::time::Duration;

use rosterd::model::actor::Channel;
use rosterd::model::id::OktaGroupId;
use rosterd::model::run::RunState;
use rosterd::service::runs;
use rosterd::sim::faults::{Fault, Rule};
use rosterd::store::stamps::{self, Object};
use rosterd::store::{StoreError, Tx, groups};

use super::world::{World, with_team};
use crate::support::stores::on_each_store;

/// Stamps what a push named.
async fn stamp(world: &World, objects: &[Object]) {
    world
        .store
        .write(async |tx: &mut Tx| {
            assert!(stamps::needed(tx).await?);
            stamps::insert_many(tx, objects).await?;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

/// Makes the next answer of that path slow, and waits until it has been asked for.
async fn asked(world: &World, path: &str) {
    while !world
        .sim
        .requests()
        .iter()
        .any(|request| request.contains(path))
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    world.store.clock.advance(5);
}

fn slow(world: &World, path: &str) {
    let fault = Fault::Slow(Duration::from_millis(1_500));
    world.sim.faults().add(Rule::next(1, fault).on(path));
    world.sim.forget_requests();
}

on_each_store! {
    async fn r7_an_assignment_is_as_old_as_its_own_reading(store) {
        let world = World::with_app(store).await;
        let person = world.person("p0@example.test");
        world.sim.org().assign_user(person).unwrap();
        world.settle().await;
        let entitled = || world.store.number("SELECT entitled FROM users");
        assert_eq!(entitled().await, 1);
        // A push takes the entitlement after the app was read and before the users are.
        let path = format!("/apps/{}/users", world.sim.org().app().id);
        slow(&world, &path);
        let pushing = async {
            asked(&world, &path).await;
            world.store.arrange("UPDATE users SET entitled = 0, active = 0").await;
            stamp(&world, &[Object::Facts(person.as_str().to_owned())]).await;
            world.store.clock.advance(5);
        };
        let (ended, ()) = tokio::join!(world.full(), pushing);
        assert_eq!(entitled().await, 0, "{:?}", ended.summary);
        assert_eq!(world.store.texts("SELECT kind FROM rereads").await, ["user"]);
        // The same between two reads by id.
        let path = format!("{path}/{}", person.as_str());
        slow(&world, &path);
        let pushing = async {
            asked(&world, &path).await;
            stamp(&world, &[Object::Facts(person.as_str().to_owned())]).await;
            world.store.clock.advance(5);
        };
        let (ended, ()) = tokio::join!(world.delta(), pushing);
        assert_eq!(entitled().await, 0, "{:?}", ended.summary);
        world.delta().await;
        assert_eq!(entitled().await, 1, "read again after the push, Okta's word is the later one");
    }

    async fn r7_a_group_gone_in_okta_keeps_what_a_later_replacement_named(store) {
        let (world, people, group) = with_team(store, 4).await;
        world.store.arrange("UPDATE idp_groups SET scim = 1, scim_name = okta_name").await;
        let unseen = people[0].as_str();
        world.store.arrange("UPDATE users SET scim = 1 WHERE user_name <> 'p0@example.test'").await;
        world.sim.org().delete_group(group).unwrap();
        let path = format!("/groups/{}", group.as_str());
        slow(&world, &path);
        let okta = OktaGroupId::parse(group.as_str()).unwrap();
        let mut tx = world.store.read().await.unwrap();
        let id = groups::find_by_okta_id(&mut tx, &okta).await.unwrap().unwrap().id;
        tx.rollback().await.unwrap();
        let pushing = async {
            asked(&world, &path).await;
            stamp(&world, &[Object::Members(id)]).await;
        };
        let (ended, ()) = tokio::join!(world.full(), pushing);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM idp_groups WHERE okta_id IS NULL").await, 1, "{:?}", ended.summary);
        let edges = world.store.texts("SELECT member FROM edges").await;
        assert_eq!(edges.len(), 3, "{edges:?}");
        assert!(!edges.contains(&unseen.to_owned()), "R15: the replacement does not speak of him");
    }

    async fn r7_a_change_taken_over_by_a_newer_plan_is_still_older_than_the_push(store) {
        let (world, people, group) = with_team(store, 30).await;
        for person in &people[..10] {
            world.sim.org().remove_member(group, *person).unwrap();
        }
        assert_eq!(world.full().await.state, RunState::Held);
        world.store.clock.advance(1_000);
        let okta = OktaGroupId::parse(group.as_str()).unwrap();
        let mut tx = world.store.read().await.unwrap();
        let id = groups::find_by_okta_id(&mut tx, &okta).await.unwrap().unwrap().id;
        tx.rollback().await.unwrap();
        stamp(&world, &[Object::Edge(id, people[0].as_str().to_owned())]).await;
        // The next run cannot read the group and finds something else to hold: the plan goes on under its id.
        for person in &people[15..26] {
            world.sim.org().deactivate(*person).unwrap();
        }
        let path = format!("/groups/{}/users", group.as_str());
        world.sim.faults().add(Rule::always(Fault::InternalError).on(&path));
        let newer = world.full().await;
        assert_eq!((newer.state, newer.summary.still_held), (RunState::Held, 10), "{:?}", newer.summary);
        let decision = runs::approve(&world.sync.service, &world.cx(Channel::Api), &newer.id).await.unwrap();
        assert_eq!((decision.done, decision.left_out), (20, 1));
        assert!(world.members().await.contains(&"p0@example.test".to_owned()));
    }
}
