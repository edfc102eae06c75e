//! Events, requests, and the loops that run them.

use std::sync::Arc;
use std::time::Duration;

use rosterd::config::Schedule;
use rosterd::model::actor::Channel;
use rosterd::model::id::{OktaGroupId, OktaUserId};
use rosterd::model::pulse::Pulses;
use rosterd::model::run::{RunKind, RunState};
use rosterd::model::stop::{Stop, StopSwitch, stop_channel};
use rosterd::okta::types::HookDelivery;
use rosterd::service::hooks::{HookQueue, hand_over};
use rosterd::service::sync::{Ask, find_request, request};
use rosterd::sim::faults::{Fault, Rule};
use rosterd::store::rereads::Target;
use rosterd::tasks::run_counts::RunCounts;
use rosterd::tasks::{lease, poller};
use tokio::task::JoinHandle;

use super::world::{World, with_team};
use crate::support::stores::on_each_store;

fn hook(targets: Vec<Target>) -> Ask {
    Ask {
        channel: Channel::Hook,
        targets,
        ..Ask::scheduled(RunKind::Hook)
    }
}

on_each_store! {
    async fn a_hook_reads_what_it_names_by_id_and_nothing_else(store) {
        let (world, people, group) = with_team(store, 6).await;
        world.sim.org().suspend(people[0]).unwrap();
        world.sim.org().suspend(people[1]).unwrap();
        world.sim.org().remove_member(group, people[2]).unwrap();
        world.store.clock.advance(1_000);
        world.sim.forget_requests();
        let ask = hook(vec![
            Target::User(OktaUserId::parse(people[0].as_str()).unwrap()),
            Target::Group(OktaGroupId::parse(group.as_str()).unwrap()),
        ]);
        let ended = world.sync.run(world.epoch, &ask).await.unwrap();
        assert_eq!(ended.state, RunState::Applied);
        assert_eq!(world.members().await.len(), 3, "the group's members tell their statuses, too (R8)");
        assert!(world.sim.requests().iter().all(|request| !request.contains("/api/v1/users?") && !request.contains("/api/v1/groups?")));
        // The full run finds nothing to repair; it only notes who is in no mapped group any more (R16).
        let ended = world.settle().await;
        assert!(ended.summary.changes.is_empty(), "{:?}", ended.summary);
    }

    async fn r9_hooks_and_polls_share_the_window(store) {
        let (world, people, group) = with_team(store, 20).await;
        let target = vec![Target::Group(OktaGroupId::parse(group.as_str()).unwrap())];
        for person in &people[..4] {
            world.sim.org().remove_member(group, *person).unwrap();
        }
        world.store.clock.advance(1_000);
        world.sync.run(world.epoch, &hook(target.clone())).await.unwrap();
        assert_eq!(world.members().await.len(), 16);
        world.sim.org().remove_member(group, people[4]).unwrap();
        assert_eq!(world.full().await.state, RunState::Held);
        world.sim.org().add_member(group, people[4]).unwrap();
        let ended = world.sync.run(world.epoch, &hook(target)).await.unwrap();
        assert_eq!(ended.state, RunState::Applied, "the hook came to know that nothing is to be taken");
        assert_eq!(world.store.number("SELECT COUNT(*) FROM runs WHERE state = 'held'").await, 0);
    }

    async fn the_loops_lead_poll_and_answer_requests(store) {
        let world = World::new(store).await;
        let people = world.people(3);
        let group = world.group("Engineering", &people);
        let loops = Loops::start(&world, "0 0 1 1 *").await;
        // Nothing was ever read: the first full run does not wait for a schedule.
        wait(&world, "SELECT COUNT(*) FROM runs WHERE kind = 'full' AND state = 'applied'").await;
        // A mapped group nobody has read is read at once.
        world.map(group, "engineering").await;
        wait(&world, "SELECT COUNT(*) FROM runs WHERE kind = 'delta' AND state = 'applied'").await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM edges").await, 3);
        // Somebody asks, and follows his run.
        world.store.clock.advance(1_000);
        let asked = request(&world.sync.service, &world.cx(Channel::Cli), RunKind::Full, true).await.unwrap();
        wait(&world, "SELECT COUNT(*) FROM runs WHERE dry_run = 1 AND state = 'planned'").await;
        assert!(find_request(&world.sync.service, &asked.id).await.unwrap().run_id.is_some());
        // An event.
        world.sim.org().remove_member(group, people[0]).unwrap();
        world.store.clock.advance(1_000);
        let body = format!(r#"{{"data":{{"events":[{{"uuid":"1","eventType":"x","target":[{{"id":"{}","type":"UserGroup"}}]}}]}}}}"#, group.as_str());
        loops.queue.accept(&HookDelivery::read(body.as_bytes()).unwrap()).unwrap();
        wait(&world, "SELECT COUNT(*) FROM runs WHERE kind = 'hook' AND state = 'applied'").await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM edges").await, 2);
        loops.stop().await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM lease WHERE expires_at > 1800000900000").await, 0, "given back");
    }

    async fn a_stop_keeps_what_events_named(store) {
        let (world, people, _) = with_team(store, 3).await;
        let loops = Loops::start(&world, "0 0 1 1 *").await;
        wait(&world, "SELECT COUNT(*) FROM lease WHERE holder = 'loops'").await;
        let body = format!(r#"{{"data":{{"events":[{{"uuid":"1","eventType":"x","target":[{{"id":"{}","type":"User"}}]}}]}}}}"#, people[0].as_str());
        loops.queue.accept(&HookDelivery::read(body.as_bytes()).unwrap()).unwrap();
        loops.stop().await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM runs WHERE kind = 'hook' AND state = 'applied'").await, 0);
        assert_eq!(world.store.texts("SELECT object FROM rereads").await, [people[0].as_str().to_owned()]);
        assert_eq!(world.store.texts("SELECT kind FROM sync_requests WHERE run_id IS NULL").await, ["delta"]);
    }

    async fn an_event_outlives_the_run_that_could_not_read_it(store) {
        let (world, people, _) = with_team(store, 8).await;
        world.sim.faults().add(Rule::always(Fault::Unavailable).on("okta-organization"));
        let loops = Loops::start(&world, "*/5 * * * * *").await;
        wait(&world, "SELECT COUNT(*) FROM lease WHERE holder = 'loops'").await;
        world.sim.org().suspend(people[0]).unwrap();
        let body = format!(r#"{{"data":{{"events":[{{"uuid":"1","eventType":"x","target":[{{"id":"{}","type":"User"}}]}}]}}}}"#, people[0].as_str());
        loops.queue.accept(&HookDelivery::read(body.as_bytes()).unwrap()).unwrap();
        wait(&world, "SELECT COUNT(*) FROM runs WHERE kind = 'hook' AND state = 'failed'").await;
        wait(&world, "SELECT COUNT(*) FROM rereads WHERE kind = 'user'").await;
        // The delta that was asked for fails as well, and leaves the event where it is.
        wait(&world, "SELECT COUNT(*) FROM runs WHERE kind = 'delta' AND actor = 'event hook' AND state = 'failed'").await;
        assert_eq!(world.store.texts("SELECT object FROM rereads").await, [people[0].as_str().to_owned()]);
        world.sim.faults().clear();
        world.store.clock.advance(6_000);
        wait(&world, "SELECT COUNT(*) FROM runs WHERE kind = 'delta' AND state = 'applied'").await;
        loops.stop().await;
        assert_eq!(world.members().await.len(), 7);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM rereads").await, 0);
    }

    async fn a_first_full_run_that_failed_is_tried_again_when_a_delta_is_due(store) {
        let world = World::new(store).await;
        world.sim.faults().add(Rule::always(Fault::Unavailable).on("okta-organization"));
        let loops = Loops::start(&world, "*/5 * * * * *").await;
        wait(&world, "SELECT COUNT(*) FROM runs WHERE kind = 'full' AND state = 'failed'").await;
        world.sim.faults().clear();
        world.store.clock.advance(6_000);
        wait(&world, "SELECT COUNT(*) FROM runs WHERE kind = 'full' AND state = 'applied'").await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM runs WHERE kind = 'delta'").await, 0, "a delta sees no assignments");
        world.store.clock.advance(6_000);
        wait(&world, "SELECT COUNT(*) FROM runs WHERE kind = 'delta' AND state = 'applied'").await;
        loops.stop().await;
    }

    async fn a_daemon_that_does_not_poll_hands_events_over(store) {
        let (world, people, _) = with_team(store, 3).await;
        let target = Target::User(OktaUserId::parse(people[0].as_str()).unwrap());
        hand_over(&world.sync.service, &[target]).await.unwrap();
        assert_eq!(world.store.texts("SELECT kind FROM rereads").await, ["user"]);
        assert_eq!(world.store.texts("SELECT kind FROM sync_requests").await, ["delta"]);
        world.delta().await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM rereads").await, 0);
    }
}

/// The loops of a daemon whose full runs are due once a year.
struct Loops {
    switch: StopSwitch,
    leading: JoinHandle<()>,
    polling: JoinHandle<()>,
    queue: Arc<HookQueue>,
}

impl Loops {
    async fn start(world: &World, delta: &str) -> Self {
        world.store.arrange("DELETE FROM lease").await;
        let (switch, listener) = stop_channel();
        let (tell, epoch) = tokio::sync::watch::channel(None);
        let pulses = Pulses::default();
        let mut sync = world.sync.clone();
        sync.holder = "loops".to_owned();
        let leading = tokio::spawn(lease::run(
            sync.service.clone(),
            sync.holder.clone(),
            tell,
            switch.listen(),
            pulses.add("lease", lease::PATIENCE),
        ));
        let queue = Arc::new(HookQueue::new(10));
        let polling = poller::Poller {
            counts: RunCounts::default(),
            clock: Arc::clone(&sync.clock),
            sync,
            plan: poller::Plan {
                full: Schedule::parse("0 0 1 1 *").unwrap(),
                delta: Schedule::parse(delta).unwrap(),
                seed: 1,
            },
            changed: tokio::sync::watch::channel(None).1,
            epoch,
            hooks: Arc::clone(&queue),
            pulse: pulses.add("poller", poller::PATIENCE),
        };
        let polling = tokio::spawn(polling.run(listener));
        Self {
            switch,
            leading,
            polling,
            queue,
        }
    }

    async fn stop(self) {
        self.switch.raise(Stop::Soft);
        self.polling.await.unwrap();
        self.leading.await.unwrap();
    }
}

async fn wait(world: &World, statement: &'static str) {
    for _ in 0..600 {
        if world.store.number(statement).await > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {statement}");
}
