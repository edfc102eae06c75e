//! Which row is whose: learned at first contact, taken over by an account made anew, moved to the row the app names (R11).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::slice;

use serde_json::json;

use super::users::{GONE, SO, profile};
use super::{Done, Work};
use crate::model::id::{OktaUserId, TeamId, UserId};
use crate::model::time::Timestamp;
use crate::model::user::{OktaStatus, User};
use crate::reconcile::Rebind;
use crate::service::membership::{self, Touched};
use crate::service::sync::halt::Halt;
use crate::store::edges::Edge;
use crate::store::rereads::{self, Target};
use crate::store::{Tx, edges, group_sides, groups, memberships, mirror, person, stamps, users};

/// What a row learns.
pub(super) struct Learned<'a> {
    /// Its Okta id.
    pub(super) okta_id: &'a OktaUserId,
    /// The status of whoever has that id.
    pub(super) status: Option<&'a OktaStatus>,
    /// When that was read, by the store's clock.
    pub(super) read_at: Timestamp,
}

pub(super) async fn bind(
    tx: &mut Tx,
    work: &mut Work<'_>,
    user: &UserId,
    learned: &Learned<'_>,
) -> Result<Done, Halt> {
    let okta_id = learned.okta_id;
    let Some(row) = users::find(tx, user).await? else {
        return Ok(Done::skipped(GONE));
    };
    if row.okta_id.as_ref() == Some(okta_id) {
        return Ok(Done::skipped(SO));
    }
    if row.okta_id.is_some() || row.deleting || users::find_by_okta_id(tx, okta_id).await?.is_some()
    {
        let why = format!(
            "{} cannot become Okta's user {okta_id}: one of them has another Okta id by now",
            row.id
        );
        return Ok(Done::conflict(okta_id, why));
    }
    learn(tx, work, &row, learned).await?;
    Ok(Done::applied())
}

/// Gives a row its Okta id; what edges and stamps called him moves along. A status that would end his activity by now is
/// left to the next run, which reads him by id and asks the guard (R9); he stands on the list since he was read, so that
/// what was asked for later is no part of it.
async fn learn(
    tx: &mut Tx,
    work: &mut Work<'_>,
    row: &User,
    learned: &Learned<'_>,
) -> Result<(), Halt> {
    let Learned {
        okta_id, status, ..
    } = *learned;
    let mut after = row.clone();
    after.okta_id = Some(okta_id.clone());
    if status.is_some_and(|status| row.facts.ended_by(status)) {
        let target = Target::User(okta_id.clone());
        let why = "his status would make him inactive";
        rereads::insert_since(tx, &target, why, learned.read_at).await?;
    } else {
        after.facts.status = status.cloned().or(after.facts.status);
    }
    edges::rekey(tx, row.member_key(), okta_id.as_str()).await?;
    stamps::rekey(tx, row.member_key(), okta_id.as_str()).await?;
    if row.scim {
        groups::update_shown_members(tx, okta_id.as_str()).await?;
    }
    users::update(tx, &after).await?;
    let found = [(Target::Login(row.id.clone()), tx.now())];
    rereads::remove_many(tx, &found).await?;
    work.touched.users.insert(row.id.clone());
    work.log(
        "user.bound",
        "user",
        row.id.as_str(),
        None,
        Some(json!({ "oktaId": okta_id })),
    );
    Ok(())
}

pub(super) async fn rebind(tx: &mut Tx, work: &mut Work<'_>, anew: &Rebind) -> Result<Done, Halt> {
    let Rebind { from, okta_id, .. } = anew;
    let Some(row) = users::find(tx, &anew.user).await? else {
        return Ok(Done::skipped(GONE));
    };
    if row.okta_id.as_ref() != Some(from) || users::find_by_okta_id(tx, okta_id).await?.is_some() {
        return Ok(Done::skipped("one of them has another Okta id by now"));
    }
    if row.is_in_use() {
        let why = format!(
            "{} is bound to Okta's user {from}, who is active",
            row.user_name
        );
        return Ok(Done::conflict(okta_id, why));
    }
    let mut after = row.clone();
    after.okta_id = Some(okta_id.clone());
    after.pending = false;
    after.facts.entitled = anew.entitled;
    after.facts.status.clone_from(&anew.status);
    let pushed = group_sides::list_pushed_edges(tx, from.as_str()).await?;
    let removed: HashSet<Edge> = edges::remove_many(tx, &pushed).await?.into_iter().collect();
    super::edges::note(tx, work, &removed, -1).await?;
    if row.scim {
        groups::update_shown_members(tx, from.as_str()).await?;
        groups::update_shown_members(tx, okta_id.as_str()).await?;
    }
    let forgotten = person::forget(tx, &row.id).await?;
    if row.scim {
        users::update(tx, &after).await?;
    } else {
        let profile = profile(&anew.person, row.external_id.as_deref());
        users::update_with_profile(tx, &after, &profile).await?;
    }
    // Nobody has missed the new person yet (R16).
    mirror::update_absence(tx, &[okta_id.as_str()], 0).await?;
    work.touched.users.insert(row.id.clone());
    work.log(
        "user.rebound",
        "user",
        row.id.as_str(),
        Some(json!({ "oktaId": from, "localTeams": forgotten.local_teams, "withheld": forgotten.withheld })),
        Some(json!({ "oktaId": okta_id })),
    );
    Ok(Done::applied())
}

pub(super) async fn move_okta_id(
    tx: &mut Tx,
    work: &mut Work<'_>,
    from: &UserId,
    to: &UserId,
    okta_id: &OktaUserId,
    read_at: Timestamp,
) -> Result<Done, Halt> {
    let (Some(source), Some(target)) = (users::find(tx, from).await?, users::find(tx, to).await?)
    else {
        return Ok(Done::skipped(GONE));
    };
    let fits = source.okta_id.as_ref() == Some(okta_id)
        && source.gives_way()
        && target.okta_id.is_none()
        && !target.deleting;
    if !fits {
        return Ok(Done::skipped("one of them has another Okta id by now"));
    }
    let status = source.facts.status.clone();
    let mut freed = source.clone();
    freed.okta_id = None;
    if source.scim {
        // The row stays for SCIM to see, and is nobody's: whoever may be found by its name is another person (R11).
        freed.facts.entitled = false;
        freed.facts.status = None;
    }
    users::update(tx, &freed).await?;
    let mut target = target;
    if source.facts.blocked && !target.facts.blocked {
        // He is the same person, and only an admin lifts a block (R13).
        target.facts.blocked = true;
        work.log(
            "user.blocked",
            "user",
            to.as_str(),
            Some(json!({ "blocked": false })),
            Some(json!({ "blocked": true })),
        );
    }
    let learned = Learned {
        okta_id,
        status: status.as_ref(),
        read_at,
    };
    learn(tx, work, &target, &learned).await?;
    // First he has what the mirror says and admins gave him, then the poll's row goes with its own: in between somebody is
    // always in charge, and who is the last of them is seen to go (R5).
    let touched = Touched {
        users: BTreeSet::from([to.clone()]),
        ..Touched::default()
    };
    membership::settle(work.service, tx, work.cx, &touched).await?;
    let local_teams = give_local(tx, work, from, to).await?;
    let lost = json!({ "oktaId": okta_id, "userName": source.user_name });
    let action = if source.scim {
        person::forget(tx, from).await?;
        work.touched.users.insert(from.clone());
        "user.unbound"
    } else {
        membership::delete_user(work.service, tx, work.cx, from, BTreeMap::new()).await?;
        "user.deleted"
    };
    work.log(
        action,
        "user",
        from.as_str(),
        Some(lost),
        Some(json!({ "movedTo": to, "localTeams": local_teams })),
    );
    Ok(Done::applied())
}

/// Gives a person's other row what admins gave the one he had (R3); names the teams.
async fn give_local(
    tx: &mut Tx,
    work: &Work<'_>,
    from: &UserId,
    to: &UserId,
) -> Result<Vec<TeamId>, Halt> {
    let before = memberships::effective_of_users(tx, slice::from_ref(to)).await?;
    let teams = person::copy_local(tx, from, to).await?;
    if teams.is_empty() {
        return Ok(teams);
    }
    let after = memberships::effective_of_users(tx, slice::from_ref(to)).await?;
    let touched = Touched {
        given: after.difference(&before).cloned().collect(),
        ..Touched::default()
    };
    membership::settle(work.service, tx, work.cx, &touched).await?;
    Ok(teams)
}
