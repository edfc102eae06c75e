//! `/api/v1/apps/{id}/group-push/mappings`.

use std::collections::HashMap;

use axum::extract::{OriginalUri, Path, Query, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use http::StatusCode;
use serde_json::Value;

use super::apps::ours;
use super::error::ApiError;
use super::page::PageRequest;
use super::{Answer, Body, id};
use crate::model::time::Timestamp;
use crate::sim::Shared;
use crate::sim::access::{Principal, Right};
use crate::sim::org::{OktaId, Org};

type App = State<std::sync::Arc<Shared>>;
type Params = Query<HashMap<String, String>>;

/// Needs the right to read groups as well as apps.
pub(super) async fn list(
    State(app): App,
    Extension(who): Extension<Principal>,
    OriginalUri(uri): OriginalUri,
    Path(raw): Path<String>,
    Query(query): Params,
) -> Answer {
    who.needs(Right::ReadApps)?;
    who.needs(Right::ReadGroups)?;
    let page = PageRequest::read(&query, 100, 1000)?;
    let org = app.org();
    ours(&org, &raw)?;
    let is = |value: &Value, name: &str| {
        query
            .get(name)
            .is_none_or(|wanted| value.get(name).and_then(Value::as_str) == Some(wanted))
    };
    let changed_since = match query.get("lastUpdated") {
        None => None,
        Some(text) => Some(
            Timestamp::parse(text).ok_or_else(|| ApiError::invalid("lastUpdated: not a date"))?,
        ),
    };
    let items = org
        .mappings()
        .filter(|mapping| page.after.is_none_or(|after| mapping.id > after))
        .filter(|mapping| changed_since.is_none_or(|since| mapping.last_updated >= since))
        .map(|mapping| (mapping.id, mapping.to_json()))
        .filter(|(_, mapping)| is(mapping, "sourceGroupId") && is(mapping, "status"));
    Ok(page.answer(items, &app.base_url, &uri, app.link_style()))
}

/// Starts pushing a group: into a new copy, or, with `targetGroupId`, into one that an import found.
pub(super) async fn create(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(raw): Path<String>,
    Body(body): Body,
) -> Answer {
    who.needs(Right::WriteApps)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let source = text("sourceGroupId")
        .ok_or_else(|| ApiError::invalid("sourceGroupId: The field cannot be left blank"))?;
    let mut org = app.org();
    ours(&org, &raw)?;
    let mapping = match text("targetGroupId") {
        Some(target) => org.link_group(id(source)?, id(target)?, false)?,
        None => org.push_group(id(source)?)?,
    };
    shown(&org, mapping)
}

pub(super) async fn show(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path((raw, mapping)): Path<(String, String)>,
) -> Answer {
    who.needs(Right::ReadApps)?;
    who.needs(Right::ReadGroups)?;
    let org = app.org();
    ours(&org, &raw)?;
    shown(&org, id(&mapping)?)
}

/// Switches a mapping on or off.
pub(super) async fn update(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path((raw, mapping)): Path<(String, String)>,
    Body(body): Body,
) -> Answer {
    who.needs(Right::WriteApps)?;
    let active = match body.get("status").and_then(Value::as_str) {
        Some("ACTIVE") => true,
        Some("INACTIVE") => false,
        _ => return Err(ApiError::invalid("status: must be ACTIVE or INACTIVE")),
    };
    let mut org = app.org();
    ours(&org, &raw)?;
    let mapping = id(&mapping)?;
    org.set_mapping_active(mapping, active)?;
    shown(&org, mapping)
}

/// Unlinks; `deleteTargetGroup=true` deletes the copy over SCIM.
pub(super) async fn unlink(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path((raw, mapping)): Path<(String, String)>,
    Query(query): Params,
) -> Answer {
    who.needs(Right::WriteApps)?;
    let mut org = app.org();
    ours(&org, &raw)?;
    let delete = query
        .get("deleteTargetGroup")
        .is_some_and(|text| text == "true");
    org.unlink_group(id(&mapping)?, delete)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn shown(org: &Org, mapping: OktaId) -> Answer {
    org.mapping(mapping)
        .map(|found| Json(found.to_json()).into_response())
        .ok_or_else(|| ApiError::not_found(&format!("{mapping} (GroupPushMapping)")))
}
