//! `store::group_sides`.

use rosterd::model::actor::Channel;
use rosterd::model::group::{IdpGroup, JoinedBy};
use rosterd::model::id::GroupId;
use rosterd::store::edges;
use rosterd::store::group_sides;
use rosterd::store::stamps::{self, Object};
use rosterd::store::{Store, StoreError, Tx, groups};

use super::groups::okta_side;
use super::setup::{at, edge, group, join, okta_group, read, user, write};
use crate::support::stores::on_each_store;

async fn find(store: &Store, id: &GroupId) -> IdpGroup {
    let found = read(store, async |tx| groups::find(tx, id).await).await;
    found.expect("a group")
}

async fn members(store: &Store, group: &GroupId) -> Vec<String> {
    read(store, async |tx| edges::list(tx, group, None, 99).await).await
}

/// Puts members into a group, as a push does.
async fn push(store: &Store, group: &GroupId, members: &[&str]) {
    let all: Vec<_> = members.iter().map(|member| edge(group, member)).collect();
    write(store, async |tx| {
        edges::insert_many(tx, Channel::Scim, &all).await
    })
    .await;
}

async fn unite(store: &Store, scim: &GroupId, okta: &GroupId) -> IdpGroup {
    let (scim, okta) = (find(store, scim).await, find(store, okta).await);
    let wanted = IdpGroup {
        okta: okta.okta.clone(),
        joined_by: Some(JoinedBy::Admin),
        ..scim
    };
    write(store, async |tx| {
        group_sides::unite(tx, &wanted, &okta).await
    })
    .await
}

on_each_store! {
    async fn r17_two_groups_become_one_with_the_edges_of_both(store) {
        let (scim, okta) = (group(&store, "scim").await, okta_group(&store, "00g1", "okta").await);
        let other = group(&store, "other").await;
        push(&store, &scim, &["a", "b"]).await;
        join(&store, &other, &["a"]).await;
        store.clock.advance(5);
        join(&store, &okta, &["b", "c", "d"]).await;
        store.clock.advance(5);
        let united = unite(&store, &scim, &okta).await;
        assert_eq!(united, find(&store, &scim).await, "given as stored now");
        assert_eq!((united.okta.as_ref().map(|side| side.id.as_str()), united.member_count), (Some("00g1"), 4));
        assert_eq!(members(&store, &scim).await, ["a", "b", "c", "d"]);
        let bare = find(&store, &okta).await;
        assert!(bare.gone() && bare.member_count == 0, "{bare:?}");
        assert_eq!(members(&store, &okta).await, [""; 0]);
        assert_eq!(members(&store, &other).await, ["a"]);
        // Of an edge that both had, the later word stands.
        assert_eq!(
            store.texts("SELECT channel || ' ' || member FROM edges WHERE at > 1800000000000 ORDER BY member").await,
            ["poll b", "poll c", "poll d"]
        );
        let first = store.texts("SELECT channel FROM edges WHERE at = 1800000000000 ORDER BY group_id, member").await;
        assert_eq!(first.len(), 2, "the pushed edge, and the other group's");
    }

    async fn r17_an_edge_that_was_pushed_later_stays_a_pushed_one(store) {
        let (scim, okta) = (group(&store, "scim").await, okta_group(&store, "00g1", "okta").await);
        join(&store, &okta, &["a"]).await;
        store.clock.advance(5);
        push(&store, &scim, &["a"]).await;
        assert_eq!(unite(&store, &scim, &okta).await.member_count, 1);
        assert_eq!(store.texts("SELECT channel FROM edges").await, ["scim"]);
    }

    async fn r7_stamps_follow_the_edges_and_the_later_stands(store) {
        let (scim, okta) = (group(&store, "scim").await, okta_group(&store, "00g1", "okta").await);
        let both = |group: &GroupId, member: &str| Object::Edge(group.clone(), member.to_owned());
        write(&store, async |tx| {
            let of_okta = Object::Members(okta.clone());
            let first = [both(&scim, "a"), both(&okta, "b"), of_okta, Object::User("a".to_owned())];
            stamps::insert_many(tx, &first).await
        })
        .await;
        store.clock.advance(5);
        write(&store, async |tx| stamps::insert_many(tx, &[both(&okta, "a"), both(&scim, "c")]).await).await;
        unite(&store, &scim, &okta).await;
        let expected = [
            (Object::User("a".to_owned()), at(0)),
            (both(&scim, "a"), at(5)),
            (both(&scim, "b"), at(0)),
            (both(&scim, "c"), at(5)),
            (Object::Members(scim.clone()), at(0)),
        ];
        let asked = expected.clone().map(|(object, _)| object);
        let mut found = read(&store, async |tx| stamps::find_many(tx, &asked).await).await;
        found.sort();
        assert_eq!(found, expected);
        assert_eq!(store.number("SELECT COUNT(*) FROM stamps").await, 5, "none is left to the other row");
    }

    async fn a_group_that_changed_since_it_was_read_is_neither_united_nor_parted(store) {
        let (scim, okta) = (group(&store, "scim").await, okta_group(&store, "00g1", "okta").await);
        let (old_scim, old_okta) = (find(&store, &scim).await, find(&store, &okta).await);
        join(&store, &okta, &["a"]).await;
        let new_okta = find(&store, &okta).await;
        join(&store, &scim, &["a"]).await;
        let new_scim = find(&store, &scim).await;
        let refused = store
            .write(async |tx: &mut Tx| {
                let refused = [
                    group_sides::unite(tx, &new_scim, &old_okta).await.err(),
                    group_sides::unite(tx, &old_scim, &new_okta).await.err(),
                    group_sides::part(tx, &old_scim).await.err(),
                ];
                Ok::<_, StoreError>(refused.map(|error| matches!(error, Some(StoreError::Stale))))
            })
            .await;
        assert_eq!(refused.unwrap(), [true; 3]);
    }

    async fn r17_a_parted_group_keeps_its_edges_and_okta_gets_those_it_may_know(store) {
        let joined = group(&store, "scim").await;
        let noor = user(&store, "noor@x", None).await;
        user(&store, "mira@x", Some("00u1")).await;
        write(&store, async |tx| {
            let mut both = groups::find(tx, &joined).await?.expect("a group");
            both.okta = Some(okta_side("00g1", "okta"));
            both.members_read_at = Some(tx.now());
            both.joined_by = Some(JoinedBy::Name);
            groups::update(tx, &both, 0).await
        })
        .await;
        push(&store, &joined, &["00u1", "00uNobodyHere", noor.id.as_str()]).await;
        let before = find(&store, &joined).await;
        store.clock.advance(5);
        let (scim, okta) = write(&store, async |tx| group_sides::part(tx, &before).await).await;
        assert_eq!(scim, find(&store, &joined).await);
        assert_eq!(okta, find(&store, &okta.id).await);
        assert_eq!((scim.okta.as_ref(), scim.members_read_at, scim.joined_by), (None, None, None));
        assert_eq!(okta.okta, before.okta);
        assert!(!okta.scim && okta.members_read_at.is_none(), "the next run says which are right");
        assert!(scim.parted && okta.parted, "names do not join them again");
        assert_eq!((scim.member_count, okta.member_count), (3, 2));
        assert_eq!(members(&store, &joined).await.len(), 3);
        assert_eq!(members(&store, &okta.id).await, ["00u1", "00uNobodyHere"]);
        assert_eq!(store.number("SELECT COUNT(*) FROM edges WHERE channel = 'poll' AND at = 1800000000000").await, 2);
    }

    async fn r17_only_scim_can_have_given_the_edges_of_users_without_an_okta_id(store) {
        let (a, b) = (group(&store, "a").await, group(&store, "b").await);
        let (noor, omar) = (user(&store, "noor@x", None).await, user(&store, "omar@x", None).await);
        user(&store, "mira@x", Some("00u1")).await;
        join(&store, &a, &["00u1", "00uNobodyHere", omar.id.as_str(), noor.id.as_str()]).await;
        join(&store, &b, &["00u1"]).await;
        let of = async |group: &GroupId| {
            let found = read(&store, async |tx| group_sides::list_edges_without_okta_id(tx, group).await).await;
            found.into_iter().map(|edge| (edge.group, edge.member)).collect::<Vec<_>>()
        };
        let mut expected = [noor.id, omar.id].map(|id| (a.clone(), id.to_string()));
        expected.sort();
        assert_eq!(of(&a).await, expected);
        assert_eq!(of(&b).await, []);
    }

    async fn what_was_pushed_is_told_from_what_was_polled(store) {
        let (a, b, c) = (group(&store, "a").await, group(&store, "b").await, group(&store, "c").await);
        push(&store, &a, &["00u1", "00u2"]).await;
        join(&store, &b, &["00u1"]).await;
        push(&store, &c, &["00u1"]).await;
        let pushed = async |member| read(&store, async |tx| group_sides::list_pushed_edges(tx, member).await).await;
        let mut expected = [edge(&a, "00u1"), edge(&c, "00u1")];
        expected.sort();
        assert_eq!(pushed("00u1").await, expected);
        assert_eq!(pushed("00u2").await, [edge(&a, "00u2")]);
        assert_eq!(pushed("00u3").await, []);
    }

    async fn the_groups_of_a_member_are_told_by_their_ids_in_okta(store) {
        let (a, b) = (okta_group(&store, "00g2", "a").await, okta_group(&store, "00g1", "b").await);
        okta_group(&store, "00g3", "c").await;
        let pushed = group(&store, "pushed").await;
        for group in [&a, &b, &pushed] {
            join(&store, group, &["00u1"]).await;
        }
        let of = async |member| read(&store, async |tx| group_sides::list_okta_ids(tx, member).await).await;
        assert_eq!(of("00u1").await, ["00g1", "00g2"].map(|id| okta_side(id, "").id));
        assert_eq!(of("00u2").await, []);
    }
}
