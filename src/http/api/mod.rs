//! rosterd's own API: how it stands, runs, IdP groups, what Okta asked.
//!
//! `/livez` and `/readyz` are open and name no versions; `/status`, `/metrics` and reading runs need a status token;
//! everything else under `/api/v1` needs a manage token.

mod groups;
mod health;
mod okta;
mod page;
mod requests;
mod runs;
mod status;

use axum::Router;
use axum::routing::{get, post};
use http::StatusCode;

use super::App;
use super::error::{problem, wrong_method};

/// The routes outside `/scim/v2`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/status", get(status::status))
        .route("/metrics", get(status::metrics))
        .route("/api/v1/runs", get(runs::list).post(runs::kick))
        .route("/api/v1/runs/{id}", get(runs::show))
        .route("/api/v1/runs/{id}/changes", get(runs::changes))
        .route("/api/v1/runs/{id}/approve", post(runs::approve))
        .route("/api/v1/runs/{id}/reject", post(runs::reject))
        .route("/api/v1/run-requests/{id}", get(runs::request))
        .route("/api/v1/okta/preview", get(okta::preview))
        .route("/api/v1/groups", get(groups::list))
        .route("/api/v1/scim-requests", get(requests::list))
        .method_not_allowed_fallback(wrong_method)
        .fallback(async || {
            problem(
                StatusCode::NOT_FOUND,
                None,
                "There is nothing at this path.",
            )
        })
}
