//! How much may be taken away at once (R9).

use serde::{Deserialize, Serialize};

use crate::model::id::{GroupId, TeamId};

/// The thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// More than this share of Okta's active users made inactive, in percent …
    pub user_percent: i64,
    /// … and more than this many.
    pub user_floor: i64,
    /// More than this share of a team removed, in percent, …
    pub team_percent: i64,
    /// … of a team of at least this size at the window's start.
    pub team_floor: i64,
    /// A mapped group of at least this size emptied.
    pub emptied_group_floor: i64,
}

/// What a plan and the window before it take together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toll {
    /// Okta's active users at the window's start.
    pub users: i64,
    /// How many of them were made inactive, or would be.
    pub users_lost: i64,
    /// The teams the plan takes somebody from.
    pub teams: Vec<TeamToll>,
    /// The mapped groups the plan takes edges from.
    pub groups: Vec<GroupToll>,
}

/// A team the plan takes somebody from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamToll {
    /// The team.
    pub team: TeamId,
    /// Its size at the window's start.
    pub size: i64,
    /// Who left, or would.
    pub lost: i64,
}

/// A mapped group the plan takes edges from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupToll {
    /// The group.
    pub group: GroupId,
    /// Its edges at the window's start.
    pub size: i64,
    /// Its edges after the plan.
    pub left: i64,
}

/// A threshold that is passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Breach {
    /// Too many of Okta's active users made inactive.
    Users {
        /// At the window's start.
        size: i64,
        /// Lost.
        lost: i64,
    },
    /// Too many removed from a team.
    Team {
        /// The team.
        team: TeamId,
        /// At the window's start.
        size: i64,
        /// Lost.
        lost: i64,
    },
    /// A mapped group emptied.
    Group {
        /// The group.
        group: GroupId,
        /// At the window's start.
        size: i64,
    },
}

impl Limits {
    /// How many active users, at the window's start, can lose so many: more need not be counted.
    pub fn harmless_users(&self, lost: i64) -> i64 {
        if lost <= self.user_floor {
            return 0;
        }
        harmless(lost, self.user_percent)
    }

    /// The size from which on a team can lose so many: a larger one need not be counted.
    pub fn harmless_team(&self, lost: i64) -> i64 {
        harmless(lost, self.team_percent)
    }
}

/// The smallest size of which `lost` is no more than so many percent.
fn harmless(lost: i64, percent: i64) -> i64 {
    if percent <= 0 {
        return i64::MAX;
    }
    lost.saturating_mul(100)
        .saturating_add(percent - 1)
        .div_euclid(percent)
}

/// Every threshold that is passed; none: the plan may be applied.
pub fn judge(limits: &Limits, toll: &Toll) -> Vec<Breach> {
    let over = |lost: i64, size: i64, percent: i64| {
        lost.saturating_mul(100) > size.saturating_mul(percent)
    };
    let mut breaches = Vec::new();
    if over(toll.users_lost, toll.users, limits.user_percent) && toll.users_lost > limits.user_floor
    {
        breaches.push(Breach::Users {
            size: toll.users,
            lost: toll.users_lost,
        });
    }
    for team in &toll.teams {
        if team.size >= limits.team_floor && over(team.lost, team.size, limits.team_percent) {
            breaches.push(Breach::Team {
                team: team.team.clone(),
                size: team.size,
                lost: team.lost,
            });
        }
    }
    for group in &toll.groups {
        if group.size >= limits.emptied_group_floor && group.left <= 0 {
            breaches.push(Breach::Group {
                group: group.group.clone(),
                size: group.size,
            });
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::{Breach, GroupToll, Limits, TeamToll, Toll, judge};
    use crate::model::id::{GroupId, TeamId};

    const LIMITS: Limits = Limits {
        user_percent: 20,
        user_floor: 10,
        team_percent: 20,
        team_floor: 20,
        emptied_group_floor: 5,
    };

    fn users(size: i64, lost: i64) -> bool {
        let toll = Toll {
            users: size,
            users_lost: lost,
            ..Toll::default()
        };
        judge(&LIMITS, &toll).is_empty()
    }

    #[test]
    fn r9_users_need_both_a_share_and_a_number() {
        assert!(users(100, 20), "20 % is not over 20 %");
        assert!(!users(100, 21));
        assert!(users(20, 10), "10 is not over 10");
        assert!(!users(20, 11));
        assert!(users(0, 0));
    }

    #[test]
    fn r9_a_team_counts_from_its_size_at_the_window_s_start() {
        let team = TeamId::stored("t".to_owned());
        let passes = |size, lost| {
            let toll = Toll {
                teams: vec![TeamToll {
                    team: team.clone(),
                    size,
                    lost,
                }],
                ..Toll::default()
            };
            judge(&LIMITS, &toll).is_empty()
        };
        assert!(passes(20, 4));
        assert!(!passes(20, 5));
        assert!(passes(19, 19), "a small team may go at once");
    }

    #[test]
    fn r9_a_mapped_group_of_five_is_not_emptied() {
        let group = GroupId::stored("g".to_owned());
        let breaches = |size, left| {
            let toll = Toll {
                groups: vec![GroupToll {
                    group: group.clone(),
                    size,
                    left,
                }],
                ..Toll::default()
            };
            judge(&LIMITS, &toll)
        };
        let group = group.clone();
        assert_eq!(breaches(5, 0), [Breach::Group { group, size: 5 }]);
        assert!(breaches(4, 0).is_empty());
        assert!(breaches(5, 1).is_empty());
    }

    proptest! {
        #[test]
        fn r9_who_need_not_be_counted_passes(lost in 0_i64..1000, size in 0_i64..10_000, percent in 1_i64..120) {
            let limits = Limits { team_percent: percent, team_floor: 0, user_percent: percent, ..LIMITS };
            let team = TeamId::stored("t".to_owned());
            let toll = Toll { teams: vec![TeamToll { team, size, lost }], ..Toll::default() };
            prop_assert_eq!(judge(&limits, &toll).is_empty(), size >= limits.harmless_team(lost));
            let toll = Toll { users: size, users_lost: lost, ..Toll::default() };
            prop_assert_eq!(judge(&limits, &toll).is_empty(), size >= limits.harmless_users(lost));
        }

        #[test]
        fn r9_taking_more_never_passes_where_less_did_not(size in 0_i64..1000, lost in 0_i64..1000, more in 0_i64..100) {
            prop_assert!(users(size, lost) || !users(size, lost + more));
        }
    }
}
