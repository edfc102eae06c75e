//! `store::teams`.

use rosterd::model::mode::OktaMode;
use rosterd::model::team::{Team, organization_admin};
use rosterd::store::teams;

use super::setup::{
    at, deactivate, derive, give, group, join, map, read, run_id, switch, team, user, write,
};
use crate::support::stores::on_each_store;

on_each_store! {
    async fn a_new_store_has_the_predefined_teams(store) {
        let all = read(&store, async |tx| teams::list(tx).await).await;
        let names: Vec<&str> = all.iter().map(|line| line.team.name.as_str()).collect();
        assert_eq!(names.len(), 8);
        assert_eq!(names[0], "organization-admin");
        assert!(all.iter().all(|line| line.team.system_team && line.members == 0 && line.mappings == 0));
        let admins = read(&store, async |tx| teams::find(tx, &organization_admin()).await).await;
        assert_eq!(admins.as_ref(), Some(&all[0].team));
    }

    async fn a_custom_team_is_found_as_it_was_made(store) {
        store.clock.advance(5);
        let made = write(&store, async |tx| teams::insert(tx, "Platform", Some("who builds it")).await).await;
        let expected = Team {
            id: made.id.clone(),
            name: "Platform".to_owned(),
            description: Some("who builds it".to_owned()),
            system_team: false,
            labels: "{}".to_owned(),
            created_at: at(5),
            updated_at: at(5),
            version: 1,
        };
        assert_eq!(made, expected);
        assert_eq!(read(&store, async |tx| teams::find(tx, &made.id).await).await, Some(expected));
        let bare = team(&store, "Bare").await;
        let bare = read(&store, async |tx| teams::find(tx, &bare).await).await.expect("a team");
        assert_eq!(bare.description, None);
        let nobody = rosterd::model::id::TeamId::parse(run_id(1).as_str()).expect("an id");
        assert_eq!(read(&store, async |tx| teams::find(tx, &nobody).await).await, None);
    }

    async fn a_name_may_be_that_of_several_teams_and_is_meant_exactly(store) {
        let (first, other, second) = (
            team(&store, "Platform").await,
            team(&store, "platform").await,
            team(&store, "Platform").await,
        );
        let by_name = async |name: &str| {
            let found = read(&store, async |tx| teams::list_by_name(tx, name).await).await;
            found.into_iter().map(|team| team.id).collect::<Vec<_>>()
        };
        assert_eq!(by_name("Platform").await, [first, second], "the oldest first");
        assert_eq!(by_name("platform").await, [other]);
        assert_eq!(by_name("Plat").await, []);
    }

    async fn r1_a_teams_line_counts_who_counts_now_and_what_leads_to_it(store) {
        let (here, mapped) = (team(&store, "here").await, team(&store, "mapped").await);
        let (mira, noor) = (user(&store, "mira@x", Some("00u1")).await, user(&store, "noor@x", None).await);
        let (a, b) = (group(&store, "a").await, group(&store, "b").await);
        join(&store, &a, &["00u1"]).await;
        join(&store, &b, &["00u1", "00uNobodyHere"]).await;
        map(&store, &a, &mapped).await;
        map(&store, &b, &mapped).await;
        derive(&store, &[&mapped]).await;
        give(&store, &here, &mira).await;
        give(&store, &here, &noor).await;
        let lines = async || {
            let all = read(&store, async |tx| teams::list(tx).await).await;
            let last = all[8..].iter();
            last.map(|line| (line.team.id.clone(), line.members, line.mappings)).collect::<Vec<_>>()
        };
        let expected = |in_here, in_mapped| [(here.clone(), in_here, 0), (mapped.clone(), in_mapped, 2)];
        assert_eq!(lines().await, expected(2, 0), "Okta off: what follows from it does not count");
        switch(&store, OktaMode::On).await;
        assert_eq!(lines().await, expected(0, 1));
        switch(&store, OktaMode::Hybrid).await;
        assert_eq!(lines().await, expected(2, 1));
        deactivate(&store, &[&mira]).await;
        assert_eq!(lines().await, expected(1, 0));
    }
}
