//! Teams.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, Tx, organization};
use crate::model::id::TeamId;
use crate::model::team::Team;
use crate::model::time::Timestamp;

fn read(row: &AnyRow) -> Result<Team, StoreError> {
    Ok(Team {
        id: TeamId::stored(row.try_get(0)?),
        name: row.try_get(1)?,
        description: row.try_get(2)?,
        system_team: row.try_get::<i64, _>(3)? == 1,
        labels: row.try_get(4)?,
        created_at: Timestamp::from_millis(row.try_get(5)?),
        updated_at: Timestamp::from_millis(row.try_get(6)?),
        version: row.try_get(7)?,
    })
}

/// A team by id.
pub async fn find(tx: &mut Tx, id: &TeamId) -> Result<Option<Team>, StoreError> {
    let row = sqlx::query(
        "SELECT id, name, description, system_team, labels, created_at, updated_at, version FROM teams WHERE id = $1",
    )
    .bind(id.as_str().to_owned())
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(read).transpose()
}

/// Every team of that exact name, oldest first: names need not be unique.
pub async fn list_by_name(tx: &mut Tx, name: &str) -> Result<Vec<Team>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, name, description, system_team, labels, created_at, updated_at, version FROM teams \
          WHERE name = $1 ORDER BY seq",
    )
    .bind(name.to_owned())
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(read).collect()
}

/// A team with how many count as its members now and how many mappings lead to it.
#[derive(Debug, Clone)]
pub struct TeamLine {
    /// The team.
    pub team: Team,
    /// Members that count now.
    pub members: i64,
    /// Mappings that lead to it.
    pub mappings: i64,
}

/// Every team, oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<TeamLine>, StoreError> {
    let rows = sqlx::query(
        "SELECT t.id, t.name, t.description, t.system_team, t.labels, t.created_at, t.updated_at, t.version, \
                (SELECT COUNT(*) FROM effective_memberships m WHERE m.team_id = t.id), \
                (SELECT COUNT(*) FROM mappings p WHERE p.team_id = t.id) \
           FROM teams t ORDER BY t.seq",
    )
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(TeamLine {
                team: read(row)?,
                members: row.try_get(8)?,
                mappings: row.try_get(9)?,
            })
        })
        .collect()
}

/// Makes a custom team.
pub async fn insert(
    tx: &mut Tx,
    name: &str,
    description: Option<&str>,
) -> Result<Team, StoreError> {
    let now = tx.now();
    let id = TeamId::new(now, tx.random());
    let seq = organization::next_seq(tx, "teams", 1).await?;
    sqlx::query(
        "INSERT INTO teams (id, seq, name, description, system_team, labels, created_at, updated_at, version) \
         VALUES ($1, $2, $3, $4, 0, '{}', $5, $5, 1)",
    )
    .bind(id.as_str().to_owned())
    .bind(seq)
    .bind(name.to_owned())
    .bind(description.map(str::to_owned))
    .bind(now.as_millis())
    .execute(tx.conn())
    .await?;
    Ok(Team {
        id,
        name: name.to_owned(),
        description: description.map(str::to_owned),
        system_team: false,
        labels: "{}".to_owned(),
        created_at: now,
        updated_at: now,
        version: 1,
    })
}
