//! R7: what a push said between two reads of one run, or between the run that found a change and the one that holds it.

use std::time::Duration;

use rosterd::model::actor::Channel;
use rosterd::model::id::{GroupId, OktaGroupId};
use rosterd::model::run::RunState;
use rosterd::scim;
use rosterd::service::{provision, runs};
use rosterd::sim::faults::{Fault, Rule};
use rosterd::sim::org::OktaId;
use rosterd::store::stamps::{self, Object};
use rosterd::store::{Engine, StoreError, Tx, groups, organization};
use tokio::sync::oneshot;

use super::world::{World, with_team};
use crate::support::stores::{on_each_store, write_until};

/// Stamps what a push named.
async fn stamp(world: &World, objects: &[Object]) {
    world
        .store
        .write(async |tx: &mut Tx| {
            assert!(organization::find_outlook(tx).await?.stamping);
            stamps::insert_many(tx, objects).await?;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

/// The id that a group of Okta's has here.
async fn id_of(world: &World, group: OktaId) -> GroupId {
    let okta = OktaGroupId::parse(group.as_str()).unwrap();
    let mut tx = world.store.read().await.unwrap();
    let found = groups::find_by_okta_id(&mut tx, &okta).await.unwrap();
    tx.rollback().await.unwrap();
    found.unwrap().id
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
        let gate = world.gate(&path);
        let pushing = async {
            world.asked(&gate).await;
            world.store.arrange("UPDATE users SET entitled = 0, active = 0").await;
            stamp(&world, &[Object::Facts(person.as_str().to_owned())]).await;
            world.store.clock.advance(5);
            gate.open();
        };
        let (ended, ()) = tokio::join!(world.full(), pushing);
        assert_eq!(entitled().await, 0, "{:?}", ended.summary);
        assert_eq!(world.store.texts("SELECT kind FROM rereads").await, ["user"]);
        // The same between two reads by id.
        let path = format!("{path}/{}", person.as_str());
        let gate = world.gate(&path);
        let pushing = async {
            world.asked(&gate).await;
            stamp(&world, &[Object::Facts(person.as_str().to_owned())]).await;
            world.store.clock.advance(5);
            gate.open();
        };
        let (ended, ()) = tokio::join!(world.delta(), pushing);
        assert_eq!(entitled().await, 0, "{:?}", ended.summary);
        world.delta().await;
        assert_eq!(entitled().await, 1, "read again after the push, Okta's word is the later one");
    }

    async fn r7_a_run_reads_nothing_while_a_write_is_open_that_began_before_it(store) {
        let world = World::new(store).await;
        world.settle().await;
        let gate = world.gate("/.well-known/okta-organization");
        let (opened, open) = oneshot::channel();
        let (end, ended) = oneshot::channel::<()>();
        let other = world.store.second().await;
        let writing = write_until(&other, opened, ended);
        let running = async {
            open.await.unwrap();
            tokio::join!(world.full(), async {
                let running = || world.store.number("SELECT COUNT(*) FROM runs WHERE state = 'running'");
                // On SQLite it waits for its turn to begin.
                while world.store.store.engine() == Engine::Postgres && running().await == 0 {}
                for _ in 0..50 {
                    running().await;
                }
                assert!(tokio::time::timeout(Duration::ZERO, gate.reached()).await.is_err());
                end.send(()).unwrap();
                gate.open();
            })
        };
        let ((), (run, ())) = tokio::join!(writing, running);
        assert_eq!(run.state, RunState::Applied);
    }

    async fn r7_a_group_gone_in_okta_keeps_what_a_later_replacement_named(store) {
        let (world, people, group) = with_team(store, 4).await;
        world.store.arrange("UPDATE idp_groups SET scim = 1, scim_name = okta_name").await;
        let unseen = people[0].as_str();
        world.store.arrange("UPDATE users SET scim = 1 WHERE user_name <> 'p0@example.test'").await;
        world.sim.org().delete_group(group).unwrap();
        let path = format!("/groups/{}", group.as_str());
        let gate = world.gate(&path);
        let id = id_of(&world, group).await;
        let pushing = async {
            world.asked(&gate).await;
            stamp(&world, &[Object::Members(id)]).await;
            gate.open();
        };
        let (ended, ()) = tokio::join!(world.full(), pushing);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM idp_groups WHERE okta_id IS NULL").await, 1, "{:?}", ended.summary);
        let edges = world.store.texts("SELECT member FROM edges").await;
        assert_eq!(edges.len(), 3, "{edges:?}");
        assert!(!edges.contains(&unseen.to_owned()), "R15: the replacement does not speak of him");
    }

    async fn r17_a_group_whose_sides_go_while_it_is_read_keeps_nobody(store) {
        let (world, _, group) = with_team(store, 4).await;
        world.store.arrange("UPDATE idp_groups SET scim = 1, scim_name = okta_name").await;
        world.store.arrange("UPDATE users SET scim = 1").await;
        world.sim.org().delete_group(group).unwrap();
        let gate = world.gate(&format!("/groups/{}", group.as_str()));
        let id = id_of(&world, group).await;
        let pushing = async {
            world.asked(&gate).await;
            let cx = world.cx(Channel::Scim);
            provision::delete_group(&world.sync.service, &cx, &id, None).await.unwrap();
            gate.open();
        };
        let (ended, ()) = tokio::join!(world.full(), pushing);
        assert!(world.members().await.is_empty(), "{:?}", ended.summary);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM edges").await, 0);
        world.settle().await;
        assert!(world.members().await.is_empty());
    }

    async fn r7_a_change_taken_over_by_a_newer_plan_is_still_older_than_the_push(store) {
        let (world, people, group) = with_team(store, 30).await;
        for person in &people[..10] {
            world.sim.org().remove_member(group, *person).unwrap();
        }
        assert_eq!(world.full().await.state, RunState::Held);
        world.store.clock.advance(1_000);
        let id = id_of(&world, group).await;
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

    async fn r7_what_is_approved_while_a_run_is_in_flight_is_read_again(store) {
        let (world, people, group) = with_team(store, 20).await;
        for person in &people[..10] {
            world.sim.org().remove_member(group, *person).unwrap();
        }
        let held = world.full().await;
        assert_eq!(held.state, RunState::Held);
        // One of them is back in Okta before the group is read, and here he never left.
        world.sim.org().add_member(group, people[0]).unwrap();
        world.store.clock.advance(600_000);
        let gate = world.gate("/api/v1/users?");
        let approving = async {
            world.asked(&gate).await;
            let decision = runs::approve(&world.sync.service, &world.cx(Channel::Api), &held.id).await.unwrap();
            assert_eq!(decision.done, 10);
            gate.open();
        };
        let (ended, ()) = tokio::join!(world.full(), approving);
        assert_eq!(world.members().await.len(), 10, "{:?}", ended.summary);
        assert_eq!(world.store.texts("SELECT object FROM rereads").await, [group.as_str()]);
        world.store.clock.advance(600_000);
        world.delta().await;
        assert_eq!(world.members().await.len(), 11);
    }

    async fn r7_a_group_whose_row_moved_under_a_held_plan_is_read_again(store) {
        let (world, people, group) = with_team(store, 20).await;
        let cx = world.cx(Channel::Scim);
        let service = &world.sync.service;
        let named = |name: &str| scim::group::parse(format!(r#"{{"displayName":"{name}"}}"#).as_bytes()).unwrap();
        let pushed = provision::create_group(service, &cx, &named("Other")).await.unwrap().resource;
        for person in &people[..10] {
            world.sim.org().remove_member(group, *person).unwrap();
        }
        let held = world.full().await;
        assert_eq!(held.state, RunState::Held);
        world.store.arrange("DELETE FROM rereads").await;
        let joined = provision::replace_group(service, &cx, &pushed.id, &named("Engineering"), None).await.unwrap().resource;
        assert!(joined.okta.is_some(), "joined by name: the row with the Okta side went");
        let list = || world.store.texts("SELECT object FROM rereads");
        assert_eq!(list().await, [group.as_str()], "by the push itself");
        world.store.arrange("DELETE FROM rereads").await;
        let decision = runs::approve(service, &world.cx(Channel::Api), &held.id).await.unwrap();
        assert_eq!((decision.done, decision.left_out), (0, 10));
        assert_eq!(list().await, [group.as_str()], "by what was skipped");
        world.store.clock.advance(600_000);
        let again = world.delta().await;
        assert_eq!(again.state, RunState::Held, "{:?}", again.summary);
        assert_eq!(world.members().await.len(), 20);
    }

    async fn r9_a_decision_that_comes_while_a_run_ends_drops_nothing_the_run_holds_anew(store) {
        let (world, people, group) = with_team(store, 30).await;
        for person in &people[..10] {
            world.sim.org().remove_member(group, *person).unwrap();
        }
        assert_eq!(world.full().await.state, RunState::Held);
        for person in &people[15..26] {
            world.sim.org().deactivate(*person).unwrap();
        }
        let path = format!("/groups/{}/users", group.as_str());
        world.sim.faults().add(Rule::always(Fault::InternalError).on(&path));
        // Somebody approves between the run's look at the held plan and its last transaction.
        if world.store.url.starts_with("sqlite") {
            world.store.arrange(
                "CREATE TRIGGER decide AFTER INSERT ON run_changes WHEN NEW.outcome = 'held' BEGIN \
                 UPDATE run_changes SET outcome = 'approved' WHERE outcome = 'held' AND run_id <> NEW.run_id; \
                 UPDATE runs SET state = 'approved' WHERE state = 'held'; END",
            ).await;
        } else {
            world.store.arrange(
                "CREATE FUNCTION decide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 UPDATE run_changes SET outcome = 'approved' WHERE outcome = 'held' AND run_id <> NEW.run_id; \
                 UPDATE runs SET state = 'approved' WHERE state = 'held'; RETURN NULL; END $$",
            ).await;
            world.store.arrange(
                "CREATE TRIGGER decide AFTER INSERT ON run_changes FOR EACH ROW WHEN (NEW.outcome = 'held') \
                 EXECUTE FUNCTION decide()",
            ).await;
        }
        let newer = world.full().await;
        world.store.arrange(if world.store.url.starts_with("sqlite") {
            "DROP TRIGGER decide"
        } else {
            "DROP TRIGGER decide ON run_changes"
        }).await;
        assert_eq!(newer.state, RunState::Held, "{:?}", newer.summary);
        let shown = runs::show(&world.sync.service, &newer.id).await.unwrap();
        assert_eq!(shown.outcomes.get("held"), Some(&11));
        let decision = runs::approve(&world.sync.service, &world.cx(Channel::Api), &newer.id).await.unwrap();
        assert_eq!((decision.done, decision.left_out), (11, 0));
    }
}
