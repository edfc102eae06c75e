//! Edges, in bulk.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::json;

use super::{Done, Work};
use crate::model::id::{GroupId, OktaGroupId};
use crate::reconcile::{Change, Planned};
use crate::service::sync::halt::Halt;
use crate::store::edges::{self, Edge};
use crate::store::guard_log::{self, Class, Line};
use crate::store::{Tx, groups, memberships};

/// Adds and removes the edges of a chunk.
pub(super) async fn apply(
    tx: &mut Tx,
    work: &mut Work<'_>,
    chunk: &[Planned],
    done: &mut [Option<Done>],
) -> Result<(), Halt> {
    let sides = sides(tx, chunk).await?;
    let (mut adding, mut removing) = (Vec::new(), Vec::new());
    for (planned, done) in chunk.iter().zip(done.iter_mut()) {
        if done.is_some() {
            continue;
        }
        let (group, okta_group, member, list) = match &planned.change {
            Change::AddEdge {
                group,
                okta_group,
                member,
            } => (group, okta_group, member, &mut adding),
            Change::RemoveEdge {
                group,
                okta_group,
                member,
            } => (group, okta_group, member, &mut removing),
            _ => continue,
        };
        if sides.contains(&(group, okta_group)) {
            list.push(Edge {
                group: group.clone(),
                member: member.clone(),
            });
        } else {
            *done = Some(work.moved(okta_group));
        }
    }
    let added: HashSet<Edge> = edges::insert_many(tx, work.cx.channel, &adding)
        .await?
        .into_iter()
        .collect();
    let removed: HashSet<Edge> = edges::remove_many(tx, &removing)
        .await?
        .into_iter()
        .collect();
    for (planned, done) in chunk.iter().zip(done.iter_mut()) {
        if done.is_some() {
            continue;
        }
        let (edge, set) = match &planned.change {
            Change::AddEdge { group, member, .. } => (edge(group, member), &added),
            Change::RemoveEdge { group, member, .. } => (edge(group, member), &removed),
            _ => continue,
        };
        *done = Some(if set.contains(&edge) {
            Done::applied()
        } else {
            Done::skipped("it is so already")
        });
    }
    note(tx, work, &added, 1).await?;
    note(tx, work, &removed, -1).await
}

fn edge(group: &GroupId, member: &str) -> Edge {
    Edge {
        group: group.clone(),
        member: member.to_owned(),
    }
}

/// The groups of a chunk that still have the Okta side its edges were read from.
async fn sides<'p>(
    tx: &mut Tx,
    chunk: &'p [Planned],
) -> Result<HashSet<(&'p GroupId, &'p OktaGroupId)>, Halt> {
    let wanted: HashSet<(&GroupId, &OktaGroupId)> = chunk
        .iter()
        .filter_map(|planned| match &planned.change {
            Change::AddEdge {
                group, okta_group, ..
            }
            | Change::RemoveEdge {
                group, okta_group, ..
            } => Some((group, okta_group)),
            _ => None,
        })
        .collect();
    let ids: BTreeSet<&str> = wanted.iter().map(|(group, _)| group.as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let rows = groups::find_many(tx, &ids).await?;
    Ok(wanted
        .into_iter()
        .filter(|(group, okta)| {
            rows.iter().any(|row| {
                row.id == **group && row.okta.as_ref().is_some_and(|side| side.id == **okta)
            })
        })
        .collect())
}

/// Audit, what follows, and the guard's window of mapped groups.
pub(super) async fn note(
    tx: &mut Tx,
    work: &mut Work<'_>,
    edges: &HashSet<Edge>,
    each: i64,
) -> Result<(), Halt> {
    if edges.is_empty() {
        return Ok(());
    }
    let mut sorted: Vec<&Edge> = edges.iter().collect();
    sorted.sort();
    let mut counts: BTreeMap<&GroupId, i64> = BTreeMap::new();
    for edge in sorted {
        let row = json!({ "group": edge.group, "member": edge.member });
        let (action, before, after) = if each > 0 {
            ("edge.added", None, Some(row))
        } else {
            ("edge.removed", Some(row), None)
        };
        work.log(action, "group", edge.group.as_str(), before, after);
        let touched = if each > 0 {
            &mut work.touched.edges_added
        } else {
            &mut work.touched.edges_removed
        };
        touched.insert((edge.group.clone(), edge.member.clone()));
        *counts.entry(&edge.group).or_default() += each;
    }
    let all: BTreeSet<GroupId> = counts.keys().map(|group| (*group).clone()).collect();
    let mapped = memberships::mapped_groups(tx, &all).await?;
    let lines: Vec<Line> = counts
        .into_iter()
        .filter(|(group, _)| mapped.contains(*group))
        .map(|(group, delta)| Line {
            kind: "group",
            object: group.to_string(),
            user: String::new(),
            delta,
        })
        .collect();
    guard_log::insert(
        tx,
        Class::of(work.cx.channel),
        !work.touched.approved,
        &lines,
    )
    .await?;
    Ok(())
}
