//! The run history, kicks, and the word of an admin on what is held (R9).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::page::{PageQuery, Query, Refused};
use crate::http::App;
use crate::http::auth::{Manager, StatusReader};
use crate::http::error::problem;
use crate::http::input::{Id, Whole};
use crate::model::id::RunId;
use crate::model::run::{Outcome, RunKind};
use crate::service::run_views::{self, RunView};
use crate::service::runs::Decision;
use crate::service::{Error, runs, sync};
use crate::store::sync_requests::SyncRequest;

/// Most changes on one page.
const MOST: i64 = 1_000;

/// A page of runs, newest first.
pub(super) async fn list(
    _: StatusReader,
    State(app): State<App>,
    query: Query<PageQuery>,
) -> Result<Response, Error> {
    let limit = match query.0.limit() {
        Ok(limit) => limit,
        Err(refused) => return Ok(refused.into_response()),
    };
    let before = match query.0.before.as_deref().map(RunId::parse) {
        Some(None) => return Ok(Refused::new("`before` is the id of a run.").into_response()),
        Some(before) => before,
        None => None,
    };
    let page = runs::list(&app.service, before.as_ref(), limit).await?;
    let next = page
        .last()
        .filter(|_| i64::try_from(page.len()) == Ok(limit))
        .map(|run| run.id.to_string());
    let data: Vec<RunView> = page.iter().map(RunView::from).collect();
    Ok(Json(json!({"data": data, "next": next})).into_response())
}

/// One run, with how many changes came to which outcome.
pub(super) async fn show(
    _: StatusReader,
    State(app): State<App>,
    Id(id): Id,
) -> Result<Json<RunView>, Error> {
    let shown = runs::show(&app.service, &parse(&id)?).await?;
    Ok(Json(RunView::from(&shown)))
}

/// The query of a run's changes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangesQuery {
    /// Changes behind this ordinal.
    #[serde(default)]
    after: i64,
    /// At most so many, 1 to 1,000; 100 unless told.
    limit: Option<i64>,
    /// Only those that came to this.
    outcome: Option<Outcome>,
}

/// A page of a run's changes; `after` is the `next` of the page before.
pub(super) async fn changes(
    _: StatusReader,
    State(app): State<App>,
    Id(id): Id,
    query: Query<ChangesQuery>,
) -> Result<Response, Error> {
    let limit = query.0.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Ok(Refused::new("`limit` is a number from 1 to 1000.").into_response());
    }
    let id = parse(&id)?;
    let ChangesQuery { after, outcome, .. } = query.0;
    let page = run_views::changes(&app.service, &id, outcome, after, limit).await?;
    let next = page
        .last()
        .filter(|_| i64::try_from(page.len()) == Ok(limit))
        .map(|change| change.ordinal);
    Ok(Json(json!({"data": page, "next": next})).into_response())
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kick {
    /// `full` or `delta`.
    #[serde(default = "delta")]
    kind: RunKind,
    /// Only plan.
    #[serde(default)]
    dry_run: bool,
}

const fn delta() -> RunKind {
    RunKind::Delta
}

/// Asks the daemon that polls for a run: 202, with the request to follow.
pub(super) async fn kick(
    manager: Manager,
    State(app): State<App>,
    Whole(body): Whole,
) -> Result<Response, Error> {
    let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
    let kick: Kick = match serde_json::from_slice(text) {
        Ok(kick) => kick,
        Err(error) => {
            let detail = format!(
                "Send {{\"kind\": \"full\" or \"delta\", \"dry_run\": true or false}}: {error}."
            );
            return Ok(problem(
                StatusCode::BAD_REQUEST,
                Some("invalid-body"),
                &detail,
            ));
        }
    };
    if !app.service.settings().okta_configured {
        return Err(Error::Conflict(
            "No Okta org is configured here (okta.org_url), so there is nothing to poll."
                .to_owned(),
        ));
    }
    let asked = sync::request(&app.service, &manager.cx, kick.kind, kick.dry_run).await?;
    Ok((StatusCode::ACCEPTED, Json(request_view(&asked))).into_response())
}

/// A request as it stands; `run` is set once the run has begun.
pub(super) async fn request(
    _: StatusReader,
    State(app): State<App>,
    Id(id): Id,
) -> Result<Json<Value>, Error> {
    let found = sync::find_request(&app.service, &id).await?;
    Ok(Json(request_view(&found)))
}

fn request_view(request: &SyncRequest) -> Value {
    json!({
        "request": request.id, "kind": request.kind, "dry_run": request.dry_run, "actor": request.actor,
        "asked_at": request.asked_at, "run": request.run_id,
        "follow": format!("/api/v1/run-requests/{}", request.id),
    })
}

/// Applies what a run holds.
pub(super) async fn approve(
    manager: Manager,
    State(app): State<App>,
    Id(id): Id,
) -> Result<Json<Value>, Error> {
    let id = parse(&id)?;
    let done = runs::approve(&app.service, &manager.cx, &id).await?;
    Ok(decided(&id, done))
}

/// Drops what a run holds.
pub(super) async fn reject(
    manager: Manager,
    State(app): State<App>,
    Id(id): Id,
) -> Result<Json<Value>, Error> {
    let id = parse(&id)?;
    let done = runs::reject(&app.service, &manager.cx, &id).await?;
    Ok(decided(&id, done))
}

fn decided(id: &RunId, done: Decision) -> Json<Value> {
    Json(json!({"run": id, "done": done.done, "left_out": done.left_out}))
}

fn parse(text: &str) -> Result<RunId, Error> {
    RunId::parse(text).ok_or(Error::NotFound("run"))
}
