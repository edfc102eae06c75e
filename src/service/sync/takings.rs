//! What a run takes away: muted, still held, applied or held anew (R9).

use std::collections::{HashMap, HashSet};

use super::admins::Admins;
use super::apply::{self, Done};
use super::flight::Flight;
use super::halt::Halt;
use super::judge::judge;
use super::{CHUNK, Fence};
use crate::model::fold::fold;
use crate::model::id::{GroupId, UserId};
use crate::model::run::Outcome;
use crate::reconcile::chunks::{chunks, heavy};
use crate::reconcile::renames::{self, Rename};
use crate::reconcile::{Change, Fingerprint, Planned};
use crate::store::{Tx, in_write, mutes, run_changes, runs, users};

impl Flight<'_> {
    /// Renames the poll owns, chain by chain: within one all userNames are freed before any is set (R18).
    pub(super) async fn apply_renames(&mut self) -> Result<(), Halt> {
        let planned = std::mem::take(&mut self.renames);
        if planned.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = planned
            .iter()
            .filter_map(|planned| match &planned.change {
                Change::UpdateProfile { user, .. } => Some(user.as_str()),
                _ => None,
            })
            .collect();
        let mut tx = self.sync.service.store.read().await?;
        let mut names_now: HashMap<UserId, String> = HashMap::new();
        for chunk in ids.chunks(CHUNK) {
            let rows = users::find_many(&mut tx, chunk).await?;
            names_now.extend(rows.into_iter().map(|row| (row.id, fold(&row.user_name))));
        }
        tx.rollback().await?;
        let names: Vec<Rename> = planned
            .iter()
            .map(|planned| match &planned.change {
                Change::UpdateProfile { user, person, .. } => Rename {
                    from: names_now.get(user).cloned().unwrap_or_default(),
                    to: fold(&person.user_name),
                },
                _ => Rename {
                    from: String::new(),
                    to: String::new(),
                },
            })
            .collect();
        let mut chunk: Vec<Planned> = Vec::new();
        for chain in renames::chains(&names) {
            if !chunk.is_empty() && chunk.len() + chain.len() > heavy() {
                self.apply(&std::mem::take(&mut chunk)).await?;
            }
            chunk.extend(
                chain
                    .into_iter()
                    .filter_map(|place| planned.get(place).cloned()),
            );
        }
        self.apply(&chunk).await?;
        Ok(())
    }

    /// Users whose join waited for what this run has renamed and taken away by now.
    pub(super) async fn try_deferred(&mut self) -> Result<(), Halt> {
        let deferred = std::mem::take(&mut self.deferred);
        if deferred.is_empty() {
            return Ok(());
        }
        self.take_deferred(deferred).await?;
        self.take().await?;
        for seen in std::mem::take(&mut self.deferred) {
            self.report_conflict(seen).await?;
        }
        Ok(())
    }

    /// Applies or holds what the run takes away.
    pub(super) async fn take(&mut self) -> Result<(), Halt> {
        if self.takings.is_empty() {
            return Ok(());
        }
        if self.dry_run {
            let all = std::mem::take(&mut self.takings);
            let settings = self.sync.service.settings();
            let mut tx = self.sync.service.store.read().await?;
            let breaches = judge(&mut tx, &settings.guard, &all).await?;
            self.summary.breaches.extend(breaches);
            tx.rollback().await?;
            for chunk in all.chunks(CHUNK) {
                self.record(chunk, Outcome::Planned).await?;
            }
            return Ok(());
        }
        let mut fresh = self.sort_out().await?;
        if fresh.is_empty() {
            return Ok(());
        }
        let settings = self.sync.service.settings();
        let mut tx = self.sync.service.store.read().await?;
        Admins::find(&mut tx).await?.first(&mut fresh);
        let breaches = judge(&mut tx, &settings.guard, &fresh).await?;
        tx.rollback().await?;
        if !breaches.is_empty() || !self.to_hold.is_empty() {
            self.summary.breaches.extend(breaches);
            self.to_hold.append(&mut fresh);
            return Ok(());
        }
        let mut taken = 0;
        for chunk in chunks(&fresh) {
            if !self.take_chunk(chunk).await? {
                break;
            }
            taken += chunk.len();
        }
        self.to_hold.extend(fresh.drain(taken..));
        Ok(())
    }

    /// Drops what is muted and sets aside what is held already; gives what is new.
    async fn sort_out(&mut self) -> Result<Vec<Planned>, Halt> {
        let mut fresh = std::mem::take(&mut self.takings);
        let mut tx = self.sync.service.store.read().await?;
        let muted = muted(&mut tx, &fresh).await?;
        let held = held(&mut tx).await?;
        tx.rollback().await?;
        let mut muted_edges = HashSet::new();
        let mut waiting_sides = HashSet::new();
        let mut seen = HashSet::with_capacity(fresh.len());
        fresh.retain(|planned| {
            let key = Fingerprint::of(&planned.change.key());
            if !seen.insert(key) {
                return false;
            }
            let muted = muted.contains(&key);
            if muted {
                self.summary.muted += 1;
                muted_edges.extend(edge_of(planned));
                waiting_sides.extend(side_of(planned));
            }
            !muted
        });
        drop(seen);
        let mut found: Vec<Planned> = fresh
            .extract_if(.., |planned| {
                !held.is_empty() && held.contains(&Fingerprint::of(&planned.change.key()))
            })
            .collect();
        // What was pushed since the end of an Okta side was held or muted is no part of that: another group's push may fill
        // the SCIM side by now. It goes with the side, or stays with it.
        waiting_sides.extend(found.iter().filter_map(side_of));
        let gone_groups = &self.gone_groups;
        fresh.retain(|planned| match &planned.change {
            Change::RemoveEdge {
                group, okta_group, ..
            } => !(waiting_sides.contains(group) && gone_groups.contains(okta_group)),
            _ => true,
        });
        // An Okta side that goes takes the edges that are left along: it waits with those that are held or muted.
        let held_edges: HashSet<GroupId> = found.iter().filter_map(edge_of).collect();
        let gone: Vec<Planned> = fresh
            .extract_if(.., |planned| match &planned.change {
                Change::OktaSideGone { group, .. } => {
                    muted_edges.contains(group) || held_edges.contains(group)
                }
                _ => false,
            })
            .collect();
        for planned in gone {
            match &planned.change {
                Change::OktaSideGone { group, .. } if !held_edges.contains(group) => {
                    self.summary.muted += 1;
                }
                _ => self.to_hold.push(planned),
            }
        }
        // `finish` compares it with the held plan.
        self.found.append(&mut found);
        Ok(fresh)
    }

    /// Applies takings in one transaction, in which the guard looks again. False: it stops them now.
    async fn take_chunk(&mut self, chunk: &[Planned]) -> Result<bool, Halt> {
        let settings = self.sync.service.settings();
        let first = self.next_ordinal();
        let fence: &Fence = &self.fence;
        let done: Result<Option<Vec<Done>>, Halt> = in_write!(self.sync.service.store, |tx| {
            fence.check(tx).await?;
            if !judge(tx, &settings.guard, chunk).await?.is_empty() {
                return Ok(None);
            }
            let done = apply::chunk(&self.sync.service, tx, &self.cx, chunk, false).await?;
            run_changes::insert(tx, &self.id, &super::flight::recorded(first, chunk, &done)?)
                .await?;
            Ok(Some(done))
        });
        match done? {
            None => Ok(false),
            Some(done) => {
                self.counted(chunk, &done);
                Ok(true)
            }
        }
    }
}

/// The group an edge is taken from.
fn edge_of(planned: &Planned) -> Option<GroupId> {
    match &planned.change {
        Change::RemoveEdge { group, .. } => Some(group.clone()),
        _ => None,
    }
}

/// The group whose Okta side is gone.
fn side_of(planned: &Planned) -> Option<GroupId> {
    match &planned.change {
        Change::OktaSideGone { group, .. } => Some(group.clone()),
        _ => None,
    }
}

/// Which of these takings an admin does not want to be asked about now.
async fn muted(tx: &mut Tx, takings: &[Planned]) -> Result<HashSet<Fingerprint>, Halt> {
    let mut muted = HashSet::new();
    for chunk in takings.chunks(CHUNK) {
        let keys: Vec<String> = chunk.iter().map(|planned| planned.change.key()).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let found = mutes::list(tx, &keys).await?;
        muted.extend(found.iter().map(|key| Fingerprint::of(key)));
    }
    Ok(muted)
}

/// What the held plan consists of.
async fn held(tx: &mut Tx) -> Result<HashSet<Fingerprint>, Halt> {
    let mut held = HashSet::new();
    let Some(run) = runs::find_held(tx).await? else {
        return Ok(held);
    };
    let mut after = 0;
    loop {
        let page = run_changes::list_held_keys(tx, &run.id, after, 5_000).await?;
        let Some((last, _)) = page.last() else {
            return Ok(held);
        };
        after = *last;
        held.extend(page.iter().map(|(_, key)| Fingerprint::of(key)));
    }
}
