//! Runs and their changes as people read them: in the API and on the command line alike.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde_json::Value;

use super::runs::{self, Shown};
use super::{Error, Service};
use crate::model::id::RunId;
use crate::model::run::Outcome;
use crate::model::time::Timestamp;
use crate::reconcile::Change;
use crate::store::run_changes::RunChange;
use crate::store::runs::Run;
use crate::store::{Tx, groups, users};

/// A run.
#[derive(Debug, Clone, Serialize)]
pub struct RunView {
    /// Its id.
    pub id: String,
    /// full, delta, hook or scim.
    pub kind: &'static str,
    /// What began it: poll, hook, api, cli, scim.
    pub channel: String,
    /// Who asked for it.
    pub actor: String,
    /// It only planned.
    pub dry_run: bool,
    /// Its state: running, applied, held, failed, …
    pub state: &'static str,
    /// Before its first read.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it read and did.
    pub summary: Value,
    /// Why it failed and what to do.
    pub error: Option<String>,
    /// Who approved or rejected it.
    pub decided_by: Option<String>,
    /// The run whose plan replaced this one's.
    pub successor: Option<String>,
    /// How many changes came to which outcome, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<HashMap<String, i64>>,
}

impl From<&Run> for RunView {
    fn from(run: &Run) -> Self {
        Self {
            id: run.id.to_string(),
            kind: run.kind.as_str(),
            channel: run.channel.clone(),
            actor: run.actor.clone(),
            dry_run: run.dry_run,
            state: run.state.as_str(),
            began_at: run.began_at,
            ended_at: run.ended_at,
            summary: serde_json::from_str(&run.summary).unwrap_or(Value::Null),
            error: run.error.clone(),
            decided_by: run.decided_by.clone(),
            successor: run.successor.as_ref().map(ToString::to_string),
            outcomes: None,
        }
    }
}

impl From<&Shown> for RunView {
    fn from(shown: &Shown) -> Self {
        Self {
            outcomes: Some(shown.outcomes.clone()),
            ..Self::from(&shown.run)
        }
    }
}

/// A change of a run.
#[derive(Debug, Clone, Serialize)]
pub struct ChangeView {
    /// Its place in the run.
    pub ordinal: i64,
    /// What, in words, with names where they are known.
    pub text: String,
    /// What, as the run found it.
    pub change: Value,
    /// Why.
    pub reason: String,
    /// What became of it: applied, held, muted, skipped, …
    pub outcome: &'static str,
    /// When its object was read.
    pub observed_at: Timestamp,
}

/// A page of a run's changes; `after` is the last ordinal of the page before.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn changes(
    service: &Service,
    id: &RunId,
    outcome: Option<Outcome>,
    after: i64,
    limit: i64,
) -> Result<Vec<ChangeView>, Error> {
    let page = runs::changes(service, id, outcome, after, limit).await?;
    let read: Vec<(RunChange, Option<Change>)> = page
        .into_iter()
        .map(|row| {
            let change = serde_json::from_str(&row.change).ok();
            (row, change)
        })
        .collect();
    let mut tx = service.store.read().await?;
    let names = names(
        &mut tx,
        read.iter().filter_map(|(_, change)| change.as_ref()),
    )
    .await?;
    tx.rollback().await?;
    Ok(read
        .into_iter()
        .map(|(row, change)| ChangeView {
            ordinal: row.ordinal,
            text: change.map_or_else(|| row.key.clone(), |change| sentence(&change, &names)),
            change: serde_json::from_str(&row.change).unwrap_or(Value::Null),
            reason: row.reason,
            outcome: row.outcome.as_str(),
            observed_at: row.observed_at,
        })
        .collect())
}

/// What ids are called here now.
#[derive(Default)]
struct Names(HashMap<String, String>);

impl Names {
    fn of<'n>(&'n self, id: &'n str) -> &'n str {
        self.0.get(id).map_or(id, String::as_str)
    }
}

async fn names(tx: &mut Tx, changes: impl Iterator<Item = &Change>) -> Result<Names, Error> {
    let (mut members, mut ids, mut teams) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for change in changes {
        match change {
            Change::AddEdge { group, member, .. } | Change::RemoveEdge { group, member, .. } => {
                members.insert(member.as_str());
                teams.insert(group.as_str());
            }
            Change::BindUser { user, .. } | Change::UpdateProfile { user, .. } => {
                ids.insert(user.as_str());
            }
            Change::Rebind(anew) => {
                ids.insert(anew.user.as_str());
            }
            Change::MoveOktaId { from, to, .. } => {
                ids.extend([from.as_str(), to.as_str()]);
            }
            Change::SetStatus { okta_id, .. }
            | Change::SetEntitled { okta_id, .. }
            | Change::DeactivateLeaver { okta_id }
            | Change::ReturnLeaver { okta_id } => {
                members.insert(okta_id.as_str());
            }
            Change::CreateGroup { .. }
            | Change::UpdateGroup { .. }
            | Change::OktaSideGone { .. }
            | Change::JoinGroups { .. }
            | Change::CreateUser { .. } => {}
        }
    }
    let mut names = Names::default();
    let members: Vec<&str> = members.into_iter().collect();
    for user in users::find_many_by_member_key(tx, &members).await? {
        names
            .0
            .insert(user.member_key().to_owned(), user.user_name.clone());
    }
    let ids: Vec<&str> = ids.into_iter().collect();
    for user in users::find_many(tx, &ids).await? {
        names.0.insert(user.id.to_string(), user.user_name.clone());
    }
    let ids: Vec<&str> = teams.into_iter().collect();
    for group in groups::find_many(tx, &ids).await? {
        names
            .0
            .insert(group.id.to_string(), format!("{:?}", group.name()));
    }
    Ok(names)
}

fn sentence(change: &Change, names: &Names) -> String {
    match change {
        Change::CreateGroup { okta } => format!("group {:?} ({}) is new", okta.name, okta.id),
        Change::UpdateGroup { okta, .. } => format!("group {:?} ({}) changed", okta.name, okta.id),
        Change::OktaSideGone { okta_id, name, .. } => {
            format!("group {name:?} ({okta_id}) is gone from Okta")
        }
        Change::JoinGroups { name, .. } => {
            format!("the pushed group {name:?} and its source in Okta are one group")
        }
        Change::AddEdge { group, member, .. } => format!(
            "{} joins the group {}",
            names.of(member),
            names.of(group.as_str())
        ),
        Change::RemoveEdge { group, member, .. } => format!(
            "{} leaves the group {}",
            names.of(member),
            names.of(group.as_str())
        ),
        Change::CreateUser {
            okta_id, person, ..
        } => format!("user {} ({okta_id}) is new", person.user_name),
        Change::BindUser { user, okta_id, .. } => {
            format!("{} is {okta_id} in Okta", names.of(user.as_str()))
        }
        Change::Rebind(anew) => format!(
            "the account {} was made anew: it is {} now, a new person",
            names.of(anew.user.as_str()),
            anew.okta_id
        ),
        Change::MoveOktaId { to, okta_id, .. } => {
            format!(
                "{okta_id} is the user {} that SCIM made",
                names.of(to.as_str())
            )
        }
        Change::UpdateProfile { user, .. } => {
            format!("the profile of {} changed", names.of(user.as_str()))
        }
        Change::SetStatus { okta_id, status } => {
            format!(
                "{} is {} in Okta",
                names.of(okta_id.as_str()),
                status.as_str()
            )
        }
        Change::SetEntitled { okta_id, entitled } => format!(
            "{} is {} the app",
            names.of(okta_id.as_str()),
            if *entitled {
                "assigned to"
            } else {
                "no longer assigned to"
            }
        ),
        Change::DeactivateLeaver { okta_id } => {
            format!(
                "{} is in no mapped group any more",
                names.of(okta_id.as_str())
            )
        }
        Change::ReturnLeaver { okta_id } => {
            format!("{} is in a mapped group again", names.of(okta_id.as_str()))
        }
    }
}
