//! What a plan would take from Okta's users, teams and groups, before the guard (R9).

use std::collections::{BTreeMap, BTreeSet};

use super::CHUNK;
use super::halt::Halt;
use crate::model::id::{GroupId, TeamId, UserId};
use crate::model::mode::OktaMode;
use crate::model::time::Timestamp;
use crate::reconcile::guard::{self, Breach, GroupToll, TeamToll, Toll};
use crate::reconcile::{Change, Planned};
use crate::service::GuardSettings;
use crate::store::guard_log::{self, Class};
use crate::store::{Tx, groups, memberships, mirror, organization, users};

/// Whether these takings may be applied, together with what polls took in the window before now.
pub(crate) async fn judge(
    tx: &mut Tx,
    settings: &GuardSettings,
    takings: &[Planned],
) -> Result<Vec<Breach>, Halt> {
    let since = tx.now().minus_millis(settings.window_ms);
    let inactive = made_inactive(tx, takings).await?;
    let edges = removed_edges(takings);
    let lost = lost_memberships(tx, &inactive, &edges).await?;
    let window = guard_log::list(tx, Class::Poll, "user", &[""], since).await?;
    let (before, net) = window
        .iter()
        .fold((0, 0), |(lost, net), line| (lost + line.1, net + line.2));
    let toll = Toll {
        users: guard_log::count_active_okta_users(tx, i64::MAX).await? - net,
        users_lost: if inactive.is_empty() {
            0
        } else {
            before + length(inactive.len())
        },
        teams: teams(tx, lost, since).await?,
        groups: mapped(tx, &edges, since).await?,
    };
    Ok(guard::judge(&settings.limits(), &toll))
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Okta's active users that the takings make inactive.
async fn made_inactive(tx: &mut Tx, takings: &[Planned]) -> Result<BTreeSet<UserId>, Halt> {
    let ids: BTreeSet<&str> = takings
        .iter()
        .filter_map(|planned| match &planned.change {
            Change::SetStatus { okta_id, .. }
            | Change::SetEntitled { okta_id, .. }
            | Change::DeactivateLeaver { okta_id } => Some(okta_id.as_str()),
            _ => None,
        })
        .collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut inactive = BTreeSet::new();
    for chunk in ids.chunks(CHUNK) {
        let rows = users::find_many_by_member_key(tx, chunk).await?;
        inactive.extend(rows.into_iter().filter(|row| row.active).map(|row| row.id));
    }
    Ok(inactive)
}

/// The edges that go, sorted by member, so that all of one user are together.
fn removed_edges(takings: &[Planned]) -> Vec<(&GroupId, &str)> {
    let mut edges: Vec<(&GroupId, &str)> = takings
        .iter()
        .filter_map(|planned| match &planned.change {
            Change::RemoveEdge { group, member, .. } => Some((group, member.as_str())),
            _ => None,
        })
        .collect();
    edges.sort_unstable_by(|a, b| (a.1, a.0).cmp(&(b.1, b.0)));
    edges.dedup();
    edges
}

/// How many memberships of each team count now and would not afterwards.
async fn lost_memberships(
    tx: &mut Tx,
    inactive: &BTreeSet<UserId>,
    edges: &[(&GroupId, &str)],
) -> Result<BTreeMap<TeamId, i64>, Halt> {
    let mut lost: BTreeMap<TeamId, i64> = BTreeMap::new();
    let all: Vec<UserId> = inactive.iter().cloned().collect();
    for chunk in all.chunks(CHUNK) {
        for (team, _) in memberships::effective_of_users(tx, chunk).await? {
            *lost.entry(team).or_default() += 1;
        }
    }
    let mode = organization::find(tx).await?.mode;
    if !mode.derived_counts() {
        return Ok(lost);
    }
    let mut rest = edges;
    while !rest.is_empty() {
        let mut end = rest.len().min(CHUNK);
        while end < rest.len() && rest[end].1 == rest[end - 1].1 {
            end += 1;
        }
        let (chunk, tail) = rest.split_at(end);
        rest = tail;
        let hanging = mirror::list_hanging_on(tx, chunk).await?;
        if hanging.is_empty() {
            continue;
        }
        let counting = memberships::effective_of(tx, &hanging).await?;
        // Beside a derived row, a local one counts in hybrid only: with Okta on, those of Okta's users are kept and do not
        // count (R3), so they soften no loss.
        let by_hand = if mode == OktaMode::Hybrid {
            memberships::local_of(tx, &counting).await?
        } else {
            BTreeSet::new()
        };
        // All edges of one user are in one chunk, and whoever becomes inactive has lost everything already: nobody counts
        // twice.
        for (team, user) in counting.difference(&by_hand) {
            if !inactive.contains(user) {
                *lost.entry(team.clone()).or_default() += 1;
            }
        }
    }
    Ok(lost)
}

async fn teams(
    tx: &mut Tx,
    counts: BTreeMap<TeamId, i64>,
    since: Timestamp,
) -> Result<Vec<TeamToll>, Halt> {
    if counts.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = counts.keys().map(TeamId::as_str).collect();
    let window = guard_log::list(tx, Class::Poll, "team", &names, since).await?;
    let mut teams = Vec::with_capacity(counts.len());
    for (team, lost) in counts {
        let (before, net) = of(&window, team.as_str());
        teams.push(TeamToll {
            size: memberships::count_effective(tx, &team, i64::MAX).await? - net,
            lost: before + lost,
            team,
        });
    }
    Ok(teams)
}

async fn mapped(
    tx: &mut Tx,
    edges: &[(&GroupId, &str)],
    since: Timestamp,
) -> Result<Vec<GroupToll>, Halt> {
    let mut counts: BTreeMap<GroupId, i64> = BTreeMap::new();
    for (group, _) in edges {
        *counts.entry((*group).clone()).or_default() += 1;
    }
    if counts.is_empty() {
        return Ok(Vec::new());
    }
    let all: BTreeSet<GroupId> = counts.keys().cloned().collect();
    let mapped = memberships::mapped_groups(tx, &all).await?;
    let ids: Vec<&str> = mapped.iter().map(GroupId::as_str).collect();
    let window = guard_log::list(tx, Class::Poll, "group", &ids, since).await?;
    let rows = groups::find_many(tx, &ids).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let (_, net) = of(&window, row.id.as_str());
            let gone = counts.get(&row.id).copied().unwrap_or(0);
            GroupToll {
                // Also a group that was filled only since is not emptied.
                size: row.member_count.max(row.member_count - net),
                left: row.member_count - gone,
                group: row.id,
            }
        })
        .collect())
}

fn of(window: &[(String, i64, i64)], object: &str) -> (i64, i64) {
    window
        .iter()
        .find(|line| line.0 == object)
        .map_or((0, 0), |line| (line.1, line.2))
}
