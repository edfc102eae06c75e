//! Who would gain and lose which team by a switch of the Okta mode (R3).

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::page::Query;
use crate::http::App;
use crate::http::auth::Manager;
use crate::model::mode::OktaMode;
use crate::service::Error;
use crate::service::mode::{self, Preview};

/// The query of a preview.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviewQuery {
    /// The mode asked about: off, on (unless told) or hybrid.
    #[serde(default = "on")]
    to: OktaMode,
}

const fn on() -> OktaMode {
    OktaMode::On
}

/// The preview.
pub(super) async fn preview(
    _: Manager,
    State(app): State<App>,
    query: Query<PreviewQuery>,
) -> Result<Json<Preview>, Error> {
    Ok(Json(mode::preview(&app.service, query.0.to).await?))
}
