//! Mass change by pushes: an alert, or withheld rows in one open run (R9).
//!
//! Pushes are counted by themselves over the sliding window. With `guard.push = "hold"` the mirror records the push as
//! always; what it would take past a threshold is kept by withheld rows, which hang on the user and the team, not on the
//! group, so that they outlive it.

use std::collections::{BTreeMap, BTreeSet};

use super::effects::Effects;
use super::{Error, Service, Touched};
use crate::model::actor::{Channel, Cx};
use crate::model::id::{GroupId, RunId, TeamId, UserId};
use crate::model::run::{RunKind, RunState};
use crate::model::time::Timestamp;
use crate::model::user::Origin;
use crate::reconcile::guard::{Breach, GroupToll, Limits, TeamToll, Toll, judge};
use crate::service::PushGuard;
use crate::store::guard_log::{self, Class, Line};
use crate::store::runs::{self, Run};
use crate::store::withheld::{self, Cause};
use crate::store::{Tx, groups, memberships, problems};

/// The code of the problem that an alert is.
pub(super) const ALERT: &str = "guard_push";

/// Watches what a push takes; gives how many rows it withheld.
pub(super) async fn watch(
    service: &Service,
    tx: &mut Tx,
    cx: &Cx,
    touched: &Touched,
    effects: &mut Effects,
) -> Result<u64, Error> {
    let takes = !effects.lost.is_empty()
        || !effects.deactivated.is_empty()
        || !touched.taken_edges.is_empty();
    if cx.channel != Channel::Scim || !takes {
        return Ok(0);
    }
    let settings = service.settings();
    let limits = settings.guard.limits();
    let toll = toll(tx, touched, effects, &limits, settings.guard.window_ms).await?;
    let breaches = judge(&limits, &toll);
    if breaches.is_empty() {
        return Ok(0);
    }
    match settings.guard.push {
        PushGuard::Alert => {
            for breach in &breaches {
                let (object, detail) = words(breach);
                problems::insert(tx, ALERT, &object, &detail).await?;
            }
            Ok(0)
        }
        PushGuard::Hold => hold(tx, cx, effects, &breaches).await,
    }
}

/// What this push and the window before it take together. Sizes are those at the window's start: the present ones less
/// what the window's lines, and this push, changed. Nobody is counted where it cannot matter, because a push must not
/// read everybody for one who leaves.
async fn toll(
    tx: &mut Tx,
    touched: &Touched,
    effects: &Effects,
    limits: &Limits,
    window_ms: i64,
) -> Result<Toll, Error> {
    let since = tx.now().minus_millis(window_ms);
    let window = |lines: Vec<(String, i64, i64)>| -> BTreeMap<String, (i64, i64)> {
        lines
            .into_iter()
            .map(|(object, lost, net)| (object, (lost, net)))
            .collect()
    };
    let users = window(guard_log::list(tx, Class::Push, "user", &[""], since).await?);
    let (users_lost, users_net) = users.get("").copied().unwrap_or_default();
    let now_lost = count(
        effects
            .deactivated
            .values()
            .filter(|origin| **origin == Origin::Okta)
            .count(),
    );
    let users_lost = users_lost + now_lost;
    // From how many there are to how many there were at the window's start.
    let change = now_lost - effects.activated_of_okta - users_net;
    let harmless = limits.harmless_users(users_lost).saturating_sub(change);
    let users = guard_log::count_active_okta_users(tx, harmless).await? + change;

    let mut by_team: BTreeMap<&TeamId, i64> = BTreeMap::new();
    for (team, _) in &effects.lost {
        *by_team.entry(team).or_default() += 1;
    }
    let mut toll = Toll {
        users,
        users_lost,
        ..Toll::default()
    };
    let teams: Vec<&str> = by_team.keys().map(|team| team.as_str()).collect();
    let logged = window(guard_log::list(tx, Class::Push, "team", &teams, since).await?);
    for (team, lost) in by_team {
        let (before, net) = logged.get(team.as_str()).copied().unwrap_or_default();
        let gained = count(
            effects
                .gained
                .iter()
                .filter(|(gained, _)| gained == team)
                .count(),
        );
        let change = lost - gained - net;
        let harmless = limits.harmless_team(before + lost).saturating_sub(change);
        if memberships::has_at_least(tx, team, harmless).await? {
            continue;
        }
        let size = memberships::count_effective(tx, team, i64::MAX).await? + change;
        toll.teams.push(TeamToll {
            team: team.clone(),
            size,
            lost: before + lost,
        });
    }
    toll.groups = emptied(tx, touched, since).await?;
    Ok(toll)
}

/// The mapped groups this push took edges from, with what they had at the window's start, whoever counted by them; the
/// edges taken now are written to the window here, because nobody else counts them.
async fn emptied(
    tx: &mut Tx,
    touched: &Touched,
    since: Timestamp,
) -> Result<Vec<GroupToll>, Error> {
    let taken = &touched.taken_edges;
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let mapped = memberships::mapped_groups(tx, &taken.keys().cloned().collect()).await?;
    let names: Vec<&str> = mapped.iter().map(GroupId::as_str).collect();
    let found = groups::find_many(tx, &names).await?;
    let logged = guard_log::list(tx, Class::Push, "group", &names, since).await?;
    let mut lines = Vec::new();
    let mut tolls = Vec::new();
    for group in found {
        let named = taken.get(&group.id).copied().unwrap_or(0);
        let net = logged
            .iter()
            .find(|(object, ..)| object == group.id.as_str())
            .map_or(0, |(.., net)| *net);
        lines.push(Line {
            kind: "group",
            object: group.id.to_string(),
            user: String::new(),
            delta: -named,
        });
        tolls.push(GroupToll {
            // One that was filled only since is emptied as well.
            size: (group.member_count + named).max(group.member_count + named - net),
            left: group.member_count,
            group: group.id,
        });
    }
    guard_log::insert(tx, Class::Push, true, &lines).await?;
    Ok(tolls)
}

/// Keeps what this push takes where a threshold is passed, in the one open run.
async fn hold(
    tx: &mut Tx,
    cx: &Cx,
    effects: &mut Effects,
    breaches: &[Breach],
) -> Result<u64, Error> {
    let everybody = breaches
        .iter()
        .any(|breach| matches!(breach, Breach::Users { .. }));
    let emptied = breaches
        .iter()
        .any(|breach| matches!(breach, Breach::Group { .. }));
    let teams: BTreeSet<&TeamId> = breaches
        .iter()
        .filter_map(|breach| match breach {
            Breach::Team { team, .. } => Some(team),
            _ => None,
        })
        .collect();
    let mut rows: BTreeSet<(UserId, Option<TeamId>)> = BTreeSet::new();
    let mut kept_active: Vec<UserId> = Vec::new();
    let losing: BTreeSet<&UserId> = effects
        .lost
        .iter()
        .filter(|(team, _)| teams.contains(team))
        .map(|(_, user)| user)
        .collect();
    for (user, origin) in &effects.deactivated {
        if *origin == Origin::Okta && (everybody || losing.contains(user)) {
            rows.insert((user.clone(), None));
            kept_active.push(user.clone());
        }
    }
    for ((team, user), _) in &effects.derived.removed {
        if effects.lost.contains(&(team.clone(), user.clone())) && (emptied || teams.contains(team))
        {
            rows.insert((user.clone(), Some(team.clone())));
        }
    }
    if rows.is_empty() {
        return Ok(0);
    }
    let run = open_run(tx, cx, breaches).await?;
    let done = withheld::insert(tx, &rows, Cause::Guard, Some(&run)).await?;
    memberships::update_activity(tx, &kept_active, true).await?;
    for user in &kept_active {
        effects.deactivated.remove(user);
    }
    effects.look_again(tx).await?;
    Ok(done)
}

/// The one open run of channel scim, made when there is none.
async fn open_run(tx: &mut Tx, cx: &Cx, breaches: &[Breach]) -> Result<RunId, Error> {
    if let Some(run) = runs::find_open_scim(tx).await? {
        return Ok(run.id);
    }
    let reasons: Vec<String> = breaches.iter().map(|breach| words(breach).1).collect();
    let now = tx.now();
    let run = Run {
        id: RunId::new(now, tx.random()),
        kind: RunKind::Scim,
        channel: cx.channel.as_str().to_owned(),
        actor: cx.actor.clone(),
        dry_run: false,
        state: RunState::Held,
        began_at: now,
        ended_at: None,
        epoch: 0,
        summary: serde_json::json!({"held_because": reasons}).to_string(),
        error: None,
        decided_by: None,
        successor: None,
    };
    runs::insert(tx, &run).await?;
    Ok(run.id)
}

/// What a breach is about, and in words.
pub(super) fn words(breach: &Breach) -> (String, String) {
    match breach {
        Breach::Users { size, lost } => (
            "users".to_owned(),
            format!(
                "Pushes made {lost} of {size} active users of Okta's inactive within the window."
            ),
        ),
        Breach::Team { team, size, lost } => (
            team.to_string(),
            format!("Pushes took {lost} of {size} members from the team {team} within the window."),
        ),
        Breach::Group { group, size } => (
            group.to_string(),
            format!("Pushes emptied the mapped group {group}, which had {size} members."),
        ),
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
