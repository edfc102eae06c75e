//! Mappings of IdP groups to teams (R17), and the last one that must stay while Okta is on (R3).

use serde_json::json;

use super::membership::{Touched, settle};
use super::{Error, Service, binding, groups as known, teams};
use crate::model::actor::Cx;
use crate::model::group::IdpGroup;
use crate::model::id::{GroupId, MappingId, OktaGroupId};
use crate::model::mapping::Mapping;
use crate::store::rereads::{self, Target};
use crate::store::{Tx, audit, bindings, groups, in_write, mappings, organization};

/// Longest group name, in characters.
const NAME_LIMIT: usize = 512;

/// Every mapping, oldest first.
pub async fn list(service: &Service) -> Result<Vec<Mapping>, Error> {
    let mut tx = service.store.read().await?;
    let found = mappings::list(&mut tx).await?;
    tx.rollback().await?;
    Ok(found)
}

/// Maps a group to a team. The group is named by our id, by its Okta id, or by its exact name; a name that no group has
/// yet waits for one.
///
/// # Errors
/// [`Error::NotFound`] for a team, or an id of a group, that is not there; [`Error::Conflict`] where the team has that
/// mapping already; [`Error::Invalid`] for an APP_GROUP named by its name, and for our own echo (R17).
pub async fn add(service: &Service, cx: &Cx, group: &str, team: &str) -> Result<Mapping, Error> {
    if group.trim().is_empty()
        || group.chars().count() > NAME_LIMIT
        || group.contains(char::is_control)
    {
        return Err(Error::Invalid(format!(
            "a group is named by its id, or by a name of 1 to {NAME_LIMIT} characters"
        )));
    }
    let app_id = service.settings().app_id.clone();
    in_write!(service.store, |tx| {
        let team = teams::resolve(tx, team).await?;
        let (found, written) = find_group(tx, group, app_id.as_deref()).await?;
        if let Some(group) = &found {
            refuse_echo(group, app_id.as_deref())?;
            read_at_once(tx, group).await?;
        }
        let bound = found.as_ref().map(|group| &group.id);
        let Some(id) = mappings::insert(tx, &team.id, bound, &written, &cx.actor).await? else {
            return Err(Error::Conflict(format!(
                "{written:?} is mapped to the team {} already",
                team.name
            )));
        };
        let touched = Touched {
            teams: [team.id.clone()].into(),
            ..Touched::default()
        };
        settle(service, tx, cx, &touched).await?;
        let mapping = mappings::find(tx, &id)
            .await?
            .ok_or(Error::NotFound("mapping"))?;
        log(tx, cx, "mapping.added", &mapping).await?;
        Ok(mapping)
    })
}

/// The group a reference means, and what is written down for it.
async fn find_group(
    tx: &mut Tx,
    reference: &str,
    app_id: Option<&str>,
) -> Result<(Option<IdpGroup>, String), Error> {
    if let Some(id) = GroupId::parse(reference) {
        let group = groups::find(tx, &id)
            .await?
            .filter(|group| !group.gone())
            .ok_or(Error::NotFound("group"))?;
        let name = group.name().to_owned();
        return Ok((Some(group), name));
    }
    let okta_id = OktaGroupId::parse(reference).filter(|id| id.as_str().starts_with("00g"));
    if let Some(id) = okta_id {
        if let Some(group) = groups::find_by_okta_id(tx, &id).await? {
            let name = group.name().to_owned();
            return Ok((Some(group), name));
        }
        // `00g` and 17 more is an id and no name: nothing would ever bind what waited for it.
        if reference.len() == 20 {
            return Err(Error::Invalid(format!(
                "no group with the Okta id {reference} has been read yet: `rosterd sync --full` reads them all"
            )));
        }
    }
    let mut named = bindings::find_named(tx, reference).await?;
    if let [only] = named.as_slice() {
        refuse_echo(only, app_id)?;
    }
    named.retain(|group| !known::is_echo(group, app_id));
    if let Some(group) = binding::target(&named) {
        return Ok((Some(group.clone()), reference.to_owned()));
    }
    if let [only] = named.as_slice() {
        let id = only
            .okta
            .as_ref()
            .map_or_else(|| only.id.to_string(), |side| side.id.to_string());
        return Err(Error::Invalid(format!(
            "{reference:?} comes from a directory or an app (APP_GROUP): map it by its id, {id}"
        )));
    }
    Ok((None, reference.to_owned()))
}

/// What this app's pushes made in Okta is our own echo: mapping it would go round in a circle.
fn refuse_echo(group: &IdpGroup, app_id: Option<&str>) -> Result<(), Error> {
    if known::is_echo(group, app_id) {
        return Err(Error::Invalid(
            "this group is what Okta made of our own groups: map the group it came from".to_owned(),
        ));
    }
    Ok(())
}

async fn read_at_once(tx: &mut Tx, group: &IdpGroup) -> Result<(), Error> {
    let Some(okta) = &group.okta else {
        return Ok(());
    };
    if !binding::forget_members(tx, group).await? {
        return Ok(());
    }
    let target = Target::Group(okta.id.clone());
    Ok(rereads::insert_many(tx, &[(target, "a mapping was added")]).await?)
}

/// Removes a mapping.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for the last mapping that leads somebody somewhere while Okta is on (R3);
/// [`Error::LastAdmin`] (R5).
pub async fn remove(service: &Service, cx: &Cx, id: &MappingId) -> Result<Mapping, Error> {
    in_write!(service.store, |tx| {
        let mapping = mappings::find(tx, id)
            .await?
            .ok_or(Error::NotFound("mapping"))?;
        let on = organization::find(tx).await?.mode.derived_counts();
        if on
            && mappings::count_live(tx, None).await? > 0
            && mappings::count_live(tx, Some(id)).await? == 0
        {
            return Err(Error::Invalid(
                "this is the last mapping of a group with an active member, and Okta is on: add another first, or \
                 switch Okta off with `rosterd okta disable`"
                    .to_owned(),
            ));
        }
        mappings::remove(tx, &mapping).await?;
        let touched = Touched {
            teams: [mapping.team.clone()].into(),
            ..Touched::default()
        };
        settle(service, tx, cx, &touched).await?;
        log(tx, cx, "mapping.removed", &mapping).await?;
        Ok(mapping)
    })
}

async fn log(tx: &mut Tx, cx: &Cx, action: &'static str, mapping: &Mapping) -> Result<(), Error> {
    let row = json!({"team": mapping.team, "group": mapping.group, "written": mapping.written});
    let added = action == "mapping.added";
    let entry = audit::Entry {
        action,
        object_kind: "mapping",
        object_id: mapping.id.to_string(),
        before: (!added).then(|| row.clone()),
        after: added.then_some(row),
    };
    Ok(audit::insert(tx, cx, &[entry]).await?)
}
