//! The population of mapped groups: who is in none of them for too long, and who is back (R16).

use super::flight::Flight;
use super::halt::Halt;
use super::{CHUNK, Fence};
use crate::model::run::RunKind;
use crate::reconcile::users::Population;
use crate::reconcile::{Change, Planned};
use crate::store::{in_write, mirror, organization};

impl Flight<'_> {
    /// Looks for leavers in full runs, and for those who are back in any.
    pub(super) async fn find_leavers(&mut self) -> Result<(), Halt> {
        if self.population != Population::MappedGroups {
            return Ok(());
        }
        self.take_back().await?;
        if self.kind == RunKind::Full {
            self.let_go().await?;
        }
        Ok(())
    }

    async fn take_back(&mut self) -> Result<(), Halt> {
        let mut tx = self.sync.service.store.read().await?;
        let (now, returned) = (tx.now(), mirror::list_returned(&mut tx).await?);
        tx.rollback().await?;
        let mut changes = Vec::new();
        let mut only_noted = Vec::new();
        for (okta_id, deactivated) in &returned {
            if *deactivated {
                let change = Change::ReturnLeaver {
                    okta_id: okta_id.clone(),
                };
                changes.push(Planned::give(change, now, "back in a mapped group"));
            } else {
                only_noted.push(okta_id.as_str());
            }
        }
        self.note(&only_noted, 0).await?;
        self.plan(changes).await
    }

    /// Who is in no mapped group for a second full run and for longer than the grace is deactivated: never while Okta is
    /// off, no mapping is bound, or the members of a mapped group are not known.
    async fn let_go(&mut self) -> Result<(), Halt> {
        let mut tx = self.sync.service.store.read().await?;
        let now = tx.now();
        let mode = organization::find(&mut tx).await?.mode;
        let mapped: Vec<_> = mirror::list_wanted(&mut tx, self.app_id().as_deref())
            .await?
            .into_iter()
            .filter(|group| group.mapped)
            .collect();
        let absent = mirror::list_absent(&mut tx).await?;
        tx.rollback().await?;
        let all_known = mapped
            .iter()
            .all(|group| self.known.members.contains(&group.group));
        if !mode.derived_counts() || mapped.is_empty() || !all_known {
            return Ok(());
        }
        self.known.leavers = true;
        let grace = self.sync.service.settings().leaver_grace_ms;
        let mut first_time = Vec::new();
        for absentee in &absent {
            if self.dry_members.contains(absentee.okta_id.as_str()) {
                continue; // a dry run adds no edges, so who comes back still looks absent
            }
            match absentee.since {
                None => first_time.push(absentee.okta_id.as_str()),
                Some(since) if now.since(since) >= grace => {
                    let change = Change::DeactivateLeaver {
                        okta_id: absentee.okta_id.clone(),
                    };
                    self.takings.push(Planned::take(
                        change,
                        self.began_at,
                        "in no mapped group for too long",
                    ));
                }
                Some(_) => {}
            }
        }
        self.note(&first_time, 1).await
    }

    async fn note(&self, users: &[&str], runs: i64) -> Result<(), Halt> {
        if self.dry_run {
            return Ok(());
        }
        for chunk in users.chunks(CHUNK) {
            let fence: &Fence = &self.fence;
            let noted: Result<(), Halt> = in_write!(self.sync.service.store, |tx| {
                fence.check(tx).await?;
                mirror::update_absence(tx, chunk, runs).await?;
                Ok(())
            });
            noted?;
        }
        Ok(())
    }
}
