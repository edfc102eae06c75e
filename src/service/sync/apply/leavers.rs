//! Whom a leaver's deactivation passes by: it may be approved a day after it was found (R9, R16).

use std::collections::HashSet;

use super::Work;
use crate::model::id::OktaUserId;
use crate::reconcile::{Change, Planned};
use crate::service::sync::halt::Halt;
use crate::store::{Tx, mirror, organization};

/// Who stays by now.
#[derive(Debug, Default)]
pub(super) struct Staying {
    everybody: Option<&'static str>,
    members: HashSet<String>,
}

impl Staying {
    /// Looks at the leavers of a chunk.
    pub(super) async fn find(
        tx: &mut Tx,
        work: &Work<'_>,
        chunk: &[Planned],
    ) -> Result<Self, Halt> {
        let leavers: Vec<&str> = chunk
            .iter()
            .filter_map(|planned| match &planned.change {
                Change::DeactivateLeaver { okta_id } => Some(okta_id.as_str()),
                _ => None,
            })
            .collect();
        if leavers.is_empty() {
            return Ok(Self::default());
        }
        let app = work.service.settings().app_id.clone();
        let bound = mirror::list_wanted(tx, app.as_deref()).await?;
        let everybody = if !organization::find(tx).await?.mode.derived_counts() {
            Some("Okta mode is off, in which nobody is let go")
        } else if bound.iter().all(|group| !group.mapped) {
            Some("no mapping is bound, without which nobody is let go")
        } else {
            None
        };
        Ok(Self {
            everybody,
            members: mirror::list_in_mapped_groups(tx, &leavers).await?,
        })
    }

    /// Why this one stays, if he does.
    pub(super) fn why(&self, okta_id: &OktaUserId) -> Option<&'static str> {
        let member = self.members.contains(okta_id.as_str());
        self.everybody
            .or(member.then_some("he is in a mapped group by now"))
    }
}
