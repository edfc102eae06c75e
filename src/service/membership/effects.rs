//! What a transaction did to who counts: the input of R5 and R9, and the lines of the audit log.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::Touched;
use crate::model::actor::Cx;
use crate::model::id::{TeamId, UserId};
use crate::model::mode::OktaMode;
use crate::model::user::{OktaStatus, Origin};
use crate::service::Error;
use crate::store::guard_log::{self, Class, Line};
use crate::store::memberships::{self, Derived, Pair, Standing};
use crate::store::organization::Outlook;
use crate::store::{Tx, audit};

/// What changed, as far as it counts.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Derived rows that appeared and went, counting or not.
    pub(super) derived: Derived,
    /// Who became active.
    pub(super) activated: Vec<UserId>,
    /// How many of them are Okta's: only those are counted (R9).
    pub(super) activated_of_okta: i64,
    /// Who became inactive, and whether Okta is where he came from.
    pub(super) deactivated: BTreeMap<UserId, Origin>,
    /// Who has a cause for which tokens are revoked.
    revoked: BTreeSet<UserId>,
    /// What the deactivated had before, and what the use case took.
    had: BTreeSet<Pair>,
    /// Memberships that counted and no longer do.
    pub(super) lost: BTreeSet<Pair>,
    /// Memberships that count now and did not.
    pub(super) gained: BTreeSet<Pair>,
}

impl Effects {
    /// Writes the activity that facts and withheld rows give (R13).
    pub(super) async fn flip(&mut self, tx: &mut Tx, standings: &[Standing]) -> Result<(), Error> {
        for standing in standings {
            let active = !standing.pending
                && !standing.facts.blocked
                && (standing.facts.active() || standing.kept);
            if !standing.facts.entitled
                || standing
                    .facts
                    .status
                    .as_ref()
                    .is_some_and(OktaStatus::revokes_tokens)
            {
                self.revoked.insert(standing.id.clone());
            }
            match (standing.active, active) {
                (false, true) => {
                    self.activated.push(standing.id.clone());
                    self.activated_of_okta += i64::from(standing.origin == Origin::Okta);
                }
                (true, false) => {
                    self.deactivated
                        .insert(standing.id.clone(), standing.origin);
                }
                _ => {}
            }
        }
        let off: Vec<UserId> = self.deactivated.keys().cloned().collect();
        if !off.is_empty() {
            self.had = memberships::effective_of_users(tx, &off).await?;
        }
        memberships::update_activity(tx, &self.activated, true).await?;
        memberships::update_activity(tx, &off, false).await?;
        Ok(())
    }

    /// Ends the sessions of who became inactive, and revokes the tokens of who has a cause other than suspension or a block
    /// (R13): once it is known whom the guard keeps.
    pub(super) async fn end_access(&self, tx: &mut Tx) -> Result<(), Error> {
        let ended = self.deactivated.keys();
        let ended: Vec<UserId> = ended
            .filter(|user| !self.revoked.contains(user))
            .cloned()
            .collect();
        memberships::end_sessions(tx, &ended).await?;
        let revoked: Vec<UserId> = self.revoked.iter().cloned().collect();
        memberships::revoke_access_of_unkept(tx, &revoked).await?;
        Ok(())
    }

    /// Memberships that counted when the use case began: those that the view no longer has are lost.
    pub(super) fn had(&mut self, counted: &BTreeSet<Pair>) {
        self.had.extend(counted.iter().cloned());
    }

    /// Withheld memberships that Okta gives again counted all along, if their users were active: nobody gains them now.
    pub(super) async fn note_kept(
        &mut self,
        tx: &mut Tx,
        mut kept: BTreeSet<Pair>,
    ) -> Result<(), Error> {
        kept.retain(|(_, user)| !self.activated.contains(user));
        self.had.extend(memberships::effective_of(tx, &kept).await?);
        Ok(())
    }

    /// Compares with the view of what counts (R1).
    pub(super) async fn look(&mut self, tx: &mut Tx, outlook: Outlook) -> Result<(), Error> {
        let mode = outlook.mode;
        if self.only_adds() && mode != OktaMode::Hybrid && !outlook.withholding {
            // Nothing but new rows: they count where derived ones do and the user is active.
            if mode.derived_counts() {
                let added = self.derived.added.iter();
                let active = added.filter(|pair| !self.derived.of_inactive.contains(*pair));
                self.gained = active.cloned().collect();
            }
            return Ok(());
        }
        let mut before = self.had.clone();
        if mode.derived_counts() {
            let activated: BTreeSet<&UserId> = self.activated.iter().collect();
            before.extend(
                self.derived
                    .removed
                    .iter()
                    .map(|(pair, _)| pair)
                    .filter(|(_, user)| !activated.contains(user))
                    .cloned(),
            );
        }
        let mut after: BTreeSet<Pair> = BTreeSet::new();
        if !self.activated.is_empty() {
            after = memberships::effective_of_users(tx, &self.activated).await?;
        }
        let mut asked: BTreeSet<Pair> = before.clone();
        if mode.derived_counts() {
            asked.extend(self.derived.added.iter().cloned());
        }
        let counting = if asked.is_empty() {
            BTreeSet::new()
        } else {
            memberships::effective_of(tx, &asked).await?
        };
        let added: BTreeSet<Pair> = self
            .derived
            .added
            .iter()
            .filter(|pair| counting.contains(*pair))
            .cloned()
            .collect();
        if !added.is_empty() {
            let by_hand = if mode == OktaMode::Hybrid {
                memberships::local_of(tx, &added).await?
            } else {
                BTreeSet::new()
            };
            after.extend(added.difference(&by_hand).cloned());
        }
        // A derived row of someone inactive counted neither before nor now.
        let inactive = self.inactive_before(tx, &before).await?;
        self.lost = before
            .into_iter()
            .filter(|pair| {
                !counting.contains(pair) && (self.had.contains(pair) || !inactive.contains(&pair.1))
            })
            .collect();
        self.gained = after
            .into_iter()
            .filter(|pair| !self.had.contains(pair))
            .collect();
        Ok(())
    }

    fn only_adds(&self) -> bool {
        self.activated.is_empty()
            && self.deactivated.is_empty()
            && self.had.is_empty()
            && self.derived.removed.is_empty()
    }

    /// Looks again after something was withheld.
    pub(super) async fn look_again(&mut self, tx: &mut Tx) -> Result<(), Error> {
        let counting = memberships::effective_of(tx, &self.lost).await?;
        self.lost.retain(|pair| !counting.contains(pair));
        Ok(())
    }

    /// Who among the losers of a derived row is inactive, and was so before this transaction.
    async fn inactive_before(
        &self,
        tx: &mut Tx,
        before: &BTreeSet<Pair>,
    ) -> Result<BTreeSet<UserId>, Error> {
        let users: BTreeSet<UserId> = before
            .iter()
            .map(|(_, user)| user)
            .filter(|user| !self.deactivated.contains_key(*user))
            .cloned()
            .collect();
        if users.is_empty() {
            return Ok(users);
        }
        let standings = memberships::standings(tx, &users).await?;
        Ok(standings
            .into_iter()
            .filter(|standing| !standing.active)
            .map(|standing| standing.id)
            .collect())
    }

    /// Writes the guard's window and the audit log, behind the lines the use case has for it (R9, R14).
    pub(super) async fn record(
        &self,
        tx: &mut Tx,
        cx: &Cx,
        touched: &Touched,
        counted: bool,
        mut entries: Vec<audit::Entry>,
    ) -> Result<(), Error> {
        guard_log::insert(tx, Class::of(cx.channel), counted, &self.lines(touched)).await?;
        for user in &self.activated {
            entries.push(activity("user.activated", user, true));
        }
        for user in self.deactivated.keys() {
            entries.push(activity("user.deactivated", user, false));
        }
        for (team, user) in &self.gained {
            entries.push(membership("membership.added", team, user, true));
        }
        for (team, user) in &self.lost {
            entries.push(membership("membership.removed", team, user, false));
        }
        audit::insert(tx, cx, &entries).await?;
        Ok(())
    }

    fn lines(&self, touched: &Touched) -> Vec<Line> {
        let mut lines = Vec::new();
        // Whom an edge gives a team shows that its group is mapped; what is emptied later was filled by it.
        if !self.derived.added.is_empty() {
            for (group, count) in &touched.given_edges {
                lines.push(Line {
                    kind: "group",
                    object: group.to_string(),
                    user: String::new(),
                    delta: *count,
                });
            }
        }
        for (user, origin) in &self.deactivated {
            if *origin == Origin::Okta {
                lines.push(Line {
                    kind: "user",
                    object: String::new(),
                    user: user.to_string(),
                    delta: -1,
                });
            }
        }
        for (team, user) in &self.lost {
            lines.push(Line {
                kind: "team",
                object: team.to_string(),
                user: user.to_string(),
                delta: -1,
            });
        }
        let mut joined: BTreeMap<&TeamId, i64> = BTreeMap::new();
        for (team, _) in &self.gained {
            *joined.entry(team).or_default() += 1;
        }
        for (team, count) in joined {
            lines.push(Line {
                kind: "team",
                object: team.to_string(),
                user: String::new(),
                delta: count,
            });
        }
        if self.activated_of_okta > 0 {
            lines.push(Line {
                kind: "user",
                object: String::new(),
                user: String::new(),
                delta: self.activated_of_okta,
            });
        }
        lines
    }
}

fn activity(action: &'static str, user: &UserId, active: bool) -> audit::Entry {
    audit::Entry {
        action,
        object_kind: "user",
        object_id: user.to_string(),
        before: Some(json!({"active": !active})),
        after: Some(json!({"active": active})),
    }
}

fn membership(action: &'static str, team: &TeamId, user: &UserId, added: bool) -> audit::Entry {
    let row = json!({"team": team, "user": user});
    audit::Entry {
        action,
        object_kind: "team",
        object_id: team.to_string(),
        before: (!added).then(|| row.clone()),
        after: added.then_some(row),
    }
}
