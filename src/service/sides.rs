//! Joining and parting the two sides of a group by hand (R17 c).

use serde_json::json;

use super::membership::{Touched, settle};
use super::{Error, Service, binding, groups as known, joining};
use crate::model::actor::Cx;
use crate::model::group::{IdpGroup, JoinedBy};
use crate::model::id::GroupId;
use crate::store::audit::{self, Entry};
use crate::store::rereads::{self, Target};
use crate::store::{Tx, bindings, group_sides, groups, in_write, problems};

/// Joins a group that has only a SCIM side with one that has only an Okta side; any kind of Okta group may be joined so,
/// but our own echo. The next run reads the group by id.
///
/// # Errors
/// 404 for either group, 409 when one of them has not exactly its own side, 400 for our own echo; [`Error::LastAdmin`].
pub async fn join(
    service: &Service,
    cx: &Cx,
    scim: &GroupId,
    okta: &GroupId,
) -> Result<IdpGroup, Error> {
    let app_id = service.settings().app_id.clone();
    in_write!(service.store, |tx| {
        let scim = find(tx, scim).await?;
        let okta = find(tx, okta).await?;
        if known::is_echo(&okta, app_id.as_deref()) {
            return Err(Error::Invalid(format!(
                "{} is a group that Okta made of what it pushed here: join the group it was pushed from",
                okta.name()
            )));
        }
        let mut touched = Touched::default();
        let joined = joining::unite(tx, cx, &scim, &okta, JoinedBy::Admin, &mut touched).await?;
        read_again(tx, &joined, "joined by hand").await?;
        problems::remove(tx, joining::AMBIGUOUS, joined.name()).await?;
        binding::bind(tx, cx, joined.name(), &mut touched).await?;
        settle(service, tx, cx, &touched).await?;
        Ok::<_, Error>(joined)
    })
}

/// Parts a joined group; names do not join the two again. The SCIM side keeps the id and every member. Okta's side becomes
/// a group of its own and takes the mappings, which bind by Okta's name, and all members that Okta may know: they stay
/// as they are until the group has been read anew (R8). Gives both.
///
/// # Errors
/// 404 for nothing, 409 for a group that is not joined; [`Error::LastAdmin`].
pub async fn part(service: &Service, cx: &Cx, id: &GroupId) -> Result<(IdpGroup, IdpGroup), Error> {
    in_write!(service.store, |tx| {
        let joined = find(tx, id).await?;
        let Some(side) = joined.okta.clone().filter(|_| joined.scim) else {
            return Err(Error::Conflict(
                "this group has not got two sides to part".to_owned(),
            ));
        };
        let teams = bindings::list_teams(tx, id).await?;
        let (scim, okta) = group_sides::part(tx, &joined).await?;
        bindings::repoint(tx, id, &okta.id).await?;
        read_again(tx, &okta, "parted by hand").await?;
        let entry = Entry {
            action: "group.parted",
            object_kind: "group",
            object_id: scim.id.to_string(),
            before: Some(json!({ "oktaId": side.id, "joinedBy": joined.joined_by })),
            after: Some(json!({ "scim": scim.id, "okta": okta.id })),
        };
        audit::insert(tx, cx, &[entry]).await?;
        let mut touched = Touched::default();
        touched.teams.extend(teams);
        binding::bind(tx, cx, scim.name(), &mut touched).await?;
        settle(service, tx, cx, &touched).await?;
        Ok::<_, Error>((scim, okta))
    })
}

async fn find(tx: &mut Tx, id: &GroupId) -> Result<IdpGroup, Error> {
    groups::find(tx, id).await?.ok_or(Error::NotFound("group"))
}

/// What each channel knew of the other's members is of another day: the next run reads the group by id.
async fn read_again(tx: &mut Tx, group: &IdpGroup, reason: &str) -> Result<(), Error> {
    let Some(okta) = &group.okta else {
        return Ok(());
    };
    let target = Target::Group(okta.id.clone());
    Ok(rereads::insert_many(tx, &[(target, reason)]).await?)
}
