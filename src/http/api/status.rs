//! `/status` and `/metrics`: the same value twice.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

use crate::http::App;
use crate::http::auth::StatusReader;
use crate::http::metrics::MEDIA_TYPE;
use crate::service::Error;
use crate::service::status::{self, Status};

/// How rosterd stands.
pub(super) async fn status(_: StatusReader, State(app): State<App>) -> Result<Json<Status>, Error> {
    Ok(Json(status::read(&app.service).await?))
}

/// The same for Prometheus.
pub(super) async fn metrics(_: StatusReader, State(app): State<App>) -> Result<Response, Error> {
    let status = status::read(&app.service).await?;
    app.metrics.stand(&status);
    let text = app.metrics.encode().unwrap_or_default();
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}
