//! How much one transaction applies, so that a push never waits over a second.

use super::change::{Change, Planned};

/// Most changes of one transaction.
pub const MOST: usize = 2_000;

/// What a change weighs beside an edge: edges go in bulk, all else row by row, with several statements each.
const HEAVY: usize = 8;

fn weight(change: &Change) -> usize {
    match change {
        Change::AddEdge { .. } | Change::RemoveEdge { .. } => 1,
        _ => HEAVY,
    }
}

/// Most changes of one transaction when none of them is an edge.
pub const fn heavy() -> usize {
    MOST / HEAVY
}

/// Cuts a plan into pieces of one transaction each, in its order.
pub fn chunks(plan: &[Planned]) -> Vec<&[Planned]> {
    let mut chunks = Vec::new();
    let (mut begin, mut weighed) = (0, 0);
    for (place, planned) in plan.iter().enumerate() {
        let weight = weight(&planned.change);
        if weighed + weight > MOST {
            chunks.push(&plan[begin..place]);
            (begin, weighed) = (place, 0);
        }
        weighed += weight;
    }
    if begin < plan.len() {
        chunks.push(&plan[begin..]);
    }
    chunks
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{MOST, chunks, weight};
    use crate::model::id::{GroupId, OktaGroupId, OktaUserId};
    use crate::model::time::Timestamp;
    use crate::reconcile::{Change, Planned};

    fn planned(edge: bool) -> Planned {
        let change = if edge {
            Change::RemoveEdge {
                group: GroupId::stored("g".to_owned()),
                okta_group: OktaGroupId::parse("00g1").unwrap(),
                member: "00u1".to_owned(),
            }
        } else {
            Change::ReturnLeaver {
                okta_id: OktaUserId::parse("00u1").unwrap(),
            }
        };
        Planned::give(change, Timestamp::default(), "x")
    }

    #[test]
    fn two_thousand_edges_or_the_users_that_weigh_as_much_are_one_transaction() {
        let sizes = |edge, count| -> Vec<usize> {
            let plan = vec![planned(edge); count];
            chunks(&plan).iter().map(|chunk| chunk.len()).collect()
        };
        assert_eq!(sizes(true, 4_001), [2_000, 2_000, 1]);
        assert_eq!(sizes(false, 501), [250, 250, 1]);
        assert!(sizes(true, 0).is_empty());
    }

    proptest! {
        #[test]
        fn no_chunk_weighs_too_much_and_none_is_empty(edges in proptest::collection::vec(any::<bool>(), 0..6_000)) {
            let plan: Vec<Planned> = edges.iter().map(|edge| planned(*edge)).collect();
            let chunks = chunks(&plan);
            for chunk in &chunks {
                let weighs: usize = chunk.iter().map(|planned| weight(&planned.change)).sum();
                prop_assert!(!chunk.is_empty() && weighs <= MOST);
            }
            prop_assert_eq!(chunks.concat(), plan);
        }
    }
}
