//! The state of a run in flight, and how it begins.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::apply::{self, Done};
use super::halt::{Fence, Halt};
use super::leadership::interrupt;
use super::summary::Summary;
use super::{Ask, Sync};
use crate::model::actor::{Channel, Cx};
use crate::model::id::{GroupId, OktaGroupId, OktaUserId, RunId, UserId};
use crate::model::run::{Outcome, RunKind, RunState};
use crate::model::time::Timestamp;
use crate::okta::types::{AppId, PushMapping};
use crate::okta::{Read, ReadTime};
use crate::reconcile::chunks::chunks;
use crate::reconcile::users::{Population, Seen};
use crate::reconcile::{Change, Known, Planned};
use crate::store::organization::{self, Organization};
use crate::store::rereads::Target;
use crate::store::run_changes::{self, RunChange};
use crate::store::{in_write, problems, runs, sync_requests};

/// A run in flight.
pub(super) struct Flight<'s> {
    pub(super) sync: &'s Sync,
    pub(super) id: RunId,
    pub(super) kind: RunKind,
    pub(super) dry_run: bool,
    pub(super) cx: Cx,
    pub(super) fence: Fence,
    pub(super) began_at: Timestamp,
    pub(super) organization: Organization,
    pub(super) app: Option<AppId>,
    pub(super) population: Population,
    /// The store's clock less the clock of the Okta client, never too late: a reading then seems a little older than it is,
    /// which at worst skips a change until the next run (R7).
    skew_ms: i64,
    next_ordinal: i64,
    pub(super) summary: Summary,
    /// What the run takes away, kept to the end for the guard.
    pub(super) takings: Vec<Planned>,
    pub(super) known: Known,
    /// Read by id in this run, so fresher than any listing, which is skipped for them.
    pub(super) by_id: HashSet<OktaUserId>,
    /// What the app says of its users; `None` for somebody means that he was not read.
    pub(super) assignments: HashMap<OktaUserId, Assignment>,
    /// Groups whose members are to be read although nothing says that they changed.
    pub(super) members_wanted: HashSet<GroupId>,
    /// New userNames of users the poll owns, set at the end and in one piece (R18).
    pub(super) renames: Vec<Planned>,
    /// Push mappings whose sides were not joined.
    pub(super) unjoined: Vec<PushMapping>,
    /// An Okta side went in this run.
    pub(super) side_gone: bool,
    /// Users whose join waits for what this run takes away.
    pub(super) deferred: Vec<Seen>,
    pub(super) conflicts: BTreeMap<OktaUserId, String>,
    /// What stood on the re-read list when the run began.
    pub(super) listed: HashSet<Target>,
    /// Off the list: read at that time.
    pub(super) reread_done: Vec<(Target, Timestamp)>,
    /// To be read by id by the next run.
    pub(super) reread_next: Vec<(Target, &'static str)>,
    /// Watermarks to set, by Okta's clock.
    pub(super) watermarks: Vec<(&'static str, Timestamp)>,
    /// Groups that Okta has no more, as this run found out.
    pub(super) gone_groups: HashSet<OktaGroupId>,
    /// Members of mapped groups that a dry run would add.
    pub(super) dry_members: HashSet<String>,
    /// Takings that are held anew.
    pub(super) to_hold: Vec<Planned>,
    /// Takings of the held plan, found again.
    pub(super) found: Vec<Planned>,
}

/// What the app says of a user.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    /// `None`: a word this version does not know.
    pub(super) assigned: Option<bool>,
    /// Our id.
    pub(super) ours: Option<UserId>,
    /// His name in the app.
    pub(super) user_name: Option<String>,
    /// When the app was asked, by the store's clock: what is planned of him is no newer than that (R7).
    pub(super) at: Timestamp,
}

impl<'s> Flight<'s> {
    /// Records that a run begins, before its first read (R7).
    pub(super) async fn begin(sync: &'s Sync, epoch: i64, ask: &Ask) -> Result<Self, Halt> {
        let service = &sync.service;
        let settings = service.settings();
        let fence = Fence::Lease {
            holder: sync.holder.clone(),
            epoch,
        };
        let begun: Result<(RunId, Timestamp, Organization), Halt> =
            in_write!(service.store, |tx| {
                fence.check(tx).await?;
                // One run at a time: a row that still says `running` is of one whose end could not be written.
                interrupt(tx, epoch).await?;
                let now = tx.now();
                let run = runs::Run {
                    id: RunId::new(now, tx.random()),
                    kind: ask.kind,
                    channel: ask.channel.as_str().to_owned(),
                    actor: ask.actor.clone(),
                    dry_run: ask.dry_run,
                    state: RunState::Running,
                    began_at: now,
                    ended_at: None,
                    epoch,
                    summary: "{}".to_owned(),
                    error: None,
                    decided_by: None,
                    successor: None,
                };
                runs::insert(tx, &run).await?;
                if let Some(request) = &ask.request {
                    sync_requests::update_run(tx, request, &run.id).await?;
                }
                Ok((run.id, now, organization::find(tx).await?))
            });
        let (id, began_at, organization) = begun?;
        let app = sync.okta.app_id().cloned();
        let population = match (&app, organization.scim_used_at) {
            (Some(_), _) => Population::App,
            (None, Some(_)) if !settings.population_groups => Population::Repair,
            (None, _) => Population::MappedGroups,
        };
        let mut flight = Self {
            sync,
            id,
            kind: ask.kind,
            dry_run: ask.dry_run,
            cx: Cx {
                channel: if ask.kind == RunKind::Hook {
                    Channel::Hook
                } else {
                    Channel::Poll
                },
                actor: format!("okta ({})", ask.actor),
                request_id: None,
            },
            fence,
            began_at,
            organization,
            app,
            population,
            skew_ms: i64::MAX,
            next_ordinal: 1,
            summary: Summary::default(),
            takings: Vec::new(),
            gone_groups: HashSet::new(),
            known: Known::default(),
            by_id: HashSet::new(),
            assignments: HashMap::new(),
            members_wanted: HashSet::new(),
            renames: Vec::new(),
            unjoined: Vec::new(),
            side_gone: false,
            deferred: Vec::new(),
            conflicts: BTreeMap::new(),
            listed: HashSet::new(),
            reread_done: Vec::new(),
            reread_next: Vec::new(),
            watermarks: Vec::new(),
            dry_members: HashSet::new(),
            to_hold: Vec::new(),
            found: Vec::new(),
        };
        flight.measure_skew().await?;
        Ok(flight)
    }

    /// Compares the store's clock with the client's. The store's is asked first, so what is found is never too late.
    pub(super) async fn measure_skew(&mut self) -> Result<(), Halt> {
        let store = self.sync.service.store.now().await?;
        let here = self.sync.clock.now();
        self.skew_ms = self.skew_ms.min(store.since(here));
        Ok(())
    }

    /// When something was read, by the store's clock (R7).
    pub(super) fn at(&self, read: &ReadTime) -> Timestamp {
        read.read_at.plus_millis(self.skew_ms)
    }

    /// The app's id as text.
    pub(super) fn app_id(&self) -> Option<String> {
        self.app.as_ref().map(|app| app.as_str().to_owned())
    }

    /// Asks whose org answers (R8). The first org that ever answers is remembered.
    pub(super) async fn check_org(&mut self) -> Result<(), Halt> {
        let found = match self.sync.okta.organization().await {
            Read::Known { value, .. } => value.id,
            Read::Gone { .. } => {
                return Err(Halt::OtherOrg {
                    known: self.organization.okta_org_id.clone().unwrap_or_default(),
                    found: "no Okta org".to_owned(),
                });
            }
            Read::Unknown { why } => return Err(why.into()),
        };
        match self.organization.okta_org_id.clone() {
            Some(known) if known == found => Ok(()),
            Some(known) if self.dry_run => Err(Halt::OtherOrg { known, found }),
            Some(known) => {
                let halt = Halt::OtherOrg { known, found };
                let text = halt.to_string();
                let noted: Result<(), Halt> = in_write!(self.sync.service.store, |tx| {
                    self.fence.check(tx).await?;
                    problems::insert(tx, "okta_org_changed", "", &text).await?;
                    Ok(())
                });
                noted?;
                Err(halt)
            }
            None if self.dry_run => Ok(()),
            None => in_write!(self.sync.service.store, |tx| {
                self.fence.check(tx).await?;
                organization::update_okta_org(tx, Some(&found)).await?;
                Ok(())
            }),
        }
    }

    /// Splits a plan: what gives is applied at once, what takes waits for the guard.
    pub(super) async fn plan(&mut self, plan: Vec<Planned>) -> Result<(), Halt> {
        let (takes, gives): (Vec<_>, Vec<_>) = plan.into_iter().partition(|planned| planned.takes);
        let told: HashSet<&OktaUserId> = takes
            .iter()
            .chain(&gives)
            .filter_map(|planned| match &planned.change {
                Change::SetStatus { okta_id, .. } => Some(okta_id),
                _ => None,
            })
            .collect();
        for chunk in chunks(&gives) {
            let done = self.apply(chunk).await?;
            for (planned, done) in chunk.iter().zip(&done) {
                // A row that learns its Okta id leaves a status that would end his activity to a read by id. Where this run
                // comes to its end, and to the status planned beside it, nothing is left to be read (R10) but what was
                // asked for after the reading.
                if let Change::MoveOktaId { okta_id, .. } | Change::BindUser { okta_id, .. } =
                    &planned.change
                    && done.outcome == Outcome::Applied
                    && told.contains(okta_id)
                {
                    let read_at = planned.observed_at.plus_millis(1);
                    self.reread_done
                        .push((Target::User(okta_id.clone()), read_at));
                }
            }
        }
        self.takings.extend(takes);
        Ok(())
    }

    /// Applies a chunk in one transaction and records it there; says what became of each change.
    pub(super) async fn apply(&mut self, chunk: &[Planned]) -> Result<Vec<Done>, Halt> {
        if chunk.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.next_ordinal;
        let done: Result<Vec<Done>, Halt> = in_write!(self.sync.service.store, |tx| {
            self.fence.check(tx).await?;
            if self.dry_run {
                run_changes::insert(tx, &self.id, &rows(first, chunk, Outcome::Planned)?).await?;
                return Ok(chunk.iter().map(|_| Done::of(Outcome::Planned)).collect());
            }
            let done = apply::chunk(&self.sync.service, tx, &self.cx, chunk, false).await?;
            run_changes::insert(tx, &self.id, &recorded(first, chunk, &done)?).await?;
            Ok(done)
        });
        let done = done?;
        self.counted(chunk, &done);
        Ok(done)
    }

    /// Counts what became of a chunk that is recorded.
    pub(super) fn counted(&mut self, chunk: &[Planned], done: &[Done]) {
        for (planned, done) in chunk.iter().zip(done) {
            self.summary.count(planned, done.outcome);
            self.side_gone |= done.outcome == Outcome::Applied
                && matches!(planned.change, Change::OktaSideGone { .. });
            if let Some((okta_id, why)) = &done.conflict {
                self.conflicts.insert(okta_id.clone(), why.clone());
            }
        }
        self.skip_ordinals(chunk.len());
    }

    /// Notes that so many changes were recorded.
    pub(super) fn skip_ordinals(&mut self, count: usize) {
        self.next_ordinal = after(self.next_ordinal, count);
    }

    /// Notes why a user cannot be joined.
    pub(super) async fn report_conflict(&mut self, seen: Seen) -> Result<(), Halt> {
        let why = self.conflict_of(&seen).await?;
        if let Some(why) = why {
            self.conflicts.insert(seen.okta_id, why);
        }
        Ok(())
    }

    /// Records changes that are not applied.
    pub(super) async fn record(&mut self, chunk: &[Planned], outcome: Outcome) -> Result<(), Halt> {
        let first = self.next_ordinal;
        let written: Result<(), Halt> = in_write!(self.sync.service.store, |tx| {
            self.fence.check(tx).await?;
            run_changes::insert(tx, &self.id, &rows(first, chunk, outcome)?).await?;
            Ok(())
        });
        written?;
        for planned in chunk {
            self.summary.count(planned, outcome);
        }
        self.skip_ordinals(chunk.len());
        Ok(())
    }

    /// The next place in this run's changes.
    pub(super) fn next_ordinal(&self) -> i64 {
        self.next_ordinal
    }
}

fn after(first: i64, count: usize) -> i64 {
    first.saturating_add(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The rows of a chunk that was applied.
pub(super) fn recorded(
    first: i64,
    chunk: &[Planned],
    done: &[Done],
) -> Result<Vec<RunChange>, Halt> {
    let mut recorded = rows(first, chunk, Outcome::Applied)?;
    for (row, done) in recorded.iter_mut().zip(done) {
        row.outcome = done.outcome;
        if let Some(note) = done.note {
            row.reason = format!("{}; {note}", row.reason);
        }
    }
    Ok(recorded)
}

fn rows(first: i64, chunk: &[Planned], outcome: Outcome) -> Result<Vec<RunChange>, Halt> {
    chunk
        .iter()
        .zip(first..)
        .map(|(planned, ordinal)| {
            Ok(RunChange {
                ordinal,
                key: planned.change.key(),
                change: super::apply::to_json(&planned.change)?,
                reason: planned.reason.to_string(),
                outcome,
                observed_at: planned.observed_at,
            })
        })
        .collect()
}
