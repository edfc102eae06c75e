//! `/api/v1/eventHooks`: registration and verification.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use http::StatusCode;
use serde_json::Value;

use super::error::ApiError;
use super::{Answer, Body, Shared, id};
use crate::sim::access::{Principal, Right};
use crate::sim::hooks::Hook;

pub(super) async fn list(
    State(app): State<Arc<Shared>>,
    Extension(who): Extension<Principal>,
) -> Answer {
    who.needs(Right::ManageHooks)?;
    let hooks: Vec<Value> = app.hooks.list().iter().map(Hook::to_json).collect();
    Ok(Json(hooks).into_response())
}

pub(super) async fn create(
    State(app): State<Arc<Shared>>,
    Extension(who): Extension<Principal>,
    Body(body): Body,
) -> Answer {
    who.needs(Right::ManageHooks)?;
    let hook = Hook::read(&body, app.random.as_ref(), app.org().next_event()).ok_or_else(|| {
        ApiError::invalid("channel.config.uri or events.items: The field cannot be left blank")
    })?;
    let shown = hook.to_json();
    app.hooks.add(hook);
    Ok(Json(shown).into_response())
}

pub(super) async fn verify(
    State(app): State<Arc<Shared>>,
    Extension(who): Extension<Principal>,
    Path(raw): Path<String>,
) -> Answer {
    who.needs(Right::ManageHooks)?;
    let id = id(&raw)?;
    if !app.hooks.verify(id).await {
        return Err(ApiError::invalid(
            "The endpoint did not answer the verification challenge",
        ));
    }
    let shown = app
        .hooks
        .list()
        .iter()
        .find(|hook| hook.id == id)
        .map(Hook::to_json);
    shown
        .map(|shown| Json(shown).into_response())
        .ok_or_else(|| ApiError::not_found(&raw))
}

pub(super) async fn delete(
    State(app): State<Arc<Shared>>,
    Extension(who): Extension<Principal>,
    Path(raw): Path<String>,
) -> Answer {
    who.needs(Right::ManageHooks)?;
    app.hooks.remove(id(&raw)?);
    Ok(StatusCode::NO_CONTENT.into_response())
}
