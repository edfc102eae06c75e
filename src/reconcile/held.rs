//! What becomes of the held plan when a newer run knows more (R9).

use std::collections::HashMap;

use super::change::{Known, Planned};
use crate::model::time::Timestamp;

/// A held change, as far as this decision needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldChange {
    /// Its place in its run.
    pub ordinal: i64,
    /// Its name.
    pub key: String,
    /// What must be known before it may be dropped.
    pub object: super::Object,
    /// When its object was read.
    pub observed_at: Timestamp,
    /// Whether a push named its object since (R7); a newer finding then counts from its own reading.
    pub stamped: bool,
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
}

/// Decides over the held plan: changes on objects that the run came to know are replaced by what it found, the others
/// stay.
pub fn merge(held: &[HeldChange], known: &Known, found: &[Planned]) -> Merge {
    let found_keys: HashMap<String, usize> = found
        .iter()
        .enumerate()
        .map(|(place, planned)| (planned.change.key(), place))
        .collect();
    let mut merge = Merge::default();
    for change in held {
        match found_keys.get(&change.key) {
            Some(place) if change.stamped && found[*place].observed_at > change.observed_at => {
                merge.renewed.push((change.ordinal, *place));
            }
            None if known.covers(&change.object) => merge.dropped.push(change.ordinal),
            Some(_) | None => merge.kept.push(change.ordinal),
        }
    }
    merge
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{HeldChange, merge};
    use crate::model::id::{GroupId, OktaGroupId};
    use crate::model::time::Timestamp;
    use crate::reconcile::{Change, Known, Planned};

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

    fn held(ordinal: i64, planned: &Planned) -> HeldChange {
        HeldChange {
            ordinal,
            key: planned.change.key(),
            object: planned.change.object(),
            observed_at: planned.observed_at,
            stamped: false,
        }
    }

    #[test]
    fn r9_only_what_the_run_came_to_know_is_replaced() {
        let plan = [
            held(1, &removal("g1", "u1", 5)),
            held(2, &removal("g1", "u2", 5)),
            held(3, &removal("g2", "u1", 5)),
        ];
        let mut known = Known::default();
        let nothing = merge(&plan, &known, &[]);
        assert_eq!(nothing.kept, [1, 2, 3]);
        assert!(!nothing.alters(0));

        known.members.insert(GroupId::stored("g1".to_owned()));
        let again = merge(&plan, &known, &[removal("g1", "u1", 9)]);
        assert_eq!(
            (again.kept.as_slice(), again.dropped.as_slice()),
            (&[1, 3][..], &[2][..])
        );
        assert!(again.alters(0));
    }

    #[test]
    fn r10_finding_the_same_again_alters_nothing() {
        let found = [removal("g1", "u1", 9)];
        let plan = [held(1, &removal("g1", "u1", 5))];
        let mut known = Known::default();
        known.members.insert(GroupId::stored("g1".to_owned()));
        assert!(!merge(&plan, &known, &found).alters(0));
    }

    #[test]
    fn r7_found_again_after_a_push_counts_from_the_later_reading() {
        let found = [removal("g1", "u1", 9)];
        let mut change = held(1, &removal("g1", "u1", 5));
        change.stamped = true;
        assert_eq!(
            merge(&[change], &Known::default(), &found).renewed,
            [(1, 0)]
        );
    }
}
