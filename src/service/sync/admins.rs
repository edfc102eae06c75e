//! Of several admins in one plan the longest-standing is kept, however many transactions the plan takes (R5).
//!
//! Each transaction withholds by itself, and sees only whom it takes. So admins go first, and of them whoever came last:
//! by the time nobody else is left, it is the longest-standing whose turn it is.

use std::collections::HashMap;

use super::halt::Halt;
use crate::model::id::UserId;
use crate::model::team::organization_admin;
use crate::model::time::Timestamp;
use crate::reconcile::{Change, Planned};
use crate::store::{Tx, memberships, mirror};

/// Who counts in Organization Admin, by what changes call them; whoever came last has the first place.
#[derive(Debug, Default)]
pub(crate) struct Admins {
    places: HashMap<String, usize>,
}

impl Admins {
    /// Reads them.
    pub(crate) async fn find(tx: &mut Tx) -> Result<Self, Halt> {
        let team = organization_admin();
        let members = mirror::list_counting(tx, &team).await?;
        let users: Vec<UserId> = members.iter().map(|(user, _)| user.clone()).collect();
        let since: HashMap<UserId, Timestamp> = memberships::standing_since(tx, &team, &users)
            .await?
            .into_iter()
            .collect();
        // The order in which settling chooses, turned round.
        let mut order: Vec<(Option<Timestamp>, UserId, String)> = members
            .into_iter()
            .map(|(user, key)| (since.get(&user).copied(), user, key))
            .collect();
        order.sort_unstable_by(|a, b| (b.0, &b.1).cmp(&(a.0, &a.1)));
        let keys = order.into_iter().map(|(.., key)| key);
        Ok(Self {
            places: keys.zip(0..).collect(),
        })
    }

    /// Whether the order matters: of one alone there is nothing to choose.
    pub(crate) fn several(&self) -> bool {
        self.places.len() > 1
    }

    /// The place of the admin a change takes something from.
    pub(crate) fn place(&self, change: &Change) -> Option<usize> {
        let key = match change {
            Change::RemoveEdge { member, .. } => member.as_str(),
            Change::SetStatus { okta_id, .. }
            | Change::SetEntitled { okta_id, .. }
            | Change::DeactivateLeaver { okta_id } => okta_id.as_str(),
            _ => return None,
        };
        self.places.get(key).copied()
    }

    /// Puts takings into that order. An Okta side stays behind the edges it takes along: no change of it names anybody.
    pub(super) fn first(&self, takings: &mut [Planned]) {
        if self.several() {
            takings.sort_by_key(|taking| self.place(&taking.change).unwrap_or(usize::MAX));
        }
    }
}
