//! Whether the process lives and whether it is ready. Okta's state is no part of either.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::page::Query;
use crate::http::App;
use crate::http::auth::StatusReader;

/// The query of a health check.
#[derive(Debug, Default, Deserialize)]
pub(super) struct HealthQuery {
    /// Present: say more. Needs a status token.
    verbose: Option<String>,
}

/// The process answers.
pub(super) async fn livez(
    query: Query<HealthQuery>,
    state: State<App>,
    reader: MaybeReader,
) -> Response {
    answer(&query.0, &state.0, reader, true).await
}

/// The store answers and its schema is current.
pub(super) async fn readyz(
    query: Query<HealthQuery>,
    state: State<App>,
    reader: MaybeReader,
) -> Response {
    let ready = state.service.store.check().await.is_ok();
    answer(&query.0, &state.0, reader, ready).await
}

async fn answer(query: &HealthQuery, app: &App, reader: MaybeReader, good: bool) -> Response {
    let status = if good {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    if query.verbose.is_none() {
        return (status, if good { "ok\n" } else { "not ready\n" }).into_response();
    }
    if let Err(refused) = reader.0 {
        return refused;
    }
    let store = &app.service.store;
    let answers = store.check().await.is_ok();
    let body = json!({
        "ok": good,
        "version": env!("CARGO_PKG_VERSION"),
        "store": {"engine": store.engine().name(), "answers": answers},
    });
    (status, Json(body)).into_response()
}

/// A status reader, or the answer that refuses him.
pub(super) struct MaybeReader(Result<StatusReader, Response>);

impl axum::extract::FromRequestParts<App> for MaybeReader {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        app: &App,
    ) -> Result<Self, Self::Rejection> {
        // The plain check asks for no token, so none is looked at.
        let asked = parts
            .uri
            .query()
            .is_some_and(|query| query.contains("verbose"));
        if !asked {
            let refused = crate::http::error::problem(
                StatusCode::UNAUTHORIZED,
                None,
                "A status token is needed.",
            );
            return Ok(Self(Err(refused)));
        }
        Ok(Self(StatusReader::from_request_parts(parts, app).await))
    }
}
