//! Somebody can always get in: the last active member of Organization Admin stays (R5).

use std::collections::{BTreeMap, BTreeSet};

use super::effects::Effects;
use super::{Error, Service, Touched, settle};
use crate::model::actor::{Channel, Cx};
use crate::model::id::{GroupId, RunId, TeamId, UserId};
use crate::model::team::organization_admin;
use crate::store::Tx;
use crate::store::memberships::{self, Pair};
use crate::store::withheld::{self, Cause, Withheld};

/// Keeps the longest-standing of those who just left Organization Admin, if nobody is left there.
///
/// # Errors
/// [`Error::LastAdmin`] where a person asked (`api`, `cli`, `login`): he gets a 409 instead.
pub(super) async fn last_admin(tx: &mut Tx, cx: &Cx, effects: &mut Effects) -> Result<u64, Error> {
    let team = organization_admin();
    let left: Vec<UserId> = effects
        .lost
        .iter()
        .filter(|(lost, _)| *lost == team)
        .map(|(_, user)| user.clone())
        .collect();
    if left.is_empty() || memberships::count_effective(tx, &team, 1).await? > 0 {
        return Ok(0);
    }
    if !matches!(cx.channel, Channel::Scim | Channel::Poll | Channel::Hook) {
        return Err(Error::LastAdmin);
    }
    let Some(keeper) = longest_standing(tx, &team, &left, effects).await? else {
        return Ok(0);
    };
    let mut rows: BTreeSet<(UserId, Option<TeamId>)> = BTreeSet::new();
    if effects.deactivated.remove(&keeper).is_some() {
        rows.insert((keeper.clone(), None));
        memberships::update_activity(tx, std::slice::from_ref(&keeper), true).await?;
    }
    if effects
        .derived
        .removed
        .iter()
        .any(|((lost, user), _)| *lost == team && *user == keeper)
    {
        rows.insert((keeper.clone(), Some(team)));
    }
    let done = withheld::insert(tx, &rows, Cause::LastAdmin, None).await?;
    // He stays, but must sign in again.
    memberships::revoke_access(tx, std::slice::from_ref(&keeper)).await?;
    effects.look_again(tx).await?;
    Ok(done)
}

async fn longest_standing(
    tx: &mut Tx,
    team: &TeamId,
    left: &[UserId],
    effects: &Effects,
) -> Result<Option<UserId>, Error> {
    let mut since = memberships::standing_since(tx, team, left).await?;
    since.extend(
        effects
            .derived
            .removed
            .iter()
            .filter(|((lost, user), _)| lost == team && left.contains(user))
            .map(|((_, user), at)| (user.clone(), *at)),
    );
    since.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    Ok(since.into_iter().next().map(|(user, _)| user))
}

/// Another active member of Organization Admin appeared: what was withheld from the last one is applied now (R5).
/// Gives the users to be settled next, and the memberships they had by nothing else.
pub(super) async fn release(
    tx: &mut Tx,
    effects: &Effects,
) -> Result<(BTreeSet<UserId>, BTreeSet<Pair>), Error> {
    let team = organization_admin();
    if !effects.gained.iter().any(|(gained, _)| *gained == team) || !withheld::any(tx).await? {
        return Ok(Default::default());
    }
    free(tx).await
}

/// Drops what keeps the last admin, if he is not the last one.
async fn free(tx: &mut Tx) -> Result<(BTreeSet<UserId>, BTreeSet<Pair>), Error> {
    let rows = withheld::list_needless(tx, &organization_admin()).await?;
    if rows.is_empty() {
        return Ok(Default::default());
    }
    let kept: BTreeSet<UserId> = rows.iter().map(|row| row.user.clone()).collect();
    let users: Vec<UserId> = kept.iter().cloned().collect();
    let counted = memberships::effective_of(tx, &pairs(&rows)).await?;
    withheld::remove(tx, &users, Cause::LastAdmin).await?;
    memberships::revoke_access(tx, &users).await?;
    Ok((kept, no_longer(tx, counted).await?))
}

/// A switch of the mode touches no membership, and yet others may count by it than before: where one of them is in
/// Organization Admin, what was withheld from the last one is applied now (R5).
pub(crate) async fn release_by_mode(service: &Service, tx: &mut Tx, cx: &Cx) -> Result<(), Error> {
    let (users, taken) = free(tx).await?;
    if users.is_empty() {
        return Ok(());
    }
    let touched = Touched {
        users: users.clone(),
        taken,
        ..Touched::default()
    };
    settle(service, tx, cx, &touched).await?;
    memberships::remove_deleting(tx, &users).await?;
    Ok(())
}

/// An admin let go what pushes had withheld in this run (R9). Gives how many rows that were.
///
/// # Errors
/// [`Error::LastAdmin`] when nobody would be left in Organization Admin.
pub(crate) async fn let_go(
    service: &Service,
    tx: &mut Tx,
    cx: &Cx,
    run: &RunId,
) -> Result<u64, Error> {
    let team = organization_admin();
    let before = memberships::count_effective(tx, &team, 1).await?;
    let listed: Vec<Withheld> = withheld::list(tx)
        .await?
        .into_iter()
        .filter(|row| row.run.as_ref() == Some(run))
        .collect();
    let counted = memberships::effective_of(tx, &pairs(&listed)).await?;
    let rows = withheld::remove_of_run(tx, run).await?;
    let users: BTreeSet<UserId> = rows.iter().map(|row| row.user.clone()).collect();
    let touched = Touched {
        users: users.clone(),
        taken: no_longer(tx, counted).await?,
        approved: true,
        ..Touched::default()
    };
    settle(service, tx, cx, &touched).await?;
    memberships::remove_deleting(tx, &users).await?;
    if before > 0 && memberships::count_effective(tx, &team, 1).await? == 0 {
        return Err(Error::LastAdmin);
    }
    Ok(rows.len() as u64)
}

/// Every membership that is withheld.
pub(super) async fn kept(tx: &mut Tx) -> Result<BTreeSet<Pair>, Error> {
    Ok(pairs(&withheld::list(tx).await?))
}

/// The memberships that rows keep.
fn pairs(rows: &[Withheld]) -> BTreeSet<Pair> {
    rows.iter()
        .filter_map(|row| Some((row.team.clone()?, row.user.clone())))
        .collect()
}

/// Those that counted and do not any more, now that nothing keeps them.
async fn no_longer(tx: &mut Tx, counted: BTreeSet<Pair>) -> Result<BTreeSet<Pair>, Error> {
    let counting = memberships::effective_of(tx, &counted).await?;
    Ok(counted.difference(&counting).cloned().collect())
}

/// What became of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// The row is gone.
    Gone,
    /// R5 or R9 keeps it for now; SCIM answers 404 (R12).
    Kept,
}

/// Deletes a user, or marks him for deletion where he must stay (R5, R12): what he had is settled and logged first.
/// `taken_edges` is how many edges a push took with him, by group.
///
/// # Errors
/// [`Error::LastAdmin`] as for [`settle`].
pub async fn delete_user(
    service: &Service,
    tx: &mut Tx,
    cx: &Cx,
    user: &UserId,
    taken_edges: BTreeMap<GroupId, i64>,
) -> Result<Deleted, Error> {
    memberships::update_deleting(tx, user).await?;
    let users = BTreeSet::from([user.clone()]);
    let touched = Touched {
        users: users.clone(),
        taken_edges,
        ..Touched::default()
    };
    settle(service, tx, cx, &touched).await?;
    let gone = memberships::remove_deleting(tx, &users).await?;
    Ok(if gone > 0 {
        Deleted::Gone
    } else {
        Deleted::Kept
    })
}
