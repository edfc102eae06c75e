//! A row's Okta id: learnt, or of another person (R11).

use serde_json::json;

use super::push::Push;
use crate::model::id::OktaUserId;
use crate::model::user::User;
use crate::scim::ScimError;
use crate::service::Error;
use crate::store::{Tx, edges, group_sides, groups, person, stamps, users};

/// Gives `user`, as read, the Okta id that a write to him names. What edges and stamps called him moves along; where
/// he was bound to another id, the row becomes a new person's. The row itself is written by the caller.
///
/// # Errors
/// 409 `uniqueness` when another row has the id, or when the user bound to another one is active.
pub(super) async fn identify(
    tx: &mut Tx,
    push: &mut Push<'_>,
    user: &User,
    named: Option<&OktaUserId>,
) -> Result<User, Error> {
    let Some(named) = named.filter(|named| user.okta_id.as_ref() != Some(*named)) else {
        return Ok(user.clone());
    };
    if users::find_by_okta_id(tx, named).await?.is_some() {
        return Err(ScimError::uniqueness("Another user has this externalId.").into());
    }
    if user.okta_id.is_none() {
        return learn(tx, user, named).await;
    }
    if user.active {
        let detail = "This user is active and has another Okta id; his externalId cannot be changed. If his account \
                      was deleted in Okta, deactivate him here first.";
        return Err(ScimError::uniqueness(detail).into());
    }
    new_person(tx, push, user, named).await
}

async fn learn(tx: &mut Tx, user: &User, named: &OktaUserId) -> Result<User, Error> {
    edges::rekey(tx, user.member_key(), named.as_str()).await?;
    stamps::rekey(tx, user.member_key(), named.as_str()).await?;
    groups::update_shown_members(tx, named.as_str()).await?;
    Ok(User {
        okta_id: Some(named.clone()),
        ..user.clone()
    })
}

/// Drops what the old person had; Okta's own edges of the old id stay in the mirror, where nobody is called by it now.
pub(super) async fn new_person(
    tx: &mut Tx,
    push: &mut Push<'_>,
    user: &User,
    named: &OktaUserId,
) -> Result<User, Error> {
    let pushed = group_sides::list_pushed_edges(tx, user.member_key()).await?;
    groups::update_shown_members(tx, user.member_key()).await?;
    let removed = edges::remove_many(tx, &pushed).await?;
    for edge in &removed {
        if let Some(group) = groups::find(tx, &edge.group).await? {
            push.reread_group(&group, "a push took a member");
            push.names_edge(&group, &edge.member);
        }
    }
    push.log_edges(&removed, false);
    push.took(&removed);
    groups::update_shown_members(tx, named.as_str()).await?;
    let forgotten = person::forget(tx, &user.id).await?;
    push.log(
        "user.rebound",
        "user",
        user.id.as_str(),
        Some(json!({
            "oktaId": user.okta_id,
            "localTeams": forgotten.local_teams,
            "withheld": forgotten.withheld,
        })),
        Some(json!({ "oktaId": named })),
    );
    let mut user = User {
        okta_id: Some(named.clone()),
        pending: false,
        deleting: false,
        ..user.clone()
    };
    // Nothing is known of the new account yet; a block stays until an admin lifts it (R13).
    user.facts.status = None;
    user.facts.entitled = false;
    Ok(user)
}
