//! Two writes that each are right alone, over two connections at once: what is stored follows from both.

use rosterd::model::actor::Channel;
use rosterd::model::id::OktaUserId;
use rosterd::model::mode::OktaMode;
use rosterd::model::team::organization_admin;
use rosterd::service::membership::{Touched, settle};
use rosterd::service::{Error, mappings, mode};
use rosterd::store::edges::{self, Edge};
use rosterd::store::{Tx, users};

use super::cast::{Cast, cx};
use crate::store::users::new_user;
use crate::support::stores::on_each_store;

/// How often each race is run: who comes first is chance.
const ROUNDS: usize = 12;

/// Okta mode, with somebody in charge.
async fn switch_on(cast: &Cast) {
    let keepers = cast.admins().await;
    let keeper = cast.user("keeper@x").await;
    cast.join(Channel::Scim, &keepers, &[&keeper]).await;
    let on = mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::On, false).await;
    on.unwrap();
}

on_each_store! {
    async fn r1_a_member_and_a_mapping_at_once_make_a_membership(store) {
        let (here, there) = (Cast::new(&store), Cast::new(&store.second().await));
        switch_on(&here).await;
        for round in 0..ROUNDS {
            let user = here.user(&format!("user{round}@x")).await;
            let name = format!("Group {round}");
            let group = here.group(&name).await;
            let team = here.team(&format!("team-{round}")).await;
            let (admin, who) = (cx(Channel::Cli), [&user]);
            let (joined, mapped) = tokio::join!(
                here.join(Channel::Scim, &group, &who),
                mappings::add(&there.service, &admin, &name, team.as_str()),
            );
            mapped.unwrap();
            assert_eq!(here.members(&team, &who).await, [user.clone()], "{round}: {joined:?}");
            // And away again: the edge goes while the mapping goes.
            let line = mappings::list(&here.service).await.unwrap();
            let line = line.iter().find(|line| line.team == team).unwrap().id.clone();
            let user = here.user(&format!("other{round}@x")).await;
            let who = [&user];
            let (joined, removed) = tokio::join!(
                here.join(Channel::Poll, &group, &who),
                mappings::remove(&there.service, &admin, &line),
            );
            removed.unwrap();
            assert!(here.members(&team, &who).await.is_empty(), "{round}: {joined:?}");
        }
    }

    async fn r15_a_user_and_a_polled_edge_at_once_make_a_membership(store) {
        let (here, there) = (Cast::new(&store), Cast::new(&store.second().await));
        switch_on(&here).await;
        let group = here.group("Platform").await;
        let team = here.team("engineering").await;
        here.map(&group, &team).await;
        for round in 0..ROUNDS {
            let okta = OktaUserId::parse(&format!("00u{round:017}")).unwrap();
            let edge = Edge { group: group.clone(), member: okta.to_string() };
            let polled = there.service.store.write(async |tx: &mut Tx| {
                let changed = edges::insert_many(tx, Channel::Poll, std::slice::from_ref(&edge)).await?;
                let touched = Touched {
                    edges_added: changed.into_iter().map(|edge| (edge.group, edge.member)).collect(),
                    ..Touched::default()
                };
                settle(&there.service, tx, &cx(Channel::Poll), &touched).await
            });
            let name = format!("user{round}@x");
            let made = here.service.store.write(async |tx: &mut Tx| {
                let user = users::insert(tx, &new_user(&name, Some(okta.as_str()))).await?.unwrap();
                let touched = Touched { users: [user.id.clone()].into(), ..Touched::default() };
                settle(&here.service, tx, &cx(Channel::Scim), &touched).await?;
                Ok::<_, Error>(user.id)
            });
            let (polled, made) = tokio::join!(polled, made);
            polled.unwrap();
            let user = made.unwrap();
            assert_eq!(here.members(&team, &[&user]).await, [user], "{round}");
        }
    }

    async fn r5_two_last_admins_withdrawn_at_once_leave_one(store) {
        let (here, there) = (Cast::new(&store), Cast::new(&store.second().await));
        let group = here.admins().await;
        let (mira, noor) = (here.user("mira@x").await, here.user("noor@x").await);
        here.join(Channel::Scim, &group, &[&mira, &noor]).await;
        mode::switch(&here.service, &cx(Channel::Cli), OktaMode::On, false).await.unwrap();
        for round in 0..ROUNDS {
            let (one, two) = if round % 2 == 0 { ([&mira], [&noor]) } else { ([&noor], [&mira]) };
            // By two pushes, or by a push and a poll: his activity, or his edge.
            let (left, right) = if round % 3 == 0 {
                tokio::join!(
                    here.entitle(Channel::Scim, &one, false),
                    there.leave(Channel::Poll, &group, &two),
                )
            } else {
                tokio::join!(
                    here.entitle(Channel::Scim, &one, false),
                    there.entitle(Channel::Scim, &two, false),
                )
            };
            left.unwrap();
            right.unwrap();
            let admins = here.members(&organization_admin(), &[&mira, &noor]).await;
            assert_eq!(admins.len(), 1, "{round}");
            assert!(here.is_active(&admins[0]).await, "{round}");
            here.entitle(Channel::Scim, &[&mira, &noor], true).await.unwrap();
            here.join(Channel::Poll, &group, &[&mira, &noor]).await;
            let admins = here.members(&organization_admin(), &[&mira, &noor]).await;
            assert_eq!(admins.len(), 2, "{round}");
        }
    }
}
