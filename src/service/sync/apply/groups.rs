//! Groups: made, changed, gone.

use std::collections::HashSet;

use serde_json::json;

use super::{Done, Work, edges::note};
use crate::model::group::{IdpGroup, OktaSide};
use crate::model::time::Timestamp;
use crate::reconcile::{Change, Planned};
use crate::service::sync::halt::Halt;
use crate::service::{binding, joining};
use crate::store::edges::{self, Edge};
use crate::store::stamps::{self, Object};
use crate::store::{Tx, groups, users};

/// Makes and changes groups.
pub(super) async fn apply(
    tx: &mut Tx,
    work: &mut Work<'_>,
    chunk: &[Planned],
    done: &mut [Option<Done>],
) -> Result<(), Halt> {
    for (planned, done) in chunk
        .iter()
        .zip(done.iter_mut())
        .filter(|(_, done)| done.is_none())
    {
        match &planned.change {
            Change::CreateGroup { okta } => *done = Some(create(tx, work, okta).await?),
            Change::UpdateGroup { group, okta } => {
                let row = groups::find(tx, group).await?;
                *done = Some(update(tx, work, row, okta).await?);
            }
            _ => {}
        }
    }
    Ok(())
}

async fn create(tx: &mut Tx, work: &mut Work<'_>, side: &OktaSide) -> Result<Done, Halt> {
    let Some(group) = groups::insert(tx, None, Some(side)).await? else {
        return Ok(Done::skipped("it is known by now"));
    };
    // With an app its push mappings say what belongs together (R17).
    if work.service.settings().app_id.is_none() {
        joining::by_name(tx, work.cx, &group, &mut work.touched).await?;
    }
    binding::bind(tx, work.cx, &side.name, &mut work.touched).await?;
    work.log(
        "group.created",
        "group",
        group.id.as_str(),
        None,
        Some(json!({ "okta": side })),
    );
    Ok(Done::applied())
}

async fn update(
    tx: &mut Tx,
    work: &mut Work<'_>,
    row: Option<IdpGroup>,
    side: &OktaSide,
) -> Result<Done, Halt> {
    let Some(row) = row.filter(|row| row.okta.as_ref().is_some_and(|okta| okta.id == side.id))
    else {
        return Ok(work.moved(&side.id));
    };
    if row.okta.as_ref() == Some(side) {
        return Ok(Done::skipped("it is so already"));
    }
    let after = IdpGroup {
        okta: Some(side.clone()),
        ..row.clone()
    };
    groups::update(tx, &after, 0).await?;
    let renamed = row.okta.as_ref().filter(|old| old.name != side.name);
    if let Some(old) = renamed.filter(|_| work.service.settings().app_id.is_none()) {
        joining::by_name(tx, work.cx, &after, &mut work.touched).await?;
        joining::look_again(tx, &old.name).await?;
    }
    binding::bind(tx, work.cx, &side.name, &mut work.touched).await?;
    if let Some(old) = renamed {
        // Somebody else may bear the old name alone now.
        binding::bind(tx, work.cx, &old.name, &mut work.touched).await?;
    }
    work.log(
        "group.updated",
        "group",
        row.id.as_str(),
        Some(json!({ "okta": row.okta })),
        Some(json!({ "okta": side })),
    );
    Ok(Done::applied())
}

/// Takes Okta sides away, and with them the edges that are left: most went before, one change each. Edges that a push
/// named since stay where a SCIM side does (R7).
pub(super) async fn apply_gone(
    tx: &mut Tx,
    work: &mut Work<'_>,
    chunk: &[Planned],
    done: &mut [Option<Done>],
) -> Result<(), Halt> {
    for (planned, done) in chunk
        .iter()
        .zip(done.iter_mut())
        .filter(|(_, done)| done.is_none())
    {
        let Change::OktaSideGone { group, okta_id, .. } = &planned.change else {
            continue;
        };
        let row = groups::find(tx, group).await?;
        let Some(row) = row.filter(|row| row.okta.as_ref().is_some_and(|side| side.id == *okta_id))
        else {
            *done = Some(work.moved(okta_id));
            continue;
        };
        take_edges(tx, work, &row, planned).await?;
        let Some(row) = groups::find(tx, group).await? else {
            continue;
        };
        let after = IdpGroup {
            okta: None,
            joined_by: None,
            members_read_at: None,
            ..row.clone()
        };
        let left = groups::update(tx, &after, 0).await?;
        if left.gone() && left.member_count == 0 {
            // A group with neither side stays only for its mappings.
            let one = std::collections::BTreeSet::from([row.id.clone()]);
            if crate::store::memberships::mapped_groups(tx, &one)
                .await?
                .is_empty()
            {
                groups::remove(tx, &row.id).await?;
            }
        }
        // Another group may bear its name alone now, and so may its own SCIM side.
        let freed = row.okta.as_ref().map(|side| side.name.as_str());
        let names: std::collections::BTreeSet<&str> =
            freed.into_iter().chain(row.scim_name.as_deref()).collect();
        for name in names {
            if work.service.settings().app_id.is_none() {
                joining::look_again(tx, name).await?;
            }
            binding::bind(tx, work.cx, name, &mut work.touched).await?;
        }
        work.log(
            "group.okta_side_gone",
            "group",
            row.id.as_str(),
            Some(json!({ "okta": row.okta })),
            None,
        );
        *done = Some(Done::applied());
    }
    Ok(())
}

async fn take_edges(
    tx: &mut Tx,
    work: &mut Work<'_>,
    row: &IdpGroup,
    planned: &Planned,
) -> Result<(), Halt> {
    // What pushes said of a group whose SCIM side is gone went with that side: nobody is left who could ever take its
    // members away.
    let is_late = |at: Timestamp| row.scim && at >= planned.observed_at;
    // A full replacement stamps the group once and speaks of everybody SCIM can see (R15).
    let replaced = stamps::find_many(tx, &[Object::Members(row.id.clone())])
        .await?
        .iter()
        .any(|(_, at)| is_late(*at));
    let mut after: Option<String> = None;
    let mut removed = HashSet::new();
    loop {
        let page = edges::list(tx, &row.id, after.as_deref(), 2_000).await?;
        let Some(last) = page.last().cloned() else {
            break;
        };
        let objects: Vec<Object> = page
            .iter()
            .map(|member| Object::Edge(row.id.clone(), member.clone()))
            .collect();
        let mut late: HashSet<Object> = stamps::find_many(tx, &objects)
            .await?
            .into_iter()
            .filter(|(_, at)| is_late(*at))
            .map(|(object, _)| object)
            .collect();
        if replaced {
            let keys: Vec<&str> = page.iter().map(String::as_str).collect();
            let rows = users::find_many_by_member_key(tx, &keys).await?;
            let visible = rows.into_iter().filter(|user| user.scim && !user.deleting);
            late.extend(
                visible.map(|user| Object::Edge(row.id.clone(), user.member_key().to_owned())),
            );
        }
        let going: Vec<Edge> = page
            .into_iter()
            .filter(|member| !late.contains(&Object::Edge(row.id.clone(), member.clone())))
            .map(|member| Edge {
                group: row.id.clone(),
                member,
            })
            .collect();
        removed.extend(edges::remove_many(tx, &going).await?);
        after = Some(last);
    }
    note(tx, work, &removed, -1).await
}
