//! The members a push names (R15): whom SCIM can see, and which edges really change.

use crate::model::group::IdpGroup;
use crate::model::id::GroupId;
use crate::scim::group::{Base, MemberDelta};
use crate::service::Error;
use crate::service::provision::push::Push;
use crate::store::edges::{self, CHUNK, Edge};
use crate::store::{Tx, bindings};

/// What a change of members comes to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Edges to be written.
    pub(super) add: Vec<Edge>,
    /// Edges to be removed.
    pub(super) remove: Vec<Edge>,
    /// Who was named and cannot be seen.
    pub(super) skipped: Vec<String>,
}

impl Plan {
    /// Whether nothing changes.
    pub(super) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }

    /// How many members more, or fewer.
    pub(super) fn growth(&self) -> i64 {
        count(&self.add) - count(&self.remove)
    }
}

fn count(edges: &[Edge]) -> i64 {
    i64::try_from(edges.len()).unwrap_or(i64::MAX)
}

/// Finds out what a change of members comes to. Reads only the members it names; a full replacement also those it takes.
pub(super) async fn plan(
    tx: &mut Tx,
    push: &mut Push<'_>,
    group: &IdpGroup,
    delta: &MemberDelta,
) -> Result<Plan, Error> {
    let mut plan = Plan::default();
    let add: Vec<&str> = delta.add.iter().map(String::as_str).collect();
    let remove: Vec<&str> = delta.remove.iter().map(String::as_str).collect();
    let full = delta.base == Base::Clear;
    for ids in add.chunks(CHUNK) {
        let named = edges::find_named(tx, &group.id, ids).await?;
        skip(&mut plan.skipped, ids, &named);
        for member in named {
            if !full {
                push.names_edge(group, &member.member);
            }
            if !member.present {
                plan.add.push(edge(group, member.member));
            }
        }
    }
    for ids in remove.chunks(CHUNK) {
        let named = edges::find_named(tx, &group.id, ids).await?;
        skip(&mut plan.skipped, ids, &named);
        for member in named {
            push.names_edge(group, &member.member);
            if member.present {
                plan.remove.push(edge(group, member.member));
            }
        }
    }
    if full {
        push.names_members(group);
        let unnamed = edges::find_unnamed(tx, &group.id, &add).await?;
        plan.remove
            .extend(unnamed.into_iter().map(|member| edge(group, member)));
    }
    Ok(plan)
}

/// Writes the edges; the group's row, which counts them, was written before.
pub(super) async fn apply(
    tx: &mut Tx,
    push: &mut Push<'_>,
    group: &IdpGroup,
    plan: &Plan,
) -> Result<(), Error> {
    for edges in plan.remove.chunks(CHUNK) {
        edges::remove_rows(tx, edges).await?;
        push.log_edges(edges, false);
        push.write_log(tx).await?;
    }
    for edges in plan.add.chunks(CHUNK) {
        edges::insert_rows(tx, push.cx.channel, edges).await?;
        push.log_edges(edges, true);
        push.write_log(tx).await?;
    }
    if !plan.remove.is_empty() {
        push.reread_group(group, "a push took a member");
    }
    touch(tx, push, group, plan).await
}

/// So many edges at one stroke are settled team by team.
async fn touch(
    tx: &mut Tx,
    push: &mut Push<'_>,
    group: &IdpGroup,
    plan: &Plan,
) -> Result<(), Error> {
    if !plan.add.is_empty() {
        *push
            .touched
            .given_edges
            .entry(group.id.clone())
            .or_default() += count(&plan.add);
    }
    push.took(&plan.remove);
    if plan.add.len() + plan.remove.len() > CHUNK {
        let teams = bindings::list_teams(tx, &group.id).await?;
        push.touched.teams.extend(teams);
        return Ok(());
    }
    let pairs = |edges: &[Edge]| -> Vec<(GroupId, String)> {
        let pair = |edge: &Edge| (edge.group.clone(), edge.member.clone());
        edges.iter().map(pair).collect()
    };
    push.touched.edges_added.extend(pairs(&plan.add));
    push.touched.edges_removed.extend(pairs(&plan.remove));
    Ok(())
}

fn edge(group: &IdpGroup, member: String) -> Edge {
    Edge {
        group: group.id.clone(),
        member,
    }
}

/// Notes who of `ids` was not found among those SCIM can see.
fn skip(skipped: &mut Vec<String>, ids: &[&str], named: &[edges::Named]) {
    let seen: std::collections::HashSet<&str> =
        named.iter().map(|member| member.user.as_str()).collect();
    skipped.extend(
        ids.iter()
            .filter(|id| !seen.contains(*id))
            .map(|id| (*id).to_owned()),
    );
}
