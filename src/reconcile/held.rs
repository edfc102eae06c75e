//! What becomes of the held plan when a newer run knows more (R9).

use std::collections::HashMap;

use super::change::{Fingerprint, Planned};
use crate::model::time::Timestamp;

/// A held change, as far as this decision needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldChange {
    /// Its place in its run.
    pub ordinal: i64,
    /// Its name.
    pub key: Fingerprint,
    /// Whether the run came to know its object: else it may not be dropped.
    pub known: bool,
    /// When its object was read.
    pub observed_at: Timestamp,
    /// Whether a push named its object since (R7); a newer finding then counts from its own reading.
    pub stamped: bool,
}

/// Changes of the held plan that a run found again, by name.
#[derive(Debug)]
pub struct Found<'p> {
    planned: &'p [Planned],
    places: HashMap<Fingerprint, usize>,
}

impl<'p> Found<'p> {
    /// Of these.
    pub fn new(planned: &'p [Planned]) -> Self {
        let keys = planned
            .iter()
            .map(|planned| Fingerprint::of(&planned.change.key()));
        Self {
            planned,
            places: keys.zip(0..).collect(),
        }
    }

    /// The place of the one with this name, and when its object was read.
    pub fn get(&self, key: Fingerprint) -> Option<(usize, Timestamp)> {
        let place = *self.places.get(&key)?;
        Some((place, self.planned.get(place)?.observed_at))
    }
}

/// What becomes of the held plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merge {
    /// Places of held changes that stay as they are.
    pub kept: Vec<i64>,
    /// Places of held changes that a newer finding replaces, and the place of that finding.
    pub renewed: Vec<(i64, usize)>,
    /// Places of held changes that the run knows to be over.
    pub dropped: Vec<i64>,
}

impl Merge {
    /// Whether the plan is another now. `added` is how many changes the run holds that the plan did not have.
    pub fn alters(&self, added: usize) -> bool {
        added > 0 || !self.renewed.is_empty() || !self.dropped.is_empty()
    }

    /// Decides over held changes: those on objects that the run came to know are replaced by what it found, the others
    /// stay.
    pub fn decide(&mut self, held: &[HeldChange], found: &Found<'_>) {
        for change in held {
            match found.get(change.key) {
                Some((place, at)) if change.stamped && at > change.observed_at => {
                    self.renewed.push((change.ordinal, place));
                }
                None if change.known => self.dropped.push(change.ordinal),
                Some(_) | None => self.kept.push(change.ordinal),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Found, HeldChange, Merge};
    use crate::model::id::{GroupId, OktaGroupId};
    use crate::model::time::Timestamp;
    use crate::reconcile::{Change, Fingerprint, Known, Planned};

    fn removal(group: &str, member: &str, at: i64) -> Planned {
        Planned::take(
            Change::RemoveEdge {
                group: GroupId::stored(group.to_owned()),
                okta_group: OktaGroupId::parse(group).unwrap(),
                member: member.to_owned(),
            },
            Timestamp::from_millis(at),
            "x",
        )
    }

    fn held(ordinal: i64, planned: &Planned, known: &Known) -> HeldChange {
        HeldChange {
            ordinal,
            key: Fingerprint::of(&planned.change.key()),
            known: known.covers(&planned.change.object()),
            observed_at: planned.observed_at,
            stamped: false,
        }
    }

    fn merge(held: &[HeldChange], found: &[Planned]) -> Merge {
        let mut merge = Merge::default();
        merge.decide(held, &Found::new(found));
        merge
    }

    #[test]
    fn r9_only_what_the_run_came_to_know_is_replaced() {
        let plan = |known: &Known| {
            [
                held(1, &removal("g1", "u1", 5), known),
                held(2, &removal("g1", "u2", 5), known),
                held(3, &removal("g2", "u1", 5), known),
            ]
        };
        let mut known = Known::default();
        let nothing = merge(&plan(&known), &[]);
        assert_eq!(nothing.kept, [1, 2, 3]);
        assert!(!nothing.alters(0));

        known.members.insert(GroupId::stored("g1".to_owned()));
        let again = merge(&plan(&known), &[removal("g1", "u1", 9)]);
        assert_eq!(
            (again.kept.as_slice(), again.dropped.as_slice()),
            (&[1, 3][..], &[2][..])
        );
        assert!(again.alters(0));
    }

    #[test]
    fn r10_finding_the_same_again_alters_nothing() {
        let found = [removal("g1", "u1", 9)];
        let mut known = Known::default();
        known.members.insert(GroupId::stored("g1".to_owned()));
        let plan = [held(1, &removal("g1", "u1", 5), &known)];
        assert!(!merge(&plan, &found).alters(0));
    }

    #[test]
    fn r7_found_again_after_a_push_counts_from_the_later_reading() {
        let found = [removal("g1", "u1", 9)];
        let mut change = held(1, &removal("g1", "u1", 5), &Known::default());
        change.stamped = true;
        assert_eq!(merge(&[change], &found).renewed, [(1, 0)]);
    }
}
