//! When an alert about pushes ends (R9): once the window holds no breach of what it is about, as time passes, or as Okta
//! fills again what it emptied.

use std::collections::BTreeSet;

use super::Error;
use super::push_guard::{ALERT, words};
use crate::model::id::{GroupId, TeamId};
use crate::model::time::Timestamp;
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
    let limits = guard.limits();
    let since = tx.now().minus_millis(guard.window_ms);
    let emptied = alerts.iter().filter(|alert| alert.since > since);
    let emptied: BTreeSet<GroupId> = emptied
        .filter_map(|alert| GroupId::parse(&alert.object))
        .collect();
    let mut toll = toll(tx, since, &about).await?;
    // An emptied group stays one until it is filled again, or the window has passed.
    let mapped = memberships::mapped_groups(tx, &emptied).await?;
    let ids: Vec<&str> = mapped.iter().map(GroupId::as_str).collect();
    let rows = groups::find_many(tx, &ids).await?;
    toll.groups.extend(rows.into_iter().map(|row| GroupToll {
        size: limits.emptied_group_floor,
        left: row.member_count,
        group: row.id,
    }));
    let breached: BTreeSet<String> = judge(&limits, &toll)
        .iter()
        .map(|breach| words(breach).0)
        .collect();
    alerts.retain(|alert| !breached.contains(&alert.object));
    Ok(alerts)
}

/// What the window holds now of what alerts are about: users and teams.
async fn toll(tx: &mut Tx, since: Timestamp, about: &BTreeSet<&str>) -> Result<Toll, Error> {
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
    Ok(toll)
}
