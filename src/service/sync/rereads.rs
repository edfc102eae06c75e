//! What is read by id: the re-read list of R7, and what a hook names.

use std::sync::Arc;

use futures_util::StreamExt as _;

use super::flight::Flight;
use super::groups::CONFIRMED_AT_ONCE;
use super::halt::Halt;
use crate::model::id::{OktaGroupId, OktaUserId, UserId};
use crate::model::user::OktaStatus;
use crate::okta::types::{AppId, AppUser, Group, User};
use crate::okta::{Client, Read, ReadTime};
use crate::reconcile::users::Seen;
use crate::store::rereads::{self, Target};
use crate::store::{groups, users};

/// What was said of an object on the list.
enum Answer {
    User(Box<(Option<Read<AppUser>>, Read<User>)>),
    Group(Read<Group>),
    /// Who has no Okta id is asked for in several steps, when it is his turn.
    Login,
}

/// Asks for a user and, with an app, for his assignment.
pub(super) async fn ask_user(
    okta: &Client,
    app: Option<&AppId>,
    id: &OktaUserId,
) -> (Option<Read<AppUser>>, Read<User>) {
    let assignment = match app {
        Some(app) => Some(okta.app_user(app, id).await),
        None => None,
    };
    (assignment, okta.user(id).await)
}

impl Flight<'_> {
    /// Reads by id what stands on the list and what else is named. What comes to be known is off the list.
    pub(super) async fn reread(&mut self, named: &[Target]) -> Result<(), Halt> {
        let mut tx = self.sync.service.store.read().await?;
        let list = rereads::list(&mut tx).await?;
        tx.rollback().await?;
        self.listed = list.iter().map(|entry| entry.target.clone()).collect();
        let mut targets: Vec<Target> = list.into_iter().map(|entry| entry.target).collect();
        for target in named {
            if !self.listed.contains(target) {
                targets.push(target.clone());
            }
        }
        self.measure_skew().await?;
        let (okta, app) = (self.sync.okta.clone(), self.app.clone());
        let clock = Arc::clone(&self.sync.clock);
        let mut answers = futures_util::stream::iter(targets)
            .map(|target| {
                let (okta, app, clock) = (okta.clone(), app.clone(), Arc::clone(&clock));
                async move {
                    let asked_at = clock.now();
                    let answer = match &target {
                        Target::User(id) => {
                            Answer::User(Box::new(ask_user(&okta, app.as_ref(), id).await))
                        }
                        Target::Group(id) => Answer::Group(okta.group(id).await),
                        Target::Login(_) => Answer::Login,
                    };
                    (target, asked_at, answer)
                }
            })
            .buffered(CONFIRMED_AT_ONCE);
        while let Some((target, asked_at, answer)) = answers.next().await {
            let known = match (&target, answer) {
                (Target::User(id), Answer::User(answer)) => self.take_asked(id, *answer).await?,
                (Target::Group(id), Answer::Group(answer)) => self.take_reread(id, answer).await?,
                (Target::Login(id), _) => self.read_login(id).await?,
                _ => false,
            };
            if known && self.listed.contains(&target) {
                let read_at = self.at(&ReadTime {
                    read_at: asked_at,
                    okta_at: None,
                });
                self.reread_done.push((target, read_at));
            } else if !known && !self.listed.contains(&target) {
                self.reread_next
                    .push((target, "it could not be read when an event named it"));
            }
        }
        Ok(())
    }

    /// Reads a user, and his assignment, by id. False when either stays unknown.
    pub(super) async fn read_user(&mut self, id: &OktaUserId) -> Result<bool, Halt> {
        if self.by_id.contains(id) {
            return Ok(true);
        }
        let answer = ask_user(&self.sync.okta, self.app.as_ref(), id).await;
        self.take_asked(id, answer).await
    }

    /// What was said of a user and his assignment. False when either stays unknown.
    pub(super) async fn take_asked(
        &mut self,
        id: &OktaUserId,
        (assignment, user): (Option<Read<AppUser>>, Read<User>),
    ) -> Result<bool, Halt> {
        if self.by_id.contains(id) {
            return Ok(true);
        }
        if let Some(assignment) = assignment
            && !self.take_assignment(id, assignment)?
        {
            return Ok(false);
        }
        let known = self.take_user(id, user).await?;
        if known {
            self.by_id.insert(id.clone());
        }
        Ok(known)
    }

    /// What a read of a user by id says. False when he stays unknown.
    pub(super) async fn take_user(
        &mut self,
        id: &OktaUserId,
        answer: Read<User>,
    ) -> Result<bool, Halt> {
        match answer {
            Read::Known { value, at } => {
                let at = self.at(&at);
                let seen = self.seen(&value, at);
                self.take_seen(vec![seen]).await?;
                Ok(true)
            }
            Read::Gone { at } => {
                self.known.users.insert(id.clone());
                let at = self.at(&at);
                // Who was read by id is not asked for again as one whom the app's listing does not have.
                let assignment = self.assignments.get(id);
                let seen = Seen {
                    okta_id: id.clone(),
                    status: Some(OktaStatus::deleted()),
                    person: None,
                    assigned: assignment.and_then(|assignment| assignment.assigned),
                    ours: None,
                    in_mapped_group: false,
                    at: assignment.map_or(at, |assignment| at.min(assignment.at)),
                };
                self.take_seen(vec![seen]).await?;
                Ok(true)
            }
            Read::Unknown { why } => {
                Self::refused(&why)?;
                self.summary.unknown(format!("user {id}"), &why);
                Ok(false)
            }
        }
    }

    async fn take_reread(&mut self, id: &OktaGroupId, answer: Read<Group>) -> Result<bool, Halt> {
        let known = self.take_group(id, answer).await?;
        let mut tx = self.sync.service.store.read().await?;
        let row = groups::find_by_okta_id(&mut tx, id).await?;
        tx.rollback().await?;
        // Its members are read with those of other groups; if that fails it stays on the list.
        self.members_wanted.extend(row.map(|row| row.id));
        Ok(known)
    }

    /// A user SCIM made without an Okta id is looked up by login, with an app among the app's users (R7).
    async fn read_login(&mut self, id: &UserId) -> Result<bool, Halt> {
        let mut tx = self.sync.service.store.read().await?;
        let row = users::find(&mut tx, id).await?;
        tx.rollback().await?;
        let Some(row) = row.filter(|row| row.okta_id.is_none()) else {
            return Ok(true);
        };
        let found = match self.app.clone() {
            Some(app) => match self.sync.okta.app_user_by_name(&app, &row.user_name).await {
                Read::Known { value, at } => {
                    self.note_assignment(&value, &at);
                    value.id
                }
                Read::Gone { .. } => return Ok(true),
                Read::Unknown { why } => return self.no_login(&row.id, &why),
            },
            None => match self.sync.okta.user_by_login(&row.user_name).await {
                Read::Known { value, .. } => value.id,
                Read::Gone { .. } => return Ok(true),
                Read::Unknown { why } => return self.no_login(&row.id, &why),
            },
        };
        self.read_user(&found).await
    }

    fn no_login(&mut self, id: &UserId, why: &crate::okta::Error) -> Result<bool, Halt> {
        Self::refused(why)?;
        self.summary.unknown(format!("the Okta id of {id}"), why);
        Ok(false)
    }
}
