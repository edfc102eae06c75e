//! R9: a mapped group of five or more that pushes empty: an alert and its end, or an open run.

use rosterd::model::actor::Channel;
use rosterd::model::id::{GroupId, TeamId, UserId};
use rosterd::model::mode::OktaMode;
use rosterd::service::retention::{Retention, sweep};
use rosterd::service::{GuardSettings, PushGuard, Settings, mode, status};

use super::cast::{Cast, cx};
use crate::support::stores::{TestStore, on_each_store};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Six people in a team by a group that was filled longer ago than the window reaches.
async fn six(store: &TestStore, push: PushGuard) -> (Cast, GroupId, TeamId, Vec<UserId>) {
    let guard = GuardSettings {
        push,
        ..GuardSettings::default()
    };
    let settings = Settings {
        guard,
        ..Settings::default()
    };
    let cast = Cast::with(store, settings);
    let (group, team) = (cast.group("Platform").await, cast.team("platform").await);
    cast.map(&group, &team).await;
    let mut people = Vec::new();
    for n in 0..6 {
        people.push(cast.user(&format!("u{n}@x")).await);
    }
    let everybody: Vec<&UserId> = people.iter().collect();
    cast.join(Channel::Scim, &group, &everybody).await;
    mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::On, false)
        .await
        .unwrap();
    store.clock.advance(DAY_MS + 1_000);
    (cast, group, team, people)
}

/// The critical problems `/status` tells of.
async fn critical(cast: &Cast) -> Vec<String> {
    let status = status::read(&cast.service).await.unwrap();
    let critical = status.problems.into_iter().filter(|problem| {
        problem.severity == status::Severity::Critical && problem.code != "no_admin"
    });
    critical.map(|problem| problem.code).collect()
}

on_each_store! {
    async fn r9_a_mapped_group_emptied_by_pushes_is_an_alert_until_the_window_has_passed(store) {
        let (cast, group, team, people) = six(&store, PushGuard::Alert).await;
        let everybody: Vec<&UserId> = people.iter().collect();
        cast.leave(Channel::Scim, &group, &everybody[..1]).await.unwrap();
        assert!(critical(&cast).await.is_empty());
        cast.leave(Channel::Scim, &group, &everybody[1..]).await.unwrap();
        assert_eq!(critical(&cast).await, ["guard_push"]);
        assert_eq!(store.texts("SELECT object FROM problems").await, [group.to_string()]);
        assert!(cast.members(&team, &everybody).await.is_empty(), "it is applied all the same");
        sweep(&cast.service, Retention::default()).await.unwrap();
        store.clock.advance(DAY_MS - 1_000);
        assert_eq!(critical(&cast).await, ["guard_push"], "what the window still holds is not over");
        store.clock.advance(2_000);
        assert!(critical(&cast).await.is_empty(), "nobody has to sweep first");
        assert_eq!(store.number("SELECT COUNT(*) FROM problems").await, 1);
        sweep(&cast.service, Retention::default()).await.unwrap();
        assert_eq!(store.number("SELECT COUNT(*) FROM problems").await, 0);
    }

    async fn r9_an_alert_about_an_emptied_group_ends_when_okta_fills_it_again(store) {
        let (cast, group, _, people) = six(&store, PushGuard::Alert).await;
        let everybody: Vec<&UserId> = people.iter().collect();
        cast.leave(Channel::Scim, &group, &everybody).await.unwrap();
        assert_eq!(critical(&cast).await, ["guard_push"]);
        cast.join(Channel::Scim, &group, &everybody[..3]).await;
        assert!(critical(&cast).await.is_empty());
    }

    async fn r9_an_emptied_group_is_an_alert_also_where_its_last_member_counted_nowhere(store) {
        let (cast, group, _, people) = six(&store, PushGuard::Alert).await;
        let everybody: Vec<&UserId> = people.iter().collect();
        cast.entitle(Channel::Scim, &everybody[..1], false).await.unwrap();
        cast.leave(Channel::Scim, &group, &everybody[1..]).await.unwrap();
        assert!(critical(&cast).await.is_empty());
        cast.leave(Channel::Scim, &group, &everybody[..1]).await.unwrap();
        assert_eq!(critical(&cast).await, ["guard_push"]);
    }

    async fn r9_what_empties_a_mapped_group_is_withheld_where_pushes_are_held(store) {
        let (cast, group, team, people) = six(&store, PushGuard::Hold).await;
        let everybody: Vec<&UserId> = people.iter().collect();
        cast.leave(Channel::Scim, &group, &everybody[..1]).await.unwrap();
        assert_eq!(cast.members(&team, &everybody).await.len(), 5);
        cast.leave(Channel::Scim, &group, &everybody[1..]).await.unwrap();
        assert_eq!(cast.members(&team, &everybody).await.len(), 5, "he who went alone is gone, the rest are kept");
        assert_eq!(critical(&cast).await, ["pushes_withheld"]);
        assert_eq!(store.number("SELECT member_count FROM idp_groups").await, 0, "the mirror says what Okta says");
        assert!(status::read(&cast.service).await.unwrap().withheld_run.is_some());
    }

    async fn r9_an_alert_about_a_team_ends_when_the_window_holds_fewer_losses(store) {
        let (cast, group, _, mut people) = six(&store, PushGuard::Alert).await;
        for n in 6..30 {
            let user = cast.user(&format!("u{n}@x")).await;
            cast.join(Channel::Scim, &group, &[&user]).await;
            people.push(user);
        }
        store.clock.advance(DAY_MS + 1_000);
        let everybody: Vec<&UserId> = people.iter().collect();
        cast.leave(Channel::Scim, &group, &everybody[..4]).await.unwrap();
        store.clock.advance(DAY_MS / 2);
        cast.leave(Channel::Scim, &group, &everybody[4..8]).await.unwrap();
        assert_eq!(critical(&cast).await, ["guard_push"], "eight of thirty");
        store.clock.advance(DAY_MS / 2 + 1_000);
        assert!(critical(&cast).await.is_empty(), "four of twenty-six");
    }
}
