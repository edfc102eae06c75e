//! `[retention]`: how long logs are kept (R14).

use std::time::Duration;

use super::keys::Keys;

const DAY: Duration = Duration::from_hours(24);

/// How long logs are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// The audit log.
    pub audit: Duration,
    /// Runs and their changes.
    pub runs: Duration,
    /// The requests Okta made.
    pub scim_requests: Duration,
}

pub(super) fn read(keys: &mut Keys<'_>) -> Retention {
    let mut days = |path, default| keys.duration(path, default * DAY, DAY, 36_500 * DAY);
    Retention {
        audit: days("retention.audit", 400),
        runs: days("retention.runs", 90),
        scim_requests: days("retention.scim_requests", 14),
    }
}
