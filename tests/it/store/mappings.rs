//! `store::mappings`.

use rosterd::model::id::{GroupId, MappingId, TeamId};
use rosterd::model::mapping::{Mapping, MappingState};
use rosterd::store::{Store, groups, mappings, mirror};

use super::setup::{
    at, deactivate, group, join, map, okta_group, read, run_id, team, unseen_user, user, write,
};
use crate::support::stores::on_each_store;

async fn add(
    store: &Store,
    team: &TeamId,
    group: Option<&GroupId>,
    written: &str,
) -> Option<MappingId> {
    write(store, async |tx| {
        mappings::insert(tx, team, group, written, "mira").await
    })
    .await
}

async fn find(store: &Store, id: &MappingId) -> Option<Mapping> {
    read(store, async |tx| mappings::find(tx, id).await).await
}

async fn ids(store: &Store) -> Vec<MappingId> {
    let all = read(store, async |tx| mappings::list(tx).await).await;
    all.into_iter().map(|mapping| mapping.id).collect()
}

async fn remove(store: &Store, id: &MappingId) {
    let mapping = find(store, id).await.expect("a mapping");
    write(store, async |tx| mappings::remove(tx, &mapping).await).await;
}

/// Takes both sides of a group away.
async fn part(store: &Store, id: &GroupId) {
    write(store, async |tx| {
        let mut group = groups::find(tx, id).await?.expect("a group");
        (group.scim, group.okta) = (false, None);
        groups::update(tx, &group, 0).await
    })
    .await;
}

on_each_store! {
    async fn a_mapping_is_shown_with_its_team_and_the_group_it_leads_from(store) {
        let (group, team) = (group(&store, "Group").await, team(&store, "Team").await);
        store.clock.advance(5);
        let id = add(&store, &team, Some(&group), "group").await.expect("a new mapping");
        join(&store, &group, &["a", "b"]).await;
        let found = find(&store, &id).await.expect("a mapping");
        assert_eq!((&found.id, &found.team, found.group.as_ref()), (&id, &team, Some(&group)));
        assert_eq!((found.team_name.as_str(), found.written.as_str()), ("Team", "group"));
        assert_eq!((found.group_name.as_deref(), found.members), (Some("Group"), 2));
        assert_eq!((found.created_by.as_str(), found.created_at), ("mira", at(5)));
        let nobody = MappingId::parse(run_id(1).as_str()).expect("an id");
        assert!(find(&store, &nobody).await.is_none());
    }

    async fn r17_a_team_has_a_group_once_and_a_name_once(store) {
        let (one, other) = (group(&store, "Group").await, group(&store, "Group").await);
        let (team, second) = (team(&store, "Team").await, team(&store, "Second").await);
        let mut made = Vec::new();
        for (team, group, written) in [
            (&team, Some(&one), "Group"),
            (&team, Some(&other), "Group"),
            (&second, Some(&one), "Group"),
            (&team, None, "Group"),
            (&team, None, "group"),
        ] {
            made.extend(add(&store, team, group, written).await);
        }
        assert_eq!(made.len(), 5);
        assert_eq!(add(&store, &team, Some(&one), "otherwise written").await, None);
        assert_eq!(add(&store, &team, None, "Group").await, None);
        assert_eq!(ids(&store).await, made, "the oldest first");
        let to_team = read(&store, async |tx| mappings::list_to_team(tx, &team).await).await;
        let to_team: Vec<MappingId> = to_team.into_iter().map(|mapping| mapping.id).collect();
        let expected: Vec<MappingId> = [0, 1, 3, 4].map(|n| made[n].clone()).into();
        assert_eq!(to_team, expected);
    }

    async fn r17_a_mapping_is_bound_waits_is_being_read_or_gone(store) {
        let team = team(&store, "Team").await;
        let (scim, okta) = (group(&store, "Scim").await, okta_group(&store, "00g1", "Okta").await);
        let waits = add(&store, &team, None, "Nobody").await.expect("a new mapping");
        let (bound, reading) = (map(&store, &scim, &team).await, map(&store, &okta, &team).await);
        let state = async |id| {
            let found = find(&store, id).await.expect("a mapping");
            (found.state, found.group_name)
        };
        assert_eq!(state(&waits).await, (MappingState::Unbound, None));
        assert_eq!(state(&bound).await, (MappingState::Bound, Some("Scim".to_owned())), "SCIM says its members itself");
        assert_eq!(state(&reading).await, (MappingState::Reading, Some("Okta".to_owned())));
        write(&store, async |tx| mirror::update_members_read(tx, &okta).await).await;
        assert_eq!(state(&reading).await.0, MappingState::Bound);
        part(&store, &scim).await;
        part(&store, &okta).await;
        assert_eq!(state(&bound).await.0, MappingState::Gone);
        assert_eq!(state(&reading).await.0, MappingState::Gone);
        assert_eq!(ids(&store).await.len(), 3, "mappings stay");
    }

    async fn r17_a_mapping_shows_oktas_name_where_there_is_one(store) {
        let (group, team) = (okta_group(&store, "00g1", "In Okta").await, team(&store, "Team").await);
        write(&store, async |tx| {
            let mut both = groups::find(tx, &group).await?.expect("a group");
            (both.scim, both.scim_name) = (true, Some("Pushed".to_owned()));
            groups::update(tx, &both, 0).await
        })
        .await;
        let id = map(&store, &group, &team).await;
        let found = find(&store, &id).await.expect("a mapping");
        assert_eq!(found.group_name.as_deref(), Some("In Okta"));
        assert_eq!(found.state, MappingState::Bound, "one of its sides says its members");
    }

    async fn a_mapping_that_comes_or_goes_is_seen_at_its_group_but_not_in_its_etag(store) {
        let (group, team) = (group(&store, "Group").await, team(&store, "Team").await);
        let mut seen = Vec::new();
        for _ in 0..2 {
            seen.push(store.number("SELECT mapping_seq FROM idp_groups").await);
            let id = map(&store, &group, &team).await;
            seen.push(store.number("SELECT mapping_seq FROM idp_groups").await);
            remove(&store, &id).await;
            assert_eq!(ids(&store).await, []);
        }
        assert_eq!(seen, [0, 1, 2, 3]);
        let group = read(&store, async |tx| groups::find(tx, &group).await).await.expect("a group");
        assert_eq!(group.version, 1);
    }

    async fn removing_a_mapping_leaves_the_others(store) {
        let (group, one, two) = (group(&store, "a").await, team(&store, "one").await, team(&store, "two").await);
        let (first, second) = (map(&store, &group, &one).await, map(&store, &group, &two).await);
        let waits = add(&store, &one, None, "b").await.expect("a new mapping");
        remove(&store, &first).await;
        assert_eq!(ids(&store).await, [second.clone(), waits.clone()]);
        remove(&store, &waits).await;
        assert_eq!(ids(&store).await, [second]);
        assert!(add(&store, &one, Some(&group), "a").await.is_some(), "it may be made again");
    }

    async fn r3_a_mapping_is_live_while_its_group_has_an_active_member_known_here(store) {
        let (a, b, team) = (
            group(&store, "a").await,
            okta_group(&store, "00g1", "b").await,
            team(&store, "Team").await,
        );
        let live = async |except| read(&store, async |tx| mappings::count_live(tx, except).await).await;
        let (of_a, of_b) = (map(&store, &a, &team).await, map(&store, &b, &team).await);
        add(&store, &team, None, "waits").await;
        join(&store, &a, &["00uNobodyHere"]).await;
        assert_eq!(live(None).await, 0);
        let mira = user(&store, "mira@x", Some("00u1")).await;
        let noor = unseen_user(&store, "noor@x", Some("00u2")).await;
        join(&store, &a, &["00u1", "00u2"]).await;
        join(&store, &b, &["00u1"]).await;
        assert_eq!(live(None).await, 2, "of a group with two such members one mapping");
        assert_eq!(live(Some(&of_a)).await, 1);
        assert_eq!(live(Some(&of_b)).await, 1);
        deactivate(&store, &[&mira]).await;
        assert_eq!(live(None).await, 1);
        assert_eq!(live(Some(&of_a)).await, 0, "it is the last");
        deactivate(&store, &[&noor]).await;
        assert_eq!(live(None).await, 0);
        user(&store, "new@x", Some("00uNobodyHere")).await;
        assert_eq!(live(None).await, 1, "the edge was there before him");
        part(&store, &a).await;
        assert_eq!(live(None).await, 0, "R17: a gone group's does not count");
    }

    async fn of_two_that_make_the_same_mapping_at_once_one_does(store) {
        let (second, group) = (store.second().await, group(&store, "Group").await);
        for round in 0..6 {
            let team = team(&store, &format!("team {round}")).await;
            let (here, there) = tokio::join!(
                add(&store, &team, Some(&group), "here"),
                add(&second, &team, Some(&group), "there"),
            );
            assert!(here.is_some() != there.is_some(), "{round}: {here:?} {there:?}");
            let found = read(&store, async |tx| mappings::list_to_team(tx, &team).await).await;
            assert_eq!(found.len(), 1);
            assert_eq!(Some(&found[0].id), here.as_ref().or(there.as_ref()));
        }
        second.close().await;
    }
}
