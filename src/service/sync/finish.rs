//! How a run ends: the held plan, the re-read list, watermarks, problems, and the run's row.

use std::collections::HashMap;

use super::flight::Flight;
use super::halt::Halt;
use super::{CHUNK, Fence};
use crate::model::id::{GroupId, OktaUserId, RunId};
use crate::model::run::{Outcome, RunState};
use crate::model::time::Timestamp;
use crate::reconcile::held::{Found, HeldChange, Merge};
use crate::reconcile::{Change, Fingerprint, Planned};
use crate::store::rereads::{self, Target};
use crate::store::run_changes::{self, RunChange};
use crate::store::runs::{self, Run};
use crate::store::stamps::{self, Named, Object};
use crate::store::{Tx, groups, in_write, marks, problems, users};

/// The held plan that a run takes over.
struct Replaced {
    run: RunId,
    /// From where on this run's changes are those of the older plan; what it holds anew stands before.
    first: i64,
    /// Whether it holds anything anew.
    fresh: bool,
}

/// The held plan and what becomes of it.
struct Plan {
    run: Run,
    merge: Merge,
}

impl Flight<'_> {
    /// Ends the run.
    pub(super) async fn finish(&mut self) -> Result<RunState, Halt> {
        if self.dry_run {
            return self.close(RunState::Planned, None).await;
        }
        let held = self.merge_held().await?;
        let found = std::mem::take(&mut self.found);
        let fresh = std::mem::take(&mut self.to_hold);
        let altered = held
            .as_ref()
            .is_some_and(|plan| plan.merge.alters(fresh.len()));
        if !fresh.is_empty() || altered {
            for chunk in fresh.chunks(CHUNK) {
                self.record(chunk, Outcome::Held).await?;
            }
        }
        let Some(plan) = held else {
            let state = if fresh.is_empty() {
                RunState::Applied
            } else {
                RunState::Held
            };
            return self.close(state, None).await;
        };
        self.summary.still_held = (plan.merge.kept.len() + plan.merge.renewed.len()) as u64;
        if !altered {
            return self.close(RunState::Applied, None).await;
        }
        let replaced = Replaced {
            run: plan.run.id.clone(),
            first: self.next_ordinal(),
            fresh: !fresh.is_empty(),
        };
        for chunk in plan.merge.renewed.chunks(CHUNK) {
            let renewed: Vec<Planned> = chunk
                .iter()
                .filter_map(|(_, place)| found.get(*place).cloned())
                .collect();
            self.record(&renewed, Outcome::Held).await?;
        }
        self.copy(&plan).await?;
        let left = fresh.len() + plan.merge.renewed.len() + plan.merge.kept.len();
        let state = if left == 0 {
            RunState::Applied
        } else {
            RunState::Held
        };
        self.close(state, Some(replaced)).await
    }

    async fn merge_held(&self) -> Result<Option<Plan>, Halt> {
        let mut tx = self.sync.service.store.read().await?;
        let Some(run) = runs::find_held(&mut tx).await? else {
            tx.rollback().await?;
            return Ok(None);
        };
        let found = Found::new(&self.found);
        let mut merge = Merge::default();
        let mut after = 0;
        loop {
            let page =
                run_changes::list_with(&mut tx, &run.id, Outcome::Held, after, 5_000).await?;
            let Some(last) = page.last() else { break };
            after = last.ordinal;
            let held = self.read_held(&mut tx, &page, &found).await?;
            merge.decide(&held, &found);
        }
        tx.rollback().await?;
        Ok(Some(Plan { run, merge }))
    }

    /// Held changes with what the run came to know of them. Whether a push named their objects is asked only of those that
    /// were found again: for the others it decides nothing.
    async fn read_held(
        &self,
        tx: &mut Tx,
        page: &[RunChange],
        found: &Found<'_>,
    ) -> Result<Vec<HeldChange>, Halt> {
        let mut held = Vec::with_capacity(page.len());
        let mut asked: Vec<(usize, Object)> = Vec::new();
        for (place, row) in page.iter().enumerate() {
            let change: Change = super::apply::from_json(&row.change)?;
            let key = Fingerprint::of(&row.key);
            if found.get(key).is_some() {
                let objects = super::apply::stamps_of(&change);
                asked.extend(objects.into_iter().map(|object| (place, object)));
            }
            held.push(HeldChange {
                ordinal: row.ordinal,
                key,
                known: self.known.covers(&change.object()),
                observed_at: row.observed_at,
                stamped: false,
            });
        }
        for chunk in asked.chunks(CHUNK) {
            let objects: Vec<Object> = chunk.iter().map(|(_, object)| object.clone()).collect();
            let stamped: HashMap<Object, Timestamp> =
                stamps::find_many(tx, &objects).await?.into_iter().collect();
            for (place, object) in chunk {
                if let (Some(at), Some(change)) = (stamped.get(object), held.get_mut(*place)) {
                    change.stamped |= *at >= change.observed_at;
                }
            }
        }
        Ok(held)
    }

    /// Takes changes of the older plan over, as they are.
    async fn copy(&mut self, plan: &Plan) -> Result<(), Halt> {
        for chunk in plan.merge.kept.chunks(CHUNK) {
            let places: Vec<(i64, i64)> =
                chunk.iter().copied().zip(self.next_ordinal()..).collect();
            let fence: &Fence = &self.fence;
            let copied: Result<(), Halt> = in_write!(self.sync.service.store, |tx| {
                fence.check(tx).await?;
                run_changes::copy_held(tx, &plan.run.id, &self.id, &places).await?;
                Ok(())
            });
            copied?;
            self.skip_ordinals(places.len());
        }
        Ok(())
    }

    /// The last transaction of a run.
    async fn close(
        &mut self,
        state: RunState,
        replaces: Option<Replaced>,
    ) -> Result<RunState, Halt> {
        let summary = super::apply::to_json(&self.summary)?;
        in_write!(self.sync.service.store, |tx| {
            let Some(mut run) = runs::find(tx, &self.id).await? else {
                return Err(Halt::Decided);
            };
            self.fence.check(tx).await?;
            if self.dry_run {
                run.state = state;
            } else {
                run.state = self.supersede(tx, state, replaces.as_ref()).await?;
                rereads::remove_many(tx, &self.reread_done).await?;
                self.note_rereads(tx).await?;
                for (name, at) in &self.watermarks {
                    marks::update(tx, name, &at.to_string()).await?;
                }
                self.note_problems(tx).await?;
            }
            run.ended_at = Some(tx.now());
            run.summary.clone_from(&summary);
            runs::update(tx, &run).await?;
            stamps::remove_unneeded(tx).await?;
            Ok(run.state)
        })
    }

    /// The older plan goes on under this run's id, unless it was decided in the meantime.
    async fn supersede(
        &self,
        tx: &mut Tx,
        state: RunState,
        replaces: Option<&Replaced>,
    ) -> Result<RunState, Halt> {
        let Some(old) = replaces else {
            return Ok(state);
        };
        let Some(mut run) = runs::find(tx, &old.run).await? else {
            return Ok(state);
        };
        if run.state != RunState::Held {
            // What was taken over has been decided. What is new has not, and no later run need find it: the watermarks pass it.
            run_changes::update_held_from(tx, &self.id, old.first, Outcome::Superseded).await?;
            return Ok(if old.fresh {
                RunState::Held
            } else {
                RunState::Applied
            });
        }
        run.state = RunState::Superseded;
        run.successor = (state == RunState::Held).then(|| self.id.clone());
        runs::update(tx, &run).await?;
        run_changes::update_held(tx, &old.run, Outcome::Superseded).await?;
        Ok(state)
    }

    /// The next run reads by id what was pushed since this one began, and what could not be read (R7, R8).
    async fn note_rereads(&self, tx: &mut Tx) -> Result<(), Halt> {
        let mut next = self.reread_next.clone();
        let pushed = stamps::list_named_since(tx, self.began_at).await?;
        next.extend(targets(tx, &pushed).await?);
        rereads::insert_many(tx, &next).await?;
        Ok(())
    }

    async fn note_problems(&self, tx: &mut Tx) -> Result<(), Halt> {
        for (okta_id, why) in &self.conflicts {
            problems::insert(tx, "identity_conflict", okta_id.as_str(), why).await?;
        }
        for problem in problems::list(tx).await? {
            let over = match problem.code.as_str() {
                "okta_org_changed" => true,
                "identity_conflict" => OktaUserId::parse(&problem.object).is_some_and(|id| {
                    self.known.users.contains(&id) && !self.conflicts.contains_key(&id)
                }),
                _ => false,
            };
            if over {
                problems::remove(tx, &problem.code, &problem.object).await?;
            }
        }
        Ok(())
    }

    /// Records that the run ended early. What it applied stays, and so does the held plan. What it read stays on the list:
    /// what that would have taken away was not taken.
    pub(super) async fn fail(&mut self, halt: &Halt) -> Result<(), Halt> {
        let summary = super::apply::to_json(&self.summary)?;
        let text = halt.to_string();
        in_write!(self.sync.service.store, |tx| {
            let Some(mut run) = runs::find(tx, &self.id).await? else {
                return Ok(());
            };
            if run.state != RunState::Running {
                return Ok(()); // another daemon took over and closed it
            }
            run.state = RunState::Failed;
            run.ended_at = Some(tx.now());
            run.summary.clone_from(&summary);
            run.error = Some(text.clone());
            runs::update(tx, &run).await?;
            if !self.dry_run && !matches!(halt, Halt::NotHolder) {
                self.note_rereads(tx).await?;
            }
            stamps::remove_unneeded(tx).await?;
            Ok(())
        })
    }
}

/// What is read by id to know these objects again.
pub(crate) async fn targets(
    tx: &mut Tx,
    named: &Named,
) -> Result<Vec<(Target, &'static str)>, Halt> {
    const WHY: &str = "pushed while a run was in flight";
    let mut targets = Vec::new();
    let people: Vec<&str> = named.users.iter().map(String::as_str).collect();
    for chunk in people.chunks(CHUNK) {
        for row in users::find_many_by_member_key(tx, chunk).await? {
            let target = row.okta_id.map_or(Target::Login(row.id), Target::User);
            targets.push((target, WHY));
        }
    }
    let lists: Vec<&str> = named.groups.iter().map(GroupId::as_str).collect();
    for chunk in lists.chunks(CHUNK) {
        let rows = groups::find_many(tx, chunk).await?;
        targets.extend(
            rows.into_iter()
                .filter_map(|row| Some((Target::Group(row.okta?.id), WHY))),
        );
    }
    Ok(targets)
}
