//! An Okta group against its row.

use super::change::{Change, Planned};
use crate::model::group::{IdpGroup, OktaSide};
use crate::model::time::Timestamp;

/// Whether a group is our own push come back: an APP_GROUP whose source is the app that provisions us (R17).
pub fn is_echo(side: &OktaSide, app_id: Option<&str>) -> bool {
    side.kind == "APP_GROUP" && app_id.is_some() && side.source.as_deref() == app_id
}

/// What a group as read asks for.
pub fn plan(
    row: Option<&IdpGroup>,
    side: &OktaSide,
    app_id: Option<&str>,
    at: Timestamp,
) -> Option<Planned> {
    match row {
        None if is_echo(side, app_id) => None,
        None => Some(Planned::give(
            Change::CreateGroup {
                okta: Box::new(side.clone()),
            },
            at,
            "a group in Okta that is not known here",
        )),
        Some(row) if row.okta.as_ref() == Some(side) => None,
        Some(row) => Some(Planned::give(
            Change::UpdateGroup {
                group: row.id.clone(),
                okta: Box::new(side.clone()),
            },
            at,
            "its name, description or type is another in Okta now",
        )),
    }
}

/// What a confirmed 404 asks for.
pub fn gone(row: &IdpGroup, at: Timestamp) -> Option<Planned> {
    let side = row.okta.as_ref()?;
    Some(Planned::take(
        Change::OktaSideGone {
            group: row.id.clone(),
            okta_id: side.id.clone(),
            name: side.name.clone(),
        },
        at,
        "Okta has this group no more (404 by id)",
    ))
}
