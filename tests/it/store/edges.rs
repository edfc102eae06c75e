//! `store::edges`.

use rosterd::model::actor::Channel;
use rosterd::model::id::GroupId;
use rosterd::store::edges::{self, Edge};
use rosterd::store::groups;
use rosterd::store::users;
use rosterd::store::{Store, StoreError, Tx};

use super::groups::scim_side;
use super::users::{OKTA_ID, new_user};
use crate::support::stores::on_each_store;

async fn new_group(store: &Store, name: &str) -> GroupId {
    let made = store
        .write(async |tx: &mut Tx| groups::insert(tx, Some(&scim_side(name)), None).await)
        .await;
    made.unwrap().unwrap().id
}

fn edge(group: &GroupId, member: &str) -> Edge {
    Edge {
        group: group.clone(),
        member: member.to_owned(),
    }
}

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
        let a = new_group(&store, "a").await;
        let (seen, unseen) = store
            .write(async |tx: &mut Tx| {
                let seen = users::insert(tx, &new_user("seen", Some(OKTA_ID))).await?.unwrap();
                let mut hidden = new_user("hidden", None);
                hidden.scim = false;
                let hidden = users::insert(tx, &hidden).await?.unwrap();
                let keys = [edge(&a, seen.member_key()), edge(&a, hidden.member_key()), edge(&a, "00uNobodyHere")];
                edges::insert_many(tx, Channel::Poll, &keys).await?;
                Ok::<_, StoreError>((seen, hidden))
            })
            .await
            .unwrap();
        let mut tx = store.read().await.unwrap();
        let ids = [seen.id.as_str(), unseen.id.as_str(), "nonsense"];
        let named = edges::find_named(&mut tx, &a, &ids).await.unwrap();
        assert_eq!(named.len(), 1);
        assert_eq!((&named[0].user, named[0].member.as_str(), named[0].present), (&seen.id, OKTA_ID, true));
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
}
