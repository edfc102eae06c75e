//! `[guard]`: when a mass change is held instead of applied (R9).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::keys::Keys;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// What a mass change by pushes does (R9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PushGuard {
    /// It is applied, and a problem is raised.
    Alert,
    /// What it would take past the threshold is withheld until somebody approves.
    Hold,
}

/// When a mass change is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// More than this share of Okta's active users made inactive (percent) …
    pub user_percent: u8,
    /// … and more than this many.
    pub user_floor: u32,
    /// More than this share of a team removed (percent) …
    pub team_percent: u8,
    /// … of a team of at least this size when the window began.
    pub team_floor: u32,
    /// A mapped group of at least this size emptied.
    pub emptied_group_floor: u32,
    /// The sliding window that is counted over.
    pub window: Duration,
    /// How long a rejected change stays muted.
    pub mute: Duration,
    /// What pushes past a threshold do.
    pub push: PushGuard,
}

pub(super) fn read(keys: &mut Keys<'_>) -> Guard {
    Guard {
        user_percent: keys.ranged("guard.user_percent", 20, 0..=100),
        user_floor: keys.ranged("guard.user_floor", 10, 0..=u32::MAX),
        team_percent: keys.ranged("guard.team_percent", 20, 0..=100),
        team_floor: keys.ranged("guard.team_floor", 20, 0..=u32::MAX),
        emptied_group_floor: keys.ranged("guard.emptied_group_floor", 5, 1..=u32::MAX),
        window: keys.duration("guard.window", DAY, HOUR, 30 * DAY),
        mute: keys.duration("guard.mute", DAY, Duration::ZERO, 30 * DAY),
        push: keys.take("guard.push", PushGuard::Alert),
    }
}
