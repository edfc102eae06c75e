//! `store::user_lines`.

use rosterd::model::actor::Channel;
use rosterd::model::mode::OktaMode;
use rosterd::model::user::Origin;
use rosterd::store::user_lines::{self, Query, UserLine};
use rosterd::store::withheld::Cause;
use rosterd::store::{Store, edges, groups, users};

use super::groups::okta_side;
use super::setup::{
    at, deactivate, derive, edge, give, group, join, local_user, map, okta_group, read, switch,
    team, user, withhold, write,
};
use crate::support::stores::on_each_store;

async fn list(store: &Store, query: &Query) -> Vec<UserLine> {
    read(store, async |tx| user_lines::list(tx, query).await).await
}

async fn names(store: &Store, query: &Query) -> Vec<String> {
    let found = list(store, query).await;
    found.into_iter().map(|line| line.user_name).collect()
}

fn all() -> Query {
    Query {
        limit: 9,
        ..Query::default()
    }
}

on_each_store! {
    async fn a_user_is_shown_in_one_line(store) {
        let mira = user(&store, "Mira@X", Some("00u1")).await;
        let local = local_user(&store, "local@x").await;
        write(&store, async |tx| {
            let mut invited = local.clone();
            invited.pending = true;
            users::update(tx, &invited).await
        })
        .await;
        deactivate(&store, &[&local]).await;
        let (here, there) = (team(&store, "here").await, team(&store, "there").await);
        give(&store, &here, &mira).await;
        give(&store, &there, &mira).await;
        let lines = list(&store, &all()).await;
        let [first, second] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((&first.id, first.seq, first.user_name.as_str()), (&mira.id, mira.seq, "Mira@X"));
        assert_eq!((first.display_name.as_deref(), first.origin.as_str()), (Some("Mira Okafor"), "okta"));
        assert_eq!(
            (first.okta_id.as_deref(), first.active, first.pending, first.teams),
            (Some("00u1"), true, false, 2),
        );
        assert_eq!((second.origin.as_str(), second.okta_id.as_deref()), ("local", None));
        assert_eq!((second.active, second.pending, second.teams), (false, true, 0));
        switch(&store, OktaMode::On).await;
        assert_eq!(list(&store, &all()).await[0].teams, 0, "only what counts now");
    }

    async fn users_are_listed_by_origin_and_activity_page_by_page(store) {
        let one = user(&store, "c@x", None).await;
        let two = local_user(&store, "b@x").await;
        user(&store, "a@x", None).await;
        let four = local_user(&store, "d@x").await;
        deactivate(&store, &[&one, &four]).await;
        assert_eq!(names(&store, &all()).await, ["c@x", "b@x", "a@x", "d@x"], "in order of creation");
        assert_eq!(names(&store, &Query { limit: 2, ..all() }).await, ["c@x", "b@x"]);
        assert_eq!(names(&store, &Query { limit: 2, after: two.seq, ..all() }).await, ["a@x", "d@x"]);
        assert_eq!(names(&store, &Query { after: four.seq, ..all() }).await, [""; 0]);
        let (okta, local) = (Some(Origin::Okta), Some(Origin::Local));
        assert_eq!(names(&store, &Query { origin: okta, ..all() }).await, ["c@x", "a@x"]);
        assert_eq!(names(&store, &Query { origin: local, ..all() }).await, ["b@x", "d@x"]);
        assert_eq!(names(&store, &Query { inactive: true, ..all() }).await, ["c@x", "d@x"]);
        assert_eq!(names(&store, &Query { inactive: true, origin: okta, ..all() }).await, ["c@x"]);
    }

    async fn each_row_that_puts_him_into_a_team_is_told_and_whether_he_is_in(store) {
        let (platform, one, two) = (
            group(&store, "Platform").await,
            team(&store, "one").await,
            team(&store, "two").await,
        );
        let mira = user(&store, "mira@x", Some("00u1")).await;
        let noor = user(&store, "noor@x", None).await;
        withhold(&store, &mira, Some(&two), Cause::Guard, None).await;
        withhold(&store, &noor, Some(&two), Cause::Guard, None).await;
        // His activity is no team.
        withhold(&store, &mira, None, Cause::Guard, None).await;
        store.clock.advance(5);
        map(&store, &platform, &one).await;
        join(&store, &platform, &["00u1"]).await;
        derive(&store, &[&one]).await;
        store.clock.advance(5);
        give(&store, &one, &mira).await;
        give(&store, &two, &noor).await;
        let rows = async || {
            let found = read(&store, async |tx| user_lines::list_memberships(tx, &mira.id).await).await;
            found
                .into_iter()
                .map(|row| (row.team, row.team_name, row.origin, row.since.since(at(0)), row.counts))
                .collect::<Vec<_>>()
        };
        let expected = |in_one, in_two| {
            [
                (one.clone(), "one".to_owned(), "local".to_owned(), 10, in_one),
                (one.clone(), "one".to_owned(), "okta".to_owned(), 5, in_one),
                (two.clone(), "two".to_owned(), "withheld".to_owned(), 0, in_two),
            ]
        };
        assert_eq!(rows().await, expected(true, false), "Okta is off");
        switch(&store, OktaMode::On).await;
        assert_eq!(rows().await, expected(true, true));
        deactivate(&store, &[&mira]).await;
        assert_eq!(rows().await, expected(false, false));
    }

    async fn the_groups_he_is_in_say_who_put_him_there_and_where_they_lead(store) {
        let (pushed, listed) = (group(&store, "Pushed").await, okta_group(&store, "00g1", "Listed").await);
        write(&store, async |tx| {
            let mut both = groups::find(tx, &pushed).await?.expect("a group");
            both.okta = Some(okta_side("00g2", "In Okta"));
            groups::update(tx, &both, 0).await
        })
        .await;
        let (one, two) = (team(&store, "one").await, team(&store, "two").await);
        map(&store, &pushed, &two).await;
        map(&store, &pushed, &one).await;
        join(&store, &listed, &["00u1", "00u2"]).await;
        store.clock.advance(5);
        write(&store, async |tx| edges::insert_many(tx, Channel::Scim, &[edge(&pushed, "00u1")]).await).await;
        let found = read(&store, async |tx| user_lines::list_groups(tx, "00u1").await).await;
        let found: Vec<_> = found
            .into_iter()
            .map(|group| (group.id, group.name, group.channel, group.at.since(at(0)), group.teams.join(" ")))
            .collect();
        let expected = [
            (pushed, "In Okta".to_owned(), "scim".to_owned(), 5, "one two".to_owned()),
            (listed, "Listed".to_owned(), "poll".to_owned(), 0, String::new()),
        ];
        assert_eq!(found, expected);
        assert!(read(&store, async |tx| user_lines::list_groups(tx, "00u3").await).await.is_empty());
    }
}
