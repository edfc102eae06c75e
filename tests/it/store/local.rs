//! `store::local`.

use rosterd::model::id::{TeamId, UserId};
use rosterd::model::mode::OktaMode;
use rosterd::model::team::{Permit, organization_admin};
use rosterd::model::user::Origin;
use rosterd::store::{Store, local, memberships, organization, users};
use rosterd::store::{StoreError, Tx};

use super::setup::{
    at, by_hand, derive, group, join, local_user, map, read, switch, team, user, write,
};
use crate::support::stores::on_each_store;

/// Somebody made on the host.
async fn make(store: &Store, name: &str) -> Result<Option<UserId>, StoreError> {
    store
        .write(async |tx: &mut Tx| {
            let id = UserId::new(tx.now(), tx.random());
            let seq = organization::next_seq(tx, "users", 1).await?;
            let made = local::insert_user(tx, &id, seq, name, &name.to_lowercase(), "Mira").await?;
            Ok(made.then_some(id))
        })
        .await
}

on_each_store! {
    async fn a_membership_is_given_once_and_taken_once(store) {
        let (one, two) = (team(&store, "one").await, team(&store, "two").await);
        let (mira, noor) = (user(&store, "mira@x", None).await, user(&store, "noor@x", None).await);
        let permit = by_hand(&one, &mira);
        let give = async || write(&store, async |tx| local::insert(tx, &permit).await).await;
        let take = async || write(&store, async |tx| local::remove(tx, &permit).await).await;
        for other in [by_hand(&two, &mira), by_hand(&one, &noor)] {
            write(&store, async |tx| local::insert(tx, &other).await).await;
        }
        store.clock.advance(5);
        assert!(give().await);
        store.clock.advance(5);
        assert!(!give().await, "it is there already");
        let since = async || {
            let of = [mira.id.clone()];
            read(&store, async |tx| memberships::standing_since(tx, &one, &of).await).await
        };
        assert_eq!(since().await, [(mira.id.clone(), at(5))], "and keeps its beginning");
        assert!(take().await);
        assert!(!take().await, "there is none");
        assert_eq!(since().await, []);
        assert_eq!(store.number("SELECT COUNT(*) FROM memberships").await, 2, "no other went");
    }

    async fn what_follows_from_okta_is_no_local_membership(store) {
        let (here, platform) = (team(&store, "here").await, group(&store, "Platform").await);
        let mira = user(&store, "mira@x", Some("00u1")).await;
        let derived = async |team: &TeamId, user: &UserId| {
            read(&store, async |tx| local::is_derived(tx, team, user).await).await
        };
        let permit = by_hand(&here, &mira);
        assert!(write(&store, async |tx| local::insert(tx, &permit).await).await);
        assert!(!derived(&here, &mira.id).await);
        join(&store, &platform, &["00u1"]).await;
        map(&store, &platform, &here).await;
        derive(&store, &[&here]).await;
        assert!(derived(&here, &mira.id).await);
        assert!(!derived(&organization_admin(), &mira.id).await);
        assert!(write(&store, async |tx| local::remove(tx, &permit).await).await);
        assert!(derived(&here, &mira.id).await, "only the admin's word is taken back");
        assert!(!write(&store, async |tx| local::remove(tx, &permit).await).await);
    }

    async fn r2_a_user_made_on_the_host_is_local_active_and_counts_whoever_owns_membership(store) {
        switch(&store, OktaMode::On).await;
        let id = make(&store, "Mira@x").await.unwrap().expect("a free name");
        let made = read(&store, async |tx| users::find(tx, &id).await).await.expect("a user");
        assert_eq!((made.origin, made.scim, made.pending, made.active), (Origin::Local, false, false, true));
        assert_eq!((made.user_name.as_str(), made.member_key()), ("Mira@x", id.as_str()));
        assert!(made.facts.active());
        assert_eq!(store.texts("SELECT password_hash FROM users").await, [""]);
        let permit = Permit::break_glass(&id);
        assert!(write(&store, async |tx| local::insert(tx, &permit).await).await);
        let counting = read(&store, async |tx| memberships::effective_of_users(tx, &[id.clone()]).await).await;
        assert_eq!(counting, [(organization_admin(), id)].into());
    }

    async fn r18_a_taken_name_makes_nobody(store) {
        user(&store, "mira@x", None).await;
        assert_eq!(make(&store, "MIRA@x").await.unwrap(), None);
        assert_eq!(store.number("SELECT COUNT(*) FROM users").await, 1);
    }

    async fn who_bears_a_name_is_found_by_its_fold_with_his_origin(store) {
        let bearer = async |fold| read(&store, async |tx| local::find_bearer(tx, fold).await).await;
        assert_eq!(bearer("mira@x").await, None);
        let mira = user(&store, "Mira@X", None).await;
        let noor = local_user(&store, "noor@x").await;
        assert_eq!(bearer("mira@x").await, Some((mira.id, "okta".to_owned())));
        assert_eq!(bearer("noor@x").await, Some((noor.id, "local".to_owned())));
        assert_eq!(bearer("Mira@X").await, None, "it is asked for by the fold");
    }
}
