//! `store::rereads`.

use rosterd::model::id::{OktaGroupId, OktaUserId, UserId};
use rosterd::model::time::Timestamp;
use rosterd::store::Store;
use rosterd::store::rereads::{self, Reread, Target};

use super::setup::{at, read, run_id, write};
use crate::support::stores::on_each_store;

fn user(id: &str) -> Target {
    Target::User(OktaUserId::parse(id).expect("an id"))
}

fn group(id: &str) -> Target {
    Target::Group(OktaGroupId::parse(id).expect("an id"))
}

fn login(n: u8) -> Target {
    Target::Login(UserId::parse(run_id(n).as_str()).expect("an id"))
}

fn reread(target: &Target, reason: &str, since: i64) -> Reread {
    Reread {
        target: target.clone(),
        reason: reason.to_owned(),
        since: at(since),
    }
}

async fn ask(store: &Store, targets: &[(Target, &str)]) {
    write(store, async |tx| rereads::insert_many(tx, targets).await).await;
}

async fn remove(store: &Store, read: &[(Target, Timestamp)]) -> u64 {
    write(store, async |tx| rereads::remove_many(tx, read).await).await
}

async fn list(store: &Store) -> Vec<Reread> {
    read(store, async |tx| rereads::list(tx).await).await
}

on_each_store! {
    async fn r7_the_list_names_each_object_once_the_oldest_first(store) {
        let (late, early) = (user("00u1"), login(1));
        ask(&store, &[]).await;
        ask(&store, &[(early.clone(), "no Okta id")]).await;
        store.clock.advance(5);
        ask(&store, &[(late.clone(), "a"), (late.clone(), "b"), (group("00u1"), "c")]).await;
        let expected = [reread(&early, "no Okta id", 0), reread(&group("00u1"), "c", 5), reread(&late, "a", 5)];
        assert_eq!(list(&store).await, expected, "a user and a group of one id are two");
        store.clock.advance(5);
        ask(&store, &[(early.clone(), "again")]).await;
        assert_eq!(list(&store).await[2], reread(&early, "again", 10), "it is read after this instant, too");
    }

    async fn r7_only_what_was_read_after_it_was_asked_for_goes(store) {
        let (a, b) = (user("00u1"), group("00g1"));
        store.clock.advance(5);
        ask(&store, &[(a.clone(), "x"), (b.clone(), "y"), (login(1), "z")]).await;
        assert_eq!(remove(&store, &[(a.clone(), at(5)), (b.clone(), at(4))]).await, 0, "not at that instant either");
        assert_eq!(remove(&store, &[(a.clone(), at(6)), (group("00u1"), at(6))]).await, 1);
        assert_eq!(remove(&store, &[(a.clone(), at(6))]).await, 0);
        assert_eq!(remove(&store, &[]).await, 0);
        assert_eq!(list(&store).await, [reread(&b, "y", 5), reread(&login(1), "z", 5)]);
    }

    async fn more_than_one_statement_takes_is_written_in_several(store) {
        let many: Vec<(Target, &str)> = (0..4_100).map(|n| (user(&format!("00u{n}")), "x")).collect();
        ask(&store, &many).await;
        assert_eq!(list(&store).await.len(), 4_100);
        let read: Vec<(Target, Timestamp)> = many.into_iter().map(|(target, _)| (target, at(1))).collect();
        assert_eq!(remove(&store, &read).await, 4_100);
        assert_eq!(list(&store).await, []);
    }

    async fn r8_another_org_answers_for_no_id_of_the_first(store) {
        ask(&store, &[(user("00u1"), "x"), (group("00g1"), "x"), (login(1), "by name")]).await;
        for _ in 0..2 {
            write(&store, async |tx| rereads::remove_okta_ids(tx).await).await;
            assert_eq!(list(&store).await, [reread(&login(1), "by name", 0)]);
        }
    }

    async fn r7_what_is_asked_for_again_while_it_is_read_stays_on_the_list(store) {
        let (user, group) = (user("00u1"), group("00g1"));
        ask(&store, &[(user.clone(), "a"), (group.clone(), "b")]).await;
        assert_eq!(list(&store).await.len(), 2);
        store.clock.advance(10);
        let read_at = store.now().await.unwrap();
        store.clock.advance(10);
        ask(&store, &[(user.clone(), "again")]).await;
        assert_eq!(remove(&store, &[(user.clone(), read_at), (group, read_at)]).await, 1);
        assert_eq!(list(&store).await, [reread(&user, "again", 20)]);
    }

    async fn r7_what_is_listed_since_it_was_read_leaves_what_was_asked_for_later_alone(store) {
        let (before, other, later) = (user("00u3"), user("00u2"), user("00u1"));
        ask(&store, &[(before.clone(), "long ago")]).await;
        store.clock.advance(20);
        ask(&store, &[(later.clone(), "an event")]).await;
        for target in [&later, &other, &before] {
            write(&store, async |tx| rereads::insert_since(tx, target, "moved", at(10)).await).await;
        }
        let moved = |target| reread(target, "moved", 10);
        assert_eq!(list(&store).await, [moved(&other), moved(&before), reread(&later, "an event", 20)]);
    }
}
