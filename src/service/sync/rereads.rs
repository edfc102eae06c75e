//! What is read by id: the re-read list of R7, and what a hook names.

use super::flight::Flight;
use super::halt::Halt;
use crate::model::id::{OktaGroupId, OktaUserId, UserId};
use crate::model::time::Timestamp;
use crate::model::user::OktaStatus;
use crate::okta::types::User;
use crate::okta::{Read, ReadTime};
use crate::reconcile::users::Seen;
use crate::store::rereads::{self, Target};
use crate::store::{groups, users};

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
        for target in targets {
            self.measure_skew().await?;
            let before = self.now_here();
            let known = match &target {
                Target::User(id) => self.read_user(id).await?,
                Target::Group(id) => self.read_group(id).await?,
                Target::Login(id) => self.read_login(id).await?,
            };
            if known && self.listed.contains(&target) {
                self.reread_done.push((target, before));
            } else if !known && !self.listed.contains(&target) {
                self.reread_next
                    .push((target, "it could not be read when an event named it"));
            }
        }
        Ok(())
    }

    /// The moment before a request, by the store's clock.
    fn now_here(&self) -> Timestamp {
        self.at(&ReadTime {
            read_at: self.sync.clock.now(),
            okta_at: None,
        })
    }

    /// Reads a user, and his assignment, by id. False when either stays unknown.
    pub(super) async fn read_user(&mut self, id: &OktaUserId) -> Result<bool, Halt> {
        if self.by_id.contains(id) {
            return Ok(true);
        }
        if let Some(app) = self.app.clone()
            && !self.ask_assignment(&app, id).await?
        {
            return Ok(false);
        }
        let answer = self.sync.okta.user(id).await;
        let known = self.take_user(id, answer).await?;
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
                let seen = Seen {
                    okta_id: id.clone(),
                    status: Some(OktaStatus::deleted()),
                    person: None,
                    assigned: None,
                    ours: None,
                    in_mapped_group: false,
                    at: self.at(&at),
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

    async fn read_group(&mut self, id: &OktaGroupId) -> Result<bool, Halt> {
        let answer = self.sync.okta.group(id).await;
        let known = self.take_group(id, answer).await?;
        let mut tx = self.sync.service.store.read().await?;
        let row = groups::find_by_okta_id(&mut tx, id).await?;
        tx.rollback().await?;
        // Its members are read with those of other groups; if that fails it is put on the list again.
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
                Read::Known { value, .. } => {
                    self.note_assignment(&value);
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
