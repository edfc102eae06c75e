//! Joining the two sides of a group (R17): SCIM's and Okta's.
//!
//! Joined by Okta's own push mapping (a) or by an admin (c), two rows are given to [`unite`]. By name (b) only while no
//! `app_id` says better: [`decide`] is that rule.

use serde_json::json;

use super::Error;
use super::membership::Touched;
use crate::model::actor::Cx;
use crate::model::group::{IdpGroup, JoinedBy, OktaSide};
use crate::model::id::GroupId;
use crate::model::time::Timestamp;
use crate::store::audit::{self, Entry};
use crate::store::{Tx, bindings, group_sides, groups, problems};

/// What equal names come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing to join.
    Nothing,
    /// This Okta side belongs to the one SCIM group.
    Join(GroupId),
    /// More than one candidate: nothing is joined, and a problem says so.
    Ambiguous,
}

/// Which Okta side a SCIM group made at `made` joins, of all groups whose Okta side bears exactly its name: the only
/// OKTA_GROUP or BUILT_IN, if it was there first. What Okta made later is another group; and when it was made must be
/// known (R8).
pub fn decide(named: &[IdpGroup], made: Timestamp) -> Decision {
    let mut candidates = named.iter().filter(|group| {
        let side = group.okta.as_ref();
        !group.scim && !group.parted && side.is_some_and(OktaSide::binds_by_name)
    });
    match (candidates.next(), candidates.next()) {
        (None, _) => Decision::Nothing,
        (Some(_), Some(_)) => Decision::Ambiguous,
        (Some(only), None) => {
            let created = only.okta.as_ref().and_then(|side| side.created_at);
            if created.is_some_and(|created| created < made) {
                Decision::Join(only.id.clone())
            } else {
                Decision::Nothing
            }
        }
    }
}

/// The Okta group that a SCIM group of this name made at `made` joins; raises or clears the problem of an ambiguous name.
///
/// # Errors
/// Those of the store.
pub async fn find_partner(
    tx: &mut Tx,
    name: &str,
    made: Timestamp,
) -> Result<Option<IdpGroup>, Error> {
    let named = groups::find_by_okta_name(tx, name).await?;
    match decide(&named, made) {
        Decision::Nothing => Ok(None),
        Decision::Join(id) => {
            problems::remove(tx, AMBIGUOUS, name).await?;
            Ok(named.into_iter().find(|group| group.id == id))
        }
        Decision::Ambiguous => {
            let detail = format!(
                "More than one group of Okta's is called {name:?}; join the right one with `rosterd groups join`."
            );
            problems::insert(tx, AMBIGUOUS, name, &detail).await?;
            Ok(None)
        }
    }
}

/// Ends the problem of an ambiguous name, once fewer than two groups of Okta's that could be joined bear it.
///
/// # Errors
/// Those of the store.
pub async fn look_again(tx: &mut Tx, name: &str) -> Result<(), Error> {
    let named = groups::find_by_okta_name(tx, name).await?;
    // When a SCIM group was made does not tell one candidate from several.
    if decide(&named, Timestamp::default()) != Decision::Ambiguous {
        problems::remove(tx, AMBIGUOUS, name).await?;
    }
    Ok(())
}

pub(super) const AMBIGUOUS: &str = "group_ambiguous";

/// Joins a group with one side to the one that has the other and first bears the same name (b). Gives the united group,
/// which has the SCIM side's id; `None`: nothing was joined. Not to be asked where `app_id` is set.
///
/// # Errors
/// Those of the store.
pub async fn by_name(
    tx: &mut Tx,
    cx: &Cx,
    group: &IdpGroup,
    touched: &mut Touched,
) -> Result<Option<IdpGroup>, Error> {
    let (scim, name) = match (&group.scim_name, &group.okta) {
        _ if group.parted => return Ok(None),
        (Some(name), None) if group.scim => (group.clone(), name.clone()),
        (None, Some(side)) if !group.scim => {
            let same = groups::find_by_scim_name(tx, &side.name).await?;
            let mut same = same.into_iter().filter(|other| {
                other.scim_name.as_deref() == Some(side.name.as_str())
                    && other.okta.is_none()
                    && !other.parted
            });
            match (same.next(), same.next()) {
                (Some(only), None) => (only, side.name.clone()),
                _ => return Ok(None),
            }
        }
        _ => return Ok(None),
    };
    match find_partner(tx, &name, scim.created_at).await? {
        None => Ok(None),
        Some(okta) => {
            let united = unite(tx, cx, &scim, &okta, JoinedBy::Name, touched).await?;
            Ok(Some(united))
        }
    }
}

/// Unites a group that has only a SCIM side with one that has only an Okta side: the SCIM id is kept, edges and mappings
/// are united, the other row goes.
///
/// # Errors
/// [`Error::Conflict`] when one of them has both sides or lacks its own; those of the store.
pub async fn unite(
    tx: &mut Tx,
    cx: &Cx,
    scim: &IdpGroup,
    okta: &IdpGroup,
    by: JoinedBy,
    touched: &mut Touched,
) -> Result<IdpGroup, Error> {
    if !scim.scim || scim.okta.is_some() || okta.scim || okta.okta.is_none() {
        return Err(Error::Conflict(
            "only a group with nothing but a SCIM side and one with nothing but an Okta side can be joined"
                .to_owned(),
        ));
    }
    touched
        .teams
        .extend(bindings::list_teams(tx, &scim.id).await?);
    touched
        .teams
        .extend(bindings::list_teams(tx, &okta.id).await?);
    let joined = IdpGroup {
        okta: okta.okta.clone(),
        members_read_at: okta.members_read_at,
        joined_by: Some(by),
        parted: false,
        ..scim.clone()
    };
    let joined = group_sides::unite(tx, &joined, okta).await?;
    let dropped = bindings::repoint(tx, &okta.id, &scim.id).await?;
    groups::remove(tx, &okta.id).await?;
    let mut entries = vec![Entry {
        action: "group.joined",
        object_kind: "group",
        object_id: joined.id.to_string(),
        before: Some(json!({ "scim": scim.id, "okta": okta.id })),
        after: Some(json!({
            "oktaId": joined.okta.as_ref().map(|side| &side.id),
            "joinedBy": by,
        })),
    }];
    entries.extend(dropped.iter().map(|mapping| Entry {
        action: "mapping.merged",
        object_kind: "mapping",
        object_id: mapping.id.to_string(),
        before: Some(json!({ "group": okta.id, "team": mapping.team })),
        after: None,
    }));
    audit::insert(tx, cx, &entries).await?;
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::{Decision, decide};
    use crate::model::group::{IdpGroup, OktaSide};
    use crate::model::id::{GroupId, OktaGroupId};
    use crate::model::random::SeededRandom;
    use crate::model::time::Timestamp;

    fn okta(seed: u64, kind: &str, created: Option<i64>) -> IdpGroup {
        let at = Timestamp::default();
        IdpGroup {
            id: GroupId::new(at, &SeededRandom::new(seed)),
            seq: 1,
            scim: false,
            scim_name: None,
            external_id: None,
            resource: "{}".to_owned(),
            okta: OktaGroupId::parse("00g1").map(|id| OktaSide {
                id,
                kind: kind.to_owned(),
                name: "Admins".to_owned(),
                description: None,
                source: None,
                created_at: created.map(Timestamp::from_millis),
            }),
            members_read_at: None,
            joined_by: None,
            parted: false,
            member_count: 0,
            created_at: at,
            updated_at: at,
            version: 1,
        }
    }

    #[test]
    fn r17_one_okta_group_made_before_the_scim_group_is_joined_by_name() {
        let made = Timestamp::from_millis(100);
        let only = okta(1, "OKTA_GROUP", Some(99));
        let join = Decision::Join(only.id.clone());
        assert_eq!(decide(std::slice::from_ref(&only), made), join);
        let ad = okta(2, "APP_GROUP", Some(1));
        assert_eq!(decide(&[ad.clone(), only.clone()], made), join);
        assert_eq!(decide(&[ad], made), Decision::Nothing);
        let twin = okta(3, "BUILT_IN", Some(1));
        assert_eq!(decide(&[only.clone(), twin], made), Decision::Ambiguous);
        for later in [Some(100), Some(101), None] {
            let named = [okta(4, "OKTA_GROUP", later)];
            assert_eq!(decide(&named, made), Decision::Nothing, "{later:?}");
        }
        let parted = IdpGroup {
            parted: true,
            ..only
        };
        assert_eq!(decide(&[parted], made), Decision::Nothing);
    }
}
