//! `/api/v1/apps/{id}`: app users and assigned groups.

use std::collections::HashMap;

use axum::extract::{OriginalUri, Path, Query, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use http::StatusCode;
use serde_json::{Value, json};

use super::error::ApiError;
use super::page::PageRequest;
use super::{Answer, Body, OptionalBody, id};
use crate::sim::Shared;
use crate::sim::access::{Principal, Right};
use crate::sim::org::{AppUser, OktaId, Org};

type App = State<std::sync::Arc<Shared>>;
type Params = Query<HashMap<String, String>>;

pub(super) async fn show(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(raw): Path<String>,
) -> Answer {
    who.needs(Right::ReadApps)?;
    let org = app.org();
    ours(&org, &raw)?;
    Ok(Json(org.app().to_json()).into_response())
}

pub(super) async fn users(
    State(app): App,
    Extension(who): Extension<Principal>,
    OriginalUri(uri): OriginalUri,
    Path(raw): Path<String>,
    Query(query): Params,
) -> Answer {
    who.needs(Right::ReadApps)?;
    let page = PageRequest::read(&query, 50, 500)?;
    let org = app.org();
    ours(&org, &raw)?;
    let prefix = query.get("q").map(|q| q.to_lowercase());
    let expand = query.get("expand").is_some_and(|expand| expand == "user");
    let items = org
        .app_users(page.after)
        .filter(|app_user| {
            let login = org
                .user(app_user.user)
                .map(|user| user.profile.login().to_lowercase())
                .unwrap_or_default();
            prefix
                .as_ref()
                .is_none_or(|prefix| login.starts_with(prefix))
        })
        .filter_map(|app_user| Some((app_user.user, shown(&org, app_user, expand)?)));
    Ok(page.answer(items, &app.base_url, &uri, app.link_style()))
}

pub(super) async fn user(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path((raw, user)): Path<(String, String)>,
    Query(query): Params,
) -> Answer {
    who.needs(Right::ReadApps)?;
    let org = app.org();
    ours(&org, &raw)?;
    let expand = query.get("expand").is_some_and(|expand| expand == "user");
    let found = org
        .app_user(id(&user)?)
        .and_then(|app_user| shown(&org, app_user, expand));
    found
        .map(|found| Json(found).into_response())
        .ok_or_else(|| ApiError::not_found(&format!("{user} (AppUser)")))
}

/// Assigns a person by hand. The body's `id` names who; its `profile` overrides nothing, because the app's mappings have
/// the last word.
pub(super) async fn assign(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(raw): Path<String>,
    Body(body): Body,
) -> Answer {
    who.needs(Right::WriteApps)?;
    let user = body
        .get("id")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::invalid("id: The field cannot be left blank"))?;
    let mut org = app.org();
    ours(&org, &raw)?;
    let user = id(user)?;
    org.assign_user(user)?;
    answer_app_user(&org, user)
}

/// Gives a person attributes of the app's own.
pub(super) async fn update_user(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path((raw, user)): Path<(String, String)>,
    Body(body): Body,
) -> Answer {
    who.needs(Right::WriteApps)?;
    let mut org = app.org();
    ours(&org, &raw)?;
    let user = id(&user)?;
    if let Some(profile) = body.get("profile").and_then(Value::as_object) {
        org.set_app_user_profile(user, profile)?;
    }
    answer_app_user(&org, user)
}

fn answer_app_user(org: &Org, user: OktaId) -> Answer {
    let found = org
        .app_user(user)
        .and_then(|app_user| shown(org, app_user, false));
    found
        .map(|found| Json(found).into_response())
        .ok_or_else(|| ApiError::not_found("AppUser"))
}

pub(super) async fn unassign(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path((raw, user)): Path<(String, String)>,
) -> Answer {
    who.needs(Right::WriteApps)?;
    let mut org = app.org();
    ours(&org, &raw)?;
    org.unassign_user(id(&user)?)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn groups(
    State(app): App,
    Extension(who): Extension<Principal>,
    OriginalUri(uri): OriginalUri,
    Path(raw): Path<String>,
    Query(query): Params,
) -> Answer {
    who.needs(Right::ReadApps)?;
    let page = PageRequest::read(&query, 20, 200)?;
    // The smallest page is 20.
    let page = PageRequest {
        limit: page.limit.max(20),
        ..page
    };
    let org = app.org();
    ours(&org, &raw)?;
    let mut assigned: Vec<(usize, OktaId)> = org.app().groups.iter().copied().enumerate().collect();
    assigned.sort_by_key(|(_, group)| *group);
    let items = assigned
        .into_iter()
        .filter(|(_, group)| page.after.is_none_or(|after| *group > after))
        .map(|(priority, group)| {
            (
                group,
                json!({"id": group, "priority": priority, "profile": {}}),
            )
        });
    Ok(page.answer(items, &app.base_url, &uri, app.link_style()))
}

pub(super) async fn assign_group(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path((raw, group)): Path<(String, String)>,
    OptionalBody(body): OptionalBody,
) -> Answer {
    who.needs(Right::WriteApps)?;
    let mut org = app.org();
    ours(&org, &raw)?;
    let assigned = id(&group)?;
    org.assign_group(assigned)?;
    let profile = body.and_then(|body| body.get("profile")?.as_object().cloned());
    if let Some(profile) = &profile {
        org.set_app_group_profile(assigned, profile)?;
    }
    Ok(Json(json!({"id": group, "profile": profile.unwrap_or_default()})).into_response())
}

pub(super) async fn unassign_group(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path((raw, group)): Path<(String, String)>,
) -> Answer {
    who.needs(Right::WriteApps)?;
    let mut org = app.org();
    ours(&org, &raw)?;
    org.unassign_group(id(&group)?)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) fn ours(org: &Org, raw: &str) -> Result<(), ApiError> {
    if org.app().id.as_str() == raw {
        Ok(())
    } else {
        Err(ApiError::not_found(&format!("{raw} (AppInstance)")))
    }
}

fn shown(org: &Org, app_user: &AppUser, expand: bool) -> Option<Value> {
    let user = org.user(app_user.user)?;
    let mut shown = app_user.to_json(&user.profile);
    if let (true, Some(map)) = (expand, shown.as_object_mut()) {
        map.insert("_embedded".into(), json!({"user": user.to_json()}));
    }
    Some(shown)
}
