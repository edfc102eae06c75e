//! Linking a local user to Okta by hand (R11).

use serde_json::json;

use super::push::Push;
use crate::model::actor::Cx;
use crate::model::id::{OktaUserId, UserId};
use crate::model::user::{Origin, User};
use crate::service::{Error, Service};
use crate::store::{Tx, edges, in_write, memberships, person, stamps, users};

/// Makes a local user Okta's: his password is dropped, and the next create or poll of his Okta id or userName finds him.
/// Memberships an admin gave him stay, and count as the mode says (R3).
///
/// # Errors
/// 404 for nobody, 409 for a user who is Okta's already or an Okta id that another user has; [`Error::LastAdmin`].
pub async fn link_user(
    service: &Service,
    cx: &Cx,
    id: &UserId,
    okta_id: Option<&OktaUserId>,
) -> Result<User, Error> {
    in_write!(service.store, |tx| {
        let known = users::find(tx, id).await?.ok_or(Error::NotFound("user"))?;
        if known.origin == Origin::Okta {
            return Err(Error::Conflict("this user is Okta's already".to_owned()));
        }
        let mut push = Push::begin(service, tx, cx).await?;
        give_up_local(tx, &mut push, id).await?;
        let mut user = User {
            origin: Origin::Okta,
            pending: false,
            ..known.clone()
        };
        if let Some(okta_id) = okta_id {
            if users::find_by_okta_id(tx, okta_id).await?.is_some() {
                return Err(Error::Conflict("another user has this Okta id".to_owned()));
            }
            edges::rekey(tx, known.member_key(), okta_id.as_str()).await?;
            stamps::rekey(tx, known.member_key(), okta_id.as_str()).await?;
            user.okta_id = Some(okta_id.clone());
        }
        let user = users::update(tx, &user).await?;
        push.log(
            "user.linked",
            "user",
            id.as_str(),
            Some(json!({ "origin": known.origin, "oktaId": known.okta_id })),
            Some(json!({ "origin": user.origin, "oktaId": user.okta_id })),
        );
        push.reread_user(&user, "linked by hand");
        push.touched.users.insert(id.clone());
        push.finish(tx).await?;
        Ok::<_, Error>(user)
    })
}

/// What a local user gives up when he becomes Okta's: his password, and whatever an admin gave him that stops counting with
/// it (R3), which settling finds; he may be the last one in charge (R5).
pub(super) async fn give_up_local(
    tx: &mut Tx,
    push: &mut Push<'_>,
    local: &UserId,
) -> Result<(), Error> {
    let counted = memberships::effective_of_users(tx, std::slice::from_ref(local)).await?;
    push.touched.taken.extend(counted);
    Ok(person::drop_password(tx, local).await?)
}
