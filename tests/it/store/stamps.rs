//! `store::stamps`.

use rosterd::model::id::GroupId;
use rosterd::store::stamps::{self, Named, Object};
use rosterd::store::{StoreError, Tx, organization, sweep};

use crate::support::stores::on_each_store;

const RUN: &str = "INSERT INTO runs (id, kind, channel, actor, dry_run, state, began_at, epoch, summary) \
                   VALUES ('r', 'full', 'poll', 'okta', 0, 'running', 1800000000000, 1, '{}')";

fn group() -> GroupId {
    GroupId::parse("0198c0de-0000-7000-8000-000000000001").unwrap()
}

on_each_store! {
    async fn r7_stamps_are_needed_while_a_run_is_in_flight_or_a_plan_is_held(store) {
        let needed = async || {
            let mut tx = store.read().await.unwrap();
            organization::find_outlook(&mut tx).await.unwrap().stamping
        };
        assert!(!needed().await);
        store.arrange(RUN).await;
        assert!(needed().await);
        store.arrange("UPDATE runs SET state = 'held'").await;
        assert!(needed().await);
        store.arrange("UPDATE runs SET kind = 'scim'").await;
        assert!(!needed().await, "the list of withheld pushes is no plan of the polls");
        store.arrange("UPDATE runs SET kind = 'delta', state = 'applied'").await;
        assert!(!needed().await);
    }

    async fn r7_the_later_stamp_stands_and_follows_a_new_member_key(store) {
        let first = store
            .write(async |tx: &mut Tx| {
                let objects = [Object::User("old".into()), Object::Edge(group(), "old".into()), Object::Members(group())];
                stamps::insert_many(tx, &objects).await?;
                Ok::<_, StoreError>(tx.now())
            })
            .await
            .unwrap();
        store.clock.advance(10);
        let second = store
            .write(async |tx: &mut Tx| {
                stamps::insert_many(tx, &[Object::User("old".into()), Object::User("old".into())]).await?;
                stamps::rekey(tx, "old", "new").await?;
                Ok::<_, StoreError>(tx.now())
            })
            .await
            .unwrap();
        let mut tx = store.read().await.unwrap();
        let expected = [
            (Object::User("new".into()), second),
            (Object::Edge(group(), "new".into()), first),
            (Object::Members(group()), first),
        ];
        let everything = expected.clone().map(|(object, _)| object);
        let mut all = stamps::find_many(&mut tx, &everything).await.unwrap();
        all.sort();
        assert_eq!(all, expected);
        let named = stamps::list_named_since(&mut tx, first).await.unwrap();
        assert_eq!(named, Named::of(everything));
        assert_eq!((named.users.len(), named.groups.len()), (1, 1), "a group once, whatever a push named of it");
        let named = stamps::list_named_since(&mut tx, second).await.unwrap();
        assert_eq!(named, Named::of([Object::User("new".into())]));
        let asked = [Object::Members(group()), Object::Facts("new".into())];
        assert_eq!(stamps::find_many(&mut tx, &asked).await.unwrap(), [expected[2].clone()]);
    }

    async fn r7_stamps_go_when_nothing_older_is_left(store) {
        store.arrange(RUN).await;
        store.write(async |tx: &mut Tx| stamps::insert_many(tx, &[Object::User("a".into())]).await).await.unwrap();
        assert_eq!(store.write(async |tx: &mut Tx| stamps::remove_unneeded(tx).await).await.unwrap(), 0);
        store.arrange("UPDATE runs SET state = 'applied'").await;
        assert_eq!(store.write(async |tx: &mut Tx| stamps::remove_unneeded(tx).await).await.unwrap(), 1);
    }

    async fn r7_stamps_stay_while_a_held_change_was_read_before_them(store) {
        // The change was taken over from an earlier plan: it is older than the run that holds it now.
        store.arrange(RUN).await;
        store
            .arrange(
                "INSERT INTO run_changes (run_id, ordinal, change_key, change, reason, outcome, observed_at) \
                 VALUES ('r', 1, 'k', '{}', '', 'held', 1800000000000)",
            )
            .await;
        store.write(async |tx: &mut Tx| stamps::insert_many(tx, &[Object::User("a".into())]).await).await.unwrap();
        store.arrange("UPDATE runs SET state = 'held', began_at = 1900000000000").await;
        assert_eq!(store.write(async |tx: &mut Tx| stamps::remove_unneeded(tx).await).await.unwrap(), 0);
        assert_eq!(store.write(async |tx: &mut Tx| sweep::remove_stamps(tx).await).await.unwrap(), 0);
        store.arrange("UPDATE run_changes SET outcome = 'superseded'").await;
        assert_eq!(store.write(async |tx: &mut Tx| stamps::remove_unneeded(tx).await).await.unwrap(), 1);
    }
}
