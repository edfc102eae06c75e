//! `store::counts`.

use rosterd::model::mode::OktaMode;
use rosterd::model::time::Timestamp;
use rosterd::model::token::Scope;
use rosterd::store::counts::{self, Counts, ScimTraffic};
use rosterd::store::{Store, groups, mappings, memberships, tokens};

use super::scim_requests::{keep as answer, request};
use super::setup::{
    at, deactivate, derive, give, group, join, local_user, map, okta_group, read, switch, team,
    unseen_user, user, write,
};
use super::tokens::{keep, new_token};
use crate::support::stores::on_each_store;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn traffic(store: &Store, since: Timestamp) -> ScimTraffic {
    read(store, async |tx| counts::find_scim_traffic(tx, since).await).await
}

on_each_store! {
    async fn the_roster_is_counted_by_what_is_there_and_what_counts(store) {
        let find = async || read(&store, async |tx| counts::find(tx).await).await;
        assert_eq!(find().await, Counts { teams: 8, ..Counts::default() }, "a new store");
        let (mira, noor) = (user(&store, "mira@x", Some("00u1")).await, user(&store, "noor@x", None).await);
        unseen_user(&store, "omar@x", Some("00u2")).await;
        local_user(&store, "ada@x").await;
        let (pushed, listed, gone) = (
            group(&store, "pushed").await,
            okta_group(&store, "00g1", "listed").await,
            group(&store, "gone").await,
        );
        let one = team(&store, "one").await;
        for group in [&pushed, &listed, &gone] {
            map(&store, group, &one).await;
        }
        write(&store, async |tx| mappings::insert(tx, &one, None, "waits", "mira").await).await;
        write(&store, async |tx| {
            let mut neither = groups::find(tx, &gone).await?.expect("a group");
            neither.scim = false;
            groups::update(tx, &neither, 0).await
        })
        .await;
        join(&store, &pushed, &["00u1"]).await;
        derive(&store, &[&one]).await;
        give(&store, &one, &mira).await;
        give(&store, &one, &noor).await;
        let expected = Counts {
            users: 4,
            active_users: 4,
            okta_users: 2,
            scim_users: 2,
            teams: 9,
            groups: 2,
            scim_groups: 1,
            mappings: 4,
            bound_mappings: 2,
            memberships: 2,
        };
        assert_eq!(find().await, expected);
        switch(&store, OktaMode::On).await;
        assert_eq!(find().await, Counts { memberships: 1, ..expected.clone() });
        switch(&store, OktaMode::Hybrid).await;
        assert_eq!(find().await, expected, "who is in a team twice is in it once");
        deactivate(&store, &[&noor]).await;
        write(&store, async |tx| memberships::update_deleting(tx, &noor.id).await).await;
        assert_eq!(find().await, Counts { active_users: 3, scim_users: 1, memberships: 1, ..expected });
    }

    async fn traffic_is_the_last_answer_and_what_came_since_an_instant(store) {
        assert_eq!(traffic(&store, at(0)).await, ScimTraffic::default());
        answer(&store, &[request(1, 500), request(2, 404), request(3, 400), request(4, 399)]).await;
        let expected = ScimTraffic {
            last_request_at: Some(at(4)),
            last_status: Some(399),
            requests: 2,
            errors: 1,
            ..ScimTraffic::default()
        };
        assert_eq!(traffic(&store, at(2)).await, expected, "after it");
        let expected = ScimTraffic { requests: 0, errors: 0, ..expected };
        assert_eq!(traffic(&store, at(4)).await, expected, "the last is told whenever it came");
    }

    async fn live_scim_tokens_are_counted_and_the_end_of_the_first_in_use_is_told(store) {
        let week = 7 * DAY_MS;
        let live = async || {
            let found = traffic(&store, at(0)).await;
            (found.tokens, found.token_ends_at)
        };
        let (first, second) = (
            new_token(1, Scope::Scim, Some(at(9 * DAY_MS))),
            new_token(2, Scope::Scim, Some(at(20 * DAY_MS))),
        );
        let (revoked, endless) = (new_token(3, Scope::Scim, Some(at(10 * DAY_MS))), new_token(4, Scope::Scim, None));
        for token in [&first, &second, &revoked, &endless] {
            keep(&store, token).await;
        }
        keep(&store, &new_token(5, Scope::Manage, Some(at(DAY_MS)))).await;
        write(&store, async |tx| tokens::update_revoked(tx, &revoked.id).await).await;
        assert_eq!(live().await, (3, None), "none is in use");
        for token in [&first, &revoked, &endless] {
            write(&store, async |tx| tokens::update_last_used(tx, &token.id).await).await;
        }
        store.clock.advance(DAY_MS);
        write(&store, async |tx| tokens::update_last_used(tx, &second.id).await).await;
        assert_eq!(live().await, (3, first.expires_at));
        store.clock.advance(week - DAY_MS);
        assert_eq!(live().await, (3, second.expires_at), "the first was not used for a week");
        store.clock.advance(2 * DAY_MS);
        assert_eq!(live().await, (2, None), "the first is over, the second is not in use either");
        store.clock.advance(11 * DAY_MS);
        assert_eq!(live().await.0, 1);
    }
}
