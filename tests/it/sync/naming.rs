//! R17: which group a mapping written by name leads from, as Okta's groups come, go and are renamed.

use rosterd::model::actor::Channel;
use rosterd::model::mapping::MappingState;
use rosterd::service::{mappings, teams};

use super::world::World;
use crate::support::stores::on_each_store;

async fn map_by_name(world: &World, name: &str, team: &str) -> MappingState {
    let cli = world.cx(Channel::Cli);
    teams::create(&world.sync.service, &cli, team, None)
        .await
        .unwrap();
    let made = mappings::add(&world.sync.service, &cli, name, team).await;
    made.unwrap().state
}

on_each_store! {
    async fn r17_a_waiting_name_binds_when_its_twin_is_deleted_in_okta(store) {
        let world = World::new(store).await;
        let people = world.people(3);
        let (first, second) = (world.group("Twins", &people[..1]), world.group("Twins", &people[1..]));
        world.settle().await;
        assert_eq!(map_by_name(&world, "Twins", "core").await, MappingState::Unbound, "two bear it");
        world.turn_on().await;
        world.settle().await;
        assert!(world.members().await.is_empty());
        world.sim.org().delete_group(first).unwrap();
        world.settle().await;
        world.settle().await;
        assert_eq!(world.members().await, ["p1@example.test", "p2@example.test"]);
        let bound = world.store.texts("SELECT g.okta_id FROM mappings m JOIN idp_groups g ON g.id = m.group_id").await;
        assert_eq!(bound, [second.as_str().to_owned()]);
    }

    async fn r17_a_waiting_name_binds_when_its_twin_is_renamed_in_okta(store) {
        let world = World::new(store).await;
        let people = world.people(3);
        let (first, second) = (world.group("Twins", &people[..1]), world.group("Twins", &people[1..]));
        world.settle().await;
        assert_eq!(map_by_name(&world, "Twins", "core").await, MappingState::Unbound);
        world.turn_on().await;
        world.sim.org().rename_group(second, "Single").unwrap();
        world.settle().await;
        assert_eq!(world.members().await, ["p0@example.test"]);
        // Once bound it stays, also when the other one is called so again.
        world.sim.org().rename_group(second, "Twins").unwrap();
        world.sim.org().rename_group(first, "Other").unwrap();
        world.settle().await;
        assert_eq!(world.members().await, ["p0@example.test"]);
    }

    async fn r17_a_group_made_anew_under_the_old_name_of_a_mapped_one_is_a_newcomer(store) {
        let world = World::new(store).await;
        let people = world.people(3);
        let old = world.group("Core", &people[..2]);
        world.settle().await;
        assert_eq!(map_by_name(&world, "Core", "core").await, MappingState::Reading);
        world.turn_on().await;
        world.settle().await;
        assert_eq!(world.members().await.len(), 2);
        world.sim.org().delete_group(old).unwrap();
        world.group("Core", &people);
        world.settle().await;
        world.settle().await;
        assert!(world.members().await.is_empty(), "the mapping stays with the gone one");
        let state = mappings::list(&world.sync.service).await.unwrap().remove(0).state;
        assert_eq!(state, MappingState::Gone);
    }
}
