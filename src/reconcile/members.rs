//! A group's members against its edges.

use crate::model::id::OktaUserId;

/// What tells a group's members from its edges.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Members without an edge, with their places in what was read.
    pub missing: Vec<usize>,
    /// Edges that are no members.
    pub extra: Vec<String>,
}

/// Compares members as read with the member keys of the edges. Both must be sorted by bytes and free of repeats.
///
/// `read` empty is a known, empty group and removes every edge; a group that was not read is not compared at all (R8).
pub fn compare(read: &[OktaUserId], edges: &[String]) -> Difference {
    let mut difference = Difference::default();
    let (mut r, mut e) = (0, 0);
    while r < read.len() || e < edges.len() {
        match (read.get(r), edges.get(e)) {
            (Some(member), Some(edge)) if member.as_str() == edge => {
                r += 1;
                e += 1;
            }
            (Some(member), Some(edge)) if member.as_str() < edge.as_str() => {
                difference.missing.push(r);
                r += 1;
            }
            (Some(_), None) => {
                difference.missing.push(r);
                r += 1;
            }
            (_, Some(edge)) => {
                difference.extra.push(edge.clone());
                e += 1;
            }
            (None, None) => break,
        }
    }
    difference
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeSet;

    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::compare;
    use crate::model::id::OktaUserId;

    fn ids(set: &BTreeSet<u8>) -> Vec<OktaUserId> {
        let mut ids: Vec<_> = set
            .iter()
            .map(|n| OktaUserId::parse(&format!("00u{n}")).unwrap())
            .collect();
        ids.sort();
        ids
    }

    fn keys(set: &BTreeSet<u8>) -> Vec<String> {
        ids(set).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn r8_an_empty_group_removes_every_edge() {
        let edges = keys(&BTreeSet::from([1, 2, 3]));
        assert_eq!(compare(&[], &edges).extra, edges);
    }

    proptest! {
        #[test]
        fn r10_applying_the_difference_leaves_none(
            read in proptest::collection::btree_set(0_u8..40, 0..30),
            edges in proptest::collection::btree_set(0_u8..40, 0..30),
        ) {
            let (members, before) = (ids(&read), keys(&edges));
            let difference = compare(&members, &before);
            let mut after: BTreeSet<String> = before.into_iter().collect();
            for place in &difference.missing {
                prop_assert!(after.insert(members[*place].to_string()), "added twice");
            }
            for key in &difference.extra {
                prop_assert!(after.remove(key), "removed what was not there");
            }
            let after: Vec<String> = after.into_iter().collect();
            prop_assert_eq!(&after, &keys(&read));
            prop_assert_eq!(compare(&members, &after), super::Difference::default());
        }
    }
}
