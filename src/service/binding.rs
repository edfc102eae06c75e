//! Binding mappings that were written by name (R17).

use serde_json::json;

use super::Error;
use super::membership::Touched;
use crate::model::actor::Cx;
use crate::model::group::{IdpGroup, OktaSide};
use crate::store::audit::{self, Entry};
use crate::store::{Tx, bindings, mirror};

/// The one group that a name means, exact and case-sensitive, if by itself it may be bound: `None` where none or several
/// bear it, and where the only one is an APP_GROUP, which needs its id.
pub fn target(named: &[IdpGroup]) -> Option<&IdpGroup> {
    let [only] = named else { return None };
    only.okta
        .as_ref()
        .is_none_or(OktaSide::binds_by_name)
        .then_some(only)
}

/// Binds the mappings that wait for this name, if exactly one group bears it now. A mapping whose group is gone waits for
/// nothing: it stays with the gone one.
///
/// # Errors
/// Those of the store.
pub async fn bind(tx: &mut Tx, cx: &Cx, name: &str, touched: &mut Touched) -> Result<(), Error> {
    if !bindings::is_awaited(tx, name).await? {
        return Ok(());
    }
    let named = bindings::find_named(tx, name).await?;
    let Some(group) = target(&named) else {
        return Ok(());
    };
    forget_members(tx, group).await?;
    let (bound, dropped) = bindings::bind(tx, name, &group.id).await?;
    let mut entries = Vec::new();
    for mapping in &bound {
        touched.teams.insert(mapping.team.clone());
        entries.push(Entry {
            action: "mapping.bound",
            object_kind: "mapping",
            object_id: mapping.id.to_string(),
            before: Some(json!({ "written": name })),
            after: Some(json!({ "group": group.id, "team": mapping.team })),
        });
    }
    for mapping in &dropped {
        entries.push(Entry {
            action: "mapping.merged",
            object_kind: "mapping",
            object_id: mapping.id.to_string(),
            before: Some(json!({ "written": name, "team": mapping.team })),
            after: None,
        });
    }
    Ok(audit::insert(tx, cx, &entries).await?)
}

/// A group that no mapping leads from is not polled: what is known of its members is of another day. The daemon that polls
/// reads mapped groups whose members are unknown at once (R16). Says whether that is so.
///
/// # Errors
/// Those of the store.
pub async fn forget_members(tx: &mut Tx, group: &IdpGroup) -> Result<bool, Error> {
    if group.okta.is_none() || !bindings::list_teams(tx, &group.id).await?.is_empty() {
        return Ok(false);
    }
    if group.members_read_at.is_some() {
        mirror::update_members_unread(tx, &group.id).await?;
    }
    Ok(true)
}
