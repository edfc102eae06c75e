//! R8: a poll never acts on half a truth.

use rosterd::model::run::{RunKind, RunState};
use rosterd::service::sync::Halt;
use rosterd::sim::faults::{Fault, Rule};

use super::world::with_team;
use crate::support::stores::on_each_store;

on_each_store! {
    async fn r8_a_group_that_cannot_be_read_whole_stays_as_it_is_and_blocks_nothing(store) {
        let (world, people, group) = with_team(store, 8).await;
        let other = world.group("Other", &people[..3]);
        world.settle().await;
        world.map(other, "other").await;
        world.settle().await;
        for fault in [
            Fault::Forbidden,
            Fault::InternalError,
            Fault::TruncatedBody,
            Fault::HtmlPage,
            Fault::NextElsewhere("https://evil.example.test/x".to_owned()),
            Fault::RepeatedPage,
        ] {
            let name = format!("{fault:?}");
            world.sim.org().remove_member(group, people[7]).unwrap();
            world.sim.org().remove_member(other, people[0]).unwrap();
            world.sim.faults().add(Rule::always(fault).on(&format!("/groups/{}/users", group.as_str())));
            let ended = world.full().await;
            assert_eq!(ended.state, RunState::Applied, "{name}");
            assert_eq!(ended.summary.unknown.len(), 1, "{name}: {:?}", ended.summary.unknown);
            assert_eq!(world.members().await.len(), 8 + 2, "{name}: the other group went on");
            world.sim.faults().clear();
            world.delta().await;
            assert_eq!(world.members().await.len(), 7 + 2, "{name}: read by id by the next run");
            assert_eq!(world.store.number("SELECT COUNT(*) FROM rereads").await, 0);
            world.sim.org().add_member(group, people[7]).unwrap();
            world.sim.org().add_member(other, people[0]).unwrap();
            world.full().await;
            world.store.clock.advance(25 * 60 * 60 * 1000);
        }
    }

    async fn r8_a_listing_cut_short_deactivates_nobody_and_removes_no_group(store) {
        let (world, people, group) = with_team(store, 25).await;
        world.sim.org().delete_user(people[0]).err();
        world.sim.org().deactivate(people[0]).unwrap();
        world.sim.org().delete_user(people[0]).unwrap();
        let _ = group;
        world.sim.faults().add(Rule::always(Fault::Unavailable).on("/api/v1/users?").after(1));
        let ended = world.full().await;
        assert!(ended.summary.unknown.iter().any(|unknown| unknown.object == "the listing of users"));
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users WHERE status = 'DELETED'").await, 0);
        world.sim.faults().clear();
        world.settle().await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users WHERE status = 'DELETED' AND active = 0").await, 1);
    }

    async fn r8_absence_without_a_404_is_unknown(store) {
        let (world, ..) = with_team(store, 8).await;
        let before = world.dump().await;
        // The listing comes whole without the group, and the read by id is refused: what a lost permission looks like.
        world.sim.faults().add(Rule::always(Fault::EmptyList).on("/api/v1/groups?"));
        world.sim.faults().add(Rule::always(Fault::Forbidden).on("/api/v1/groups/00g"));
        let ended = world.full().await;
        assert!(ended.summary.unknown.len() >= 3, "{:?}", ended.summary.unknown);
        assert_eq!(ended.state, RunState::Applied, "{:?}", ended.summary);
        // What could not be read is read by id by the next run; nothing else is noted.
        let mut after = world.dump().await;
        let listed = world.store.texts("SELECT kind || '|' || object || '|' || since FROM rereads").await;
        assert!(!listed.is_empty());
        after.retain(|line| !listed.contains(line));
        assert_eq!(after, before);
        world.sim.faults().clear();
        world.settle().await;
        assert_eq!(world.members().await.len(), 8);
    }

    async fn r8_answers_of_another_org_change_nothing(store) {
        let (world, people, group) = with_team(store, 8).await;
        world.sim.org().remove_member(group, people[0]).unwrap();
        world.sim.faults().add(Rule::always(Fault::WrongOrg));
        let ended = world.try_run(RunKind::Full).await;
        assert!(matches!(ended, Err(Halt::OtherOrg { .. })), "{ended:?}");
        assert_eq!(world.members().await.len(), 8);
        assert_eq!(world.store.texts("SELECT code FROM problems").await, ["okta_org_changed"]);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM runs WHERE state = 'failed'").await, 1);
        world.sim.faults().clear();
        world.settle().await;
        assert_eq!(world.members().await.len(), 7);
        assert!(world.store.texts("SELECT code FROM problems").await.is_empty());
    }

    async fn a_pause_keeps_every_run_from_applying(store) {
        let (world, people, group) = with_team(store, 8).await;
        world.sim.org().remove_member(group, people[0]).unwrap();
        let cx = world.cx(rosterd::model::actor::Channel::Cli);
        rosterd::service::mode::pause(&world.sync.service, &cx, None).await.unwrap();
        assert!(matches!(world.try_run(RunKind::Full).await, Err(Halt::Paused)));
        assert_eq!(world.members().await.len(), 8);
        rosterd::service::mode::resume(&world.sync.service, &cx).await.unwrap();
        world.settle().await;
        assert_eq!(world.members().await.len(), 7);
    }
}
