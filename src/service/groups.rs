//! The IdP groups known here.

use super::{Error, Service};
use crate::model::group::IdpGroup;
use crate::model::id::{GroupId, OktaGroupId};
use crate::reconcile;
use crate::store::group_lines::{self, GroupLine};
use crate::store::{Tx, groups};

/// A page of groups in order of creation: those numbered above `after`.
pub async fn list(service: &Service, after: i64, limit: i64) -> Result<Vec<GroupLine>, Error> {
    let mut tx = service.store.read().await?;
    let lines = group_lines::list(&mut tx, after, limit).await?;
    tx.rollback().await?;
    Ok(lines)
}

/// The group with this id, ours or Okta's.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn find(service: &Service, reference: &str) -> Result<IdpGroup, Error> {
    let mut tx = service.store.read().await?;
    let found = find_by_id(&mut tx, reference).await?;
    tx.rollback().await?;
    found.ok_or(Error::NotFound("group"))
}

/// The group with this id, ours or Okta's; `None` where the text is no id of a group that is known.
pub(super) async fn find_by_id(tx: &mut Tx, reference: &str) -> Result<Option<IdpGroup>, Error> {
    if let Some(id) = GroupId::parse(reference) {
        return Ok(groups::find(tx, &id).await?);
    }
    match OktaGroupId::parse(reference) {
        Some(id) => Ok(groups::find_by_okta_id(tx, &id).await?),
        None => Ok(None),
    }
}

/// Whether a group is our own push come back (R17).
pub(super) fn is_echo(group: &IdpGroup, app_id: Option<&str>) -> bool {
    group
        .okta
        .as_ref()
        .is_some_and(|side| reconcile::groups::is_echo(side, app_id))
}
