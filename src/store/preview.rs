//! What a switch of the Okta mode would change: the view of what counts, asked with other flags (R3).

use sqlx::Row as _;

use super::{StoreError, Tx};
use crate::model::id::{TeamId, UserId};
use crate::model::mode::OktaMode;

/// One membership that would appear or go.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The team.
    pub team: TeamId,
    /// Its name.
    pub team_name: String,
    /// The user.
    pub user: UserId,
    /// His userName.
    pub user_name: String,
}

/// What counts under (idp $1, konnect $2) and not under (idp $3, konnect $4).
const ONLY_UNDER: &str = "\
SELECT c.team_id, t.name, c.user_id, u.user_name FROM (\
  SELECT m.team_id, m.user_id FROM memberships m JOIN users v ON v.id = m.user_id \
   WHERE v.active = 1 AND ((m.origin = 'okta' AND CAST($1 AS BIGINT) = 1) \
      OR (m.origin = 'local' AND (CAST($2 AS BIGINT) = 1 OR v.origin = 'local'))) \
  UNION \
  SELECT w.team_id, w.user_id FROM withheld w JOIN users v ON v.id = w.user_id \
   WHERE w.team_id <> '' AND v.active = 1 AND CAST($1 AS BIGINT) = 1 \
  EXCEPT \
  SELECT team_id, user_id FROM (\
    SELECT m.team_id, m.user_id FROM memberships m JOIN users v ON v.id = m.user_id \
     WHERE v.active = 1 AND ((m.origin = 'okta' AND CAST($3 AS BIGINT) = 1) \
        OR (m.origin = 'local' AND (CAST($4 AS BIGINT) = 1 OR v.origin = 'local'))) \
    UNION \
    SELECT w.team_id, w.user_id FROM withheld w JOIN users v ON v.id = w.user_id \
     WHERE w.team_id <> '' AND v.active = 1 AND CAST($3 AS BIGINT) = 1) AS other) AS c \
JOIN teams t ON t.id = c.team_id JOIN users u ON u.id = c.user_id \
ORDER BY t.seq, u.user_name_fold {{bytes}} LIMIT $5";

/// The memberships that count under `under` and not under `not_under`, by team and name, at most `limit`.
pub async fn list(
    tx: &mut Tx,
    under: OktaMode,
    not_under: OktaMode,
    limit: i64,
) -> Result<Vec<Difference>, StoreError> {
    let flag = |on: bool| i64::from(on);
    let ((idp, konnect), (other_idp, other_konnect)) = (under.flags(), not_under.flags());
    let rows = sqlx::query(tx.sql(ONLY_UNDER))
        .bind(flag(idp))
        .bind(flag(konnect))
        .bind(flag(other_idp))
        .bind(flag(other_konnect))
        .bind(limit)
        .fetch_all(tx.conn())
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Difference {
                team: TeamId::stored(row.try_get(0)?),
                team_name: row.try_get(1)?,
                user: UserId::stored(row.try_get(2)?),
                user_name: row.try_get(3)?,
            })
        })
        .collect()
}

/// Copies what is derived into local memberships (`--keep`, R3), also of who is inactive now and may come back, and what
/// else counts: who is withheld (R5, R9). Gives how many appeared.
pub async fn insert_kept(tx: &mut Tx) -> Result<u64, StoreError> {
    let now = tx.now().as_millis();
    let done = sqlx::query(
        "INSERT INTO memberships (team_id, user_id, origin, since) \
         SELECT kept.team_id, kept.user_id, 'local', CAST($1 AS BIGINT) \
           FROM (SELECT team_id, user_id FROM memberships WHERE origin = 'okta' \
                 UNION SELECT team_id, user_id FROM effective_memberships) kept \
           JOIN users u ON u.id = kept.user_id WHERE u.origin = 'okta' \
         ON CONFLICT (team_id, user_id, origin) DO NOTHING",
    )
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
