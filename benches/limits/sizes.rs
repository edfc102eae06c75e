//! How large and how long: from the environment, else as the figures are asked for.

use std::fmt;
use std::time::Duration;

/// The sizes of everything measured.
pub(crate) struct Sizes {
    /// Users of the large store, members of the large group, people of the simulated org.
    pub(crate) users: usize,
    /// Groups of the simulated org.
    pub(crate) groups: usize,
    /// Members of each of them.
    pub(crate) members: usize,
    /// How often each thing is measured; the median counts.
    pub(crate) rounds: usize,
    /// How long it is measured each time.
    pub(crate) round: Duration,
}

impl Sizes {
    pub(crate) fn from_environment() -> Self {
        let number = |name: &str, default: usize| match std::env::var(name) {
            Ok(text) => text
                .parse()
                .unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")),
            Err(_) => default,
        };
        Self {
            users: number("ROSTERD_BENCH_USERS", 100_000),
            groups: number("ROSTERD_BENCH_GROUPS", 1_000),
            members: number("ROSTERD_BENCH_MEMBERS", 1_000),
            rounds: number("ROSTERD_BENCH_ROUNDS", 7).max(1),
            round: Duration::from_millis(number("ROSTERD_BENCH_ROUND_MS", 1_000) as u64),
        }
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        write!(
            f,
            "{} users, {} groups of {} members, {} rounds of {} ms, {cores} processors",
            self.users,
            self.groups,
            self.members,
            self.rounds,
            self.round.as_millis()
        )
    }
}
