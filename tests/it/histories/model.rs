//! Who must be in which team, by the rules and nothing of the code: plain sets, filled by the test from what the
//! simulated Okta, and the admins here, were told. It imports nothing of rosterd.

use std::collections::{BTreeMap, BTreeSet};

/// A team's id.
pub(crate) type Team = String;
/// A group's id in Okta.
pub(crate) type Group = String;

/// A person: by Okta's id for him, or a local user by his id here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Person {
    /// Somebody Okta has, by his `00u…`.
    Okta(String),
    /// Somebody only this organization has.
    Local(String),
}

/// Whose memberships count (R1, R4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mode {
    /// Local ones.
    #[default]
    Off,
    /// Okta's, and local ones of local users.
    On,
    /// All.
    Hybrid,
}

/// The organization as Okta and the admins have it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    /// Everybody who may be active: in Okta assigned with a status that allows (R13, R16), here a local user.
    pub(crate) active: BTreeSet<Person>,
    /// Okta's groups and their members, whether these are active or not.
    pub(crate) groups: BTreeMap<Group, BTreeSet<String>>,
    /// Which group leads to which team.
    pub(crate) mappings: BTreeSet<(Group, Team)>,
    /// What admins gave by hand and did not take back.
    pub(crate) local: BTreeSet<(Team, Person)>,
    /// Whom admins here blocked, whatever Okta says (R13).
    pub(crate) blocked: BTreeSet<Person>,
    /// The mode.
    pub(crate) mode: Mode,
}

impl Model {
    /// Everybody who must be in a team, and nobody else may be.
    pub(crate) fn members(&self) -> BTreeSet<(Team, Person)> {
        let derived = self
            .derived()
            .into_iter()
            .filter(|_| self.mode != Mode::Off);
        let local = self
            .local
            .iter()
            .filter(|(_, person)| self.mode != Mode::On || matches!(person, Person::Local(_)))
            .cloned();
        derived
            .chain(local)
            .filter(|(_, person)| self.may_be_active(person))
            .collect()
    }

    /// Drops whatever Okta did not have at another time.
    pub(crate) fn keep_what_okta_has_in(&mut self, other: &Self) {
        self.active.retain(|person| other.active.contains(person));
        for (group, members) in &mut self.groups {
            let had = other.groups.get(group);
            members.retain(|member| had.is_some_and(|had| had.contains(member)));
        }
    }

    /// Whether somebody may be active, as Okta and the admins have him.
    pub(crate) fn may_be_active(&self, person: &Person) -> bool {
        self.active.contains(person) && !self.blocked.contains(person)
    }

    /// What follows from groups and mappings, whoever is active and whatever the mode.
    fn derived(&self) -> BTreeSet<(Team, Person)> {
        let mut derived = BTreeSet::new();
        for (group, team) in &self.mappings {
            // A mapping outlives its group and leads nobody anywhere then (R17).
            for member in self.groups.get(group).into_iter().flatten() {
                derived.insert((team.clone(), Person::Okta(member.clone())));
            }
        }
        derived
    }

    /// The same organization where this person is kept active, as R5 keeps the last admin, in that team.
    pub(crate) fn keeping(&self, person: &Person, team: &str) -> BTreeSet<(Team, Person)> {
        let mut kept = self.clone();
        kept.active.insert(person.clone());
        let mut members = kept.members();
        members.insert((team.to_owned(), person.clone()));
        members
    }
}
