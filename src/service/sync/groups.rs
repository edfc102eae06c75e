//! Groups: listed, compared with their rows; absent ones confirmed by id (R8).

use std::collections::HashSet;

use futures_util::StreamExt as _;

use super::flight::Flight;
use super::halt::Halt;
use crate::model::group::{IdpGroup, OktaSide};
use crate::model::id::OktaGroupId;
use crate::model::run::RunKind;
use crate::model::time::Timestamp;
use crate::okta::types::Group;
use crate::okta::{End, GroupFilter, Page, Read, Step};
use crate::reconcile::{Change, Planned, groups as plan};
use crate::store::{edges, groups, marks, mirror};

/// How far behind its watermark a delta begins: Okta's filters are eventually consistent, and the lag is documented as
/// below a second typically.
pub(super) const OVERLAP_MS: i64 = 60_000;

/// How many objects are confirmed by id at once.
pub(super) const CONFIRMED_AT_ONCE: usize = 4;

/// A group as the mirror keeps it.
pub(super) fn side(group: &Group) -> OktaSide {
    OktaSide {
        id: group.id.clone(),
        kind: group.kind.as_str().to_owned(),
        name: group.name.clone(),
        description: group.description.clone(),
        source: group
            .source_app_id
            .as_ref()
            .map(|app| app.as_str().to_owned()),
        created_at: group.created,
    }
}

impl Flight<'_> {
    /// Lists groups: all in a full run, the changed ones in a delta.
    pub(super) async fn read_groups(&mut self) -> Result<(), Halt> {
        let filter = match self.since(marks::GROUPS_WATERMARK).await? {
            Some(since) => GroupFilter::ChangedSince(since),
            None => GroupFilter::All,
        };
        let mut listing = self.sync.okta.list_groups(filter);
        let mut seen: HashSet<OktaGroupId> = HashSet::new();
        loop {
            match listing.next_page().await {
                Step::Page(page) => {
                    seen.extend(page.items.iter().map(|group| group.id.clone()));
                    self.plan_groups(page, filter != GroupFilter::All).await?;
                }
                Step::Restart => seen.clear(),
                Step::End(End::Whole { since, .. }) => {
                    if let Some(okta_at) = since.okta_at {
                        self.watermarks.push((marks::GROUPS_WATERMARK, okta_at));
                    }
                    if filter == GroupFilter::All {
                        self.confirm_absent_groups(&seen).await?;
                    }
                    break;
                }
                Step::End(End::Partial { why }) => {
                    Self::refused(&why)?;
                    self.summary
                        .unknown("the listing of groups".to_owned(), &why);
                    break;
                }
                Step::End(End::Gone { .. }) => break,
            }
        }
        self.join_groups().await
    }

    /// From when a delta reads, by Okta's clock; `None`: everything, also in the first delta of all.
    pub(super) async fn since(&self, watermark: &'static str) -> Result<Option<Timestamp>, Halt> {
        if self.kind != RunKind::Delta {
            return Ok(None);
        }
        let mut tx = self.sync.service.store.read().await?;
        let mark = marks::find(&mut tx, watermark).await?;
        tx.rollback().await?;
        Ok(mark
            .and_then(|mark| Timestamp::parse(&mark.value))
            .map(|at| at.minus_millis(OVERLAP_MS)))
    }

    async fn plan_groups(&mut self, page: Page<Group>, changed: bool) -> Result<(), Halt> {
        let at = self.at(&page.at);
        let ids: Vec<&str> = page.items.iter().map(|group| group.id.as_str()).collect();
        let mut tx = self.sync.service.store.read().await?;
        let rows = groups::find_many_by_okta_id(&mut tx, &ids).await?;
        tx.rollback().await?;
        let app = self.app_id();
        let mut changes = Vec::new();
        for group in &page.items {
            self.summary.read.groups += 1;
            let side = side(group);
            let row = rows
                .iter()
                .find(|row| row.okta.as_ref().is_some_and(|okta| okta.id == side.id));
            if let Some(row) = row.filter(|_| changed) {
                self.members_wanted.insert(row.id.clone());
            }
            if !self.known.groups.insert(group.id.clone()) {
                continue; // read by id in this run, which is fresher
            }
            changes.extend(plan::plan(row, &side, app.as_deref(), at));
        }
        self.plan(changes).await
    }

    /// A group that a whole listing does not have is asked for by id: only a 404 says that it is gone (R8).
    async fn confirm_absent_groups(&mut self, seen: &HashSet<OktaGroupId>) -> Result<(), Halt> {
        let mut tx = self.sync.service.store.read().await?;
        let known = mirror::list_okta_groups(&mut tx).await?;
        tx.rollback().await?;
        let absent: Vec<OktaGroupId> = known
            .into_iter()
            .filter(|id| !seen.contains(id) && !self.known.groups.contains(id))
            .collect();
        let okta = self.sync.okta.clone();
        let mut answers = futures_util::stream::iter(absent)
            .map(|id| {
                let okta = okta.clone();
                async move { (okta.group(&id).await, id) }
            })
            .buffered(CONFIRMED_AT_ONCE);
        while let Some((answer, id)) = answers.next().await {
            self.take_group(&id, answer).await?;
        }
        Ok(())
    }

    /// What a read of a group by id says. False when it stays unknown.
    pub(super) async fn take_group(
        &mut self,
        id: &OktaGroupId,
        answer: Read<Group>,
    ) -> Result<bool, Halt> {
        let mut tx = self.sync.service.store.read().await?;
        let row = groups::find_by_okta_id(&mut tx, id).await?;
        tx.rollback().await?;
        let app = self.app_id();
        match answer {
            Read::Known { value, at } => {
                self.summary.read.groups += 1;
                self.known.groups.insert(id.clone());
                let at = self.at(&at);
                let change = plan::plan(row.as_ref(), &side(&value), app.as_deref(), at);
                self.plan(change.into_iter().collect()).await?;
                Ok(true)
            }
            Read::Gone { at } => {
                self.known.groups.insert(id.clone());
                if let Some(row) = row {
                    let at = self.at(&at);
                    self.group_gone(&row, at).await?;
                }
                Ok(true)
            }
            Read::Unknown { why } => {
                Self::refused(&why)?;
                self.summary.unknown(format!("group {id}"), &why);
                Ok(false)
            }
        }
    }

    /// An Okta side that is gone takes its edges along, one change each, so that the guard and an admin see them.
    async fn group_gone(&mut self, row: &IdpGroup, at: Timestamp) -> Result<(), Halt> {
        let Some(gone) = plan::gone(row, at) else {
            return Ok(());
        };
        let Change::OktaSideGone { okta_id, .. } = &gone.change else {
            return Ok(());
        };
        self.known.members.insert(row.id.clone());
        self.gone_groups.insert(okta_id.clone());
        let mut after: Option<String> = None;
        loop {
            let mut tx = self.sync.service.store.read().await?;
            let page = edges::list(&mut tx, &row.id, after.as_deref(), 5_000).await?;
            tx.rollback().await?;
            let Some(last) = page.last().cloned() else {
                break;
            };
            self.takings.extend(page.into_iter().map(|member| {
                Planned::take(
                    Change::RemoveEdge {
                        group: row.id.clone(),
                        okta_group: okta_id.clone(),
                        member,
                    },
                    at,
                    "its group is gone in Okta",
                )
            }));
            after = Some(last);
        }
        self.takings.push(gone);
        Ok(())
    }

    /// Okta refuses us as a whole: there is no point in asking on.
    pub(super) fn refused(why: &crate::okta::Error) -> Result<(), Halt> {
        use crate::okta::Error;
        match why {
            Error::Unauthorized { .. }
            | Error::OAuth { .. }
            | Error::Signing(_)
            | Error::Cancelled => Err(Halt::Okta(why.clone())),
            _ => Ok(()),
        }
    }
}
