//! R7: a poll never undoes a push that came after the poll read that object.

use rosterd::model::actor::Channel;
use rosterd::model::run::{Outcome, RunKind};
use rosterd::service::{runs, sync};
use rosterd::store::edges::{self, Edge};
use rosterd::store::stamps::{self, Object};
use rosterd::store::{StoreError, Tx, groups, organization};

use super::world::{World, with_team};
use crate::support::stores::on_each_store;

/// What a push does to an edge: the mirror, and the stamp if a run is in flight.
async fn push_edge(world: &World, group: &str, member: &str, add: bool) {
    let okta = rosterd::model::id::OktaGroupId::parse(group).unwrap();
    world
        .store
        .write(async |tx: &mut Tx| {
            let group = groups::find_by_okta_id(tx, &okta).await?.unwrap().id;
            let edge = Edge {
                group: group.clone(),
                member: member.to_owned(),
            };
            if add {
                edges::insert_many(tx, Channel::Scim, std::slice::from_ref(&edge)).await?;
            } else {
                edges::remove_many(tx, std::slice::from_ref(&edge)).await?;
            }
            if organization::find_outlook(tx).await?.stamping {
                stamps::insert_many(tx, &[Object::Edge(group, edge.member)]).await?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

on_each_store! {
    async fn r7_a_poll_never_undoes_a_later_push(store) {
        let (world, people, group) = with_team(store, 5).await;
        let newcomer = world.person("new@example.test");
        // The poll reads the group with p0 and without the newcomer; while its answer is on the way, pushes say otherwise.
        let path = format!("/groups/{}/users", group.as_str());
        let gate = world.gate(&path);
        let pushing = async {
            world.asked(&gate).await;
            push_edge(&world, group.as_str(), newcomer.as_str(), true).await;
            push_edge(&world, group.as_str(), people[0].as_str(), false).await;
            gate.open();
        };
        let (ended, ()) = tokio::join!(world.full(), pushing);
        assert_eq!(ended.summary.changes.get("edge_added.skipped"), Some(&1), "{:?}", ended.summary);
        let held = world.store.texts("SELECT member FROM edges ORDER BY member").await;
        assert!(held.contains(&newcomer.as_str().to_owned()));
        assert!(!held.contains(&people[0].as_str().to_owned()));
        assert_eq!(world.store.texts("SELECT kind FROM rereads").await, ["group"]);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM stamps").await, 0, "no run is left to mind them");
        world.delta().await;
        let held = world.store.texts("SELECT member FROM edges ORDER BY member").await;
        assert!(!held.contains(&newcomer.as_str().to_owned()), "read by id, Okta's word is the later one");
        assert!(held.contains(&people[0].as_str().to_owned()));
        assert_eq!(world.store.number("SELECT COUNT(*) FROM rereads").await, 0);
    }

    async fn r7_approving_leaves_out_what_was_pushed_since(store) {
        let (world, people, group) = with_team(store, 20).await;
        for person in &people[..10] {
            world.sim.org().remove_member(group, *person).unwrap();
        }
        let held = world.full().await;
        world.store.clock.advance(1_000);
        push_edge(&world, group.as_str(), people[0].as_str(), true).await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM stamps").await, 1);
        let cx = world.cx(Channel::Api);
        let decision = runs::approve(&world.sync.service, &cx, &held.id).await.unwrap();
        assert_eq!((decision.done, decision.left_out), (9, 1));
        let left = runs::changes(&world.sync.service, &held.id, Some(Outcome::LeftOut), 0, 10).await.unwrap();
        assert!(left[0].key.ends_with(people[0].as_str()));
        assert_eq!(world.store.number("SELECT COUNT(*) FROM stamps").await, 0);
        world.settle().await;
        assert_eq!(world.members().await.len(), 10, "the next run reads him again");
    }

    async fn r7_who_takes_over_reads_what_was_pushed_during_the_lost_run(store) {
        let (world, people, group) = with_team(store, 5).await;
        world
            .store
            .arrange(
                "INSERT INTO runs (id, kind, channel, actor, dry_run, state, began_at, epoch, summary) \
                 VALUES ('01800000-0000-7000-8000-0000000000aa', 'full', 'poll', 'x', 0, 'running', 1, 1, '{}')",
            )
            .await;
        push_edge(&world, group.as_str(), people[0].as_str(), false).await;
        world.store.arrange("UPDATE lease SET expires_at = 0").await;
        let epoch = sync::lead(&world.sync.service, "another", 1_000_000).await.unwrap();
        assert_eq!(epoch, Some(world.epoch + 1));
        assert_eq!(
            world.store.texts("SELECT state FROM runs WHERE actor = 'x'").await,
            ["interrupted"]
        );
        assert_eq!(world.store.texts("SELECT kind FROM rereads").await, ["group"]);
        assert!(world.try_run(RunKind::Full).await.is_err(), "the old holder writes nothing");
    }
    async fn r15_a_poll_speaks_only_of_okta_ids(store) {
        let (world, people, group) = with_team(store, 5).await;
        let made = world.scim_user("nobody@else.test").await;
        push_edge(&world, group.as_str(), made.as_str(), true).await;
        world.sim.org().remove_member(group, people[0]).unwrap();
        world.settle().await;
        let edges = world.store.texts("SELECT member FROM edges ORDER BY member").await;
        assert_eq!(edges.len(), 5, "{edges:?}");
        assert!(edges.contains(&made.to_string()), "Okta cannot speak of him");
        assert!(!edges.contains(&people[0].as_str().to_owned()));
    }

    async fn r15_a_polled_edge_counts_the_moment_an_active_user_has_that_id(store) {
        let world = World::new(store).await;
        // SCIM was used and no app is named: the poll makes nobody (R16).
        world.store.arrange("UPDATE organization SET scim_used_at = 1").await;
        let people = world.people(2);
        let group = world.group("Engineering", &people);
        world.settle().await;
        world.map(group, "engineering").await;
        world.turn_on().await;
        world.settle().await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users").await, 0);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM edges").await, 2, "stored whole all the same");
        let body = serde_json::json!({ "userName": "p0@example.test", "externalId": people[0].as_str() });
        let received = rosterd::scim::user::parse(body.to_string().as_bytes()).unwrap();
        let cx = world.cx(Channel::Scim);
        rosterd::service::provision::create_user(&world.sync.service, &cx, &received).await.unwrap();
        assert_eq!(world.members().await, ["p0@example.test"]);
    }
}
