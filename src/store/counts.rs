//! How much of everything there is, for status and metrics.

use sqlx::Row as _;

use super::memberships::number;
use super::{StoreError, Tx};
use crate::model::time::Timestamp;

/// Counts of the roster.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Users, active or not.
    pub users: i64,
    /// Active users.
    pub active_users: i64,
    /// Users with an Okta id.
    pub okta_users: i64,
    /// Users SCIM sees.
    pub scim_users: i64,
    /// Teams.
    pub teams: i64,
    /// IdP groups that have a side left.
    pub groups: i64,
    /// IdP groups SCIM sees.
    pub scim_groups: i64,
    /// Mappings.
    pub mappings: i64,
    /// Mappings bound to a group that is there.
    pub bound_mappings: i64,
    /// Memberships that count now.
    pub memberships: i64,
}

/// Counts the roster.
pub async fn find(tx: &mut Tx) -> Result<Counts, StoreError> {
    let row = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM users WHERE active = 1), \
                (SELECT COUNT(*) FROM users WHERE okta_id IS NOT NULL), \
                (SELECT COUNT(*) FROM users WHERE scim = 1 AND deleting = 0), \
                (SELECT COUNT(*) FROM teams), \
                (SELECT COUNT(*) FROM idp_groups WHERE scim = 1 OR okta_id IS NOT NULL), \
                (SELECT COUNT(*) FROM idp_groups WHERE scim = 1), \
                (SELECT COUNT(*) FROM mappings), \
                (SELECT COUNT(*) FROM mappings p JOIN idp_groups g ON g.id = p.group_id \
                  WHERE g.scim = 1 OR g.okta_id IS NOT NULL), \
                (SELECT COUNT(*) FROM effective_memberships)",
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Counts {
        users: number(&row, 0)?,
        active_users: number(&row, 1)?,
        okta_users: number(&row, 2)?,
        scim_users: number(&row, 3)?,
        teams: number(&row, 4)?,
        groups: number(&row, 5)?,
        scim_groups: number(&row, 6)?,
        mappings: number(&row, 7)?,
        bound_mappings: number(&row, 8)?,
        memberships: number(&row, 9)?,
    })
}

/// A token that was not used for so long is not the one that Okta shows.
const LATELY_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// What SCIM clients asked lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ScimTraffic {
    /// When the last request came.
    pub last_request_at: Option<Timestamp>,
    /// How it was answered.
    pub last_status: Option<i64>,
    /// Requests in the last 24 hours.
    pub requests: i64,
    /// Of those, answered 4xx or 5xx.
    pub errors: i64,
    /// Live SCIM tokens.
    pub tokens: i64,
    /// When the first of those that were used in the last week ends; `None`: none of them does.
    #[serde(default)]
    pub token_ends_at: Option<Timestamp>,
}

/// What SCIM clients asked since an instant.
pub async fn find_scim_traffic(tx: &mut Tx, since: Timestamp) -> Result<ScimTraffic, StoreError> {
    let now = tx.now().as_millis();
    let last =
        sqlx::query("SELECT at, status FROM scim_requests ORDER BY at DESC, id DESC LIMIT 1")
            .fetch_optional(tx.conn())
            .await?;
    let row = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM scim_requests WHERE at > $1), \
                (SELECT COUNT(*) FROM scim_requests WHERE at > $1 AND status >= 400), \
                (SELECT COUNT(*) FROM tokens WHERE scope = 'scim' AND revoked_at IS NULL \
                    AND (expires_at IS NULL OR expires_at > $2)), \
                (SELECT MIN(expires_at) FROM tokens WHERE scope = 'scim' AND revoked_at IS NULL \
                    AND expires_at > $2 AND last_used_at > $3)",
    )
    .bind(since.as_millis())
    .bind(now)
    .bind(now - LATELY_MS)
    .fetch_one(tx.conn())
    .await?;
    Ok(ScimTraffic {
        last_request_at: last
            .as_ref()
            .map(|row| row.try_get::<i64, _>(0))
            .transpose()?
            .map(Timestamp::from_millis),
        last_status: last.as_ref().map(|row| row.try_get(1)).transpose()?,
        requests: number(&row, 0)?,
        errors: number(&row, 1)?,
        tokens: number(&row, 2)?,
        token_ends_at: row
            .try_get::<Option<i64>, _>(3)?
            .map(Timestamp::from_millis),
    })
}
