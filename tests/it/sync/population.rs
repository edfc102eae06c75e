//! R16: who is to be here.

use rosterd::model::run::RunState;
use rosterd::service::Settings;

use super::world::{World, with_team};
use crate::support::stores::on_each_store;

const HOUR_MS: i64 = 60 * 60 * 1000;

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
}
