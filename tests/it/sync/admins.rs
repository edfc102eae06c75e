//! R5: of several admins in one plan the longest-standing is kept, also where the plan takes several transactions.

use rosterd::model::actor::Channel;
use rosterd::model::id::OktaUserId;
use rosterd::model::run::RunState;
use rosterd::model::team::organization_admin;
use rosterd::service::{GuardSettings, Settings, mappings, runs};
use rosterd::sim::org::OktaId;

use super::world::World;
use crate::support::stores::{TestStore, on_each_store};

/// More than one transaction takes.
const CROWD: usize = 300;

/// Three admins, of whom the first is the oldest in Okta's listing, too, among a crowd; suspended, all of them.
async fn suspended(store: TestStore, guard: GuardSettings) -> (World, OktaId) {
    let settings = Settings {
        guard,
        ..Settings::default()
    };
    let world = World::with(store, false, settings).await;
    let first = world.person("first@example.test");
    let mut everybody = world.people(CROWD);
    let others = ["second@example.test", "third@example.test"].map(|login| world.person(login));
    let admins = world.group("Admins", &[first]);
    let all = world.group("Everybody", &everybody);
    world.settle().await;
    world.map(all, "everybody").await;
    let service = &world.sync.service;
    let team = organization_admin();
    mappings::add(
        service,
        &world.cx(Channel::Cli),
        admins.as_str(),
        team.as_str(),
    )
    .await
    .unwrap();
    world.turn_on().await;
    world.settle().await;
    for other in others {
        world.sim.org().add_member(admins, other).unwrap();
    }
    world.settle().await;
    world.store.clock.advance(25 * 60 * 60 * 1000);
    everybody.insert(0, first);
    everybody.extend(others);
    for person in &everybody {
        world.sim.org().suspend(*person).unwrap();
    }
    (world, first)
}

async fn only_the_first_is_left(world: &World, first: OktaId) {
    let active = world
        .store
        .texts("SELECT okta_id FROM users WHERE active = 1")
        .await;
    assert_eq!(
        active.first().and_then(|id| OktaUserId::parse(id)),
        OktaUserId::parse(first.as_str())
    );
    assert_eq!(active.len(), 1, "{active:?}");
    assert_eq!(world.members().await, ["first@example.test"]);
}

on_each_store! {
    async fn r5_a_run_that_takes_every_admin_keeps_the_longest_standing(store) {
        let unguarded = GuardSettings {
            user_percent: 100,
            team_percent: 100,
            emptied_group_floor: i64::MAX,
            ..GuardSettings::default()
        };
        let (world, first) = suspended(store, unguarded).await;
        let ended = world.full().await;
        assert_eq!(ended.state, RunState::Applied, "{:?}", ended.summary);
        only_the_first_is_left(&world, first).await;
    }

    async fn r5_an_approval_that_takes_every_admin_keeps_the_longest_standing(store) {
        let (world, first) = suspended(store, GuardSettings::default()).await;
        let held = world.full().await;
        assert_eq!(held.state, RunState::Held, "{:?}", held.summary);
        let decision = runs::approve(&world.sync.service, &world.cx(Channel::Cli), &held.id).await.unwrap();
        assert_eq!((decision.done, decision.left_out), (303, 0));
        only_the_first_is_left(&world, first).await;
    }
}
