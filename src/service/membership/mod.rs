//! Keeping membership current (R1) and somebody in charge (R5).
//!
//! [`settle`] is the one function that makes derived rows follow mirror and mappings. It is called by every use case
//! that touched either, in its transaction, so recomputing everything always yields what is stored.

mod effects;
mod push_guard;
mod withhold;

use std::collections::BTreeSet;

use super::{Error, Service};
use crate::model::actor::Cx;
use crate::model::id::{GroupId, TeamId, UserId};
use crate::store::memberships::{self, Derived, Pair, Standing};
use crate::store::{Tx, organization, withheld};

use effects::Effects;
pub(crate) use withhold::let_go;
pub use withhold::{Deleted, delete_user};

/// What a transaction touched, so that what follows from it can be made current.
#[derive(Debug, Default, Clone)]
pub struct Touched {
    /// Users whose facts, Okta id (member key) or existence changed, or who were just made: their activity and all
    /// their derived memberships are recomputed.
    pub users: BTreeSet<UserId>,
    /// Edges added or removed: (group, member key). Only these users' memberships through these groups' teams are
    /// recomputed.
    pub edges: BTreeSet<(GroupId, String)>,
    /// Teams whose mappings changed, or groups of theirs that were joined, parted, bound or emptied at one stroke: every
    /// derived membership of the team is recomputed.
    pub teams: BTreeSet<TeamId>,
    /// Local memberships that an admin gave and that count now.
    pub given: BTreeSet<Pair>,
    /// Memberships that an admin took, local or withheld ones, and that count no longer.
    pub taken: BTreeSet<Pair>,
    /// Not counted by the guard (approved changes, R9).
    pub approved: bool,
}

/// What settling did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Derived memberships that appeared.
    pub added: u64,
    /// Derived memberships that went.
    pub removed: u64,
    /// Users who became active or inactive.
    pub activity: u64,
    /// Users or memberships withheld now (R5, R9).
    pub withheld: u64,
}

/// Makes current what follows from what `touched` names: activity (R13), derived memberships (R1), withholding (R5, R9),
/// the guard's window and the audit log. The last thing a use case does before it commits.
///
/// # Errors
/// [`Error::LastAdmin`] on the channels `api` and `cli` when nobody would be left in Organization Admin; pushes and polls
/// are withheld instead.
pub async fn settle(
    service: &Service,
    tx: &mut Tx,
    cx: &Cx,
    touched: &Touched,
) -> Result<Settled, Error> {
    let edges = mapped_edges(tx, touched).await?;
    let by_hand = !touched.given.is_empty() || !touched.taken.is_empty();
    if touched.users.is_empty() && edges.is_empty() && touched.teams.is_empty() && !by_hand {
        return Ok(Settled::default());
    }
    let mut settled = Settled::default();
    let mut released = BTreeSet::new();
    let mut users = touched.users.clone();
    let mut teams = touched.teams.clone();
    let mut edges = edges;
    let mut by_hand = Some((touched.given.clone(), touched.taken.clone()));
    // A new member of Organization Admin releases whoever was withheld as the last one (R5), which is settled in turn.
    loop {
        let mut effects = derive(tx, &users, &edges, &teams).await?;
        let mode = organization::find(tx).await?.mode;
        effects.look(tx, mode).await?;
        if let Some((given, taken)) = by_hand.take() {
            effects.gained.extend(given);
            effects.lost.extend(taken);
        }
        settled.withheld += withhold::last_admin(tx, cx, &mut effects).await?;
        settled.withheld += push_guard::watch(service, tx, cx, touched, &mut effects).await?;
        effects.record(tx, cx, !touched.approved).await?;
        settled.added += effects.derived.added.len() as u64;
        settled.removed += effects.derived.removed.len() as u64;
        settled.activity += (effects.activated.len() + effects.deactivated.len()) as u64;
        let lost;
        (users, lost) = withhold::release(tx, &effects).await?;
        if users.is_empty() {
            break;
        }
        by_hand = Some((BTreeSet::new(), lost));
        released.extend(users.iter().cloned());
        edges.clear();
        teams.clear();
    }
    if !released.is_empty() {
        memberships::remove_deleting(tx, &released).await?;
    }
    Ok(settled)
}

/// The touched edges of groups that a mapping leads from; the others can change nothing.
async fn mapped_edges(
    tx: &mut Tx,
    touched: &Touched,
) -> Result<BTreeSet<(GroupId, String)>, Error> {
    if touched.edges.is_empty() {
        return Ok(BTreeSet::new());
    }
    let groups: BTreeSet<GroupId> = touched
        .edges
        .iter()
        .map(|(group, _)| group.clone())
        .collect();
    let mapped = memberships::mapped_groups(tx, &groups).await?;
    Ok(touched
        .edges
        .iter()
        .filter(|(group, _)| mapped.contains(group))
        .cloned()
        .collect())
}

/// Brings activity and derived rows up to date and says what that changed.
async fn derive(
    tx: &mut Tx,
    users: &BTreeSet<UserId>,
    edges: &BTreeSet<(GroupId, String)>,
    teams: &BTreeSet<TeamId>,
) -> Result<Effects, Error> {
    let mut effects = Effects::default();
    let mut derived = Derived::default();
    if !users.is_empty() {
        let standings = memberships::standings(tx, users).await?;
        if standings.iter().any(|standing| standing.kept) {
            drop_given_again(tx, users, &standings).await?;
        }
        effects.flip(tx, &standings).await?;
        let deriving: Vec<UserId> = standings
            .iter()
            .filter(|standing| standing.derives)
            .map(|standing| standing.id.clone())
            .collect();
        if !deriving.is_empty() {
            memberships::derive_for_users(tx, &deriving, &mut derived).await?;
        }
    }
    if !edges.is_empty() {
        let edges: Vec<(&GroupId, &str)> = edges
            .iter()
            .map(|(group, member)| (group, member.as_str()))
            .collect();
        memberships::derive_for_edges(tx, &edges, &mut derived).await?;
    }
    if !teams.is_empty() {
        memberships::derive_for_teams(tx, teams, &mut derived).await?;
    }
    if !derived.added.is_empty() && withheld::any(tx).await? {
        // What Okta gives again is withheld no longer (R9): the derived row stands by itself.
        let given: BTreeSet<UserId> = derived.added.iter().map(|(_, user)| user.clone()).collect();
        let kept = withhold::kept(tx).await?;
        let again = derived.added.iter().filter(|pair| kept.contains(*pair));
        effects.note_kept(tx, again.cloned().collect()).await?;
        withheld::remove_given_again(tx, &[], &given).await?;
    }
    effects.derived = derived;
    Ok(effects)
}

/// A user whose facts make him active again is kept by nothing (R9).
async fn drop_given_again(
    tx: &mut Tx,
    users: &BTreeSet<UserId>,
    standings: &[Standing],
) -> Result<(), Error> {
    let active: Vec<UserId> = standings
        .iter()
        .filter(|standing| standing.facts.active() && !standing.deleting)
        .map(|standing| standing.id.clone())
        .collect();
    withheld::remove_given_again(tx, &active, users).await?;
    Ok(())
}
