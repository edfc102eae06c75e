//! When an alert about pushes ends (R9): once the window holds no breach of what it is about, as time passes, or as Okta
//! fills again what it emptied.

use std::collections::BTreeSet;

use super::Error;
use super::push_guard::{ALERT, limits, words};
use crate::model::id::{GroupId, TeamId};
use crate::reconcile::guard::{GroupToll, TeamToll, Toll, judge};
use crate::service::GuardSettings;
use crate::store::guard_log::{self, Class};
use crate::store::problems::StoredProblem;
use crate::store::{Tx, groups, memberships, problems};

/// The alerts that are over.
pub(crate) async fn over(tx: &mut Tx, guard: &GuardSettings) -> Result<Vec<StoredProblem>, Error> {
    let mut alerts = problems::list(tx).await?;
    alerts.retain(|problem| problem.code == ALERT);
    if alerts.is_empty() {
        return Ok(alerts);
    }
    let about: BTreeSet<&str> = alerts.iter().map(|alert| alert.object.as_str()).collect();
    let toll = toll(tx, guard.window_ms, &about).await?;
    let breached: BTreeSet<String> = judge(&limits(guard), &toll)
        .iter()
        .map(|breach| words(breach).0)
        .collect();
    alerts.retain(|alert| !breached.contains(&alert.object));
    Ok(alerts)
}

/// What the window holds now of what alerts are about: users, teams or groups.
async fn toll(tx: &mut Tx, window_ms: i64, about: &BTreeSet<&str>) -> Result<Toll, Error> {
    let since = tx.now().minus_millis(window_ms);
    let names: Vec<&str> = about.iter().copied().collect();
    let mut toll = Toll::default();
    for (_, lost, net) in guard_log::list(tx, Class::Push, "user", &[""], since).await? {
        toll.users = guard_log::count_active_okta_users(tx, i64::MAX).await? - net;
        toll.users_lost = lost;
    }
    for (team, lost, net) in guard_log::list(tx, Class::Push, "team", &names, since).await? {
        let team = TeamId::stored(team);
        let size = memberships::count_effective(tx, &team, i64::MAX).await? - net;
        toll.teams.push(TeamToll { team, size, lost });
    }
    let nets = guard_log::list(tx, Class::Push, "group", &names, since).await?;
    let ids: BTreeSet<GroupId> = nets
        .iter()
        .map(|(group, ..)| GroupId::stored(group.clone()))
        .collect();
    let mapped = memberships::mapped_groups(tx, &ids).await?;
    let ids: Vec<&str> = mapped.iter().map(GroupId::as_str).collect();
    for row in groups::find_many(tx, &ids).await? {
        let net = nets.iter().find(|(group, ..)| group == row.id.as_str());
        toll.groups.push(GroupToll {
            size: row.member_count - net.map_or(0, |(.., net)| *net),
            left: row.member_count,
            group: row.id,
        });
    }
    Ok(toll)
}
