//! Two connections at once, with nothing but the store's functions: what is stored follows from both, whoever came first.

use std::collections::BTreeSet;

use rosterd::model::actor::Channel;
use rosterd::model::id::{TeamId, UserId};
use rosterd::model::team::organization_admin;
use rosterd::model::user::User;
use rosterd::store::memberships::{self, Derived};
use rosterd::store::{Store, edges, local, mappings, users};

use super::setup::{by_hand, edge, give, group, map, read, team, user, write};
use super::users::new_user;
use crate::support::stores::on_each_store;

/// How often each play is given: who comes first is chance.
const ROUNDS: usize = 12;

async fn is_derived(store: &Store, team: &TeamId, user: &UserId) -> bool {
    read(store, async |tx| local::is_derived(tx, team, user).await).await
}

/// Takes an admin out of the team, unless he is the last who counts there.
async fn retire(store: &Store, team: &TeamId, user: &User) -> bool {
    let permit = by_hand(team, user);
    write(store, async |tx| {
        if memberships::count_effective(tx, team, 2).await? < 2 {
            return Ok(false);
        }
        local::remove(tx, &permit).await
    })
    .await
}

on_each_store! {
    async fn r1_a_member_and_a_mapping_make_a_membership(store) {
        let second = store.second().await;
        for round in 0..ROUNDS {
            let (group, team) = (group(&store, &format!("g{round}")).await, team(&store, &format!("t{round}")).await);
            let okta_id = format!("00u{round}");
            let mira = user(&store, &format!("mira{round}@x"), Some(&okta_id)).await;
            let came: BTreeSet<_> = [(group.clone(), okta_id.clone())].into();
            let joined = write(&store, async |tx| {
                edges::insert_many(tx, Channel::Scim, &[edge(&group, &okta_id)]).await?;
                memberships::derive_from_added(tx, &came, &mut Derived::default()).await
            });
            let mapped = write(&second, async |tx| {
                mappings::insert(tx, &team, Some(&group), "g", "mira").await?;
                memberships::derive_for_teams(tx, &[team.clone()].into(), &mut Derived::default()).await
            });
            tokio::join!(joined, mapped);
            assert!(is_derived(&store, &team, &mira.id).await, "{round}");
        }
        second.close().await;
    }

    async fn r15_a_user_and_his_polled_edge_make_a_membership(store) {
        let (second, group, team) = (store.second().await, group(&store, "g").await, team(&store, "t").await);
        map(&store, &group, &team).await;
        for round in 0..ROUNDS {
            let okta_id = format!("00u{round}");
            let new = new_user(&format!("mira{round}@x"), Some(&okta_id));
            let came: BTreeSet<_> = [(group.clone(), okta_id.clone())].into();
            let polled = write(&store, async |tx| {
                edges::insert_many(tx, Channel::Poll, &[edge(&group, &okta_id)]).await?;
                memberships::derive_from_added(tx, &came, &mut Derived::default()).await
            });
            let made = write(&second, async |tx| {
                let user = users::insert(tx, &new).await?.expect("a free name");
                memberships::derive_for_users(tx, &[user.id.clone()], &mut Derived::default()).await?;
                Ok(user.id)
            });
            let ((), mira) = tokio::join!(polled, made);
            assert!(is_derived(&store, &team, &mira).await, "{round}");
        }
        second.close().await;
    }

    async fn r5_of_two_last_admins_that_are_taken_out_one_stays(store) {
        let (second, admins) = (store.second().await, organization_admin());
        let (mira, noor) = (user(&store, "mira@x", None).await, user(&store, "noor@x", None).await);
        for round in 0..ROUNDS {
            give(&store, &admins, &mira).await;
            give(&store, &admins, &noor).await;
            let (here, there) = tokio::join!(retire(&store, &admins, &mira), retire(&second, &admins, &noor));
            assert!(here != there, "{round}: {here} {there}");
            let left = read(&store, async |tx| memberships::count_effective(tx, &admins, 9).await).await;
            assert_eq!(left, 1, "{round}");
        }
        second.close().await;
    }
}
