//! The run history, and the word of an admin on what is held (R9).

use std::collections::HashMap;

use serde_json::json;

use super::membership::let_go;
use super::sync::admins::Admins;
use super::sync::{CHUNK, Fence, Halt, apply};
use super::{Error, Service};
use crate::model::actor::{Channel, Cx};
use crate::model::id::RunId;
use crate::model::run::{Outcome, RunKind, RunState};
use crate::reconcile::Planned;
use crate::reconcile::chunks::chunks;
use crate::store::run_changes::{self, RunChange};
use crate::store::runs::{self, Run};
use crate::store::{Tx, audit, in_write, mutes, rereads, stamps, withheld};

/// A run with how many of its changes came to which outcome.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The run.
    pub run: Run,
    /// Counts by outcome: applied, held, skipped, ….
    pub outcomes: HashMap<String, i64>,
}

/// What an approval or a rejection did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decision {
    /// Changes applied now, or kept from being asked for a while.
    pub done: u64,
    /// Approved changes that something newer spoke against (R7); they are listed with the outcome `left_out`.
    pub left_out: u64,
}

/// A page of the history, newest first; `before` is the last run of the page before.
///
/// # Errors
/// [`Error::Store`].
pub async fn list(
    service: &Service,
    before: Option<&RunId>,
    limit: i64,
) -> Result<Vec<Run>, Error> {
    let mut tx = service.store.read().await?;
    let page = runs::list(&mut tx, before, limit.clamp(1, 1_000)).await?;
    tx.rollback().await?;
    Ok(page)
}

/// One run.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn show(service: &Service, id: &RunId) -> Result<Shown, Error> {
    let mut tx = service.store.read().await?;
    let run = runs::find(&mut tx, id).await?;
    let outcomes = run_changes::count(&mut tx, id).await?;
    tx.rollback().await?;
    let run = run.ok_or(Error::NotFound("run"))?;
    Ok(Shown { run, outcomes })
}

/// A page of a run's changes, each with its reason and what became of it; `after` is the last ordinal of the page before.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn changes(
    service: &Service,
    id: &RunId,
    outcome: Option<Outcome>,
    after: i64,
    limit: i64,
) -> Result<Vec<RunChange>, Error> {
    let limit = limit.clamp(1, 1_000);
    let mut tx = service.store.read().await?;
    let found = runs::find(&mut tx, id).await?;
    let page = match outcome {
        None => run_changes::list(&mut tx, id, after, limit).await?,
        Some(outcome) => run_changes::list_with(&mut tx, id, outcome, after, limit).await?,
    };
    tx.rollback().await?;
    found.ok_or(Error::NotFound("run"))?;
    Ok(page)
}

/// Applies what a run holds, except what something newer speaks against (R7). Approved changes are not counted by the
/// guard. Should it stop half-way, what is left stays held, and approving again goes on.
///
/// # Errors
/// [`Error::Conflict`] when the run holds nothing; [`Error::LastAdmin`] when pushes were withheld and nobody would be left.
pub async fn approve(service: &Service, cx: &Cx, id: &RunId) -> Result<Decision, Error> {
    if held(service, id).await?.kind == RunKind::Scim {
        return approve_pushes(service, cx, id).await;
    }
    let mut decision = Decision::default();
    // What is applied is Okta's word, as in the run itself: the last admin is withheld, not refused (R5).
    let applying = Cx {
        channel: Channel::Poll,
        ..cx.clone()
    };
    let fence = Fence::Held(id.clone());
    let first = admins_first(service, id).await.map_err(refused)?;
    loop {
        let done: Result<Option<Decision>, Halt> = in_write!(service.store, |tx| {
            fence.check(tx).await?;
            let page = next_page(tx, id, &first).await?;
            if page.is_empty() {
                close(tx, cx, id, RunState::Approved).await?;
                return Ok(None);
            }
            Ok(Some(approve_page(service, tx, &applying, id, &page).await?))
        });
        match done.map_err(refused)? {
            None => return Ok(decision),
            Some(page) => {
                decision.done += page.done;
                decision.left_out += page.left_out;
            }
        }
    }
}

/// The places of a held plan that take something from an admin, in the order in which they are to be applied (R5).
async fn admins_first(service: &Service, id: &RunId) -> Result<Vec<i64>, Halt> {
    let mut tx = service.store.read().await?;
    let admins = Admins::find(&mut tx).await?;
    let mut places: Vec<(usize, i64)> = Vec::new();
    let mut after = 0;
    while admins.several() {
        let page = run_changes::list_with(&mut tx, id, Outcome::Held, after, limit()).await?;
        let Some(last) = page.last() else { break };
        after = last.ordinal;
        for row in &page {
            let change = apply::from_json(&row.change)?;
            places.extend(admins.place(&change).map(|place| (place, row.ordinal)));
        }
    }
    tx.rollback().await?;
    places.sort_unstable();
    Ok(places.into_iter().map(|(_, ordinal)| ordinal).collect())
}

/// What of a plan is to be applied next: `first` before all else.
async fn next_page(tx: &mut Tx, id: &RunId, first: &[i64]) -> Result<Vec<RunChange>, Halt> {
    for chunk in first.chunks(CHUNK) {
        let mut page = run_changes::list_held_at(tx, id, chunk).await?;
        if !page.is_empty() {
            let place: HashMap<i64, usize> = chunk.iter().copied().zip(0..).collect();
            page.sort_by_key(|row| place.get(&row.ordinal).copied());
            return Ok(page);
        }
    }
    Ok(run_changes::list_with(tx, id, Outcome::Held, 0, limit()).await?)
}

async fn approve_page(
    service: &Service,
    tx: &mut Tx,
    cx: &Cx,
    id: &RunId,
    page: &[RunChange],
) -> Result<Decision, Halt> {
    let mut planned = Vec::with_capacity(page.len());
    for row in page {
        let change = apply::from_json(&row.change)?;
        planned.push(Planned::take(change, row.observed_at, row.reason.clone()));
    }
    // The rest of the page is read again by the next transaction.
    let first = chunks(&planned).first().copied().unwrap_or_default();
    let done = apply::chunk(service, tx, cx, first, true).await?;
    let mut decision = Decision::default();
    let mut approved = Vec::new();
    let mut left_out: HashMap<&str, Vec<i64>> = HashMap::new();
    for (row, done) in page.iter().zip(&done) {
        if done.outcome == Outcome::Applied {
            decision.done += 1;
            approved.push(row.ordinal);
        } else {
            decision.left_out += 1;
            let why = done.note.unwrap_or("it could not be applied");
            left_out.entry(why).or_default().push(row.ordinal);
        }
    }
    run_changes::update_outcome(tx, id, &approved, Outcome::Approved).await?;
    for (why, ordinals) in left_out {
        run_changes::update_left_out(tx, id, &ordinals, why).await?;
    }
    // A run in flight may have read these objects before, and compared them with what was here then.
    if runs::find_running(tx).await?.is_some() {
        const WHY: &str = "approved while a run was in flight";
        let again: Vec<_> = first
            .iter()
            .filter_map(|planned| Some((apply::target(&planned.change)?, WHY)))
            .collect();
        rereads::insert_many(tx, &again).await?;
    }
    Ok(decision)
}

/// What pushes had withheld is let go.
async fn approve_pushes(service: &Service, cx: &Cx, id: &RunId) -> Result<Decision, Error> {
    let settling = Cx {
        channel: Channel::Poll,
        ..cx.clone()
    };
    let fence = Fence::Held(id.clone());
    let done: Result<Decision, Halt> = in_write!(service.store, |tx| {
        fence.check(tx).await?;
        let done = let_go(service, tx, &settling, id).await?;
        close(tx, cx, id, RunState::Approved).await?;
        Ok(Decision { done, left_out: 0 })
    });
    done.map_err(refused)
}

/// Drops what a run holds and mutes the same changes for a while; of pushes, keeps what was withheld until Okta gives it
/// again.
///
/// # Errors
/// [`Error::Conflict`] when the run holds nothing.
pub async fn reject(service: &Service, cx: &Cx, id: &RunId) -> Result<Decision, Error> {
    let kind = held(service, id).await?.kind;
    let mute_ms = service.settings().guard.mute_ms;
    let fence = Fence::Held(id.clone());
    let done: Result<Decision, Halt> = in_write!(service.store, |tx| {
        fence.check(tx).await?;
        let done = if kind == RunKind::Scim {
            withheld::update_kept_by(tx, id, &cx.actor).await?
        } else {
            let until = tx.now().plus_millis(mute_ms);
            let held = run_changes::count(tx, id)
                .await?
                .get("held")
                .copied()
                .unwrap_or(0);
            mutes::insert_held(tx, id, until).await?;
            run_changes::update_held(tx, id, Outcome::Rejected).await?;
            held.unsigned_abs()
        };
        close(tx, cx, id, RunState::Rejected).await?;
        Ok(Decision { done, left_out: 0 })
    });
    done.map_err(refused)
}

async fn held(service: &Service, id: &RunId) -> Result<Run, Error> {
    let mut tx = service.store.read().await?;
    let run = runs::find(&mut tx, id).await?;
    tx.rollback().await?;
    let run = run.ok_or(Error::NotFound("run"))?;
    match (run.state, &run.successor) {
        (RunState::Held, _) => Ok(run),
        (RunState::Superseded, Some(next)) => Err(Error::Conflict(format!(
            "this plan goes on as run {next}: look at that one"
        ))),
        (state, _) => Err(Error::Conflict(format!(
            "this run holds nothing: it is {}",
            state.as_str()
        ))),
    }
}

async fn close(tx: &mut Tx, cx: &Cx, id: &RunId, state: RunState) -> Result<(), Halt> {
    let Some(mut run) = runs::find(tx, id).await? else {
        return Err(Halt::Decided);
    };
    run.state = state;
    run.decided_by = Some(cx.actor.clone());
    runs::update(tx, &run).await?;
    stamps::remove_unneeded(tx).await?;
    let entry = audit::Entry {
        action: if state == RunState::Approved {
            "run.approved"
        } else {
            "run.rejected"
        },
        object_kind: "run",
        object_id: id.to_string(),
        before: Some(json!({ "state": RunState::Held })),
        after: Some(json!({ "state": state })),
    };
    audit::insert(tx, cx, &[entry]).await?;
    Ok(())
}

fn limit() -> i64 {
    i64::try_from(CHUNK).unwrap_or(i64::MAX)
}

fn refused(halt: Halt) -> Error {
    match halt {
        Halt::Service(error) => error,
        other => Error::Conflict(other.to_string()),
    }
}
