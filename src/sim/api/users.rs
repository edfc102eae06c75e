//! `/api/v1/users`.

use std::collections::HashMap;

use axum::extract::{OriginalUri, Path, Query, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::fields::Shown;
use super::filter::{Filter, Op};
use super::page::PageRequest;
use super::{Answer, Body, id};
use crate::sim::Shared;
use crate::sim::access::{Principal, Right};
use crate::sim::org::{OktaId, Org, OrgError, Profile, User, UserStatus};

type App = State<std::sync::Arc<Shared>>;
type Params = Query<HashMap<String, String>>;

/// The plain list and `q` leave DEPROVISIONED people out; `filter` and `search` include them.
pub(super) async fn list(
    State(app): App,
    Extension(who): Extension<Principal>,
    OriginalUri(uri): OriginalUri,
    Query(query): Params,
    headers: HeaderMap,
) -> Answer {
    who.needs(Right::ReadUsers)?;
    let parts = Shown::read(query.get("fields"), &headers)?;
    let by_prefix = query.get("q").map(|q| q.to_lowercase());
    let page = PageRequest::read(&query, if by_prefix.is_some() { 10 } else { 200 }, 200)?;
    let filter = expression(&query)?;
    let org = app.org();
    let after = page.after;
    let everybody: Box<dyn Iterator<Item = &User>> = if filter.is_some() || by_prefix.is_some() {
        Box::new(org.users_indexed(after))
    } else {
        Box::new(org.users_after(after))
    };
    let found = everybody.filter(|user| {
        let wanted = match &filter {
            Some(filter) => filter.matches(&|name: &str| attribute(user, name)),
            None => user.status != UserStatus::Deprovisioned,
        };
        wanted
            && who.sees_user(&org, user.id)
            && by_prefix
                .as_ref()
                .is_none_or(|prefix| has_prefix(user, prefix))
    });
    if by_prefix.is_some() {
        let found: Vec<Value> = found
            .take(page.limit)
            .map(|user| parts.of(user.to_json()))
            .collect();
        return Ok(Json(found).into_response());
    }
    let items = found.map(|user| (user.id, parts.of(user.to_json())));
    Ok(page.answer(items, &app.base_url, &uri, app.link_style()))
}

pub(super) async fn show(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(raw): Path<String>,
    headers: HeaderMap,
) -> Answer {
    who.needs(Right::ReadUsers)?;
    let parts = Shown::read(None, &headers)?;
    if raw == "me" {
        // An SSWS token answers with the admin who made it; a service app has no "me".
        return who
            .admin_json()
            .map(|me| Json(me).into_response())
            .ok_or_else(|| ApiError::not_found("me (User)"));
    }
    let org = app.org();
    let user = visible(&org, &who, &raw)?;
    let etag = format!("W/\"{}\"", user.last_updated.as_millis());
    Ok(([(http::header::ETAG, etag)], Json(parts.of(user.to_json()))).into_response())
}

pub(super) async fn groups(
    State(app): App,
    Extension(who): Extension<Principal>,
    OriginalUri(uri): OriginalUri,
    Path(raw): Path<String>,
    Query(query): Params,
) -> Answer {
    who.needs(Right::ReadUsers)?;
    let page = PageRequest::read(&query, 200, 200)?;
    let org = app.org();
    let user = visible(&org, &who, &raw)?;
    let items = org
        .groups()
        .filter(|group| page.after.is_none_or(|after| group.id > after))
        .filter(|group| group.members().contains(&user.id) && who.sees_group(group))
        .map(|group| (group.id, group.to_json(group.facts(), &app.base_url)));
    Ok(page.answer(items, &app.base_url, &uri, app.link_style()))
}

pub(super) async fn create(
    State(app): App,
    Extension(who): Extension<Principal>,
    Query(query): Params,
    Body(body): Body,
) -> Answer {
    who.needs(Right::WriteUsers)?;
    let profile = profile(&body)?;
    let activate = query.get("activate").is_none_or(|text| text == "true");
    let has_password = body.pointer("/credentials/password").is_some();
    let mut org = app.org();
    let id = org.create_user(Profile(profile.clone()), activate)?;
    if activate && !has_password {
        // Activated without a password: the person has not completed setup yet.
        org.set_sign_in_status(id, UserStatus::Provisioned)?;
    }
    shown(&org, id)
}

/// PUT: attributes that are not named are cleared, but for the login.
pub(super) async fn replace(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(raw): Path<String>,
    Body(body): Body,
) -> Answer {
    who.needs(Right::WriteUsers)?;
    let mut changes = profile(&body)?.clone();
    let mut org = app.org();
    let user = visible(&org, &who, &raw)?;
    let id = user.id;
    for name in user.profile.0.keys().filter(|name| *name != "login") {
        changes.entry(name.clone()).or_insert(Value::Null);
    }
    org.update_profile(id, &changes)?;
    shown(&org, id)
}

/// POST: only what is named changes.
pub(super) async fn update(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(raw): Path<String>,
    Body(body): Body,
) -> Answer {
    who.needs(Right::WriteUsers)?;
    let mut org = app.org();
    let id = visible(&org, &who, &raw)?.id;
    org.update_profile(id, profile(&body)?)?;
    shown(&org, id)
}

/// The first DELETE deactivates, the second removes for good.
pub(super) async fn delete(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(raw): Path<String>,
) -> Answer {
    who.needs(Right::WriteUsers)?;
    let mut org = app.org();
    let user = visible(&org, &who, &raw)?;
    let (id, status) = (user.id, user.status);
    if status == UserStatus::Deprovisioned {
        org.delete_user(id)?;
    } else {
        org.deactivate(id)?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn lifecycle(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path((raw, verb)): Path<(String, String)>,
) -> Answer {
    who.needs(Right::WriteUsers)?;
    let mut org = app.org();
    let id = visible(&org, &who, &raw)?.id;
    let done: Result<(), OrgError> = match verb.as_str() {
        "activate" | "reactivate" => org.activate(id),
        "deactivate" => org.deactivate(id),
        "suspend" => org.suspend(id),
        "unsuspend" => org.unsuspend(id),
        "unlock" => org.set_sign_in_status(id, UserStatus::Active),
        _ => return Err(ApiError::no_endpoint()),
    };
    done?;
    Ok(Json(json!({})).into_response())
}

fn shown(org: &Org, id: OktaId) -> Answer {
    let user = org.user(id).ok_or_else(|| ApiError::not_found("user"))?;
    Ok(Json(user.to_json()).into_response())
}

/// By id or by login; a user the principal may not see looks as if there were none.
fn visible<'a>(org: &'a Org, who: &Principal, raw: &str) -> Result<&'a User, ApiError> {
    id(raw)
        .ok()
        .and_then(|id| org.user(id))
        .or_else(|| org.user_by_login(raw))
        .filter(|user| who.sees_user(org, user.id))
        .ok_or_else(|| ApiError::not_found(&format!("{raw} (User)")))
}

fn profile(body: &Value) -> Result<&Map<String, Value>, ApiError> {
    body.get("profile")
        .and_then(Value::as_object)
        .ok_or_else(|| ApiError::invalid("profile: The field cannot be left blank"))
}

fn has_prefix(user: &User, prefix: &str) -> bool {
    ["firstName", "lastName", "email"].iter().any(|name| {
        user.profile
            .text(name)
            .is_some_and(|text| text.to_lowercase().starts_with(prefix))
    })
}

fn expression(query: &HashMap<String, String>) -> Result<Option<Filter>, ApiError> {
    if let Some(text) = query.get("filter") {
        let allows = |name: &str, op: Op| match name {
            "status" | "id" | "profile.login" | "profile.email" | "profile.firstName"
            | "profile.lastName" => op == Op::Eq,
            "lastUpdated" => matches!(op, Op::Eq | Op::Gt | Op::Ge | Op::Lt | Op::Le),
            _ => false,
        };
        return Filter::parse(text, allows)
            .map(Some)
            .map_err(|why| ApiError::bad_filter(&why));
    }
    let Some(text) = query.get("search") else {
        return Ok(None);
    };
    let allows = |name: &str, op: Op| {
        let known = matches!(
            name,
            "id" | "status" | "created" | "activated" | "statusChanged" | "lastUpdated"
        );
        (known || name.starts_with("profile.")) && op != Op::Ew
    };
    Filter::parse(text, allows)
        .map(Some)
        .map_err(|why| ApiError::bad_filter(&why))
}

fn attribute(user: &User, name: &str) -> Option<String> {
    match name {
        "id" => Some(user.id.to_string()),
        "status" => Some(user.status.as_str().to_owned()),
        "created" => Some(user.created.to_string()),
        "activated" => user.activated.map(|at| at.to_string()),
        "statusChanged" => Some(user.status_changed.to_string()),
        "lastUpdated" => Some(user.last_updated.to_string()),
        name => user
            .profile
            .text(name.strip_prefix("profile.")?)
            .map(str::to_owned),
    }
}
