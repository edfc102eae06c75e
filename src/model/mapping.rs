//! A mapping of an IdP group to a team (R17).

use serde::Serialize;

use super::id::{GroupId, MappingId, TeamId};
use super::time::Timestamp;

/// Where a mapping stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingState {
    /// Bound to a group whose members are known.
    Bound,
    /// Bound to a group of Okta's whose members have not been read yet: unknown.
    Reading,
    /// Written by a name that no group, or more than one, has.
    Unbound,
    /// Its group is gone on both sides; it binds to no newcomer.
    Gone,
}

/// A mapping with what it leads from and to.
#[derive(Debug, Clone, Serialize)]
pub struct Mapping {
    /// Its id.
    pub id: MappingId,
    /// The team it leads to.
    pub team: TeamId,
    /// That team's name.
    pub team_name: String,
    /// The group it is bound to.
    pub group: Option<GroupId>,
    /// The group's name as the admin wrote it.
    pub written: String,
    /// The group's present name.
    pub group_name: Option<String>,
    /// Where it stands.
    pub state: MappingState,
    /// How many members the group has, here or not.
    pub members: i64,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}
