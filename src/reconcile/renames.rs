//! userNames that go round in a circle (R18): who must be renamed in one transaction.

use std::collections::HashMap;

/// A renaming: who, from which fold, to which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The fold of the userName he has.
    pub from: String,
    /// The fold of the one he gets.
    pub to: String,
}

/// Groups renamings into chains and circles, by their places: within one, all names are freed before any is set.
pub fn chains(renames: &[Rename]) -> Vec<Vec<usize>> {
    let holder: HashMap<&str, usize> = renames
        .iter()
        .enumerate()
        .map(|(place, rename)| (rename.from.as_str(), place))
        .collect();
    let mut wanted: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, rename) in renames.iter().enumerate() {
        wanted.entry(rename.to.as_str()).or_default().push(place);
    }
    let mut placed = vec![false; renames.len()];
    let mut chains = Vec::new();
    for start in 0..renames.len() {
        let mut open = vec![start];
        let mut chain = Vec::new();
        while let Some(place) = open.pop() {
            if std::mem::replace(&mut placed[place], true) {
                continue;
            }
            chain.push(place);
            open.extend(holder.get(renames[place].to.as_str()));
            open.extend(
                wanted
                    .get(renames[place].from.as_str())
                    .into_iter()
                    .flatten(),
            );
        }
        if !chain.is_empty() {
            chain.sort_unstable();
            chains.push(chain);
        }
    }
    chains
}

#[cfg(test)]
mod tests {
    use super::{Rename, chains};

    fn renames(pairs: &[(&str, &str)]) -> Vec<Rename> {
        pairs
            .iter()
            .map(|(from, to)| Rename {
                from: (*from).to_owned(),
                to: (*to).to_owned(),
            })
            .collect()
    }

    #[test]
    fn r18_circles_and_chains_stay_together() {
        let all = renames(&[
            ("a", "b"),
            ("x", "y"),
            ("b", "c"),
            ("c", "a"),
            ("p", "q"),
            ("q", "r"),
        ]);
        assert_eq!(chains(&all), [vec![0, 2, 3], vec![1], vec![4, 5]]);
        assert!(chains(&[]).is_empty());
    }

    #[test]
    fn r18_a_change_of_case_alone_is_a_chain_of_its_own() {
        assert_eq!(chains(&renames(&[("a", "a")])), [vec![0]]);
    }
}
