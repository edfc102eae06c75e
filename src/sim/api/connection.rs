//! `/api/v1/apps/{id}/connections/default`: where the app provisions to, as an admin enters it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde_json::{Value, json};
use url::Url;

use super::apps::ours;
use super::error::ApiError;
use super::{Answer, Body};
use crate::sim::Shared;
use crate::sim::access::{Principal, Right};
use crate::sim::scim_client::{Auth, ScimClient, ScimHabits, ScimTarget};

type App = State<Arc<Shared>>;

/// Whether provisioning is on; never the token.
pub(super) async fn show(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(id): Path<String>,
) -> Answer {
    who.needs(Right::ReadApps)?;
    ours(&app.org(), &id)?;
    let known = app.connection.borrow().clone();
    Ok(Json(connection(known.as_ref())).into_response())
}

/// Saves base URL and token. As in the Admin Console, saving tests them, and what does not answer is not saved.
/// Provisioning is on from then: who is assigned now is pushed, who was assigned before is not.
pub(super) async fn save(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(id): Path<String>,
    Body(body): Body,
) -> Answer {
    who.needs(Right::WriteApps)?;
    ours(&app.org(), &id)?;
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let base_url = text("/baseUrl")
        .filter(|url| Url::parse(url).is_ok() && !url.contains('_'))
        .ok_or_else(|| ApiError::invalid("baseUrl: a URL without '_' is needed"))?;
    let token = text("/profile/token")
        .filter(|_| text("/profile/authScheme") == Some("TOKEN"))
        .ok_or_else(|| ApiError::invalid("profile: authScheme TOKEN and a token are needed"))?;
    let target = ScimTarget {
        base_url: base_url.to_owned(),
        auth: Auth::Bearer(token.to_owned()),
    };
    let tested = ScimClient::new(
        Arc::clone(&app),
        app.http.clone(),
        target.clone(),
        ScimHabits::default(),
        0,
    );
    tested
        .test_connection()
        .await
        .map_err(|shown| ApiError::invalid(&shown))?;
    app.org().set_provisioning(true);
    let shown = connection(Some(&target));
    app.connection.send_replace(Some(target));
    Ok(Json(shown).into_response())
}

fn connection(target: Option<&ScimTarget>) -> Value {
    json!({
        "authScheme": "TOKEN",
        "baseUrl": target.map(|target| target.base_url.as_str()),
        "status": if target.is_some() { "ENABLED" } else { "DISABLED" },
    })
}
