//! `store::bindings`.

use rosterd::model::id::{GroupId, TeamId};
use rosterd::store::bindings::{self, Written};
use rosterd::store::{Store, groups, mappings};

use super::setup::{at, group, map, okta_group, read, team, write};
use crate::support::stores::on_each_store;

/// A mapping that waits for a group of this name.
async fn wait(store: &Store, team: &TeamId, name: &str) -> Written {
    let made = write(store, async |tx| {
        mappings::insert(tx, team, None, name, "mira").await
    })
    .await;
    Written {
        id: made.expect("a new mapping"),
        team: team.clone(),
    }
}

async fn bind(store: &Store, name: &str, group: &GroupId) -> (Vec<Written>, Vec<Written>) {
    let (mut bound, mut dropped) =
        write(store, async |tx| bindings::bind(tx, name, group).await).await;
    bound.sort_by(|a, b| a.id.cmp(&b.id));
    dropped.sort_by(|a, b| a.id.cmp(&b.id));
    (bound, dropped)
}

/// Which team is led to from which group, by the order the mappings were made in.
async fn leading(store: &Store) -> Vec<(TeamId, Option<GroupId>)> {
    let all = read(store, async |tx| mappings::list(tx).await).await;
    all.into_iter()
        .map(|mapping| (mapping.team, mapping.group))
        .collect()
}

on_each_store! {
    async fn the_teams_that_a_group_leads_to_are_each_named_once(store) {
        let (a, b) = (group(&store, "a").await, group(&store, "b").await);
        let (one, two) = (team(&store, "one").await, team(&store, "two").await);
        for team in [&one, &two] {
            map(&store, &a, team).await;
        }
        map(&store, &b, &two).await;
        wait(&store, &one, "b").await;
        let of = async |group| read(&store, async |tx| bindings::list_teams(tx, group).await).await;
        let mut of_a = of(&a).await;
        of_a.sort();
        let mut both = [one, two.clone()];
        both.sort();
        assert_eq!(of_a, both);
        assert_eq!(of(&b).await, [two]);
        assert_eq!(of(&group(&store, "c").await).await, []);
    }

    async fn r17_a_name_is_awaited_exactly_as_written_until_it_is_bound(store) {
        let (group, one) = (group(&store, "Group").await, team(&store, "one").await);
        let awaited = async |name| read(&store, async |tx| bindings::is_awaited(tx, name).await).await;
        assert!(!awaited("Group").await);
        wait(&store, &one, "Group").await;
        assert!(awaited("Group").await);
        assert!(!awaited("group").await);
        bind(&store, "Group", &group).await;
        assert!(!awaited("Group").await);
    }

    async fn r17_a_group_is_named_as_in_okta_else_as_pushed_and_never_when_gone(store) {
        let scim = group(&store, "Name").await;
        let okta = okta_group(&store, "00g1", "Name").await;
        let joined = okta_group(&store, "00g2", "In Okta").await;
        let gone = group(&store, "Name").await;
        write(&store, async |tx| {
            let mut both = groups::find(tx, &joined).await?.expect("a group");
            (both.scim, both.scim_name) = (true, Some("Name".to_owned()));
            groups::update(tx, &both, 0).await?;
            let mut neither = groups::find(tx, &gone).await?.expect("a group");
            neither.scim = false;
            groups::update(tx, &neither, 0).await
        })
        .await;
        let named = async |name| {
            let found = read(&store, async |tx| bindings::find_named(tx, name).await).await;
            let mut ids: Vec<GroupId> = found.into_iter().map(|group| group.id).collect();
            ids.sort();
            ids
        };
        let mut both = [scim, okta];
        both.sort();
        assert_eq!(named("Name").await, both, "what Okta calls otherwise is not called so");
        assert_eq!(named("In Okta").await, [joined]);
        assert_eq!(named("name").await, [], "case tells names apart");
    }

    async fn r17_a_name_binds_what_waits_for_it_and_drops_what_is_there_already(store) {
        let (one, two, three) = (team(&store, "one").await, team(&store, "two").await, team(&store, "three").await);
        let (group, elsewhere) = (group(&store, "Group").await, group(&store, "Group").await);
        let first = wait(&store, &one, "Group").await;
        let twice = wait(&store, &two, "Group").await;
        wait(&store, &three, "Another").await;
        map(&store, &group, &two).await;
        map(&store, &elsewhere, &three).await;
        let seq = async || store.texts("SELECT CAST(mapping_seq AS TEXT) FROM idp_groups ORDER BY seq").await;
        assert_eq!(seq().await, ["1", "1"]);
        store.clock.advance(5);
        assert_eq!(bind(&store, "Group", &group).await, (vec![first], vec![twice]));
        assert_eq!(seq().await, ["2", "1"], "the group's row comes first");
        let expected = [
            (one, Some(group.clone())),
            (three.clone(), None),
            (two, Some(group.clone())),
            (three, Some(elsewhere)),
        ];
        assert_eq!(leading(&store).await, expected);
        let changed = store.number("SELECT MAX(updated_at) FROM mappings").await;
        assert_eq!(changed, at(5).as_millis());
        assert_eq!(bind(&store, "Group", &group).await, (vec![], vec![]), "nothing waits any more");
        assert_eq!(leading(&store).await, expected);
    }

    async fn r17_mappings_follow_a_group_into_another_and_unite(store) {
        let (one, two) = (team(&store, "one").await, team(&store, "two").await);
        let (from, to, third) = (group(&store, "from").await, group(&store, "to").await, group(&store, "third").await);
        let twice = map(&store, &from, &one).await;
        map(&store, &from, &two).await;
        map(&store, &to, &one).await;
        map(&store, &third, &two).await;
        wait(&store, &one, "from").await;
        let dropped = write(&store, async |tx| bindings::repoint(tx, &from, &to).await).await;
        assert_eq!(dropped, [Written { id: twice, team: one.clone() }]);
        let expected = [
            (two.clone(), Some(to.clone())),
            (one.clone(), Some(to.clone())),
            (two.clone(), Some(third)),
            (one, None),
        ];
        assert_eq!(leading(&store).await, expected);
        let again = write(&store, async |tx| {
            let twice = mappings::insert(tx, &two, Some(&to), "twice", "mira").await?;
            assert_eq!(twice, None, "it is bound to that group");
            bindings::repoint(tx, &from, &to).await
        })
        .await;
        assert_eq!(again, []);
        assert!(write(&store, async |tx| groups::remove(tx, &from).await).await, "nothing points to it");
    }
}
