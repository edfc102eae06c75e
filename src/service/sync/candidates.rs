//! The rows that users as read may be (R11).

use std::collections::{HashMap, HashSet};

use super::halt::Halt;
use crate::model::fold::fold;
use crate::model::id::{OktaUserId, UserId};
use crate::model::user::User as Row;
use crate::reconcile::users::{Rows, Seen};
use crate::reconcile::{Change, Planned};
use crate::store::{Tx, users};

/// The rows that users as read may be, and where to find them.
#[derive(Default)]
pub(super) struct Candidates {
    rows: Vec<Row>,
    by_okta_id: HashMap<OktaUserId, usize>,
    by_id: HashMap<UserId, usize>,
    /// By the fold of their userNames.
    by_name: HashMap<String, usize>,
}

impl Candidates {
    pub(super) async fn find(tx: &mut Tx, seen: &[Seen]) -> Result<Self, Halt> {
        let keys: Vec<&str> = seen.iter().map(|seen| seen.okta_id.as_str()).collect();
        let mut rows = users::find_many_by_member_key(tx, &keys).await?;
        let ours: Vec<&str> = seen
            .iter()
            .filter_map(|seen| seen.ours.as_ref())
            .map(UserId::as_str)
            .collect();
        if !ours.is_empty() {
            rows.extend(users::find_many(tx, &ours).await?);
        }
        let bound: HashSet<&str> = rows
            .iter()
            .filter_map(|row| Some(row.okta_id.as_ref()?.as_str()))
            .collect();
        let names: Vec<String> = seen
            .iter()
            .filter(|seen| !bound.contains(seen.okta_id.as_str()))
            .filter_map(|seen| Some(fold(&seen.person.as_ref()?.user_name)))
            .collect();
        for name in names {
            rows.extend(users::find_by_user_name(tx, &name).await?);
        }
        let mut found = Self::default();
        for (place, row) in rows.iter().enumerate() {
            if let Some(okta_id) = &row.okta_id {
                found.by_okta_id.insert(okta_id.clone(), place);
            }
            found.by_id.insert(row.id.clone(), place);
            found.by_name.insert(fold(&row.user_name), place);
        }
        found.rows = rows;
        Ok(found)
    }

    pub(super) fn rows(&self, seen: &Seen) -> Rows<'_> {
        let at = |place: Option<&usize>| place.and_then(|place| self.rows.get(*place));
        let name = seen.person.as_ref().map(|person| fold(&person.user_name));
        Rows {
            by_okta_id: at(self.by_okta_id.get(&seen.okta_id)),
            by_our_id: at(seen.ours.as_ref().and_then(|ours| self.by_id.get(ours))),
            by_name: at(name.as_ref().and_then(|name| self.by_name.get(name))),
        }
    }

    /// Whether a change gives one of them another userName.
    pub(super) fn renamed_by(&self, planned: &Planned) -> bool {
        match &planned.change {
            Change::UpdateProfile { user, person, .. } => self
                .by_id
                .get(user)
                .and_then(|place| self.rows.get(*place))
                .is_some_and(|row| fold(&row.user_name) != fold(&person.user_name)),
            _ => false,
        }
    }
}
