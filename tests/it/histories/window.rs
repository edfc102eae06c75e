//! What was taken lately, as R9 counts it: by whom, from what, and how large that was when the window began.
//!
//! Seen from outside, a moment is only known to lie within a lapse, so the size at the window's start lies between two
//! bounds; a breach is one only where it is one whichever size is true.

use std::collections::{BTreeMap, BTreeSet};

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
    /// How large it was when the window began, at the least and at the most.
    pub(crate) sizes: [i64; 2],
}

/// (team or [`EVERYBODY`], user).
pub(crate) type Taken = BTreeSet<(String, String)>;

/// Who is in each team, and in [`EVERYBODY`].
pub(crate) type Sets = BTreeMap<String, BTreeSet<String>>;

struct Lapse {
    begin: i64,
    end: i64,
    gains: BTreeMap<String, i64>,
    losses: BTreeMap<String, i64>,
    taker: Taker,
    taken: Taken,
}

#[derive(Default)]
pub(crate) struct Window {
    lapses: Vec<Lapse>,
    last: Option<(i64, Sets)>,
}

impl Window {
    /// From the last look to this one, that was taken by this one.
    pub(crate) fn note(&mut self, at: i64, sets: Sets, taker: Taker, taken: Taken) {
        if let Some((begin, before)) = &self.last {
            self.lapses.push(Lapse {
                begin: *begin,
                end: at,
                gains: more(before, &sets),
                losses: more(&sets, before),
                taker,
                taken,
            });
        }
        self.last = Some((at, sets));
    }

    /// What happened since the last look does not change how large anything was: the mode was switched (R1).
    pub(crate) fn skip(&mut self, at: i64, sets: Sets) {
        self.last = Some((at, sets));
    }

    /// What is over the threshold however it is reckoned, of what `taker` took from the last look until `until`.
    pub(crate) fn over(&self, taker: Taker, until: i64, taken: &Taken) -> Option<Over> {
        let names: BTreeSet<&String> = taken.iter().map(|(name, _)| name).collect();
        names
            .into_iter()
            .find_map(|name| self.too_many(taker, until, taken, name))
    }

    fn too_many(&self, taker: Taker, until: i64, taken: &Taken, name: &str) -> Option<Over> {
        let (from, sets) = self.last.as_ref()?;
        let surely = |lapse: &&Lapse| lapse.begin > until - DAY_MS;
        let perhaps = |lapse: &&Lapse| !surely(lapse) && lapse.end >= from - DAY_MS;
        let mut lost: BTreeSet<&String> = of(taken, name).collect();
        for lapse in self.lapses.iter().filter(surely) {
            if lapse.taker == taker {
                lost.extend(of(&lapse.taken, name));
            }
        }
        let lost = i64::try_from(lost.len()).unwrap();
        let gains = |lapse: &Lapse| lapse.gains.get(name).copied().unwrap_or(0);
        let losses = |lapse: &Lapse| lapse.losses.get(name).copied().unwrap_or(0);
        let net: i64 = self
            .lapses
            .iter()
            .filter(surely)
            .map(|lapse| gains(lapse) - losses(lapse))
            .sum();
        // Where within these lapses the window begins is not known: after their gains, or after their losses.
        let unsure = || self.lapses.iter().filter(perhaps);
        let size = count(sets.get(name)) - net;
        let least = size - unsure().map(gains).sum::<i64>();
        let most = size + unsure().map(losses).sum::<i64>();
        let share = lost * 100 > most * 20;
        let enough = if name == EVERYBODY {
            lost > 10
        } else {
            least >= 20
        };
        (share && enough).then(|| Over {
            of: name.to_owned(),
            lost,
            sizes: [least, most],
        })
    }
}

/// How many of each set in `now` are not in `before`.
fn more(before: &Sets, now: &Sets) -> BTreeMap<String, i64> {
    now.iter()
        .map(|(name, now)| {
            let new = now
                .iter()
                .filter(|one| !before.get(name).is_some_and(|set| set.contains(*one)));
            (name.clone(), i64::try_from(new.count()).unwrap())
        })
        .collect()
}

fn count(set: Option<&BTreeSet<String>>) -> i64 {
    set.map_or(0, |set| i64::try_from(set.len()).unwrap())
}

fn of<'t>(taken: &'t Taken, name: &str) -> impl Iterator<Item = &'t String> {
    taken
        .iter()
        .filter(move |(from, _)| from == name)
        .map(|(_, user)| user)
}

mod tests {
    use super::{DAY_MS, Sets, Taken, Taker, Window};

    const TEAM: &str = "t";

    fn people(range: std::ops::Range<u32>) -> impl Iterator<Item = String> {
        range.map(|number| number.to_string())
    }

    fn sets(range: std::ops::Range<u32>) -> Sets {
        Sets::from([(TEAM.to_owned(), people(range).collect())])
    }

    fn taken(range: std::ops::Range<u32>) -> Taken {
        people(range).map(|user| (TEAM.to_owned(), user)).collect()
    }

    #[test]
    fn what_lies_across_the_window_s_start_is_no_breach_where_it_may_be_none() {
        // Twenty-four; then five join and five leave, in lapses that reach across the window's start.
        let mut window = Window::default();
        window.note(0, sets(0..24), Taker::Admins, Taken::new());
        window.note(1_000, sets(0..29), Taker::Admins, Taken::new());
        window.note(2_000, sets(5..29), Taker::Admins, Taken::new());
        // Five of 24 are too many, five of 29 are not.
        let until = DAY_MS + 1_500;
        window.note(until - 1_000, sets(5..29), Taker::Admins, Taken::new());
        assert!(window.over(Taker::Polls, until, &taken(5..10)).is_none());
        // A day later nobody can say that it was 29.
        let until = 2 * DAY_MS;
        window.note(until, sets(5..29), Taker::Admins, Taken::new());
        let over = window.over(Taker::Polls, until, &taken(5..10)).unwrap();
        assert_eq!((over.lost, over.sizes), (5, [24, 24]));
    }

    #[test]
    fn only_the_same_taker_s_losses_are_counted_together() {
        let mut window = Window::default();
        window.note(0, sets(0..30), Taker::Admins, Taken::new());
        window.note(1_000, sets(4..30), Taker::Pushes, taken(0..4));
        assert!(window.over(Taker::Polls, 2_000, &taken(4..8)).is_none());
        let over = window.over(Taker::Pushes, 2_000, &taken(4..8)).unwrap();
        assert_eq!((over.lost, over.sizes), (8, [30, 30]));
    }
}
