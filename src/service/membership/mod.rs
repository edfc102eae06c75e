//! Keeping membership current (R1) and somebody in charge (R5).
//!
//! [`settle`] is the one function that makes derived rows follow mirror and mappings. It is called by every use case
//! that touched either, in its transaction, so recomputing everything always yields what is stored.

pub(crate) mod alerts;
mod effects;
mod push_guard;
mod withhold;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::{Error, Service};
use crate::model::actor::Cx;
use crate::model::id::{GroupId, TeamId, UserId};
use crate::store::audit::{self, Entry};
use crate::store::memberships::{self, Derived, Pair, Standing};
use crate::store::organization::{self, Outlook};
use crate::store::{Tx, withheld};

use effects::Effects;
pub use withhold::{Deleted, delete_user};
pub(crate) use withhold::{let_go, release_by_mode};

/// What a transaction touched, so that what follows from it can be made current.
#[derive(Debug, Default, Clone)]
pub struct Touched {
    /// Users whose facts, Okta id (member key) or existence changed, or who were just made: their activity and all
    /// their derived memberships are recomputed.
    pub users: BTreeSet<UserId>,
    /// Edges that came: (group, member key). They can only add derived memberships.
    pub edges_added: BTreeSet<(GroupId, String)>,
    /// Edges that went. They can only take derived memberships.
    pub edges_removed: BTreeSet<(GroupId, String)>,
    /// How many edges a push added, by group, also of those that are settled by their teams.
    pub given_edges: BTreeMap<GroupId, i64>,
    /// How many edges a push took, by group, likewise.
    pub taken_edges: BTreeMap<GroupId, i64>,
    /// Teams whose mappings changed, or groups of theirs that were joined, parted, bound or emptied at one stroke: every
    /// derived membership of the team is recomputed.
    pub teams: BTreeSet<TeamId>,
    /// Local memberships that an admin gave and that count now.
    pub given: BTreeSet<Pair>,
    /// Memberships that counted and that the use case took, local or withheld ones; one that counts all the same is not
    /// lost.
    pub taken: BTreeSet<Pair>,
    /// Not counted by the guard (approved changes, R9).
    pub approved: bool,
}

impl Touched {
    fn anything(&self) -> bool {
        !(self.users.is_empty()
            && self.edges_added.is_empty()
            && self.edges_removed.is_empty()
            && self.taken_edges.is_empty()
            && self.teams.is_empty()
            && self.given.is_empty()
            && self.taken.is_empty())
    }
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
    settle_logging(service, tx, cx, touched, None, Vec::new()).await
}

/// The same for whoever knows the outlook and has lines for the audit log, which go into it in one statement with those
/// of settling, before them.
pub(in crate::service) async fn settle_logging(
    service: &Service,
    tx: &mut Tx,
    cx: &Cx,
    touched: &Touched,
    outlook: Option<Outlook>,
    entries: Vec<Entry>,
) -> Result<Settled, Error> {
    let mut settled = Settled::default();
    if !touched.anything() {
        audit::insert(tx, cx, &entries).await?;
        return Ok(settled);
    }
    let mut released = BTreeSet::new();
    let (mut outlook, mut entries) = (outlook, entries);
    let mut now = Cow::Borrowed(touched);
    // A new member of Organization Admin releases whoever was withheld as the last one (R5), which is settled in turn.
    loop {
        let seen = match outlook.take() {
            Some(known) => known,
            None => organization::find_outlook(tx).await?,
        };
        let mut effects = derive(tx, &now, seen).await?;
        effects.had(&now.taken);
        effects.look(tx, seen).await?;
        effects.gained.extend(now.given.iter().cloned());
        settled.withheld += withhold::last_admin(tx, cx, &mut effects).await?;
        settled.withheld += push_guard::watch(service, tx, cx, &now, &mut effects).await?;
        effects.end_access(tx).await?;
        effects
            .record(
                tx,
                cx,
                &now,
                !touched.approved,
                std::mem::take(&mut entries),
            )
            .await?;
        settled.added += effects.derived.added.len() as u64;
        settled.removed += effects.derived.removed.len() as u64;
        settled.activity += (effects.activated.len() + effects.deactivated.len()) as u64;
        let (users, taken) = withhold::release(tx, &effects).await?;
        if users.is_empty() {
            break;
        }
        released.extend(users.iter().cloned());
        now = Cow::Owned(Touched {
            users,
            taken,
            ..Touched::default()
        });
    }
    if !released.is_empty() {
        memberships::remove_deleting(tx, &released).await?;
    }
    Ok(settled)
}

/// Brings activity and derived rows up to date and says what that changed.
async fn derive(tx: &mut Tx, touched: &Touched, outlook: Outlook) -> Result<Effects, Error> {
    let mut effects = Effects::default();
    let mut derived = Derived::default();
    if !touched.users.is_empty() {
        let standings = memberships::standings(tx, &touched.users).await?;
        if standings.iter().any(|standing| standing.kept) {
            drop_given_again(tx, &touched.users, &standings).await?;
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
    memberships::derive_from_added(tx, &touched.edges_added, &mut derived).await?;
    memberships::derive_from_removed(tx, &touched.edges_removed, &mut derived).await?;
    if !touched.teams.is_empty() {
        memberships::derive_for_teams(tx, &touched.teams, &mut derived).await?;
    }
    if !derived.added.is_empty() && outlook.withholding {
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
