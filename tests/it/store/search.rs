//! `store::search`: the rows behind SCIM's answers. What a filter, an order and a page mean stands in `it/search`.

use rosterd::model::id::{GroupId, UserId};
use rosterd::scim::filter::{self, Filter};
use rosterd::scim::path::AttrPath;
use rosterd::scim::{ResourceType, schema};
use rosterd::store::search::{
    self, FoundGroup, FoundUser, Groups, Key, Member, Query, Sort, Sorted, Start,
};
use rosterd::store::{Store, groups, memberships, users};

use super::setup::{group, join, okta_group, read, run_id, unseen_user, user, write};
use crate::support::stores::on_each_store;

fn query(resource: ResourceType, filter: Option<&Filter>) -> Query<'_> {
    Query {
        resource,
        filter,
        sort: None,
        from: Start::Offset(0),
        limit: 99,
        base: "https://rosterd.example.test/scim/v2",
    }
}

fn by(attribute: &str, descending: bool) -> Sort {
    let path: AttrPath = attribute.parse().expect("a path");
    let by = schema::resolve(ResourceType::User, &path).expect("an attribute");
    Sort { by, descending }
}

async fn keys(store: &Store, query: &Query<'_>) -> Vec<Key> {
    let mut tx = store.read().await.unwrap();
    search::keys(&mut tx, query).await.unwrap()
}

async fn seqs(store: &Store, query: &Query<'_>) -> Vec<i64> {
    let found = keys(store, query).await;
    found.into_iter().map(|key| key.seq).collect()
}

async fn count(store: &Store, query: &Query<'_>) -> i64 {
    let mut tx = store.read().await.unwrap();
    search::count(&mut tx, query).await.unwrap()
}

/// Somebody whom SCIM deleted and something keeps.
async fn deleting(store: &Store, name: &str, okta_id: &str) -> UserId {
    let id = user(store, name, Some(okta_id)).await.id;
    write(store, async |tx| {
        memberships::update_deleting(tx, &id).await
    })
    .await;
    id
}

fn group_ids(found: &FoundUser) -> Vec<&str> {
    found.groups.iter().map(|(id, _)| id.as_str()).collect()
}

on_each_store! {
    async fn r12_only_what_scim_can_see_is_counted_and_found(store) {
        let mira = user(&store, "mira@x", Some("00u1")).await;
        unseen_user(&store, "unseen@x", Some("00u2")).await;
        deleting(&store, "deleting@x", "00u3").await;
        let noor = user(&store, "noor@x", None).await;
        let pushed = group(&store, "pushed").await;
        okta_group(&store, "00g1", "listed").await;
        let people = query(ResourceType::User, None);
        assert_eq!((count(&store, &people).await, seqs(&store, &people).await), (2, vec![mira.seq, noor.seq]));
        let groups = query(ResourceType::Group, None);
        let pushed = read(&store, async |tx| groups::find(tx, &pushed).await).await.expect("a group");
        assert_eq!((count(&store, &groups).await, seqs(&store, &groups).await), (1, vec![pushed.seq]));
        let filter = filter::parse(r#"userName eq "NOOR@x""#).expect("a filter");
        let named = query(ResourceType::User, Some(&filter));
        assert_eq!((count(&store, &named).await, seqs(&store, &named).await), (1, vec![noor.seq]));
        let filter = filter::parse(r#"userName eq "unseen@x""#).expect("a filter");
        assert_eq!(count(&store, &query(ResourceType::User, Some(&filter))).await, 0);
    }

    async fn a_page_begins_after_so_many_rows_or_behind_a_key_and_is_counted_whole(store) {
        for name in ["c@x", "a@x", "d@x", "b@x"] {
            user(&store, name, None).await;
        }
        let people = query(ResourceType::User, None);
        let page = Query { from: Start::Offset(1), limit: 2, ..people.clone() };
        assert_eq!((seqs(&store, &page).await, count(&store, &page).await), (vec![2, 3], 4));
        let behind = Query { from: Start::Behind(Key { seq: 3, sorted: None }), ..people.clone() };
        assert_eq!(seqs(&store, &behind).await, [4]);
        let sort = by("userName", true);
        let sorted = Query { sort: Some(&sort), ..people };
        let all = keys(&store, &sorted).await;
        assert_eq!(all.iter().map(|key| key.seq).collect::<Vec<_>>(), [3, 1, 4, 2]);
        assert_eq!(all[0].sorted, Some(Sorted::Text("d@x".to_owned())));
        let behind = Query { from: Start::Behind(all[1].clone()), limit: 1, ..sorted };
        assert_eq!(keys(&store, &behind).await, all[2..3]);
    }

    async fn a_cursor_carries_a_key_and_is_read_back_or_refused(store) {
        user(&store, "mira@x", None).await;
        let (name, created) = (by("userName", false), by("meta.created", false));
        let mut seen = Vec::new();
        for sort in [None, Some(&name), Some(&created)] {
            let found = keys(&store, &Query { sort, ..query(ResourceType::User, None) }).await;
            let key = found.into_iter().next().expect("a key");
            assert_eq!(Key::from_position(&key.to_position()).as_ref(), Some(&key));
            seen.push((key, sort));
        }
        for (n, (key, _)) in seen.iter().enumerate() {
            for (m, (_, sort)) in seen.iter().enumerate() {
                assert_eq!(key.fits(*sort), n == m, "{key:?} {sort:?}");
            }
        }
        let absent = Key { seq: 7, sorted: Some(Sorted::Absent) };
        assert_eq!(Key::from_position(&absent.to_position()).as_ref(), Some(&absent));
        assert!(absent.fits(Some(&name)) && absent.fits(Some(&created)) && !absent.fits(None));
        for text in ["", "7", "[]", "[\"7\"]", "[7,true]", "[7,\"a\\u0000\"]", "[7,1.5]"] {
            assert_eq!(Key::from_position(text), None, "{text}");
        }
    }

    async fn a_user_is_found_with_the_groups_he_is_in_where_they_are_asked_for(store) {
        let made = user(&store, "Mira@X", Some("00u1")).await;
        let (b, a) = (group(&store, "b").await, group(&store, "a").await);
        let listed = okta_group(&store, "00g1", "listed").await;
        for group in [&a, &listed, &b] {
            join(&store, group, &["00u1"]).await;
        }
        let of = async |groups| search::find_user(&store, &made.id, groups).await.unwrap().expect("a user");
        let found = of(Groups::Load).await;
        assert_eq!(group_ids(&found), [b.as_str(), a.as_str()], "SCIM's, in order of creation");
        assert_eq!(found.groups[0].1, "b");
        let bare = of(Groups::Skip).await;
        assert!(bare.groups.is_empty());
        assert_eq!((&bare.id, bare.seq, &bare.resource), (&made.id, made.seq, &made.resource));
        assert_eq!((bare.entitled, bare.version, bare.created_at), (true, made.version, made.created_at));
        let as_written = FoundUser::from(&made);
        assert_eq!((as_written.id, as_written.seq, as_written.resource), (bare.id, bare.seq, bare.resource));
        let by_name = async |fold, groups| search::find_user_by_user_name(&store, fold, groups).await.unwrap();
        let found = by_name("mira@x", Groups::Load).await.expect("a user");
        assert_eq!((&found.id, group_ids(&found)), (&made.id, vec![b.as_str(), a.as_str()]));
        assert!(by_name("mira@x", Groups::Skip).await.expect("a user").groups.is_empty());
        assert!(by_name("Mira@X", Groups::Skip).await.is_none(), "it is asked for by the fold");
    }

    async fn r12_whom_scim_cannot_see_is_not_found(store) {
        let unseen = unseen_user(&store, "unseen@x", Some("00u1")).await;
        let gone = deleting(&store, "deleting@x", "00u2").await;
        let nobody = UserId::parse(run_id(1).as_str()).expect("an id");
        for id in [&unseen.id, &gone, &nobody] {
            assert!(search::find_user(&store, id, Groups::Skip).await.unwrap().is_none());
        }
        for name in ["unseen@x", "deleting@x", "nobody@x"] {
            assert!(search::find_user_by_user_name(&store, name, Groups::Load).await.unwrap().is_none());
        }
        let found = read(&store, async |tx| search::list_users(tx, &[1, 2, 3], Groups::Load).await).await;
        assert!(found.is_empty());
    }

    async fn r13_scim_is_shown_the_entitlement_and_never_the_effect(store) {
        let made = user(&store, "mira@x", None).await;
        let shown = async || search::find_user(&store, &made.id, Groups::Skip).await.unwrap().expect("a user").entitled;
        super::setup::deactivate(&store, &[&made]).await;
        assert!(shown().await);
        write(&store, async |tx| {
            let mut changed = made.clone();
            changed.facts.entitled = false;
            users::update(tx, &changed).await
        })
        .await;
        assert!(!shown().await);
    }

    async fn rows_come_in_the_order_they_are_named(store) {
        for name in ["a", "b", "c"] {
            user(&store, &format!("{name}@x"), Some(&format!("00u{name}"))).await;
            group(&store, name).await;
        }
        let first = read(&store, async |tx| groups::find_by_scim_name(tx, "a").await).await.remove(0).id;
        join(&store, &first, &["00ub"]).await;
        let found = read(&store, async |tx| search::list_users(tx, &[3, 9, 1, 2], Groups::Load).await).await;
        assert_eq!(found.iter().map(|user| user.seq).collect::<Vec<_>>(), [3, 1, 2]);
        assert_eq!(found.iter().map(|user| user.groups.len()).collect::<Vec<_>>(), [0, 0, 1]);
        let found = read(&store, async |tx| search::list_users(tx, &[2], Groups::Skip).await).await;
        assert!(found[0].groups.is_empty());
        let found = read(&store, async |tx| search::list_groups(tx, &[2, 3, 9, 1]).await).await;
        assert_eq!(found.iter().map(|group| group.display_name.as_str()).collect::<Vec<_>>(), ["b", "c", "a"]);
        assert!(read(&store, async |tx| search::list_groups(tx, &[]).await).await.is_empty());
    }

    async fn a_group_is_found_as_scim_shows_it(store) {
        let (id, listed) = (group(&store, "Group").await, okta_group(&store, "00g1", "listed").await);
        join(&store, &id, &["00u1"]).await;
        let stored = read(&store, async |tx| groups::find(tx, &id).await).await.expect("a group");
        let find = async |id: &GroupId| read(&store, async |tx| search::find_group(tx, id).await).await;
        let found = find(&id).await.expect("a group");
        let as_written = FoundGroup::from(&stored);
        for found in [found, as_written] {
            assert_eq!((found.id, found.seq, found.display_name.as_str()), (id.clone(), 1, "Group"));
            assert_eq!((found.external_id.as_deref(), found.resource.as_str()), (Some("ext"), "{}"));
            assert_eq!((found.version, found.member_count), (2, 1));
        }
        assert!(find(&listed).await.is_none(), "R12");
        assert!(read(&store, async |tx| search::list_groups(tx, &[2]).await).await.is_empty());
    }

    async fn r15_a_group_shows_the_members_scim_can_see_where_they_are_few(store) {
        let (id, listed) = (group(&store, "Group").await, okta_group(&store, "00g1", "listed").await);
        let of = async |id: &GroupId, few| search::find_group_with_members(&store, id, few).await.unwrap();
        let (found, members) = of(&id, 0).await.expect("a group");
        assert_eq!((found.display_name.as_str(), members), ("Group", Some(vec![])));
        let mira = user(&store, "mira@x", Some("00u2")).await;
        let noor = user(&store, "noor@x", Some("00u1")).await;
        unseen_user(&store, "unseen@x", Some("00u3")).await;
        deleting(&store, "deleting@x", "00u4").await;
        join(&store, &id, &["00u1", "00u2", "00u3", "00u4", "00uNobodyHere"]).await;
        let shown = |id: &UserId| (id.to_string(), "Mira Okafor".to_owned());
        let (found, members) = of(&id, 5).await.expect("a group");
        assert_eq!((found.member_count, members), (5, Some(vec![shown(&noor.id), shown(&mira.id)])));
        let (found, members) = of(&id, 4).await.expect("a group");
        assert_eq!((found.member_count, members), (5, None), "they are more than asked for");
        assert!(of(&listed, 9).await.is_none());
        let page = async |after, limit| {
            read(&store, async |tx| search::list_members(tx, &id, after, limit).await).await
        };
        let member = |id: &UserId, key: &str| {
            Member { id: id.to_string(), display: "Mira Okafor".to_owned(), key: key.to_owned() }
        };
        assert_eq!(page("", 1).await, [member(&noor.id, "00u1")]);
        assert_eq!(page("00u1", 9).await, [member(&mira.id, "00u2")]);
        assert_eq!(page("00u2", 9).await, []);
    }
}
