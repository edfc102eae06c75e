//! Members: read group by group, compared with the edges, one group in memory at a time (R8, R15, R16).

use futures_util::StreamExt as _;

use super::flight::Flight;
use super::groups::CONFIRMED_AT_ONCE;
use super::halt::Halt;
use crate::model::id::OktaUserId;
use crate::model::run::RunKind;
use crate::model::time::Timestamp;
use crate::model::user::OktaStatus;
use crate::okta::types::UserStatus;
use crate::okta::{Client, End, ReadTime, Step};
use crate::reconcile::{Change, Planned, members as plan};
use crate::store::mirror::Wanted;
use crate::store::rereads::Target;
use crate::store::{edges, in_write, mirror};

/// A group's members as read.
struct Members {
    /// By bytes of the id, without repeats: who, his status, when his page was asked for.
    people: Vec<(OktaUserId, UserStatus, ReadTime)>,
    end: End,
}

async fn read(okta: Client, group: Wanted) -> (Wanted, Members) {
    let mut listing = okta.group_members(&group.okta_id);
    let mut people = Vec::new();
    loop {
        match listing.next_page().await {
            Step::Page(page) => {
                people.extend(
                    page.items
                        .into_iter()
                        .map(|member| (member.id, member.status, page.at)),
                );
            }
            Step::Restart => people.clear(),
            Step::End(end) => {
                people.sort_by(|a, b| a.0.cmp(&b.0));
                people.dedup_by(|a, b| a.0 == b.0);
                return (group, Members { people, end });
            }
        }
    }
}

impl Flight<'_> {
    /// Reads the members of every group that wants it: in a full run all mapped groups, else those that changed, those
    /// never read, and those on the re-read list.
    pub(super) async fn read_members(&mut self) -> Result<(), Halt> {
        let mut tx = self.sync.service.store.read().await?;
        let wanted = mirror::list_wanted(&mut tx, self.app_id().as_deref()).await?;
        tx.rollback().await?;
        let wanted: Vec<Wanted> = wanted
            .into_iter()
            .filter(|group| match self.kind {
                RunKind::Full => true,
                RunKind::Delta => !group.read || self.members_wanted.contains(&group.group),
                RunKind::Hook | RunKind::Scim => self.members_wanted.contains(&group.group),
            })
            .filter(|group| !self.known.members.contains(&group.group))
            .collect();
        let okta = self.sync.okta.clone();
        let mut lists = futures_util::stream::iter(wanted)
            .map(|group| read(okta.clone(), group))
            .buffered(CONFIRMED_AT_ONCE);
        while let Some((group, members)) = lists.next().await {
            self.take_members(&group, members).await?;
        }
        Ok(())
    }

    async fn take_members(&mut self, group: &Wanted, members: Members) -> Result<(), Halt> {
        match &members.end {
            End::Whole { since, .. } => {
                let since = self.at(since);
                self.compare(group, &members, since).await?;
                self.summary.read.member_lists += 1;
                self.summary.read.members += members.people.len() as u64;
                self.known.members.insert(group.group.clone());
                if self.kind != RunKind::Full {
                    self.statuses_of(&members).await?;
                }
            }
            End::Partial { why } => {
                Self::refused(why)?;
                self.summary
                    .unknown(format!("members of {}", group.okta_id), why);
                self.again(
                    Target::Group(group.okta_id.clone()),
                    "its members could not be read whole",
                );
            }
            End::Gone { .. } => {
                // Only the group's own 404 says so; the next run asks by id.
                self.again(
                    Target::Group(group.okta_id.clone()),
                    "its members answer 404",
                );
            }
        }
        Ok(())
    }

    /// Leaves something on the list for the next run, or puts it there.
    pub(super) fn again(&mut self, target: Target, why: &'static str) {
        self.reread_done.retain(|(done, _)| *done != target);
        if !self.listed.contains(&target) {
            self.reread_next.push((target, why));
        }
    }

    async fn compare(
        &mut self,
        group: &Wanted,
        members: &Members,
        since: Timestamp,
    ) -> Result<(), Halt> {
        let stored = self.edges_of(group).await?;
        let ids: Vec<OktaUserId> = members.people.iter().map(|(id, ..)| id.clone()).collect();
        let difference = plan::compare(&ids, &stored);
        let edge = |member: String| (group.group.clone(), group.okta_id.clone(), member);
        let mut changes = Vec::with_capacity(difference.missing.len());
        for place in difference.missing {
            let Some((id, _, at)) = members.people.get(place) else {
                continue;
            };
            let (group, okta_group, member) = edge(id.to_string());
            let change = Change::AddEdge {
                group,
                okta_group,
                member,
            };
            changes.push(Planned::give(change, self.at(at), "a member in Okta"));
        }
        if self.dry_run && group.mapped {
            self.dry_members.extend(ids.iter().map(ToString::to_string));
        }
        let ours = self.own_keys(&difference.extra).await?;
        for key in difference
            .extra
            .into_iter()
            .filter(|key| !ours.contains(key))
        {
            let (group, okta_group, member) = edge(key);
            let change = Change::RemoveEdge {
                group,
                okta_group,
                member,
            };
            self.takings
                .push(Planned::take(change, since, "no member in Okta"));
        }
        self.plan(changes).await?;
        if !group.read && !self.dry_run {
            let noted: Result<(), Halt> = in_write!(self.sync.service.store, |tx| {
                self.fence.check(tx).await?;
                mirror::update_members_read(tx, &group.group).await?;
                Ok(())
            });
            noted?;
        }
        Ok(())
    }

    async fn edges_of(&self, group: &Wanted) -> Result<Vec<String>, Halt> {
        let mut stored: Vec<String> = Vec::new();
        let mut tx = self.sync.service.store.read().await?;
        loop {
            let after = stored.last().cloned();
            let page = edges::list(&mut tx, &group.group, after.as_deref(), 5_000).await?;
            if page.is_empty() {
                break;
            }
            stored.extend(page);
        }
        tx.rollback().await?;
        Ok(stored)
    }

    /// A poll speaks only of Okta ids: edges of users without one stay (R15).
    async fn own_keys(&self, keys: &[String]) -> Result<std::collections::HashSet<String>, Halt> {
        let mut ours = std::collections::HashSet::new();
        let mut tx = self.sync.service.store.read().await?;
        for chunk in keys.chunks(super::CHUNK) {
            let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
            ours.extend(mirror::list_own_keys(&mut tx, &chunk).await?);
        }
        tx.rollback().await?;
        Ok(ours)
    }

    /// A status read explicitly counts in any run (R8); a full run reads everybody's anyway. Who is missing here is read
    /// by id, for his profile.
    async fn statuses_of(&mut self, members: &Members) -> Result<(), Halt> {
        for chunk in members.people.chunks(500) {
            self.take_member_statuses(chunk).await?;
        }
        Ok(())
    }
}

/// The status the mirror keeps; a transitional one is not set.
pub(super) fn status(status: &UserStatus) -> Option<OktaStatus> {
    (status.as_str() != "ACTIVATING").then(|| OktaStatus::new(status.as_str()))
}
