//! `/api/v1/groups`.

use std::collections::HashMap;

use axum::extract::{OriginalUri, Path, Query, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::error::ApiError;
use super::fields::Shown;
use super::filter::{Filter, Op};
use super::page::PageRequest;
use super::{Answer, Body, id};
use crate::sim::Shared;
use crate::sim::access::{Principal, Right};
use crate::sim::org::{Group, GroupFacts, OktaId};

type App = State<std::sync::Arc<Shared>>;
type Params = Query<HashMap<String, String>>;

pub(super) async fn list(
    State(app): App,
    Extension(who): Extension<Principal>,
    OriginalUri(uri): OriginalUri,
    Query(query): Params,
    headers: HeaderMap,
) -> Answer {
    who.needs(Right::ReadGroups)?;
    let parts = Shown::read(query.get("fields"), &headers)?;
    let page = PageRequest::read(&query, 200, 10_000)?;
    let filter = expression(&query)?;
    let org = app.org();
    // `q` is a prefix of the name, at most 300 results, and never paged.
    if let Some(prefix) = query.get("q").map(|q| q.to_lowercase()) {
        let found: Vec<Value> = org
            .groups_indexed(None)
            .filter(|(group, facts)| {
                who.sees_group(group) && facts.name.to_lowercase().starts_with(&prefix)
            })
            .take(page.limit.min(300))
            .map(|(group, facts)| parts.of(group.to_json(facts, &app.base_url)))
            .collect();
        return Ok(Json(found).into_response());
    }
    // The plain list reads the present state; only searches lag.
    let items: Box<dyn Iterator<Item = (&Group, &GroupFacts)>> = if filter.is_some() {
        Box::new(org.groups_indexed(page.after))
    } else {
        let after = page.after;
        Box::new(
            org.groups()
                .filter(move |group| after.is_none_or(|after| group.id > after))
                .map(|group| (group, group.facts())),
        )
    };
    let items = items
        .filter(|(group, facts)| {
            who.sees_group(group)
                && filter.as_ref().is_none_or(|filter| {
                    filter.matches(&|name: &str| attribute(group, facts, name))
                })
        })
        .map(|(group, facts)| (group.id, parts.of(group.to_json(facts, &app.base_url))));
    Ok(page.answer(items, &app.base_url, &uri, app.link_style()))
}

pub(super) async fn show(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(raw): Path<String>,
) -> Answer {
    who.needs(Right::ReadGroups)?;
    let org = app.org();
    let group = visible(&org, &who, &raw)?;
    Ok(Json(group.to_json(group.facts(), &app.base_url)).into_response())
}

/// Members in the order of ids. There is no status filter: deactivated members are listed too.
pub(super) async fn members(
    State(app): App,
    Extension(who): Extension<Principal>,
    OriginalUri(uri): OriginalUri,
    Path(raw): Path<String>,
    Query(query): Params,
    headers: HeaderMap,
) -> Answer {
    who.needs(Right::ReadGroups)?;
    let parts = Shown::read(None, &headers)?;
    let page = PageRequest::read(&query, 1000, 1000)?;
    let org = app.org();
    let group = visible(&org, &who, &raw)?;
    let lower = page
        .after
        .map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
    let items = group
        .members()
        .range((lower, std::ops::Bound::Unbounded))
        .filter_map(|member| Some((*member, parts.of(org.user(*member)?.to_json()))));
    Ok(page.answer(items, &app.base_url, &uri, app.link_style()))
}

pub(super) async fn create(
    State(app): App,
    Extension(who): Extension<Principal>,
    Body(body): Body,
) -> Answer {
    who.needs(Right::WriteGroups)?;
    let (name, description) = names(&body)?;
    let mut org = app.org();
    if org.group_named(name).is_some() {
        return Err(ApiError::invalid(
            "name: An object with this field already exists in the current organization",
        ));
    }
    let id = org.create_group(name, description);
    let group = org.group(id).ok_or_else(|| ApiError::not_found("group"))?;
    Ok(Json(group.to_json(group.facts(), &app.base_url)).into_response())
}

pub(super) async fn replace(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(raw): Path<String>,
    Body(body): Body,
) -> Answer {
    who.needs(Right::WriteGroups)?;
    let (name, description) = names(&body)?;
    let mut org = app.org();
    org.update_group(id(&raw)?, name, description)?;
    let group = visible(&org, &who, &raw)?;
    Ok(Json(group.to_json(group.facts(), &app.base_url)).into_response())
}

pub(super) async fn delete(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(raw): Path<String>,
) -> Answer {
    who.needs(Right::WriteGroups)?;
    app.org().delete_group(id(&raw)?)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn add_member(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path((group, user)): Path<(String, String)>,
) -> Answer {
    who.needs(Right::WriteGroups)?;
    app.org().add_member(id(&group)?, id(&user)?)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn remove_member(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path((group, user)): Path<(String, String)>,
) -> Answer {
    who.needs(Right::WriteGroups)?;
    app.org().remove_member(id(&group)?, id(&user)?)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A group the principal may not see looks as if it did not exist.
fn visible<'a>(
    org: &'a crate::sim::org::Org,
    who: &Principal,
    raw: &str,
) -> Result<&'a Group, ApiError> {
    let found: Option<OktaId> = OktaId::parse(raw);
    found
        .and_then(|id| org.group(id))
        .filter(|group| who.sees_group(group))
        .ok_or_else(|| ApiError::not_found(&format!("{raw} (UserGroup)")))
}

fn names(body: &Value) -> Result<(&str, &str), ApiError> {
    let profile = body
        .get("profile")
        .ok_or_else(|| ApiError::invalid("profile: The field cannot be left blank"))?;
    let name = profile
        .get("name")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| ApiError::invalid("name: The field cannot be left blank"))?;
    Ok((
        name,
        profile
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default(),
    ))
}

fn expression(query: &HashMap<String, String>) -> Result<Option<Filter>, ApiError> {
    let dates = |name: &str| matches!(name, "lastUpdated" | "lastMembershipUpdated" | "created");
    if let Some(text) = query.get("filter") {
        let allows = |name: &str, op: Op| match name {
            "id" | "type" => op == Op::Eq,
            "created" => false,
            name => dates(name) && matches!(op, Op::Eq | Op::Gt | Op::Lt),
        };
        return Filter::parse(text, allows)
            .map(Some)
            .map_err(|why| ApiError::bad_filter(&why));
    }
    let Some(text) = query.get("search") else {
        return Ok(None);
    };
    let allows = |name: &str, op: Op| match name {
        "profile.name" | "profile.description" => matches!(op, Op::Eq | Op::Sw | Op::Co),
        "id" | "type" | "source.id" => matches!(op, Op::Eq | Op::Sw),
        name => dates(name) && !matches!(op, Op::Co | Op::Ew),
    };
    Filter::parse(text, allows)
        .map(Some)
        .map_err(|why| ApiError::bad_filter(&why))
}

fn attribute(group: &Group, facts: &GroupFacts, name: &str) -> Option<String> {
    match name {
        "id" => Some(group.id.to_string()),
        "type" => Some(group.kind.as_str().to_owned()),
        "created" => Some(group.created.to_string()),
        "lastUpdated" => Some(facts.last_updated.to_string()),
        "lastMembershipUpdated" => Some(facts.last_membership_updated.to_string()),
        "profile.name" => Some(facts.name.clone()),
        "profile.description" => Some(facts.description.clone()),
        "source.id" => match group.kind {
            crate::sim::org::GroupType::AppGroup(source) => Some(source.to_string()),
            _ => None,
        },
        _ => None,
    }
}
