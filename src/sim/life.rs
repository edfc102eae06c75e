//! A seeded script of what happens in an organization: people join, move, leave, are suspended, come back or come anew
//! under an old name; groups are renamed, deleted and twin-named.

use std::fmt;

use super::org::{GroupType, OktaId, Org, UserStatus};
use crate::model::random::{Random, SeededRandom};

/// What happened in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// Somebody was hired, assigned and put into a group.
    Joined(OktaId),
    /// Somebody went from one group to another.
    Moved(OktaId),
    /// Somebody was deactivated.
    Left(OktaId),
    /// Somebody who had left, or leaves by it, was deleted.
    Deleted(OktaId),
    /// Somebody who had left was activated again.
    Returned(OktaId),
    /// Somebody was suspended.
    Suspended(OktaId),
    /// Somebody's suspension was lifted.
    Unsuspended(OktaId),
    /// Somebody got another title.
    Promoted(OktaId),
    /// Somebody got another login.
    Renamed(OktaId),
    /// An account was deleted and made again under the same login: the new id.
    Recreated(OktaId),
    /// A group got another name.
    GroupRenamed(OktaId),
    /// A group was deleted.
    GroupDeleted(OktaId),
    /// A second group of the same name appeared.
    GroupTwinned(OktaId),
    /// "Push Now" was pressed on a group.
    PushedNow(OktaId),
    /// Nothing came of it.
    Quiet,
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined(id) => write!(f, "{id} joined"),
            Self::Moved(id) => write!(f, "{id} moved to another group"),
            Self::Left(id) => write!(f, "{id} left"),
            Self::Deleted(id) => write!(f, "{id} was deleted"),
            Self::Returned(id) => write!(f, "{id} came back"),
            Self::Suspended(id) => write!(f, "{id} was suspended"),
            Self::Unsuspended(id) => write!(f, "{id} is no longer suspended"),
            Self::Promoted(id) => write!(f, "{id} has a new title"),
            Self::Renamed(id) => write!(f, "{id} has a new login"),
            Self::Recreated(id) => write!(f, "{id} was made anew under an old login"),
            Self::GroupRenamed(id) => write!(f, "group {id} was renamed"),
            Self::GroupDeleted(id) => write!(f, "group {id} was deleted"),
            Self::GroupTwinned(id) => write!(f, "group {id} bears the name of another"),
            Self::PushedNow(id) => write!(f, "{id} was pushed as a whole"),
            Self::Quiet => f.write_str("a quiet moment"),
        }
    }
}

/// How wild life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temper {
    /// Mostly joins, moves and leaves, as in a real week; never deletes a group. For the demo.
    Calm,
    /// Every kind about as often. For random histories.
    Wild,
}

/// The script.
pub struct Life {
    random: SeededRandom,
    temper: Temper,
}

impl Life {
    /// The script of `seed`.
    pub fn new(seed: u64, temper: Temper) -> Self {
        Self {
            random: SeededRandom::new(seed),
            temper,
        }
    }

    /// Lets one thing happen. What the org refuses is a quiet moment.
    pub fn step(&mut self, org: &mut Org) -> Happening {
        let kind = match self.temper {
            Temper::Calm => [0, 0, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 7, 9][self.below(14)],
            Temper::Wild => self.below(14),
        };
        let done = match kind {
            0 => self.join(org),
            1 => self.move_somebody(org),
            2 => self
                .somebody(org, |status| status == UserStatus::Active)
                .and_then(|user| {
                    org.deactivate(user).ok()?;
                    Some(Happening::Left(user))
                }),
            3 => self
                .somebody(org, |status| status == UserStatus::Deprovisioned)
                .and_then(|user| {
                    org.reactivate(user).ok()?;
                    Some(Happening::Returned(user))
                }),
            4 => self
                .somebody(org, |status| status == UserStatus::Active)
                .and_then(|user| {
                    org.suspend(user).ok()?;
                    Some(Happening::Suspended(user))
                }),
            5 => self
                .somebody(org, |status| status == UserStatus::Suspended)
                .and_then(|user| {
                    org.unsuspend(user).ok()?;
                    Some(Happening::Unsuspended(user))
                }),
            6 => self.promote(org),
            7 => self.rename(org),
            8 => self.recreate(org),
            9 => self.rename_group(org),
            10 => self.group(org).and_then(|group| {
                org.delete_group(group).ok()?;
                Some(Happening::GroupDeleted(group))
            }),
            11 => self.twin(org),
            12 => self
                .somebody(org, |status| {
                    matches!(status, UserStatus::Active | UserStatus::Deprovisioned)
                })
                .and_then(|user| {
                    // Okta deletes only who is deactivated; who is so already says no to that.
                    org.deactivate(user).ok();
                    org.delete_user(user).ok()?;
                    Some(Happening::Deleted(user))
                }),
            _ => self.push_now(org),
        };
        done.unwrap_or(Happening::Quiet)
    }

    fn join(&mut self, org: &mut Org) -> Option<Happening> {
        let user = org.hire()?;
        match org.app().groups.first().copied() {
            Some(assigned) => org.add_member(assigned, user).ok()?,
            None => org.assign_user(user).ok()?,
        }
        if let Some(group) = self.group(org) {
            org.add_member(group, user).ok()?;
        }
        Some(Happening::Joined(user))
    }

    fn move_somebody(&mut self, org: &mut Org) -> Option<Happening> {
        let user = self.somebody(org, |_| true)?;
        let to = self.group(org)?;
        let movable: Vec<OktaId> = org
            .group_ids_of(user)
            .into_iter()
            .filter(|group| is_movable(org, *group) && *group != to)
            .collect();
        if let Some(from) = movable.get(self.below(movable.len())) {
            org.remove_member(*from, user).ok()?;
        }
        org.add_member(to, user).ok()?;
        Some(Happening::Moved(user))
    }

    fn promote(&mut self, org: &mut Org) -> Option<Happening> {
        let user = self.somebody(org, |status| status == UserStatus::Active)?;
        let grade = self.below(9) + 1;
        let changes = [("title".to_owned(), format!("Grade {grade}").into())]
            .into_iter()
            .collect();
        org.update_profile(user, &changes).ok()?;
        Some(Happening::Promoted(user))
    }

    fn rename(&mut self, org: &mut Org) -> Option<Happening> {
        let user = self.somebody(org, |status| status == UserStatus::Active)?;
        let login = org.user(user)?.profile.login().to_owned();
        let (local, domain) = login.split_once('@')?;
        let stem = local.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = self.below(9000) + 1000;
        org.rename_login(user, &format!("{stem}{number}@{domain}"))
            .ok()?;
        Some(Happening::Renamed(user))
    }

    fn recreate(&mut self, org: &mut Org) -> Option<Happening> {
        let old = self.somebody(org, |_| true)?;
        let login = org.user(old)?.profile.login().to_owned();
        let user = org.recreate_user(&login).ok()?;
        match org.app().groups.first().copied() {
            Some(assigned) => org.add_member(assigned, user).ok()?,
            None => org.assign_user(user).ok()?,
        }
        Some(Happening::Recreated(user))
    }

    fn rename_group(&mut self, org: &mut Org) -> Option<Happening> {
        let group = self.group(org)?;
        let name = org.group(group)?.name().to_owned();
        let stem = name.split(" (").next()?.to_owned();
        let number = self.below(90) + 10;
        org.rename_group(group, &format!("{stem} ({number})"))
            .ok()?;
        Some(Happening::GroupRenamed(group))
    }

    fn twin(&mut self, org: &mut Org) -> Option<Happening> {
        let group = self.group(org)?;
        let name = org.group(group)?.name().to_owned();
        Some(Happening::GroupTwinned(org.create_group(&name, "A twin")))
    }

    fn push_now(&mut self, org: &mut Org) -> Option<Happening> {
        let mappings: Vec<OktaId> = org.mappings().map(|mapping| mapping.id).collect();
        let mapping = *mappings.get(self.below(mappings.len()))?;
        org.push_now(mapping).ok()?;
        Some(Happening::PushedNow(mapping))
    }

    fn somebody(&mut self, org: &Org, wanted: impl Fn(UserStatus) -> bool) -> Option<OktaId> {
        let people: Vec<OktaId> = org
            .users()
            .filter(|user| wanted(user.status))
            .map(|user| user.id)
            .collect();
        people.get(self.below(people.len())).copied()
    }

    fn group(&mut self, org: &Org) -> Option<OktaId> {
        let groups: Vec<OktaId> = org
            .groups()
            .map(|group| group.id)
            .filter(|group| is_movable(org, *group))
            .collect();
        groups.get(self.below(groups.len())).copied()
    }

    fn below(&self, bound: usize) -> usize {
        usize::try_from(self.random.below(bound as u64)).unwrap_or(0)
    }
}

/// A group made in Okta that is not the one whose members are assigned to the app.
fn is_movable(org: &Org, group: OktaId) -> bool {
    !org.app().groups.contains(&group)
        && org
            .group(group)
            .is_some_and(|group| group.kind == GroupType::OktaGroup)
}
