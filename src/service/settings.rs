//! The settings that decide something in a use case.

use crate::reconcile::guard::Limits;

/// What a mass change by pushes does (R9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushGuard {
    /// Applied, with a problem raised.
    Alert,
    /// Recorded in the mirror; what it would take past the threshold is withheld.
    Hold,
}

/// The thresholds of R9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardSettings {
    /// More than this share of Okta's active users made inactive (percent) …
    pub user_percent: i64,
    /// … and more than this many.
    pub user_floor: i64,
    /// More than this share of a team removed (percent), …
    pub team_percent: i64,
    /// … of a team of at least this size at the window's start.
    pub team_floor: i64,
    /// A mapped group of at least this size emptied.
    pub emptied_group_floor: i64,
    /// The sliding window, in milliseconds.
    pub window_ms: i64,
    /// How long a rejected change stays muted, in milliseconds.
    pub mute_ms: i64,
    /// What pushes past a threshold do.
    pub push: PushGuard,
}

impl GuardSettings {
    /// The thresholds the guard judges by.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            user_percent: self.user_percent,
            user_floor: self.user_floor,
            team_percent: self.team_percent,
            team_floor: self.team_floor,
            emptied_group_floor: self.emptied_group_floor,
        }
    }
}

impl Default for GuardSettings {
    fn default() -> Self {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        Self {
            user_percent: 20,
            user_floor: 10,
            team_percent: 20,
            team_floor: 20,
            emptied_group_floor: 5,
            window_ms: DAY_MS,
            mute_ms: DAY_MS,
            push: PushGuard::Alert,
        }
    }
}

/// The settings that decide something in a use case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The thresholds of R9.
    pub guard: GuardSettings,
    /// Whether the poller is configured at all.
    pub okta_configured: bool,
    /// The app whose users are the population (R16).
    pub app_id: Option<String>,
    /// The configuration says the members of mapped groups are the population although SCIM was used (R16).
    pub population_groups: bool,
    /// How long an absent user of that population stays, in milliseconds (R16).
    pub leaver_grace_ms: i64,
    /// Whether a local user is linked by equal userName (R11).
    pub link_by_user_name: bool,
    /// Whether `password` is kept (hashed).
    pub password_sync: bool,
    /// Most resources on one SCIM page.
    pub scim_max_results: i64,
}
