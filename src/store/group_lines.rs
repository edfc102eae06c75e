//! IdP groups as admins see them: both sides, members, mappings.

use sqlx::Row as _;

use super::{StoreError, Tx};
use crate::model::id::GroupId;
use crate::model::time::Timestamp;

/// A group in one line.
#[derive(Debug, Clone, serde::Serialize)]
pub struct GroupLine {
    /// Our id.
    pub id: GroupId,
    /// Order of creation.
    pub seq: i64,
    /// The name mappings bind by: Okta's where there is an Okta side (R17).
    pub name: String,
    /// Whether it has a SCIM side, and that side's name.
    pub scim_name: Option<String>,
    /// Its id in Okta.
    pub okta_id: Option<String>,
    /// OKTA_GROUP, BUILT_IN, APP_GROUP.
    pub okta_type: Option<String>,
    /// Its name in Okta.
    pub okta_name: Option<String>,
    /// What joined its sides.
    pub joined_by: Option<String>,
    /// Members, here or not.
    pub members: i64,
    /// When they were last read whole from Okta.
    pub members_read_at: Option<Timestamp>,
    /// Mappings that lead from it.
    pub mappings: i64,
    /// Neither side is left.
    pub gone: bool,
}

/// Groups numbered above `after`, in order of creation.
pub async fn list(tx: &mut Tx, after: i64, limit: i64) -> Result<Vec<GroupLine>, StoreError> {
    let rows = sqlx::query(
        "SELECT g.id, g.seq, g.scim, g.scim_name, g.okta_id, g.okta_type, g.okta_name, g.joined_by, g.member_count, \
                g.members_read_at, (SELECT COUNT(*) FROM mappings p WHERE p.group_id = g.id) \
           FROM idp_groups g WHERE g.seq > $1 ORDER BY g.seq LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            let scim = row.try_get::<i64, _>(2)? == 1;
            let scim_name: Option<String> = row.try_get(3)?;
            let okta_id: Option<String> = row.try_get(4)?;
            let okta_name: Option<String> = row.try_get(6)?;
            Ok(GroupLine {
                id: GroupId::stored(row.try_get(0)?),
                seq: row.try_get(1)?,
                name: okta_name
                    .clone()
                    .or_else(|| scim_name.clone())
                    .unwrap_or_default(),
                gone: !scim && okta_id.is_none(),
                scim_name: scim_name.filter(|_| scim),
                okta_id,
                okta_type: row.try_get(5)?,
                okta_name,
                joined_by: row.try_get(7)?,
                members: row.try_get(8)?,
                members_read_at: row
                    .try_get::<Option<i64>, _>(9)?
                    .map(Timestamp::from_millis),
                mappings: row.try_get(10)?,
            })
        })
        .collect()
}
