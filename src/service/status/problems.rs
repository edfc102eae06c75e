//! Problems: each with a code, how bad it is, since when, what is wrong and what to do next.

use serde::{Deserialize, Serialize};

use super::{HeldRun, OktaStatus, Pause};
use crate::model::mapping::{Mapping, MappingState};
use crate::model::run::RunKind;
use crate::model::time::Timestamp;
use crate::service::membership::alerts;
use crate::service::{Error, Settings};
use crate::store::counts::{Counts, ScimTraffic};
use crate::store::organization::Organization;
use crate::store::problems::StoredProblem;
use crate::store::withheld::{Cause, Withheld};
use crate::store::{Tx, groups, memberships, problems, runs};

/// Okta must have been silent this long before it is a problem: a blip does not shout.
const SILENT_MS: i64 = 5 * 60 * 1000;

/// How long before its end a token that is in use becomes a problem.
const ENDING_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// Something does not work.
    Error,
    /// Somebody may be locked out or let in.
    Critical,
}

impl Severity {
    /// The severity's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// What is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A stable code.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// What is wrong.
    pub text: String,
    /// What to do next.
    pub next: String,
}

/// What problems are read from.
pub(super) struct Seen<'s> {
    pub(super) settings: &'s Settings,
    pub(super) organization: &'s Organization,
    pub(super) okta: &'s OktaStatus,
    pub(super) scim: &'s ScimTraffic,
    pub(super) counts: &'s Counts,
    pub(super) held: Option<&'s HeldRun>,
    pub(super) withheld: &'s [Withheld],
    pub(super) pause: Option<&'s Pause>,
    pub(super) mappings: &'s [Mapping],
    pub(super) now: Timestamp,
}

/// Every problem, worst first.
pub(super) async fn list(tx: &mut Tx, seen: &Seen<'_>) -> Result<Vec<Problem>, Error> {
    let over = alerts::over(tx, &seen.settings.guard).await?;
    let mut stored = problems::list(tx).await?;
    stored.retain(|problem| !over.contains(problem));
    let mut found: Vec<Problem> = stored.into_iter().map(noted).collect();
    found.extend(of_okta(seen));
    found.extend(of_runs(tx, seen).await?);
    found.extend(of_waiting(tx, seen).await?);
    found.extend(of_mappings(tx, seen.mappings).await?);
    found.extend(of_setup(tx, seen).await?);
    let team = crate::model::team::organization_admin();
    if memberships::count_effective(tx, &team, 1).await? == 0 {
        found.push(problem(
            "no_admin",
            Severity::Warning,
            problems::no_admin_since(tx).await?,
            "Nobody is an active member of Organization Admin.",
            "Make one on the host: `rosterd admin create EMAIL`, or map a group to organization-admin.",
        ));
    }
    found.sort_by(|a, b| (b.severity, a.since, &a.code).cmp(&(a.severity, b.since, &b.code)));
    Ok(found)
}

fn problem(
    code: &str,
    severity: Severity,
    since: Option<Timestamp>,
    text: impl Into<String>,
    next: &str,
) -> Problem {
    Problem {
        code: code.to_owned(),
        severity,
        since,
        text: text.into(),
        next: next.to_owned(),
    }
}

fn noted(stored: StoredProblem) -> Problem {
    let (severity, next) = match stored.code.as_str() {
        "identity_conflict" => (
            Severity::Error,
            "Compare both accounts in Okta; deactivate the one that is left over, or link by hand with `rosterd users link`.",
        ),
        "group_ambiguous" => (
            Severity::Warning,
            "Rename one of the groups in Okta, or join the sides by hand with `rosterd groups join`.",
        ),
        "guard_push" => (
            Severity::Critical,
            "Look at what Okta pushed (`rosterd runs list`, /api/v1/scim-requests); set guard.push = \"hold\" to withhold such changes. It ends with the window (guard.window).",
        ),
        "okta_org_changed" => (
            Severity::Critical,
            "Check okta.org_url; if the org really changed: `rosterd okta rebind`.",
        ),
        _ => (
            Severity::Warning,
            "See the run's changes: `rosterd runs show`.",
        ),
    };
    Problem {
        code: stored.code,
        severity,
        since: Some(stored.since),
        text: stored.detail,
        next: next.to_owned(),
    }
}

fn of_okta(seen: &Seen<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    if !seen.settings.okta_configured {
        return found;
    }
    let health = &seen.okta.health;
    let silent_since = health.last_answer_at.or(health.last_failure_at);
    if health.consecutive_failures > 0
        && silent_since.is_some_and(|since| {
            seen.now.since(since) > SILENT_MS || health.last_answer_at.is_none()
        })
    {
        let cause = health.last_failure.as_deref().unwrap_or("no answer");
        found.push(problem(
            "okta_unreachable",
            Severity::Error,
            silent_since,
            format!("Okta has not answered; memberships are as of the last answer. Last failure: {cause}"),
            "Check okta.org_url, the token and that this host may reach Okta: `rosterd check --online`.",
        ));
    }
    if let (Some(since), Some(skew)) = (health.skewed_since, health.clock_skew_ms) {
        found.push(problem(
            "clock_skew",
            Severity::Warning,
            Some(since),
            format!(
                "This host's clock and Okta's differ by {} s.",
                skew.abs() / 1000
            ),
            "Let the host keep its time (chrony, systemd-timesyncd).",
        ));
    }
    let population_unset = seen.settings.app_id.is_none() && !seen.settings.population_groups;
    if population_unset && seen.organization.scim_used_at.is_some() {
        found.push(problem(
            "app_id_unset",
            Severity::Info,
            seen.organization.scim_used_at,
            "okta.app_id is not set: the poll repairs memberships and statuses, and creates or deactivates nobody.",
            "Set okta.app_id to the app that pushes here, so that missed assignments are repaired too.",
        ));
    }
    found
}

async fn of_runs(tx: &mut Tx, seen: &Seen<'_>) -> Result<Vec<Problem>, Error> {
    let mut found = Vec::new();
    if !seen.settings.okta_configured {
        return Ok(found);
    }
    for (kind, last) in [
        (RunKind::Full, &seen.okta.last_full),
        (RunKind::Delta, &seen.okta.last_delta),
    ] {
        let Some(last) = last else { continue };
        if last.state == "failed" {
            found.push(problem(
                "run_failed",
                Severity::Error,
                runs::failing_since(tx, kind).await?,
                format!("The last {} run failed: {}", last.kind, last.error.as_deref().unwrap_or("no reason was recorded")),
                "The next one tries again by itself; `rosterd check --online` tries token, scopes and role now.",
            ));
        }
        if let Some(named) = unknown(&last.summary) {
            found.push(problem(
                "okta_unknown",
                Severity::Warning,
                runs::unknown_since(tx, kind).await?,
                format!("The last {} run could not read whole, and left as it is: {named}.", last.kind),
                "See which: `rosterd runs show`. A 403 means that a scope or the admin role does not cover them.",
            ));
        }
    }
    Ok(found)
}

/// What a run could not read, the first few by name (R8).
fn unknown(summary: &serde_json::Value) -> Option<String> {
    const NAMED: usize = 3;
    let all = summary.get("unknown")?.as_array()?;
    let more = summary
        .get("unknown_more")
        .and_then(serde_json::Value::as_u64)
        .unwrap_or(0);
    let names = all.iter().take(NAMED);
    let mut named: Vec<String> = names
        .filter_map(|one| Some(one.get("object")?.as_str()?.to_owned()))
        .collect();
    let more = more + all.len().saturating_sub(NAMED) as u64;
    if more > 0 {
        named.push(format!("{more} more"));
    }
    (!named.is_empty()).then(|| named.join(", "))
}

async fn of_waiting(tx: &mut Tx, seen: &Seen<'_>) -> Result<Vec<Problem>, Error> {
    let mut found = Vec::new();
    if let Some(held) = seen.held {
        found.push(problem(
            "run_held",
            Severity::Critical,
            Some(held.since),
            format!("{} changes wait for an admin: they would take more away than the guard lets through.", held.changes),
            &format!("Look: `rosterd runs show {}`; then `rosterd runs approve` or `reject`.", held.id),
        ));
    }
    let last_admin: Vec<&Withheld> = seen
        .withheld
        .iter()
        .filter(|row| row.cause == Cause::LastAdmin)
        .collect();
    if let Some(first) = last_admin.first() {
        found.push(problem(
            "last_admin_withheld",
            Severity::Critical,
            Some(first.since),
            format!("Okta took the last active member of Organization Admin ({}); he stays until there is another.", first.user),
            "Put somebody else into a group mapped to organization-admin, or `rosterd admin create EMAIL` on the host.",
        ));
    }
    let kept = seen
        .withheld
        .iter()
        .filter(|row| row.cause == Cause::Guard)
        .count();
    if kept > 0 {
        found.push(problem(
            "pushes_withheld",
            Severity::Critical,
            seen.withheld
                .iter()
                .filter(|row| row.cause == Cause::Guard)
                .map(|row| row.since)
                .min(),
            format!("{kept} changes that Okta pushed are withheld by the guard."),
            "Look: `rosterd runs list`; approve or reject the open run of channel scim.",
        ));
    }
    if let Some(pause) = seen.pause {
        let by = pause.by.as_deref().unwrap_or("somebody");
        found.push(problem(
            "sync_paused",
            Severity::Warning,
            problems::paused_at(tx).await?,
            format!("Runs are paused by {by}; pushes go on."),
            "`rosterd sync resume` ends the pause.",
        ));
    }
    Ok(found)
}

async fn of_mappings(tx: &mut Tx, mappings: &[Mapping]) -> Result<Vec<Problem>, Error> {
    let mut found = Vec::new();
    for mapping in mappings {
        let name = mapping.group_name.as_deref().unwrap_or(&mapping.written);
        let team = &mapping.team_name;
        match mapping.state {
            MappingState::Bound => {}
            MappingState::Reading => found.push(problem(
                "mapping_reading",
                Severity::Info,
                Some(mapping.created_at),
                format!("The members of {name:?} (to {team}) have not been read yet."),
                "They are read by the next run; `rosterd sync` starts one.",
            )),
            MappingState::Unbound => found.push(problem(
                "mapping_unbound",
                Severity::Warning,
                Some(mapping.created_at),
                format!("No single group is named {name:?} (to {team})."),
                "Check the name (it is case-sensitive), or map by the group's id: `rosterd groups list`.",
            )),
            MappingState::Gone => found.push(problem(
                "mapping_gone",
                Severity::Warning,
                gone_since(tx, mapping).await?,
                format!("The group {name:?} (to {team}) is gone in Okta."),
                "Remove the mapping, or map the group that took its place: a newcomer is never bound by itself.",
            )),
        }
    }
    Ok(found)
}

/// Since when a mapping's group is gone: a group is not changed any more after it lost its last side.
async fn gone_since(tx: &mut Tx, mapping: &Mapping) -> Result<Option<Timestamp>, Error> {
    let Some(id) = &mapping.group else {
        return Ok(None);
    };
    let group = groups::find(tx, id).await?;
    Ok(group.map(|group| group.updated_at))
}

async fn of_setup(tx: &mut Tx, seen: &Seen<'_>) -> Result<Vec<Problem>, Error> {
    let mut found = Vec::new();
    if seen.scim.tokens == 0 && seen.counts.scim_users > 0 {
        found.push(problem(
            "scim_token_unset",
            Severity::Error,
            problems::scim_tokens_ended_at(tx).await?,
            "There is no live SCIM token: every push is answered 401.",
            "Make one and paste it into Okta: `rosterd tokens issue --scope scim`.",
        ));
    }
    if let Some(end) = seen.scim.token_ends_at
        && end.since(seen.now) < ENDING_MS
    {
        found.push(problem(
            "scim_token_ending",
            Severity::Warning,
            Some(end.minus_millis(ENDING_MS)),
            format!("A SCIM token in use ends at {end}: from then on its pushes are answered 401."),
            "Make another and paste it into Okta before that: `rosterd tokens issue --scope scim`.",
        ));
    }
    Ok(found)
}
