//! The one row that the whole organization shares: Okta mode, Okta org, pause.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, Tx};
use crate::model::mode::OktaMode;
use crate::model::time::Timestamp;

/// The organization's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Random, made with the store: spreads schedules over the minute.
    pub store_id: String,
    /// Who owns membership (R3, R4).
    pub mode: OktaMode,
    /// The Okta org whose answers count (R8); `None` until the first.
    pub okta_org_id: Option<String>,
    /// No run, kick or hook applies before this instant.
    pub paused_until: Option<Timestamp>,
    /// Who paused.
    pub paused_by: Option<String>,
    /// When a SCIM token was first used (R16).
    pub scim_used_at: Option<Timestamp>,
}

const COLUMNS: &str = "SELECT store_id, idp_mapping_enabled, konnect_mapping_enabled, okta_org_id, paused_until, \
                       paused_by, scim_used_at FROM organization WHERE id = 1";

/// The organization.
pub async fn find(tx: &mut Tx) -> Result<Organization, StoreError> {
    let row = sqlx::query(COLUMNS).fetch_one(tx.conn()).await?;
    read(&row)
}

fn read(row: &AnyRow) -> Result<Organization, StoreError> {
    Ok(Organization {
        store_id: row.try_get(0)?,
        mode: mode(
            row.try_get::<i64, _>(1)? == 1,
            row.try_get::<i64, _>(2)? == 1,
        )?,
        okta_org_id: row.try_get(3)?,
        paused_until: row
            .try_get::<Option<i64>, _>(4)?
            .map(Timestamp::from_millis),
        paused_by: row.try_get(5)?,
        scim_used_at: row
            .try_get::<Option<i64>, _>(6)?
            .map(Timestamp::from_millis),
    })
}

/// What every push and everything that settles membership has to know of the rest of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// Who owns membership (R3, R4).
    pub mode: OktaMode,
    /// Whether anything is withheld (R5, R9).
    pub withholding: bool,
    /// Whether pushes are to be stamped: a run is in flight, or a plan of the polls is held (R7).
    pub stamping: bool,
}

/// The outlook, in one statement.
pub async fn find_outlook(tx: &mut Tx) -> Result<Outlook, StoreError> {
    let row = sqlx::query(
        "SELECT idp_mapping_enabled, konnect_mapping_enabled, \
                CAST(CASE WHEN EXISTS (SELECT 1 FROM withheld) THEN 1 ELSE 0 END AS BIGINT), \
                CAST(CASE WHEN EXISTS (SELECT 1 FROM runs WHERE state IN ('running', 'held') AND kind <> 'scim') \
                          THEN 1 ELSE 0 END AS BIGINT) \
           FROM organization WHERE id = 1",
    )
    .fetch_one(tx.conn())
    .await?;
    let flag = |index: usize| row.try_get::<i64, _>(index).map(|value| value == 1);
    Ok(Outlook {
        mode: mode(flag(0)?, flag(1)?)?,
        withholding: flag(2)?,
        stamping: flag(3)?,
    })
}

fn mode(idp: bool, konnect: bool) -> Result<OktaMode, StoreError> {
    OktaMode::from_flags(idp, konnect).ok_or(StoreError::Corrupt {
        table: "organization",
        column: "idp_mapping_enabled",
    })
}

/// Makes the row of a new store: Okta off, membership by hand (R4).
pub(super) async fn insert_once(tx: &mut Tx) -> Result<(), StoreError> {
    let mut id = [0; 16];
    tx.random().fill(&mut id);
    let id = u128::from_le_bytes(id);
    let now = tx.now().as_millis();
    sqlx::query(
        "INSERT INTO organization (id, store_id, created_at, idp_mapping_enabled, konnect_mapping_enabled, version) \
         VALUES (1, $1, $2, 0, 1, 1) ON CONFLICT (id) DO NOTHING",
    )
    .bind(format!("{id:032x}"))
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Switches the Okta mode: one row (R1).
pub async fn update_mode(tx: &mut Tx, mode: OktaMode) -> Result<(), StoreError> {
    let (idp, konnect) = mode.flags();
    let now = tx.now().as_millis();
    sqlx::query(
        "UPDATE organization SET idp_mapping_enabled = $1, konnect_mapping_enabled = $2, mode_changed_at = $3, \
         version = version + 1 WHERE id = 1",
    )
    .bind(i64::from(idp))
    .bind(i64::from(konnect))
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Remembers the Okta org whose answers count, or forgets it for a rebind (R8).
pub async fn update_okta_org(tx: &mut Tx, org: Option<&str>) -> Result<(), StoreError> {
    sqlx::query("UPDATE organization SET okta_org_id = $1, version = version + 1 WHERE id = 1")
        .bind(org)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Pauses runs until an instant, or resumes them.
pub async fn update_pause(
    tx: &mut Tx,
    until: Option<Timestamp>,
    by: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE organization SET paused_until = $1, paused_by = $2, version = version + 1 WHERE id = 1")
        .bind(until.map(Timestamp::as_millis))
        .bind(by)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Notes that a SCIM token has been used, once and for all (R16).
pub async fn update_scim_used(tx: &mut Tx) -> Result<(), StoreError> {
    let now = tx.now().as_millis();
    sqlx::query("UPDATE organization SET scim_used_at = $1 WHERE id = 1 AND scim_used_at IS NULL")
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The next number of an order of creation (`users`, `groups`, `teams`, `mappings`).
///
/// The counter's row is written by the transaction that uses the number, so no later reader finds a number that
/// appears behind one it has passed: index paging never skips (RFC 7644 3.4.2.4).
pub async fn next_seq(tx: &mut Tx, counter: &str, count: i64) -> Result<i64, StoreError> {
    let row = sqlx::query("UPDATE counters SET value = value + $1 WHERE name = $2 RETURNING value")
        .bind(count)
        .bind(counter)
        .fetch_one(tx.conn())
        .await?;
    Ok(row.try_get::<i64, _>(0)? - count + 1)
}
