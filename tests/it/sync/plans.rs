//! What a run writes into its history, and what a dry run shows of it beforehand.

use rosterd::model::actor::Channel;
use rosterd::model::run::{Outcome, RunKind, RunState};
use rosterd::service::sync::{Ask, Ended};
use rosterd::service::{mappings, run_views};
use rosterd::store::{Tx, teams};

use super::world::{World, with_team};
use crate::support::stores::on_each_store;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn dry(world: &World) -> Ended {
    world.store.clock.advance(1_000);
    let ask = Ask {
        dry_run: true,
        ..Ask::scheduled(RunKind::Full)
    };
    let ended = world.sync.run(world.epoch, &ask).await.unwrap();
    assert_eq!(ended.state, RunState::Planned);
    ended
}

/// What a run did or would do, in words.
async fn told(world: &World, ended: &Ended) -> Vec<(String, &'static str, String)> {
    let changes = run_views::changes(&world.sync.service, &ended.id, None, 0, 100)
        .await
        .unwrap();
    changes
        .into_iter()
        .map(|change| (change.text, change.outcome, change.reason))
        .collect()
}

on_each_store! {
    async fn r17_a_join_by_push_mapping_is_in_the_history_and_in_the_plan(store) {
        let world = World::with_app(store).await;
        let source = world.group("Engineering", &world.people(3));
        world.settle().await;
        world.scim_group("Engineering").await;
        world.sim.org().push_group(source).unwrap();

        let ended = dry(&world).await;
        let planned = told(&world, &ended).await;
        assert_eq!(planned.len(), 1, "{planned:?}");
        assert_eq!(planned[0].1, Outcome::Planned.as_str());
        assert!(planned[0].0.contains("Engineering") && planned[0].2.contains("push"), "{planned:?}");
        assert_eq!(world.store.number("SELECT COUNT(*) FROM idp_groups WHERE joined_by IS NOT NULL").await, 0);

        let ended = world.settle().await;
        let done = told(&world, &ended).await;
        assert_eq!(done.len(), 1, "{done:?}");
        assert_eq!((&done[0].0, done[0].1), (&planned[0].0, Outcome::Applied.as_str()));
        assert_eq!(ended.summary.joined, 1);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM idp_groups WHERE joined_by IS NOT NULL").await, 1);
        assert!(told(&world, &world.settle().await).await.is_empty(), "R10");
    }

    async fn r17_a_mapping_that_waits_for_a_name_is_bound_by_the_join(store) {
        let world = World::with_app(store).await;
        let source = world.group("Engineering", &world.people(3));
        world.settle().await;
        world.scim_group("Engineering").await;
        world.store.write(async |tx: &mut Tx| teams::insert(tx, "engineering", None).await).await.unwrap();
        let cx = world.cx(Channel::Cli);
        mappings::add(&world.sync.service, &cx, "Engineering", "engineering").await.unwrap();
        let bound = || world.store.number("SELECT COUNT(*) FROM mappings WHERE group_id IS NOT NULL");
        assert_eq!(bound().await, 0, "two groups bear the name");
        world.sim.org().push_group(source).unwrap();
        world.settle().await;
        assert_eq!(bound().await, 1);
    }

    async fn r16_a_mapping_bound_by_name_reads_the_members_anew(store) {
        let (world, people, group) = with_team(store, 4).await;
        world.store.arrange("UPDATE idp_groups SET okta_name = 'Platform' WHERE id IN (SELECT group_id FROM mappings)").await;
        world.store.arrange("DELETE FROM mappings").await;
        world.sim.org().rename_group(group, "Platform").unwrap();
        world.sim.org().remove_member(group, people[0]).unwrap();
        let twin = world.group("Platform", &[]);
        world.settle().await;
        // So long ago that no overlap of a delta reaches back to it.
        world.store.clock.advance(DAY_MS);
        world.settle().await;
        let cx = world.cx(Channel::Cli);
        mappings::add(&world.sync.service, &cx, "Platform", "engineering").await.unwrap();
        world.sim.org().rename_group(twin, "Other").unwrap();
        world.delta().await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM mappings WHERE group_id IS NOT NULL").await, 1);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM edges").await, 3, "he left while nobody looked");
    }

    async fn r17_a_group_of_okta_s_is_joined_by_the_name_it_is_given(store) {
        let world = World::new(store).await;
        let group = world.group("A", &world.people(3));
        let twin = world.group("Platform", &[]);
        world.settle().await;
        world.store.clock.advance(60_000);
        world.scim_group("Platform").await;
        world.sim.org().rename_group(group, "Platform").unwrap();
        world.settle().await;
        let ambiguous = || world.store.number("SELECT COUNT(*) FROM problems WHERE code = 'group_ambiguous'");
        assert_eq!(ambiguous().await, 1, "two groups of Okta's are called so");
        world.sim.org().rename_group(twin, "Platform (old)").unwrap();
        world.settle().await;
        assert_eq!(ambiguous().await, 0, "what the problem advised was done");
        world.sim.org().rename_group(group, "A").unwrap();
        world.settle().await;
        world.sim.org().rename_group(group, "Platform").unwrap();
        world.settle().await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM idp_groups WHERE joined_by IS NOT NULL").await, 1);
    }

    async fn r16_a_dry_run_shows_who_would_be_let_go(store) {
        let (world, people, group) = with_team(store, 4).await;
        world.sim.org().remove_member(group, people[0]).unwrap();
        world.settle().await;
        world.store.clock.advance(DAY_MS);
        let before = world.dump().await.len();
        let ended = dry(&world).await;
        let planned = told(&world, &ended).await;
        assert_eq!(planned.len(), 1, "{planned:?}");
        assert!(planned[0].0.contains("in no mapped group"), "{planned:?}");
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users WHERE active = 1").await, 4);
        assert_eq!(world.dump().await.len(), before + 1, "the plan is all that was written");
        world.settle().await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users WHERE active = 1").await, 3);
    }
}
