//! What was taken lately, as R9 counts it: by whom, from what, and how large that was when the window began.
//!
//! Seen from outside, a moment is only known to lie within a step; what is not sure speaks for the daemon.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::Look;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Stands for Okta's active users, where else a team's id stands.
pub(crate) const EVERYBODY: &str = "";

/// Who takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taker {
    /// Runs of every kind, together.
    Polls,
    /// Pushes, by themselves.
    Pushes,
    /// Admins, who are not counted.
    Admins,
}

/// What is over the threshold.
pub(crate) struct Over {
    /// A team or [`EVERYBODY`].
    pub(crate) of: String,
    pub(crate) lost: i64,
    /// How large it was when the window began, as it may be reckoned.
    pub(crate) sizes: [i64; 2],
}

/// (team or [`EVERYBODY`], user).
pub(crate) type Taken = BTreeSet<(String, String)>;

struct Lapse {
    begin: i64,
    end: i64,
    net: BTreeMap<String, i64>,
    taker: Taker,
    taken: Taken,
}

#[derive(Default)]
pub(crate) struct Window {
    lapses: Vec<Lapse>,
    last: Option<(i64, BTreeMap<String, i64>)>,
}

impl Window {
    /// From the last look to this one, that was taken by this one.
    pub(crate) fn note(&mut self, look: &Look, taker: Taker, taken: Taken) {
        let now = look.sizes();
        if let Some((begin, before)) = &self.last {
            let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
            let size =
                |of: &BTreeMap<String, i64>, name: &String| of.get(name).copied().unwrap_or(0);
            let net = names
                .into_iter()
                .map(|name| (name.clone(), size(&now, name) - size(before, name)))
                .collect();
            self.lapses.push(Lapse {
                begin: *begin,
                end: look.at,
                net,
                taker,
                taken,
            });
        }
        self.last = Some((look.at, now));
    }

    /// What happened since the last look does not change how large anything was: the mode was switched (R1).
    pub(crate) fn skip(&mut self, look: &Look) {
        self.last = Some((look.at, look.sizes()));
    }

    /// What is over the threshold however it is reckoned, of what `taker` took since `before`.
    pub(crate) fn over(
        &self,
        taker: Taker,
        before: &Look,
        until: i64,
        taken: &Taken,
    ) -> Option<Over> {
        let names: BTreeSet<&String> = taken.iter().map(|(name, _)| name).collect();
        names
            .into_iter()
            .find_map(|name| self.too_many(taker, before, until, taken, name))
    }

    fn too_many(
        &self,
        taker: Taker,
        before: &Look,
        until: i64,
        taken: &Taken,
        name: &str,
    ) -> Option<Over> {
        let surely = |lapse: &&Lapse| lapse.begin > until - DAY_MS;
        let perhaps = |lapse: &&Lapse| lapse.end >= before.at - DAY_MS;
        let mut lost: BTreeSet<&String> = BTreeSet::new();
        for lapse in self.lapses.iter().filter(surely) {
            if lapse.taker == taker {
                lost.extend(of(&lapse.taken, name));
            }
        }
        lost.extend(of(taken, name));
        let lost = i64::try_from(lost.len()).unwrap();
        let present = before.sizes().get(name).copied().unwrap_or(0);
        let net = |lapse: &Lapse| lapse.net.get(name).copied().unwrap_or(0);
        let sizes = [
            present - self.lapses.iter().filter(surely).map(net).sum::<i64>(),
            present - self.lapses.iter().filter(perhaps).map(net).sum::<i64>(),
        ];
        let over = sizes.iter().all(|size| {
            let share = lost * 100 > size * 20;
            if name == EVERYBODY {
                share && lost > 10
            } else {
                share && *size >= 20
            }
        });
        over.then(|| Over {
            of: name.to_owned(),
            lost,
            sizes,
        })
    }
}

fn of<'t>(taken: &'t Taken, name: &str) -> impl Iterator<Item = &'t String> {
    taken
        .iter()
        .filter(move |(from, _)| from == name)
        .map(|(_, user)| user)
}
