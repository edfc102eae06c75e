//! Teams and local memberships, read-only while Okta is on (R2, R4).

use serde_json::json;

use super::membership::{Touched, settle};
use super::{Error, Service};
use crate::model::actor::Cx;
use crate::model::fold::fold;
use crate::model::id::{TeamId, UserId};
use crate::model::mapping::Mapping;
use crate::model::mode::OktaMode;
use crate::model::team::{Permit, Team};
use crate::store::teams::TeamLine;
use crate::store::{Tx, audit, in_write, local, mappings, memberships, organization, teams};

/// Longest team name, in characters.
const NAME_LIMIT: usize = 250;

/// Every team with its counts.
pub async fn list(service: &Service) -> Result<Vec<TeamLine>, Error> {
    let mut tx = service.store.read().await?;
    let lines = teams::list(&mut tx).await?;
    tx.rollback().await?;
    Ok(lines)
}

/// The team with this id, or the only one with this name.
pub async fn resolve(tx: &mut Tx, reference: &str) -> Result<Team, Error> {
    if let Some(id) = TeamId::parse(reference) {
        return teams::find(tx, &id).await?.ok_or(Error::NotFound("team"));
    }
    let mut named = teams::list_by_name(tx, reference).await?;
    match (named.pop(), named.is_empty()) {
        (Some(team), true) => Ok(team),
        (Some(_), false) => Err(Error::Conflict(format!(
            "several teams are named {reference:?}: give an id"
        ))),
        (None, _) => Err(Error::NotFound("team")),
    }
}

/// Makes a custom team.
pub async fn create(
    service: &Service,
    cx: &Cx,
    name: &str,
    description: Option<&str>,
) -> Result<Team, Error> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > NAME_LIMIT || name.contains(char::is_control) {
        return Err(Error::Invalid(format!(
            "a team's name has 1 to {NAME_LIMIT} characters and no control characters"
        )));
    }
    in_write!(service.store, |tx| {
        let team = teams::insert(tx, name, description).await?;
        let entry = audit::Entry {
            action: "team.created",
            object_kind: "team",
            object_id: team.id.to_string(),
            before: None,
            after: Some(json!({"name": name, "description": description})),
        };
        audit::insert(tx, cx, &[entry]).await?;
        Ok::<_, Error>(team)
    })
}

/// Puts a user into a team by hand.
///
/// # Errors
/// [`Error::ManagedByOkta`] while Okta is on and not hybrid (R2).
pub async fn add_member(
    service: &Service,
    cx: &Cx,
    team: &TeamId,
    user: &UserId,
) -> Result<(), Error> {
    change_member(service, cx, team, user, true).await
}

/// Takes a user's local membership of a team away.
///
/// # Errors
/// [`Error::ManagedByOkta`] while Okta is on and not hybrid (R2), and in hybrid where the membership is only derived (R4);
/// [`Error::LastAdmin`] (R5).
pub async fn remove_member(
    service: &Service,
    cx: &Cx,
    team: &TeamId,
    user: &UserId,
) -> Result<(), Error> {
    change_member(service, cx, team, user, false).await
}

async fn change_member(
    service: &Service,
    cx: &Cx,
    team: &TeamId,
    user: &UserId,
    add: bool,
) -> Result<(), Error> {
    in_write!(service.store, |tx| {
        let found = teams::find(tx, team)
            .await?
            .ok_or(Error::NotFound("team"))?;
        let known = memberships::standings(tx, &[user.clone()].into()).await?;
        if known.is_empty() {
            return Err(Error::NotFound("user"));
        }
        let mode = organization::find(tx).await?.mode;
        let Some(permit) = Permit::by_hand(mode, team, user) else {
            return Err(managed(tx, &found).await?);
        };
        let pair = [(team.clone(), user.clone())].into();
        let counted = !memberships::effective_of(tx, &pair).await?.is_empty();
        let changed = if add {
            local::insert(tx, &permit).await?
        } else {
            local::remove(tx, &permit).await?
        };
        if !add && !changed {
            if mode == OktaMode::Hybrid && local::is_derived(tx, team, user).await? {
                return Err(managed(tx, &found).await?);
            }
            return Err(Error::NotFound("membership"));
        }
        if add && !changed {
            return Err(Error::Conflict(
                "the user is in that team already".to_owned(),
            ));
        }
        let counts = !memberships::effective_of(tx, &pair).await?.is_empty();
        let mut touched = Touched::default();
        match (counted, counts) {
            (false, true) => touched.given = pair,
            (true, false) => touched.taken = pair,
            // A local row beside a derived one, or of somebody inactive, changes nothing that counts.
            _ => audit::insert(tx, cx, &[uncounted(team, user, add)]).await?,
        }
        settle(service, tx, cx, &touched).await?;
        Ok(())
    })
}

fn uncounted(team: &TeamId, user: &UserId, add: bool) -> audit::Entry {
    let row = json!({"team": team, "user": user, "origin": "local", "counts": false});
    audit::Entry {
        action: if add {
            "membership.noted"
        } else {
            "membership.dropped"
        },
        object_kind: "team",
        object_id: team.to_string(),
        before: (!add).then(|| row.clone()),
        after: add.then_some(row),
    }
}

/// The refusal of R2: Okta manages membership, and these mappings lead to the team, or none does.
async fn managed(tx: &mut Tx, team: &Team) -> Result<Error, Error> {
    let to_team = mappings::list_to_team(tx, &team.id).await?;
    let names: Vec<String> = to_team.iter().map(mapping_name).collect();
    let detail = if names.is_empty() {
        format!(
            "Okta manages membership, and no mapping leads to the team {}: map a group to it, or switch Okta off.",
            team.name
        )
    } else {
        format!(
            "Okta manages membership. The team {} follows the groups {}.",
            team.name,
            names.join(", ")
        )
    };
    Ok(Error::ManagedByOkta {
        detail,
        mappings: to_team,
    })
}

fn mapping_name(mapping: &Mapping) -> String {
    format!(
        "{:?}",
        mapping.group_name.as_deref().unwrap_or(&mapping.written)
    )
}

/// Break-glass on the host: a new local user in Organization Admin, in every mode (R2).
pub async fn create_admin(
    service: &Service,
    cx: &Cx,
    email: &str,
    name: &str,
) -> Result<UserId, Error> {
    let folded = fold(email);
    if !folded.contains('@') || email.len() > NAME_LIMIT || email.contains(char::is_control) {
        return Err(Error::Invalid(format!(
            "{email:?} is not an e-mail address"
        )));
    }
    in_write!(service.store, |tx| {
        if let Some((_, origin)) = local::find_bearer(tx, &folded).await? {
            return Err(Error::Conflict(format!(
                "{email} is the userName of a user already (origin {origin}): break-glass makes a new local user only"
            )));
        }
        let id = UserId::new(tx.now(), tx.random());
        let seq = organization::next_seq(tx, "users", 1).await?;
        if !local::insert_user(tx, &id, seq, email.trim(), &folded, name).await? {
            return Err(Error::Conflict(format!("{email} is taken")));
        }
        let permit = Permit::break_glass(&id);
        local::insert(tx, &permit).await?;
        let entry = audit::Entry {
            action: "admin.created",
            object_kind: "user",
            object_id: id.to_string(),
            before: None,
            after: Some(json!({"userName": email, "team": permit.team()})),
        };
        audit::insert(tx, cx, &[entry]).await?;
        let given = [(permit.team().clone(), id.clone())].into();
        settle(
            service,
            tx,
            cx,
            &Touched {
                given,
                ..Touched::default()
            },
        )
        .await?;
        Ok(id)
    })
}
