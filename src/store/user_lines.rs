//! Users as admins see them: one line each, and where one of them stands.

use sqlx::Row as _;

use super::memberships::number;
use super::{StoreError, Tx};
use crate::model::id::{GroupId, TeamId, UserId};
use crate::model::time::Timestamp;
use crate::model::user::Origin;

/// A user in one line.
#[derive(Debug, Clone, serde::Serialize)]
pub struct UserLine {
    /// Our id.
    pub id: UserId,
    /// Order of creation.
    pub seq: i64,
    /// userName, as sent.
    pub user_name: String,
    /// displayName.
    pub display_name: Option<String>,
    /// okta or local.
    pub origin: String,
    /// His id in Okta.
    pub okta_id: Option<String>,
    /// Whether he is active: the effect of the facts and of withheld rows (R13).
    pub active: bool,
    /// Invited, not yet accepted.
    pub pending: bool,
    /// Teams that count now.
    pub teams: i64,
}

/// Which users.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Only those of this origin.
    pub origin: Option<Origin>,
    /// Only those who are not active.
    pub inactive: bool,
    /// Numbered above this.
    pub after: i64,
    /// At most so many.
    pub limit: i64,
}

/// Users in order of creation.
pub async fn list(tx: &mut Tx, query: &Query) -> Result<Vec<UserLine>, StoreError> {
    let rows = sqlx::query(
        "SELECT u.id, u.seq, u.user_name, u.display_name, u.origin, u.okta_id, u.active, u.pending, \
                (SELECT COUNT(*) FROM effective_memberships m WHERE m.user_id = u.id) \
           FROM users u WHERE u.seq > $1 AND ($2 = '' OR u.origin = $2) \
            AND (CAST($3 AS BIGINT) = 0 OR u.active = 0) ORDER BY u.seq LIMIT $4",
    )
    .bind(query.after)
    .bind(query.origin.map_or("", Origin::as_str).to_owned())
    .bind(i64::from(query.inactive))
    .bind(query.limit)
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(UserLine {
                id: UserId::stored(row.try_get(0)?),
                seq: row.try_get(1)?,
                user_name: row.try_get(2)?,
                display_name: row.try_get(3)?,
                origin: row.try_get(4)?,
                okta_id: row.try_get(5)?,
                active: number(row, 6)? == 1,
                pending: number(row, 7)? == 1,
                teams: number(row, 8)?,
            })
        })
        .collect()
}

/// A membership row of a user, counting or not.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Membership {
    /// The team.
    pub team: TeamId,
    /// Its name.
    pub team_name: String,
    /// `okta`: it follows from mirror and mappings; `local`: an admin gave it; `withheld`: taken in Okta, kept here.
    pub origin: String,
    /// Since when.
    pub since: Timestamp,
    /// Whether the user is in that team now, by whichever row.
    pub counts: bool,
}

/// Every row that puts a user into a team, by the teams' order.
pub async fn list_memberships(tx: &mut Tx, user: &UserId) -> Result<Vec<Membership>, StoreError> {
    let rows = sqlx::query(
        "SELECT t.id, t.name, r.origin, r.since, \
                CASE WHEN EXISTS (SELECT 1 FROM effective_memberships m \
                                   WHERE m.team_id = r.team_id AND m.user_id = $1) THEN 1 ELSE 0 END \
           FROM (SELECT team_id, origin, since FROM memberships WHERE user_id = $1 \
                 UNION ALL \
                 SELECT team_id, 'withheld', since FROM withheld WHERE user_id = $1 AND team_id <> '') AS r \
           JOIN teams t ON t.id = r.team_id ORDER BY t.seq, r.origin",
    )
    .bind(user.as_str().to_owned())
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Membership {
                team: TeamId::stored(row.try_get(0)?),
                team_name: row.try_get(1)?,
                origin: row.try_get(2)?,
                since: Timestamp::from_millis(row.try_get(3)?),
                counts: number(row, 4)? == 1,
            })
        })
        .collect()
}

/// A group a user is in.
#[derive(Debug, Clone, serde::Serialize)]
pub struct GroupOf {
    /// Our id.
    pub id: GroupId,
    /// The name mappings bind by (R17).
    pub name: String,
    /// Who said so last: scim, poll, hook.
    pub channel: String,
    /// When.
    pub at: Timestamp,
    /// The names of the teams mappings lead to from it.
    pub teams: Vec<String>,
}

/// The groups that have an edge of this member key, in order of creation.
pub async fn list_groups(tx: &mut Tx, member: &str) -> Result<Vec<GroupOf>, StoreError> {
    let rows = sqlx::query(
        "SELECT g.id, COALESCE(g.okta_name, g.scim_name, ''), e.channel, e.at, t.name \
           FROM edges e JOIN idp_groups g ON g.id = e.group_id \
           LEFT JOIN mappings p ON p.group_id = g.id LEFT JOIN teams t ON t.id = p.team_id \
          WHERE e.member = $1 ORDER BY g.seq, t.seq",
    )
    .bind(member.to_owned())
    .fetch_all(tx.conn())
    .await?;
    let mut groups: Vec<GroupOf> = Vec::new();
    for row in &rows {
        let id = GroupId::stored(row.try_get(0)?);
        if groups.last().is_none_or(|last| last.id != id) {
            groups.push(GroupOf {
                id,
                name: row.try_get(1)?,
                channel: row.try_get(2)?,
                at: Timestamp::from_millis(row.try_get(3)?),
                teams: Vec::new(),
            });
        }
        if let (Some(group), Some(team)) = (groups.last_mut(), row.try_get(4)?) {
            group.teams.push(team);
        }
    }
    Ok(groups)
}
