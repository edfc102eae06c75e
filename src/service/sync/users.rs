//! Users: listed with the app's assignments, compared with their rows; absent ones confirmed by id (R8, R11, R13, R16).

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt as _;

use super::candidates::Candidates;
use super::flight::{Assignment, Flight};
use super::groups::CONFIRMED_AT_ONCE;
use super::halt::Halt;
use super::members::status;
use super::rereads::ask_user;
use crate::model::id::{OktaUserId, UserId};
use crate::model::run::RunKind;
use crate::model::time::Timestamp;
use crate::model::user::{OktaStatus, User as Row};
use crate::okta::types::{AppId, AppUser, User, UserStatus};
use crate::okta::{End, Read, ReadTime, Step, UserFilter};
use crate::reconcile::Person;
use crate::reconcile::users::{Population, Seen, plan};
use crate::store::{marks, mirror, users};

/// Users read from the store at once.
const PAGE: i64 = 1_000;

impl Flight<'_> {
    /// Lists users: all in a full run, the changed ones in a delta.
    pub(super) async fn read_users(&mut self) -> Result<(), Halt> {
        let filter = match self.since(marks::USERS_WATERMARK).await? {
            Some(since) => UserFilter::ChangedSince(since),
            None => UserFilter::All,
        };
        let app = self.app.clone().filter(|_| self.kind == RunKind::Full);
        let assigned_whole = match &app {
            Some(app) => self.read_assignments(app).await?,
            None => false,
        };
        let mut listing = self.sync.okta.list_users(filter);
        let mut seen: HashSet<OktaUserId> = HashSet::new();
        loop {
            match listing.next_page().await {
                Step::Page(page) => {
                    seen.extend(page.items.iter().map(|user| user.id.clone()));
                    self.take_page(page.items, page.at).await?;
                }
                Step::Restart => seen.clear(),
                Step::End(End::Whole { since, .. }) => {
                    if let Some(okta_at) = since.okta_at {
                        self.watermarks.push((marks::USERS_WATERMARK, okta_at));
                    }
                    if filter == UserFilter::All {
                        self.confirm_absent(&seen).await?;
                    }
                    break;
                }
                Step::End(End::Partial { why }) => {
                    Self::refused(&why)?;
                    self.summary
                        .unknown("the listing of users".to_owned(), &why);
                    break;
                }
                Step::End(End::Gone { .. }) => break,
            }
        }
        if let Some(app) = app.filter(|_| assigned_whole) {
            self.confirm_unassigned(&app).await?;
        }
        Ok(())
    }

    /// Lists the app's users; says whether every page came whole.
    async fn read_assignments(&mut self, app: &AppId) -> Result<bool, Halt> {
        let mut listing = self.sync.okta.app_users(app);
        loop {
            match listing.next_page().await {
                Step::Page(page) => {
                    for user in &page.items {
                        self.note_assignment(user, &page.at);
                    }
                }
                Step::Restart => {}
                Step::End(End::Whole { .. }) => return Ok(true),
                Step::End(End::Partial { why }) => {
                    Self::refused(&why)?;
                    self.summary
                        .unknown("the listing of the app's users".to_owned(), &why);
                    return Ok(false);
                }
                Step::End(End::Gone { .. }) => return Ok(false),
            }
        }
    }

    pub(super) fn note_assignment(&mut self, user: &AppUser, at: &ReadTime) {
        if self.by_id.contains(&user.id) {
            return;
        }
        self.summary.read.app_users += 1;
        let assigned = user.status.assigned();
        if assigned.is_some() {
            self.known.assignments.insert(user.id.clone());
        } else {
            let why = format!("{:?} says nothing to this version", user.status.as_str());
            self.summary.unknown(format!("app user {}", user.id), &why);
        }
        let at = self.at(at);
        self.assignments.insert(
            user.id.clone(),
            Assignment {
                assigned,
                ours: user.external_id.as_deref().and_then(UserId::parse),
                user_name: user.user_name.clone(),
                at,
            },
        );
    }

    async fn take_page(&mut self, page: Vec<User>, at: ReadTime) -> Result<(), Halt> {
        let fresh: Vec<User> = page
            .into_iter()
            .filter(|user| !self.by_id.contains(&user.id))
            .collect();
        // A delta lists no assignments: what the app says of somebody new, or of somebody whose name the poll owns, is
        // asked for.
        if self.kind != RunKind::Full && self.app.is_some() {
            self.ask_assignments(&fresh).await?;
        }
        let at = self.at(&at);
        let seen: Vec<Seen> = fresh.iter().map(|user| self.seen(user, at)).collect();
        self.take_seen(seen).await
    }

    /// What was read of a user, with what the app says of him: as old as the older of the two (R7).
    pub(super) fn seen(&mut self, user: &User, at: Timestamp) -> Seen {
        self.summary.read.users += 1;
        self.known.users.insert(user.id.clone());
        let assignment = self.assignments.get(&user.id);
        // With an app the userName is the name in the app: without the assignment it is not known.
        let person = (self.app.is_none() || assignment.is_some()).then(|| Person {
            user_name: assignment
                .and_then(|assignment| assignment.user_name.clone())
                .unwrap_or_else(|| user.login.clone()),
            email: user.email.clone(),
            given_name: user.first_name.clone(),
            family_name: user.last_name.clone(),
            display_name: user.display_name.clone(),
        });
        Seen {
            okta_id: user.id.clone(),
            status: status(&user.status),
            person,
            assigned: assignment.and_then(|assignment| assignment.assigned),
            ours: assignment.and_then(|assignment| assignment.ours.clone()),
            in_mapped_group: false,
            at: assignment.map_or(at, |assignment| at.min(assignment.at)),
        }
    }

    async fn ask_assignments(&mut self, page: &[User]) -> Result<(), Halt> {
        let Some(app) = self.app.clone() else {
            return Ok(());
        };
        let keys: Vec<&str> = page.iter().map(|user| user.id.as_str()).collect();
        let mut tx = self.sync.service.store.read().await?;
        let rows = users::find_many_by_member_key(&mut tx, &keys).await?;
        tx.rollback().await?;
        let known: HashMap<&OktaUserId, &Row> = rows
            .iter()
            .filter_map(|row| Some((row.okta_id.as_ref()?, row)))
            .collect();
        let wanted = page.iter().filter(|user| {
            let row = known.get(&user.id);
            let left = row.is_none() && OktaStatus::new(user.status.as_str()).revokes_tokens();
            !left && row.is_none_or(|row| !row.scim) && !self.assignments.contains_key(&user.id)
        });
        let wanted: Vec<OktaUserId> = wanted.map(|user| user.id.clone()).collect();
        let okta = self.sync.okta.clone();
        let mut answers = futures_util::stream::iter(wanted)
            .map(|id| {
                let (okta, app) = (okta.clone(), app.clone());
                async move { (okta.app_user(&app, &id).await, id) }
            })
            .buffered(CONFIRMED_AT_ONCE);
        while let Some((answer, id)) = answers.next().await {
            self.take_assignment(&id, answer)?;
        }
        Ok(())
    }

    /// What the app says of somebody. False when it stays unknown.
    pub(super) fn take_assignment(
        &mut self,
        id: &OktaUserId,
        answer: Read<AppUser>,
    ) -> Result<bool, Halt> {
        match answer {
            Read::Known { value, at } => self.note_assignment(&value, &at),
            Read::Gone { at } => {
                self.known.assignments.insert(id.clone());
                let none = Assignment {
                    assigned: Some(false),
                    ours: None,
                    user_name: None,
                    at: self.at(&at),
                };
                self.assignments.insert(id.clone(), none);
            }
            Read::Unknown { why } => {
                Self::refused(&why)?;
                self.summary.unknown(format!("app user {id}"), &why);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Compares what was read with the rows, and plans; who cannot be joined yet waits.
    pub(super) async fn take_seen(&mut self, seen: Vec<Seen>) -> Result<(), Halt> {
        self.compare_users(seen, false).await
    }

    /// The same at the run's end for who waited: what is said of him though he cannot be joined is planned now.
    pub(super) async fn take_deferred(&mut self, seen: Vec<Seen>) -> Result<(), Halt> {
        self.compare_users(seen, true).await
    }

    async fn compare_users(&mut self, mut seen: Vec<Seen>, last: bool) -> Result<(), Halt> {
        if seen.is_empty() {
            return Ok(());
        }
        let mut tx = self.sync.service.store.read().await?;
        let candidates = Candidates::find(&mut tx, &seen).await?;
        if self.population == Population::MappedGroups {
            let keys: Vec<&str> = seen.iter().map(|seen| seen.okta_id.as_str()).collect();
            let members = mirror::list_in_mapped_groups(&mut tx, &keys).await?;
            for seen in &mut seen {
                let key = seen.okta_id.as_str();
                seen.in_mapped_group = members.contains(key) || self.dry_members.contains(key);
            }
        }
        tx.rollback().await?;
        let mut changes = Vec::new();
        for seen in seen {
            let verdict = plan(&seen, candidates.rows(&seen), self.population);
            if verdict.conflict.is_some() {
                self.deferred.push(seen);
                if !last {
                    continue;
                }
            }
            for change in verdict.changes {
                if candidates.renamed_by(&change) {
                    self.renames.push(change);
                } else {
                    changes.push(change);
                }
            }
        }
        self.plan(changes).await
    }

    /// Why a user still cannot be joined.
    pub(super) async fn conflict_of(&self, seen: &Seen) -> Result<Option<String>, Halt> {
        let mut tx = self.sync.service.store.read().await?;
        let candidates = Candidates::find(&mut tx, std::slice::from_ref(seen)).await?;
        tx.rollback().await?;
        Ok(plan(seen, candidates.rows(seen), self.population).conflict)
    }

    /// The statuses that a group's members show; members missing here are read by id where they would be made.
    pub(super) async fn take_member_statuses(
        &mut self,
        members: &[(OktaUserId, UserStatus, ReadTime)],
    ) -> Result<(), Halt> {
        let keys: Vec<&str> = members.iter().map(|(id, ..)| id.as_str()).collect();
        let mut tx = self.sync.service.store.read().await?;
        let rows = users::find_many_by_member_key(&mut tx, &keys).await?;
        tx.rollback().await?;
        let known: HashMap<&OktaUserId, &Row> = rows
            .iter()
            .filter_map(|row| Some((row.okta_id.as_ref()?, row)))
            .collect();
        let (mut seen, mut missing) = (Vec::new(), Vec::new());
        for (id, member, at) in members {
            if self.by_id.contains(id) {
                continue;
            }
            match known.get(id) {
                Some(row) if status(member).is_none() || row.facts.status == status(member) => {}
                Some(_) => seen.push(Seen {
                    okta_id: id.clone(),
                    status: status(member),
                    person: None,
                    assigned: None,
                    ours: None,
                    in_mapped_group: true,
                    at: self.at(at),
                }),
                // Okta keeps the deactivated in their groups for ever: nobody is made of them, so there is no need to ask.
                None if status(member).is_some_and(|status| status.revokes_tokens()) => {}
                None if self.population == Population::MappedGroups => missing.push(id.clone()),
                None => {}
            }
        }
        self.take_seen(seen).await?;
        let (okta, app) = (self.sync.okta.clone(), self.app.clone());
        let mut answers = futures_util::stream::iter(missing)
            .map(|id| {
                let (okta, app) = (okta.clone(), app.clone());
                async move { (ask_user(&okta, app.as_ref(), &id).await, id) }
            })
            .buffered(CONFIRMED_AT_ONCE);
        while let Some((answer, id)) = answers.next().await {
            self.take_asked(&id, answer).await?;
        }
        Ok(())
    }

    /// Users of ours that a whole listing does not have are asked for by id: only a 404 says that one is gone (R8).
    async fn confirm_absent(&mut self, seen: &HashSet<OktaUserId>) -> Result<(), Halt> {
        let by_id = self.by_id.clone();
        let absent = self
            .our_users(|user| {
                !user.deleted && !seen.contains(&user.okta_id) && !by_id.contains(&user.okta_id)
            })
            .await?;
        let okta = self.sync.okta.clone();
        let mut answers = futures_util::stream::iter(absent)
            .map(|id| {
                let okta = okta.clone();
                async move { (okta.user(&id).await, id) }
            })
            .buffered(CONFIRMED_AT_ONCE);
        while let Some((answer, id)) = answers.next().await {
            self.take_user(&id, answer).await?;
        }
        Ok(())
    }

    /// Entitled users whom a whole listing of the app does not have are asked for by id (R8, R16).
    async fn confirm_unassigned(&mut self, app: &AppId) -> Result<(), Halt> {
        let listed = std::mem::take(&mut self.assignments);
        let by_id = self.by_id.clone();
        let absent = self
            .our_users(|user| {
                user.entitled
                    && !listed.contains_key(&user.okta_id)
                    && !by_id.contains(&user.okta_id)
            })
            .await;
        self.assignments = listed;
        let okta = self.sync.okta.clone();
        let mut answers = futures_util::stream::iter(absent?)
            .map(|id| {
                let (okta, app) = (okta.clone(), app.clone());
                async move { (okta.app_user(&app, &id).await, id) }
            })
            .buffered(CONFIRMED_AT_ONCE);
        while let Some((answer, id)) = answers.next().await {
            let (assigned, at) = match answer {
                Read::Known { value, at } => (value.status.assigned(), at),
                Read::Gone { at } => (Some(false), at),
                Read::Unknown { why } => {
                    Self::refused(&why)?;
                    self.summary.unknown(format!("app user {id}"), &why);
                    continue;
                }
            };
            if assigned.is_some() {
                self.known.assignments.insert(id.clone());
            }
            let at = self.at(&at);
            self.take_seen(vec![Seen {
                okta_id: id,
                status: None,
                person: None,
                assigned,
                ours: None,
                in_mapped_group: false,
                at,
            }])
            .await?;
        }
        Ok(())
    }

    async fn our_users(
        &self,
        wanted: impl Fn(&mirror::OktaUser) -> bool,
    ) -> Result<Vec<OktaUserId>, Halt> {
        let mut found = Vec::new();
        let mut after = String::new();
        let mut tx = self.sync.service.store.read().await?;
        loop {
            let page = mirror::list_okta_users(&mut tx, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            last.okta_id.as_str().clone_into(&mut after);
            found.extend(page.into_iter().filter(&wanted).map(|user| user.okta_id));
        }
        tx.rollback().await?;
        Ok(found)
    }
}
