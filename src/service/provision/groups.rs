//! SCIM writes of groups (R15, R17).

use serde_json::{Map, Value, json};

use super::members::{self, Plan};
use super::push::{Push, difference};
use super::{Written, check};
use crate::model::actor::Cx;
use crate::model::fold::fold;
use crate::model::group::{IdpGroup, JoinedBy};
use crate::model::id::GroupId;
use crate::scim::etag::Condition;
use crate::scim::group::{Base, GroupDoc, GroupPatch, MemberDelta};
use crate::scim::{ResourceType, ScimError, size};
use crate::service::{Error, Service, binding, joining};
use crate::store::edges::{self, CHUNK, Edge};
use crate::store::groups::{self, ScimSide};
use crate::store::{StoreError, Tx, bindings, group_sides, in_write};

/// POST: makes a group, or gives a group of Okta's that bears the name its SCIM side (R17 b).
///
/// # Errors
/// 409 `uniqueness` when another SCIM group is called so.
pub async fn create_group(
    service: &Service,
    cx: &Cx,
    doc: &GroupDoc,
) -> Result<Written<IdpGroup>, Error> {
    let by_name = service.settings().app_id.is_none();
    in_write!(service.store, |tx| {
        free(tx, &doc.display_name, None).await?;
        let mut push = Push::begin(service, tx, cx).await?;
        let now = tx.now();
        let partner = if by_name {
            joining::find_partner(tx, &doc.display_name, now).await?
        } else {
            None
        };
        let (group, plan) = if let Some(okta) = partner {
            give_scim_side(tx, &mut push, okta, doc).await?
        } else {
            insert(tx, &mut push, doc).await?
        };
        let after = json!({
            "displayName": group.scim_name,
            "externalId": group.external_id,
            "joinedBy": group.joined_by,
        });
        push.log(
            "group.created",
            "group",
            group.id.as_str(),
            None,
            Some(after),
        );
        members::apply(tx, &mut push, &group, &plan).await?;
        binding::bind(tx, cx, group.name(), &mut push.touched).await?;
        push.finish(tx).await?;
        Ok::<_, Error>(Written {
            resource: group,
            skipped: plan.skipped,
            in_no_group: false,
        })
    })
}

/// PUT: replaces name, externalId and extensions, and the members where it gives any list, also an empty one. Without
/// `members` they stay: an answer that left them out for their number is written back so.
///
/// # Errors
/// 404 for a group without a SCIM side, 409 `uniqueness`, 412.
pub async fn replace_group(
    service: &Service,
    cx: &Cx,
    id: &GroupId,
    doc: &GroupDoc,
    condition: Option<&Condition>,
) -> Result<Written<IdpGroup>, Error> {
    let by_name = service.settings().app_id.is_none();
    let members = full(doc);
    in_write!(service.store, |tx| {
        let known = seen(tx, id).await?;
        check(condition, known.version)?;
        let mut push = Push::begin(service, tx, cx).await?;
        let wanted = IdpGroup {
            scim_name: Some(doc.display_name.clone()),
            external_id: doc.external_id.clone(),
            resource: same_or(&known, &doc.extensions)?,
            ..known.clone()
        };
        let done = change(tx, &mut push, by_name, &known, wanted, members.as_ref()).await?;
        push.finish(tx).await?;
        Ok::<_, Error>(done)
    })
}

/// PATCH: the operations' net effect. It reads and writes no member it does not name, unless one is removed by a filter
/// on something else than his id. `base` is what every URL begins with, for a filter on `$ref`.
///
/// # Errors
/// 404 for a group without a SCIM side, 409 `uniqueness`, 412, 413.
pub async fn patch_group(
    service: &Service,
    cx: &Cx,
    base: &str,
    id: &GroupId,
    patch: &GroupPatch,
    condition: Option<&Condition>,
) -> Result<Written<IdpGroup>, Error> {
    let by_name = service.settings().app_id.is_none();
    in_write!(service.store, |tx| {
        let known = seen(tx, id).await?;
        check(condition, known.version)?;
        let mut push = Push::begin(service, tx, cx).await?;
        let candidates = if patch.needs_members() {
            shown(tx, &known, &patch.added(), base).await?
        } else {
            Vec::new()
        };
        let delta = patch.net(&candidates, fold)?;
        let before = extensions(&known)?;
        let mut extensions = before.clone();
        for change in delta.extensions {
            change.apply(&mut extensions);
        }
        size::bounded(&before, &extensions)?;
        let wanted = IdpGroup {
            scim_name: delta.display_name.or_else(|| known.scim_name.clone()),
            external_id: delta
                .external_id
                .unwrap_or_else(|| known.external_id.clone()),
            resource: same_or(&known, &extensions)?,
            ..known.clone()
        };
        let members = delta.members.as_ref();
        let done = change(tx, &mut push, by_name, &known, wanted, members).await?;
        push.finish(tx).await?;
        Ok::<_, Error>(done)
    })
}

/// DELETE: removes the SCIM side. An Okta side keeps the group with its mappings and the members Okta knows; without one
/// the group is gone, and its row stays only while mappings point to it (R17).
///
/// # Errors
/// 404 for a group without a SCIM side, 412.
pub async fn delete_group(
    service: &Service,
    cx: &Cx,
    id: &GroupId,
    condition: Option<&Condition>,
) -> Result<(), Error> {
    in_write!(service.store, |tx| {
        let known = seen(tx, id).await?;
        check(condition, known.version)?;
        let mut push = Push::begin(service, tx, cx).await?;
        push.names_members(&known);
        let remove: Vec<Edge> = if known.okta.is_some() {
            group_sides::list_edges_without_okta_id(tx, id).await?
        } else {
            let all = edges::list(tx, id, None, i64::MAX).await?;
            all.into_iter()
                .map(|member| Edge {
                    group: id.clone(),
                    member,
                })
                .collect()
        };
        let plan = Plan {
            remove,
            ..Plan::default()
        };
        let bare = IdpGroup {
            scim: false,
            scim_name: None,
            external_id: None,
            resource: "{}".to_owned(),
            joined_by: None,
            ..known.clone()
        };
        let bare = groups::update(tx, &bare, plan.growth()).await?;
        members::apply(tx, &mut push, &bare, &plan).await?;
        let teams = bindings::list_teams(tx, id).await?;
        if bare.gone() && teams.is_empty() {
            groups::remove(tx, id).await?;
        } else if bare.gone() {
            push.touched.teams.extend(teams);
        }
        // Okta's own name, or another group of that name, stands alone now: who waited for it may be bound.
        let own = (!bare.gone()).then(|| bare.name());
        for name in own.into_iter().chain(known.scim_name.as_deref()) {
            binding::bind(tx, cx, name, &mut push.touched).await?;
        }
        let before = json!({ "displayName": known.scim_name, "members": known.member_count });
        let after = known.okta.as_ref().map(|side| json!({ "oktaId": side.id }));
        push.log("group.deleted", "group", id.as_str(), Some(before), after);
        push.finish(tx).await?;
        Ok::<_, Error>(())
    })
}

/// The group, if it has a SCIM side (R12).
async fn seen(tx: &mut Tx, id: &GroupId) -> Result<IdpGroup, Error> {
    groups::find(tx, id)
        .await?
        .filter(|group| group.scim)
        .ok_or_else(|| ScimError::no_such(ResourceType::Group).into())
}

/// Refuses a name that another SCIM group has; each side has names of its own (R17).
async fn free(tx: &mut Tx, name: &str, own: Option<&GroupId>) -> Result<(), Error> {
    let named = groups::find_by_scim_name(tx, name).await?;
    if named.iter().any(|group| Some(&group.id) != own) {
        return Err(ScimError::uniqueness("A group with this displayName exists already.").into());
    }
    Ok(())
}

/// The group of Okta's that a POST joins gets a SCIM side, and SCIM its id.
async fn give_scim_side(
    tx: &mut Tx,
    push: &mut Push<'_>,
    okta: IdpGroup,
    doc: &GroupDoc,
) -> Result<(IdpGroup, Plan), Error> {
    let joined = IdpGroup {
        scim: true,
        scim_name: Some(doc.display_name.clone()),
        external_id: doc.external_id.clone(),
        resource: text(&doc.extensions),
        joined_by: Some(JoinedBy::Name),
        ..okta
    };
    let plan = planned(tx, push, &joined, full(doc).as_ref()).await?;
    Ok((groups::update(tx, &joined, plan.growth()).await?, plan))
}

async fn insert(
    tx: &mut Tx,
    push: &mut Push<'_>,
    doc: &GroupDoc,
) -> Result<(IdpGroup, Plan), Error> {
    let side = ScimSide {
        name: doc.display_name.clone(),
        external_id: doc.external_id.clone(),
        resource: doc.extensions.clone(),
    };
    let made = groups::insert(tx, Some(&side), None).await?;
    let made = made.ok_or(StoreError::Stale)?;
    let plan = planned(tx, push, &made, full(doc).as_ref()).await?;
    if plan.is_empty() {
        return Ok((made, plan));
    }
    Ok((groups::update(tx, &made, plan.growth()).await?, plan))
}

fn full(doc: &GroupDoc) -> Option<MemberDelta> {
    doc.members.as_ref().map(|members| MemberDelta {
        base: Base::Clear,
        add: members.iter().map(|member| member.value.clone()).collect(),
        ..MemberDelta::default()
    })
}

async fn planned(
    tx: &mut Tx,
    push: &mut Push<'_>,
    group: &IdpGroup,
    members: Option<&MemberDelta>,
) -> Result<Plan, Error> {
    match members {
        Some(members) => members::plan(tx, push, group, members).await,
        None => Ok(Plan::default()),
    }
}

/// Stores what differs between `known`, as read, and `wanted` with its members; nothing, if nothing does.
async fn change(
    tx: &mut Tx,
    push: &mut Push<'_>,
    by_name: bool,
    known: &IdpGroup,
    wanted: IdpGroup,
    members: Option<&MemberDelta>,
) -> Result<Written<IdpGroup>, Error> {
    let renamed = wanted.scim_name != known.scim_name;
    if renamed {
        let name = wanted.scim_name.as_deref().unwrap_or_default();
        free(tx, name, Some(&known.id)).await?;
    }
    let plan = planned(tx, push, known, members).await?;
    if plan.is_empty() && wanted == *known {
        return Ok(Written {
            resource: wanted,
            skipped: plan.skipped,
            in_no_group: false,
        });
    }
    let mut group = if wanted == *known {
        groups::update_members(tx, known, plan.growth()).await?
    } else {
        groups::update(tx, &wanted, plan.growth()).await?
    };
    members::apply(tx, push, &group, &plan).await?;
    if wanted != *known {
        let (before, after) = difference(&described(known), &described(&wanted));
        push.log(
            "group.updated",
            "group",
            known.id.as_str(),
            Some(before.into()),
            Some(after.into()),
        );
    }
    if renamed {
        if by_name
            && let Some(united) = joining::by_name(tx, push.cx, &group, &mut push.touched).await?
        {
            // A run in flight, or a held plan, may have read its members for the row that went.
            push.reread_group(&united, "its sides were joined");
            group = united;
        }
        binding::bind(tx, push.cx, group.name(), &mut push.touched).await?;
        if let Some(old) = &known.scim_name {
            // One bearer fewer of the old name: another may be the only one now.
            binding::bind(tx, push.cx, old, &mut push.touched).await?;
        }
    }
    Ok(Written {
        resource: group,
        skipped: plan.skipped,
        in_no_group: false,
    })
}

fn described(group: &IdpGroup) -> Map<String, Value> {
    let mut described = extensions(group).unwrap_or_default();
    described.insert("displayName".to_owned(), json!(group.scim_name));
    described.insert("externalId".to_owned(), json!(group.external_id));
    described
}

fn extensions(group: &IdpGroup) -> Result<Map<String, Value>, StoreError> {
    serde_json::from_str(&group.resource).map_err(|_| StoreError::Corrupt {
        table: "idp_groups",
        column: "resource",
    })
}

fn text(extensions: &Map<String, Value>) -> String {
    Value::Object(extensions.clone()).to_string()
}

/// The extensions as text; the stored text where they are the same but for the order of names.
fn same_or(known: &IdpGroup, wanted: &Map<String, Value>) -> Result<String, StoreError> {
    Ok(if extensions(known)? == *wanted {
        known.resource.clone()
    } else {
        text(wanted)
    })
}

/// The members, and who is added, as SCIM shows them, for a filter on something else than their ids.
async fn shown(
    tx: &mut Tx,
    group: &IdpGroup,
    added: &[&str],
    base: &str,
) -> Result<Vec<Value>, Error> {
    let mut seen = edges::list_seen(tx, &group.id).await?;
    for ids in added.chunks(CHUNK) {
        seen.extend(edges::find_seen(tx, ids).await?);
    }
    let users = ResourceType::User.endpoint();
    Ok(seen
        .into_iter()
        .map(|(user, display)| {
            let url = format!("{base}{users}/{user}");
            json!({ "value": user, "$ref": url, "display": display, "type": "User" })
        })
        .collect())
}
