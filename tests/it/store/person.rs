//! `store::person`.

use rosterd::model::id::TeamId;
use rosterd::model::user::User;
use rosterd::store::person::{self, Forgotten};
use rosterd::store::withheld::{self, Cause};
use rosterd::store::{Store, memberships, users};

use super::setup::{at, derive, give, group, join, map, read, team, user, withhold, write};
use crate::support::stores::on_each_store;

async fn password(store: &Store, user: &User) -> Option<String> {
    read(store, async |tx| person::find_password(tx, &user.id).await).await
}

async fn set_password(store: &Store, user: &User, hash: &str) {
    write(store, async |tx| {
        person::update_password(tx, &user.id, hash).await
    })
    .await;
}

async fn is_member(store: &Store, user: &User, team: &TeamId) -> bool {
    read(store, async |tx| {
        person::is_member(tx, &user.id, team).await
    })
    .await
}

on_each_store! {
    async fn r11_a_new_person_behind_a_row_has_nothing_that_was_given_to_the_old_one(store) {
        let (platform, one, two) = (
            group(&store, "Platform").await,
            team(&store, "one").await,
            team(&store, "two").await,
        );
        let (mira, noor) = (user(&store, "mira@x", Some("00u1")).await, user(&store, "noor@x", None).await);
        map(&store, &platform, &one).await;
        join(&store, &platform, &["00u1"]).await;
        derive(&store, &[&one]).await;
        for user in [&mira, &noor] {
            give(&store, &two, user).await;
            withhold(&store, user, None, Cause::Guard, None).await;
            set_password(&store, user, "hash").await;
        }
        withhold(&store, &mira, Some(&two), Cause::Guard, None).await;
        store.clock.advance(5);
        let forget = async || write(&store, async |tx| person::forget(tx, &mira.id).await).await;
        assert_eq!(forget().await, Forgotten { local_teams: vec![two.clone()], withheld: 2 });
        assert_eq!(forget().await, Forgotten::default(), "there is no more of it");
        assert_eq!(password(&store, &mira).await, None);
        assert!(!is_member(&store, &mira, &two).await);
        assert!(is_member(&store, &mira, &one).await, "what follows from Okta is Okta's matter");
        let five = at(5).as_millis().to_string();
        assert_eq!(
            store.texts("SELECT CAST(sessions_from AS TEXT) FROM users ORDER BY seq").await,
            [five.as_str(), "0"],
        );
        assert_eq!(store.texts("SELECT CAST(tokens_from AS TEXT) FROM users ORDER BY seq").await, [five.as_str(), "0"]);
        assert!(is_member(&store, &noor, &two).await, "another's stays");
        assert_eq!(password(&store, &noor).await.as_deref(), Some("hash"));
        assert_eq!(read(&store, async |tx| withheld::list(tx).await).await.len(), 1);
    }

    async fn r3_another_row_of_a_person_gets_what_admins_gave_and_keeps_its_own(store) {
        let (platform, one) = (group(&store, "Platform").await, team(&store, "one").await);
        let (two, three) = (team(&store, "two").await, team(&store, "three").await);
        let (old, new) = (user(&store, "old@x", Some("00u1")).await, user(&store, "new@x", None).await);
        map(&store, &platform, &one).await;
        join(&store, &platform, &["00u1"]).await;
        derive(&store, &[&one]).await;
        give(&store, &two, &old).await;
        store.clock.advance(5);
        give(&store, &three, &old).await;
        give(&store, &three, &new).await;
        store.clock.advance(5);
        let copy = async || write(&store, async |tx| person::copy_local(tx, &old.id, &new.id).await).await;
        assert_eq!(copy().await, [two.clone()], "what is new");
        assert_eq!(copy().await, []);
        assert!(is_member(&store, &new, &two).await && is_member(&store, &new, &three).await);
        assert!(!is_member(&store, &new, &one).await, "what follows from Okta is not given");
        assert!(is_member(&store, &old, &two).await, "it is a copy");
        let ids = [new.id.clone()];
        let since = read(&store, async |tx| memberships::standing_since(tx, &two, &ids).await).await;
        assert_eq!(since, [(new.id, at(0))], "since the same day");
    }

    async fn a_password_is_kept_replaced_and_dropped_without_a_new_version(store) {
        let (mira, noor) = (user(&store, "mira@x", None).await, user(&store, "noor@x", None).await);
        assert_eq!(password(&store, &mira).await, None);
        set_password(&store, &noor, "other").await;
        for hash in ["one", "two"] {
            set_password(&store, &mira, hash).await;
            assert_eq!(password(&store, &mira).await.as_deref(), Some(hash));
        }
        for _ in 0..2 {
            write(&store, async |tx| person::drop_password(tx, &mira.id).await).await;
            assert_eq!(password(&store, &mira).await, None);
        }
        assert_eq!(password(&store, &noor).await.as_deref(), Some("other"));
        assert_eq!(read(&store, async |tx| users::find(tx, &mira.id).await).await.as_ref(), Some(&mira));
        write(&store, async |tx| users::remove(tx, &mira.id).await).await;
        assert_eq!(password(&store, &mira).await, None, "of nobody there is none");
    }

    async fn a_member_is_who_has_a_row_whether_it_counts_or_not(store) {
        let (platform, one, two) = (
            group(&store, "Platform").await,
            team(&store, "one").await,
            team(&store, "two").await,
        );
        let (mira, noor) = (user(&store, "mira@x", Some("00u1")).await, user(&store, "noor@x", None).await);
        assert!(!is_member(&store, &mira, &one).await);
        map(&store, &platform, &one).await;
        join(&store, &platform, &["00u1"]).await;
        derive(&store, &[&one]).await;
        assert!(is_member(&store, &mira, &one).await, "Okta is off");
        assert!(!is_member(&store, &mira, &two).await && !is_member(&store, &noor, &one).await);
        give(&store, &two, &noor).await;
        assert!(is_member(&store, &noor, &two).await);
    }
}
