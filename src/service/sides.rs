//! Joining and parting the two sides of a group by hand (R17 c).

use serde_json::json;

use super::membership::{Touched, settle};
use super::{Error, Service, binding, joining};
use crate::model::actor::Cx;
use crate::model::group::{IdpGroup, JoinedBy};
use crate::model::id::GroupId;
use crate::store::audit::{self, Entry};
use crate::store::rereads::{self, Target};
use crate::store::{Tx, group_sides, groups, in_write};

/// Joins a group that has only a SCIM side with one that has only an Okta side; any kind of Okta group may be joined so.
///
/// # Errors
/// 404 for either group, 409 when one of them has not exactly its own side.
pub async fn join(
    service: &Service,
    cx: &Cx,
    scim: &GroupId,
    okta: &GroupId,
) -> Result<IdpGroup, Error> {
    in_write!(service.store, |tx| {
        let scim = find(tx, scim).await?;
        let okta = find(tx, okta).await?;
        let mut touched = Touched::default();
        let joined = joining::unite(tx, cx, &scim, &okta, JoinedBy::Admin, &mut touched).await?;
        binding::bind(tx, cx, joined.name(), &mut touched).await?;
        settle(service, tx, cx, &touched).await?;
        Ok::<_, Error>(joined)
    })
}

/// Parts a joined group; names do not join the two again. The SCIM side keeps the id, the mappings and every member, so no
/// team changes by the parting itself; Okta's side becomes a group of its own and is read anew. Gives both.
///
/// # Errors
/// 404 for nothing, 409 for a group that is not joined.
pub async fn part(service: &Service, cx: &Cx, id: &GroupId) -> Result<(IdpGroup, IdpGroup), Error> {
    in_write!(service.store, |tx| {
        let joined = find(tx, id).await?;
        let Some(side) = joined.okta.clone().filter(|_| joined.scim) else {
            return Err(Error::Conflict(
                "this group has not got two sides to part".to_owned(),
            ));
        };
        let scim = IdpGroup {
            okta: None,
            joined_by: None,
            members_read_at: None,
            parted: true,
            ..joined.clone()
        };
        let scim = groups::update(tx, &scim, 0).await?;
        let made = groups::insert(tx, None, Some(&side)).await?;
        let made = made.ok_or(crate::store::StoreError::Stale)?;
        let parted = IdpGroup {
            parted: true,
            ..made
        };
        let okta = group_sides::copy_polled_edges(tx, &scim, &parted).await?;
        let entry = Entry {
            action: "group.parted",
            object_kind: "group",
            object_id: scim.id.to_string(),
            before: Some(json!({ "oktaId": side.id, "joinedBy": joined.joined_by })),
            after: Some(json!({ "scim": scim.id, "okta": okta.id })),
        };
        audit::insert(tx, cx, &[entry]).await?;
        rereads::insert_many(tx, &[(Target::Group(side.id), "parted by hand")]).await?;
        let mut touched = Touched::default();
        binding::bind(tx, cx, okta.name(), &mut touched).await?;
        binding::bind(tx, cx, scim.name(), &mut touched).await?;
        settle(service, tx, cx, &touched).await?;
        Ok::<_, Error>((scim, okta))
    })
}

async fn find(tx: &mut Tx, id: &GroupId) -> Result<IdpGroup, Error> {
    groups::find(tx, id).await?.ok_or(Error::NotFound("group"))
}
