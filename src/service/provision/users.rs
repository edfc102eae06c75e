//! SCIM writes of users (R11, R12, R13, R18).

use serde_json::{Map, Value, json};

use super::claims::{self, Claim};
use super::link::give_up_local;
use super::push::{Push, difference};
use super::{Written, check, rebind};
use crate::model::actor::Cx;
use crate::model::fold::fold;
use crate::model::id::{OktaUserId, UserId};
use crate::model::team::organization_admin;
use crate::model::user::{Facts, OktaStatus, Origin, User};
use crate::scim::etag::Condition;
use crate::scim::patch::{self, Operation, Patched};
use crate::scim::user::{Received, UserDoc};
use crate::scim::{ResourceType, ScimError};
use crate::service::membership::{self, Deleted};
use crate::service::password::{self, Sent};
use crate::service::{Error, Service};
use crate::store::edges::{self, Edge};
use crate::store::profile::Profile;
use crate::store::users::{self, NewUser};
use crate::store::{StoreError, Tx, groups, in_write, mirror, person};

/// POST: makes a user, or adopts one that is known here (R11). A POST without `active` means true (R13).
///
/// # Errors
/// 409 `uniqueness` as a SCIM error, and the store's.
pub async fn create_user(
    service: &Service,
    cx: &Cx,
    received: &Received,
) -> Result<Written<User>, Error> {
    let settings = service.settings();
    let doc = &received.doc;
    let password = password::hashed(service, None, received.password.clone()).await?;
    let password = password.as_ref();
    in_write!(service.store, |tx| {
        let mut push = Push::begin(service, tx, cx).await?;
        let okta_id = okta_id(doc);
        let claimants = users::find_claimants(tx, okta_id.as_ref(), &fold(doc.user_name())).await?;
        let claim = claims::decide(claimants, okta_id.as_ref(), settings.link_by_user_name)?;
        let mut in_no_group = false;
        let user = match claim {
            Claim::New => {
                let (user, named) = insert(tx, &mut push, doc, okta_id, password).await?;
                in_no_group = !named;
                user
            }
            Claim::Adopt(known) => {
                let user = rebind::identify(tx, &mut push, &known, okta_id.as_ref()).await?;
                adopt(tx, &mut push, &known, user, doc, password).await?
            }
            Claim::Link(local) => {
                // Whoever may do everything here is not handed to another system by a setting.
                if person::is_member(tx, &local.id, &organization_admin()).await? {
                    return Err(claims::name_taken(&local).into());
                }
                give_up_local(tx, &mut push, &local.id).await?;
                let user = rebind::identify(tx, &mut push, &local, okta_id.as_ref()).await?;
                adopt(tx, &mut push, &local, user, doc, password).await?
            }
            Claim::Rebind(bound) => {
                let Some(okta_id) = &okta_id else {
                    return Err(claims::name_taken(&bound).into());
                };
                let user = rebind::new_person(tx, &mut push, &bound, okta_id).await?;
                adopt(tx, &mut push, &bound, user, doc, password).await?
            }
        };
        push.names_user(&user, true, true);
        push.finish(tx).await?;
        Ok::<_, Error>(Written {
            in_no_group,
            ..written(user)
        })
    })
}

/// PUT: replaces a user's attributes. Without `active` his activity is left as it is (R13). A PUT that changes nothing
/// writes nothing.
///
/// # Errors
/// 404 for a user SCIM cannot see, 409 `uniqueness`, 412.
pub async fn replace_user(
    service: &Service,
    cx: &Cx,
    id: &UserId,
    received: &Received,
    condition: Option<&Condition>,
) -> Result<Written<User>, Error> {
    let password = password::hashed(service, Some(id), received.password.clone()).await?;
    in_write!(service.store, |tx| {
        let known = seen(tx, id).await?;
        check(condition, known.version)?;
        let mut push = Push::begin(service, tx, cx).await?;
        let user = change(tx, &mut push, &known, &received.doc, password.as_ref()).await?;
        push.finish(tx).await?;
        Ok::<_, Error>(written(user))
    })
}

/// PATCH: applies all operations or none.
///
/// # Errors
/// 404 for a user SCIM cannot see, 409 `uniqueness`, 412, and what the operations are refused for.
pub async fn patch_user(
    service: &Service,
    cx: &Cx,
    id: &UserId,
    operations: &[Operation],
    condition: Option<&Condition>,
) -> Result<Written<User>, Error> {
    let mut password = None;
    if service.settings().password_sync {
        // Hashed before the transaction begins: what the operations set does not depend on what they find there.
        let mut tx = service.store.read().await?;
        let known = seen(&mut tx, id).await?;
        tx.rollback().await?;
        let sent = patched(&known, operations)?.password;
        password = password::hashed(service, Some(id), sent).await?;
    }
    in_write!(service.store, |tx| {
        let known = seen(tx, id).await?;
        check(condition, known.version)?;
        let mut push = Push::begin(service, tx, cx).await?;
        let doc = patched(&known, operations)?.doc;
        let user = change(tx, &mut push, &known, &doc, password.as_ref()).await?;
        push.finish(tx).await?;
        Ok::<_, Error>(written(user))
    })
}

/// DELETE: deletes a user and the edges that only SCIM gave him. Edges by Okta id are Okta's and stay in the mirror (R15).
/// Where he must stay (R5), his row does, and is 404 to SCIM (R12).
///
/// # Errors
/// 404 for a user SCIM cannot see, 412.
pub async fn delete_user(
    service: &Service,
    cx: &Cx,
    id: &UserId,
    condition: Option<&Condition>,
) -> Result<(), Error> {
    in_write!(service.store, |tx| {
        let known = seen(tx, id).await?;
        check(condition, known.version)?;
        let mut push = Push::begin(service, tx, cx).await?;
        let key = known.member_key();
        if known.okta_id.is_some() {
            groups::update_shown_members(tx, key).await?;
        } else {
            let own: Vec<Edge> = edges::list_groups(tx, key)
                .await?
                .into_iter()
                .map(|group| Edge {
                    group,
                    member: key.to_owned(),
                })
                .collect();
            let removed = edges::remove_many(tx, &own).await?;
            for edge in &removed {
                if let Some(group) = groups::find(tx, &edge.group).await? {
                    push.reread_group(&group, "a push took a member");
                }
            }
            push.log_edges(&removed, false);
            push.took(&removed);
        }
        let taken = std::mem::take(&mut push.touched.taken_edges);
        let outcome = membership::delete_user(service, tx, cx, id, taken).await?;
        let before = Some(json!({ "userName": known.user_name, "oktaId": known.okta_id }));
        let after = (outcome == Deleted::Kept).then(|| json!({ "deleting": true }));
        push.log("user.deleted", "user", id.as_str(), before, after);
        push.names_user(&known, true, true);
        push.finish(tx).await?;
        Ok::<_, Error>(())
    })
}

/// The user, if SCIM can see him (R12).
async fn seen(tx: &mut Tx, id: &UserId) -> Result<User, Error> {
    users::find(tx, id)
        .await?
        .filter(|user| user.scim && user.origin == Origin::Okta && !user.deleting)
        .ok_or_else(|| ScimError::no_such(ResourceType::User).into())
}

fn written(user: User) -> Written<User> {
    Written {
        resource: user,
        skipped: Vec::new(),
        in_no_group: false,
    }
}

fn okta_id(doc: &UserDoc) -> Option<OktaUserId> {
    doc.external_id().and_then(OktaUserId::from_external_id)
}

fn patched(known: &User, operations: &[Operation]) -> Result<Patched, Error> {
    let stored = UserDoc::from_stored(attributes(known)?);
    Ok(patch::apply_user(
        known.id.as_str(),
        &stored,
        operations,
        fold,
    )?)
}

fn profile(doc: &UserDoc) -> Profile {
    Profile::of(doc.user_name(), doc.external_id(), doc.attributes())
}

fn attributes(user: &User) -> Result<Map<String, Value>, StoreError> {
    serde_json::from_str(&user.resource).map_err(|_| StoreError::Corrupt {
        table: "users",
        column: "resource",
    })
}

/// Makes a user, and says whether a group has him already.
async fn insert(
    tx: &mut Tx,
    push: &mut Push<'_>,
    doc: &UserDoc,
    okta_id: Option<OktaUserId>,
    password: Option<&Sent>,
) -> Result<(User, bool), Error> {
    let new = NewUser {
        origin: Origin::Okta,
        scim: true,
        okta_id,
        facts: Facts {
            entitled: doc.active.unwrap_or(true),
            status: None,
            blocked: false,
        },
        pending: false,
        profile: profile(doc),
    };
    let Some(user) = users::insert(tx, &new).await? else {
        // Somebody was faster; looked at again, he is found.
        return Err(StoreError::Stale.into());
    };
    if let Some(sent) = password {
        person::update_password(tx, &user.id, sent.hash().as_str()).await?;
    }
    let after = json!({ "attributes": doc.attributes(), "active": user.facts.entitled });
    push.log("user.created", "user", user.id.as_str(), None, Some(after));
    let mut named = false;
    if user.okta_id.is_none() {
        push.reread_user(&user, "made by SCIM without an Okta id");
    } else if !edges::list_groups(tx, user.member_key()).await?.is_empty() {
        // Okta's groups named him before he was here (R15).
        named = true;
        groups::update_shown_members(tx, user.member_key()).await?;
        push.touched.users.insert(user.id.clone());
    }
    Ok((user, named))
}

/// Stores what a create says of somebody known here.
async fn adopt(
    tx: &mut Tx,
    push: &mut Push<'_>,
    known: &User,
    user: User,
    doc: &UserDoc,
    password: Option<&Sent>,
) -> Result<User, Error> {
    let user = User {
        origin: Origin::Okta,
        scim: true,
        deleting: false,
        pending: false,
        ..user
    };
    if !known.scim || known.deleting {
        groups::update_shown_members(tx, user.member_key()).await?;
    }
    let active = Some(doc.active.unwrap_or(true));
    store(tx, push, known, user, (doc, active), password).await
}

/// Stores what a PUT or PATCH says.
async fn change(
    tx: &mut Tx,
    push: &mut Push<'_>,
    known: &User,
    doc: &UserDoc,
    password: Option<&Sent>,
) -> Result<User, Error> {
    let name = fold(doc.user_name());
    if name != fold(&known.user_name) {
        let holder = users::find_by_user_name(tx, doc.user_name()).await?;
        if let Some(holder) = holder.filter(|holder| holder.id != known.id) {
            return Err(claims::name_taken(&holder).into());
        }
    }
    // Okta PUTs back what it read: an `externalId` as it was says nothing new, though a poll may have bound the row to
    // another account since.
    let echoed = known.okta_id.is_some() && doc.external_id() == known.external_id.as_deref();
    let named = okta_id(doc).filter(|_| !echoed);
    let user = rebind::identify(tx, push, known, named.as_ref()).await?;
    let user = store(tx, push, known, user, (doc, doc.active), password).await?;
    push.names_user(&user, doc.active.is_some(), true);
    Ok(user)
}

/// Writes what differs between `known`, as read, and `user` with the document's attributes and activity; nothing, if
/// nothing does.
async fn store(
    tx: &mut Tx,
    push: &mut Push<'_>,
    known: &User,
    mut user: User,
    (doc, active): (&UserDoc, Option<bool>),
    password: Option<&Sent>,
) -> Result<User, Error> {
    let password = match password {
        Some(sent) => sent.news(tx, &user.id).await?,
        None => None,
    };
    if let (Some(_), Some(okta_id)) = (active, &user.okta_id)
        && push.service.settings().app_id.is_none()
    {
        // What the poll noted of his absence is older than this word (R13, R16).
        mirror::update_absence(tx, &[okta_id.as_str()], 0).await?;
    }
    let returned = active == Some(true) && !user.facts.entitled;
    user.facts.entitled = active.unwrap_or(user.facts.entitled);
    if returned
        && user
            .facts
            .status
            .as_ref()
            .is_some_and(|status| matches!(status.as_str(), "DEPROVISIONED" | OktaStatus::DELETED))
    {
        // Okta assigns only who exists; the run that reads him next says what he is (R13).
        user.facts.status = None;
    }
    let stored = attributes(known)?;
    let (mut before, mut after) = difference(&stored, doc.attributes());
    let same_profile = before.is_empty() && after.is_empty();
    if same_profile && user == *known && password.is_none() {
        return Ok(user);
    }
    let facts = |user: &User| {
        let mut facts = Map::new();
        facts.insert("active".to_owned(), user.facts.entitled.into());
        facts.insert("status".to_owned(), json!(user.facts.status));
        facts.insert("oktaId".to_owned(), json!(user.okta_id));
        facts.insert("origin".to_owned(), user.origin.as_str().into());
        facts.insert("scim".to_owned(), user.scim.into());
        facts
    };
    let (facts_before, facts_after) = difference(&facts(known), &facts(&user));
    before.extend(facts_before);
    after.extend(facts_after);
    if password.is_some() {
        after.insert("password".to_owned(), "changed".into());
    }
    push.log(
        "user.updated",
        "user",
        user.id.as_str(),
        Some(before.into()),
        Some(after.into()),
    );
    if user.facts != known.facts
        || user.okta_id != known.okta_id
        || user.origin != known.origin
        || (user.scim, user.deleting, user.pending) != (known.scim, known.deleting, known.pending)
    {
        push.touched.users.insert(user.id.clone());
    }
    let user = if same_profile {
        users::update(tx, &user).await?
    } else {
        users::update_with_profile(tx, &user, &profile(doc)).await?
    };
    if let Some(hash) = password {
        person::update_password(tx, &user.id, hash.as_str()).await?;
    }
    if returned {
        push.reread_returned(tx, &user).await?;
    }
    Ok(user)
}
