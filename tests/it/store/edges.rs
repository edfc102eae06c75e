//! `store::edges`.

use rosterd::model::actor::Channel;
use rosterd::model::id::GroupId;
use rosterd::store::edges::{self, Edge};
use rosterd::store::groups;
use rosterd::store::{StoreError, Tx, memberships, users};

use super::setup::{edge, group as new_group, join, read, unseen_user, user, write};
use super::users::{OKTA_ID, new_user};
use crate::support::stores::on_each_store;

on_each_store! {
    async fn only_what_really_changes_is_given_back_and_counted(store) {
        let (a, b) = (new_group(&store, "a").await, new_group(&store, "b").await);
        let (first, again, gone) = store
            .write(async |tx: &mut Tx| {
                let all = [edge(&a, "m1"), edge(&a, "m2"), edge(&b, "m1"), edge(&a, "m1")];
                let first = edges::insert_many(tx, Channel::Poll, &all).await?;
                let again = edges::insert_many(tx, Channel::Poll, &all).await?;
                let gone = edges::remove_many(tx, &[edge(&a, "m2"), edge(&b, "m9")]).await?;
                Ok::<_, StoreError>((first, again, gone))
            })
            .await
            .unwrap();
        assert_eq!(first.len(), 3);
        assert_eq!(again, []);
        assert_eq!(gone, [edge(&a, "m2")]);
        let mut tx = store.read().await.unwrap();
        let of_a = groups::find(&mut tx, &a).await.unwrap().unwrap();
        let of_b = groups::find(&mut tx, &b).await.unwrap().unwrap();
        assert_eq!((of_a.member_count, of_a.version), (1, 3));
        assert_eq!((of_b.member_count, of_b.version), (1, 2));
        assert_eq!(edges::list(&mut tx, &a, None, 9).await.unwrap(), ["m1"]);
        assert_eq!(edges::list(&mut tx, &a, Some("m1"), 9).await.unwrap(), Vec::<String>::new());
        assert_eq!(edges::list_groups(&mut tx, "m1").await.unwrap().len(), 2);
    }

    async fn more_edges_than_one_statement_takes_are_written_in_several(store) {
        let a = new_group(&store, "a").await;
        let many: Vec<Edge> = (0..4_100).map(|n| edge(&a, &format!("m{n:05}"))).collect();
        let added = store
            .write(async |tx: &mut Tx| edges::insert_many(tx, Channel::Poll, &many).await)
            .await
            .unwrap();
        assert_eq!(added.len(), 4_100);
        assert_eq!(store.number("SELECT member_count FROM idp_groups").await, 4_100);
        let removed = store.write(async |tx: &mut Tx| edges::remove_many(tx, &many).await).await.unwrap();
        assert_eq!(removed.len(), 4_100);
        assert_eq!(store.number("SELECT COUNT(*) FROM edges").await, 0);
    }

    async fn r15_a_name_finds_only_whom_scim_can_see(store) {
        let (a, b) = (new_group(&store, "a").await, new_group(&store, "b").await);
        let seen = user(&store, "seen", Some(OKTA_ID)).await;
        let unseen = unseen_user(&store, "hidden", None).await;
        let gone = user(&store, "gone", Some("00uGone")).await;
        write(&store, async |tx| memberships::update_deleting(tx, &gone.id).await).await;
        join(&store, &a, &[OKTA_ID, unseen.member_key(), "00uGone", "00uNobodyHere"]).await;
        let mut tx = store.read().await.unwrap();
        let ids = [seen.id.as_str(), unseen.id.as_str(), gone.id.as_str(), "nonsense"];
        for (group, present) in [(&a, true), (&b, false)] {
            let named = edges::find_named(&mut tx, group, &ids).await.unwrap();
            let expected = edges::Named { user: seen.id.clone(), member: OKTA_ID.to_owned(), present };
            assert_eq!(named, [expected]);
        }
        assert_eq!(edges::find_named(&mut tx, &a, &[]).await.unwrap(), []);
        assert_eq!(edges::find_unnamed(&mut tx, &a, &[]).await.unwrap(), [OKTA_ID]);
        assert_eq!(edges::find_unnamed(&mut tx, &a, &[seen.id.as_str()]).await.unwrap(), Vec::<String>::new());
    }

    async fn r11_edges_follow_a_user_to_his_new_key_and_unite(store) {
        let (a, b) = (new_group(&store, "a").await, new_group(&store, "b").await);
        let moved = store
            .write(async |tx: &mut Tx| {
                let all = [edge(&a, "old"), edge(&b, "old"), edge(&a, "new")];
                edges::insert_many(tx, Channel::Scim, &all).await?;
                edges::rekey(tx, "old", "new").await
            })
            .await
            .unwrap();
        assert_eq!(moved.len(), 2);
        let mut tx = store.read().await.unwrap();
        for group in [&a, &b] {
            assert_eq!(edges::list(&mut tx, group, None, 9).await.unwrap(), ["new"]);
            let group = groups::find(&mut tx, group).await.unwrap().unwrap();
            assert_eq!(group.member_count, 1);
        }
    }

    async fn rows_are_written_and_removed_without_being_counted(store) {
        let (a, b) = (new_group(&store, "a").await, new_group(&store, "b").await);
        let all = [edge(&a, "m1"), edge(&a, "m2"), edge(&b, "m1")];
        let present = async |asked: &[Edge]| {
            let found = read(&store, async |tx| edges::find_present(tx, asked).await).await;
            found.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(present(&all).await, []);
        write(&store, async |tx| {
            edges::insert_rows(tx, Channel::Scim, &all[..2]).await?;
            // What is there stays as it is.
            edges::insert_rows(tx, Channel::Poll, &all).await
        })
        .await;
        assert_eq!(present(&[all.as_slice(), &[edge(&b, "m2"), edge(&a, "m1")]].concat()).await.len(), 3);
        assert_eq!(present(&[edge(&b, "m2"), edge(&b, "m1")]).await, [edge(&b, "m1")]);
        assert_eq!(present(&[]).await, []);
        assert_eq!(store.texts("SELECT channel FROM edges ORDER BY channel").await, ["poll", "scim", "scim"]);
        write(&store, async |tx| edges::remove_rows(tx, &[edge(&a, "m1"), edge(&b, "m2")]).await).await;
        assert_eq!(present(&all).await.len(), 2);
        let of_a = read(&store, async |tx| groups::find(tx, &a).await).await.expect("a group");
        assert_eq!((of_a.member_count, of_a.version), (0, 1), "that is the caller's matter");
    }

    async fn r15_a_member_that_scim_can_see_is_shown_by_name(store) {
        let (a, b) = (new_group(&store, "a").await, new_group(&store, "b").await);
        let mira = user(&store, "mira@x", Some(OKTA_ID)).await;
        let hidden = unseen_user(&store, "hidden@x", Some("00uHidden")).await;
        let gone = user(&store, "gone@x", Some("00uGone")).await;
        let mut bare = new_user("bare@x", None);
        bare.profile.display_name = None;
        let bare = write(&store, async |tx| users::insert(tx, &bare).await).await.expect("a free name");
        write(&store, async |tx| memberships::update_deleting(tx, &gone.id).await).await;
        join(&store, &a, &[OKTA_ID, "00uHidden", "00uGone", "00uNobodyHere", bare.member_key()]).await;
        join(&store, &b, &["00uHidden"]).await;
        let seen = async |group: &GroupId| {
            let mut found = read(&store, async |tx| edges::list_seen(tx, group).await).await;
            found.sort();
            found
        };
        let mut expected = [(mira.id.clone(), "Mira Okafor".to_owned()), (bare.id.clone(), "bare@x".to_owned())];
        expected.sort();
        assert_eq!(seen(&a).await, expected);
        assert_eq!(seen(&b).await, []);
        let ids = [mira.id.as_str(), hidden.id.as_str(), gone.id.as_str(), "nonsense"];
        let named = read(&store, async |tx| edges::find_seen(tx, &ids).await).await;
        assert_eq!(named, [(mira.id.clone(), "Mira Okafor".to_owned())], "in a group or not");
        assert_eq!(read(&store, async |tx| edges::find_seen(tx, &[]).await).await, []);
    }
}
