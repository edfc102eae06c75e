//! `store::memberships`: a user's standing, his activity, and what ends with it (R12, R13).

use std::collections::BTreeSet;

use rosterd::model::id::UserId;
use rosterd::model::user::{OktaStatus, Origin, User};
use rosterd::store::memberships::{self, Standing};
use rosterd::store::withheld::{self, Cause};
use rosterd::store::{Store, users};

use super::setup::{
    at, derive, group, join, leave, local_user, map, read, team, user, withhold, write,
};
use crate::support::stores::{TestStore, on_each_store};

async fn standing(store: &Store, user: &User) -> Standing {
    let asked = [user.id.clone()].into();
    let found = read(store, async |tx| memberships::standings(tx, &asked).await).await;
    found.into_iter().next().expect("a user")
}

/// Since when sessions and tokens count, of everybody in order of creation.
async fn from(store: &TestStore) -> Vec<String> {
    store
        .texts("SELECT CAST(sessions_from AS TEXT) || ' ' || CAST(tokens_from AS TEXT) FROM users ORDER BY seq")
        .await
}

fn line(sessions: Option<i64>, tokens: Option<i64>) -> String {
    let millis = |ms: Option<i64>| ms.map_or(0, |ms| at(ms).as_millis());
    format!("{} {}", millis(sessions), millis(tokens))
}

on_each_store! {
    async fn r13_a_standing_tells_the_facts_apart_and_what_keeps_him(store) {
        let mira = user(&store, "mira@x", None).await;
        let plain = standing(&store, &mira).await;
        assert_eq!((plain.origin, &plain.facts), (Origin::Okta, &mira.facts));
        assert_eq!((plain.active, plain.pending, plain.deleting, plain.kept), (true, false, false, false));
        let mut changed = mira.clone();
        changed.facts.entitled = false;
        changed.facts.status = Some(OktaStatus::new("SUSPENDED"));
        changed.facts.blocked = true;
        changed.pending = true;
        write(&store, async |tx| users::update(tx, &changed).await).await;
        let found = standing(&store, &mira).await;
        assert_eq!((&found.facts, found.pending), (&changed.facts, true));
        assert!(found.active, "as stored: his activity is written apart");
        let local = local_user(&store, "local@x").await;
        assert_eq!(standing(&store, &local).await.origin, Origin::Local);
        let one = team(&store, "one").await;
        withhold(&store, &mira, Some(&one), Cause::Guard, None).await;
        assert!(!standing(&store, &mira).await.kept, "in a team, not active");
        withhold(&store, &mira, None, Cause::Guard, None).await;
        assert!(standing(&store, &mira).await.kept);
    }

    async fn whoever_has_neither_edge_nor_derived_row_derives_nothing(store) {
        let (a, one) = (group(&store, "a").await, team(&store, "one").await);
        let (mira, noor) = (user(&store, "mira@x", Some("00u1")).await, user(&store, "noor@x", None).await);
        assert!(!standing(&store, &mira).await.derives);
        join(&store, &a, &["00u1", noor.id.as_str()]).await;
        assert!(standing(&store, &mira).await.derives);
        assert!(standing(&store, &noor).await.derives, "by our id, who has no other");
        map(&store, &a, &one).await;
        derive(&store, &[&one]).await;
        leave(&store, &a, &["00u1"]).await;
        assert!(standing(&store, &mira).await.derives, "what he still has must go");
        derive(&store, &[&one]).await;
        assert!(!standing(&store, &mira).await.derives);
    }

    async fn a_standing_is_told_of_each_that_exists(store) {
        let (mira, noor) = (user(&store, "mira@x", None).await, user(&store, "noor@x", None).await);
        user(&store, "ada@x", None).await;
        write(&store, async |tx| users::remove(tx, &noor.id).await).await;
        let asked: BTreeSet<UserId> = [mira.id.clone(), noor.id].into();
        let found = read(&store, async |tx| memberships::standings(tx, &asked).await).await;
        let found: Vec<UserId> = found.into_iter().map(|standing| standing.id).collect();
        assert_eq!(found, [mira.id]);
        let nobody = read(&store, async |tx| memberships::standings(tx, &BTreeSet::new()).await).await;
        assert!(nobody.is_empty());
    }

    async fn activity_is_written_of_those_named_and_is_no_new_version(store) {
        let (mira, noor) = (user(&store, "mira@x", None).await, user(&store, "noor@x", None).await);
        let set = async |users: &[UserId], active| {
            write(&store, async |tx| memberships::update_activity(tx, users, active).await).await;
        };
        set(&[], false).await;
        assert!(standing(&store, &mira).await.active);
        set(&[mira.id.clone()], false).await;
        assert!(!standing(&store, &mira).await.active);
        assert!(standing(&store, &noor).await.active);
        set(&[mira.id.clone()], true).await;
        let found = read(&store, async |tx| users::find(tx, &mira.id).await).await;
        assert_eq!(found, Some(mira));
    }

    async fn r13_sessions_end_or_tokens_too_of_those_named(store) {
        let (mira, noor) = (user(&store, "mira@x", None).await, user(&store, "noor@x", None).await);
        user(&store, "ada@x", None).await;
        store.clock.advance(5);
        let of_mira = [mira.id.clone()];
        write(&store, async |tx| {
            memberships::end_sessions(tx, &[]).await?;
            memberships::end_sessions(tx, &of_mira).await
        })
        .await;
        let (untouched, five) = (line(None, None), Some(5));
        assert_eq!(from(&store).await, [line(five, None), untouched.clone(), untouched.clone()]);
        store.clock.advance(5);
        let both = [mira.id, noor.id];
        write(&store, async |tx| {
            memberships::revoke_access(tx, &[]).await?;
            memberships::revoke_access(tx, &both).await
        })
        .await;
        let ten = line(Some(10), Some(10));
        assert_eq!(from(&store).await, [ten.clone(), ten, untouched]);
    }

    async fn r9_whom_the_guard_keeps_active_loses_nothing_yet(store) {
        let mira = user(&store, "mira@x", None).await;
        let noor = user(&store, "noor@x", None).await;
        let ada = user(&store, "ada@x", None).await;
        let one = team(&store, "one").await;
        withhold(&store, &mira, None, Cause::Guard, None).await;
        // R5 keeps the last admin active, but he must sign in again.
        withhold(&store, &noor, None, Cause::LastAdmin, None).await;
        withhold(&store, &ada, Some(&one), Cause::Guard, None).await;
        store.clock.advance(5);
        let all = [mira.id, noor.id, ada.id];
        write(&store, async |tx| memberships::revoke_access_of_unkept(tx, &all).await).await;
        let five = line(Some(5), Some(5));
        assert_eq!(from(&store).await, [line(None, None), five.clone(), five]);
    }

    async fn r12_a_deleted_user_goes_unless_something_withheld_keeps_him(store) {
        let mira = user(&store, "mira@x", None).await;
        let kept = user(&store, "kept@x", None).await;
        let stays = user(&store, "stays@x", None).await;
        let other = user(&store, "other@x", None).await;
        let one = team(&store, "one").await;
        withhold(&store, &kept, None, Cause::LastAdmin, None).await;
        withhold(&store, &mira, Some(&one), Cause::Guard, None).await;
        write(&store, async |tx| {
            for user in [&mira, &kept, &other] {
                memberships::update_deleting(tx, &user.id).await?;
            }
            Ok(())
        })
        .await;
        let found = read(&store, async |tx| users::find(tx, &mira.id).await).await.expect("a user");
        assert_eq!((found.deleting, found.facts.entitled, found.version), (true, false, 2));
        let asked = [&mira, &kept, &stays].map(|user| user.id.clone()).into();
        let remove = async || write(&store, async |tx| memberships::remove_deleting(tx, &asked).await).await;
        assert_eq!(remove().await, 1, "a team keeps nobody here");
        assert_eq!(remove().await, 0);
        let left = store.texts("SELECT user_name FROM users ORDER BY seq").await;
        assert_eq!(left, ["kept@x", "stays@x", "other@x"]);
        let ids = [kept.id.clone()];
        write(&store, async |tx| withheld::remove(tx, &ids, Cause::LastAdmin).await).await;
        assert_eq!(remove().await, 1, "once nothing keeps him");
    }
}
