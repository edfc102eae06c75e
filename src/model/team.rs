//! Teams, and leave to change who is in them (R2).

use super::id::{TeamId, UserId};
use super::mode::OktaMode;
use super::time::Timestamp;

/// The predefined team without an active member of which nothing may leave the organization (R5).
pub const ORGANIZATION_ADMIN: &str = "01800000-0000-7000-8000-000000000001";

/// The id of the predefined team Organization Admin, the same in every store.
pub fn organization_admin() -> TeamId {
    TeamId::stored(ORGANIZATION_ADMIN.to_owned())
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name; names need not be unique.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Predefined: cannot be changed or deleted, its membership can.
    pub system_team: bool,
    /// Labels, a JSON object.
    pub labels: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its version.
    pub version: i64,
}

/// Leave to say by hand that a user is in a team or is not.
///
/// It is made inside the writing transaction from the mode read there; the store's functions for local memberships ask
/// for one, so no path can forget the rule.
#[derive(Debug)]
pub struct Permit {
    team: TeamId,
    user: UserId,
}

impl Permit {
    /// Leave under a mode: `None` while Okta is on and not hybrid, for Okta's and local users alike (R2).
    pub fn by_hand(mode: OktaMode, team: &TeamId, user: &UserId) -> Option<Self> {
        (mode != OktaMode::On).then(|| Self {
            team: team.clone(),
            user: user.clone(),
        })
    }

    /// Break-glass on the host: Organization Admin and a user just made there, only (R2).
    pub fn break_glass(new_local_user: &UserId) -> Self {
        Self {
            team: organization_admin(),
            user: new_local_user.clone(),
        }
    }

    /// The team it is for.
    pub fn team(&self) -> &TeamId {
        &self.team
    }

    /// The user it is for.
    pub fn user(&self) -> &UserId {
        &self.user
    }
}

#[cfg(test)]
mod tests {
    use super::{OktaMode, Permit, organization_admin};
    use crate::model::id::UserId;

    #[test]
    fn r2_no_permit_by_hand_while_okta_is_on() {
        let user = UserId::stored("u".to_owned());
        assert!(Permit::by_hand(OktaMode::On, &organization_admin(), &user).is_none());
        assert!(Permit::by_hand(OktaMode::Off, &organization_admin(), &user).is_some());
        assert!(Permit::by_hand(OktaMode::Hybrid, &organization_admin(), &user).is_some());
        assert_eq!(Permit::break_glass(&user).team(), &organization_admin());
    }
}
