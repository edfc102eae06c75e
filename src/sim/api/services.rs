//! "API Services" apps as an admin makes them: `POST /api/v1/apps`, its scopes, and its admin role.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::error::ApiError;
use super::{Answer, Body};
use crate::sim::Shared;
use crate::sim::access::{Principal, Right, Role, ServiceApp};
use crate::sim::org::OktaId;

type App = State<Arc<Shared>>;

/// The app that provisions. Service apps are not listed: nobody provisions through them.
pub(super) async fn list(State(app): App, Extension(who): Extension<Principal>) -> Answer {
    who.needs(Right::ReadApps)?;
    let shown = app.org().app().to_json();
    Ok(Json(json!([shown])).into_response())
}

/// Makes a service app. It has no scope and no role yet: a token is refused, and then every call.
pub(super) async fn create(
    State(app): App,
    Extension(who): Extension<Principal>,
    Body(body): Body,
) -> Answer {
    who.needs(Right::WriteApps)?;
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    if text("/settings/oauthClient/application_type") != Some("service") {
        return Err(ApiError::invalid(
            "settings.oauthClient.application_type: this org makes service apps only",
        ));
    }
    // Client secrets are not allowed for Okta's own scopes on self-made service apps.
    if text("/credentials/oauthClient/token_endpoint_auth_method") != Some("private_key_jwt") {
        return Err(ApiError::invalid(
            "credentials.oauthClient.token_endpoint_auth_method: 'private_key_jwt' is needed for Okta's scopes",
        ));
    }
    let keys = body
        .pointer("/settings/oauthClient/jwks/keys")
        .and_then(Value::as_array)
        .filter(|keys| !keys.is_empty() && keys.iter().all(is_public_key))
        .ok_or_else(|| {
            ApiError::invalid(
                "settings.oauthClient.jwks: public keys with 'kty' and 'kid' are needed",
            )
        })?;
    let dpop = body
        .pointer("/settings/oauthClient/dpop_bound_access_tokens")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    // The client id of an app is its id.
    let id = OktaId::new("0oa", app.random.as_ref());
    let made = ServiceApp {
        keys: keys.clone(),
        scopes: Vec::new(),
        role: Role::None,
        dpop,
    };
    app.access.add_service_app(id.as_str(), made);
    Ok(Json(json!({
        "id": id, "name": "oidc_client", "label": text("/label").unwrap_or("API Services"), "status": "ACTIVE",
        "signOnMode": "OPENID_CONNECT",
        "credentials": {"oauthClient": {"client_id": id, "token_endpoint_auth_method": "private_key_jwt"}},
        "settings": {"oauthClient": {"application_type": "service", "grant_types": ["client_credentials"],
                                     "jwks": {"keys": keys}, "dpop_bound_access_tokens": dpop}},
    }))
    .into_response())
}

fn is_public_key(key: &Value) -> bool {
    let has = |name: &str| key.get(name).is_some_and(Value::is_string);
    has("kty") && has("kid") && !has("d")
}

/// Grants a scope ("Okta API Scopes").
pub(super) async fn grant(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(id): Path<String>,
    Body(body): Body,
) -> Answer {
    who.needs(Right::WriteApps)?;
    let scope = body
        .get("scopeId")
        .and_then(Value::as_str)
        .filter(|scope| scope.starts_with("okta."))
        .ok_or_else(|| ApiError::invalid("scopeId: one of Okta's scopes is needed"))?;
    let granted = app.access.change_service_app(&id, |service| {
        if !service.scopes.iter().any(|known| known == scope) {
            service.scopes.push(scope.to_owned());
        }
    });
    granted.ok_or_else(|| ApiError::not_found(&format!("{id} (AppInstance)")))?;
    Ok(
        Json(json!({"scopeId": scope, "issuer": app.base_url, "clientId": id, "status": "ACTIVE"}))
            .into_response(),
    )
}

/// Assigns an admin role ("Admin roles").
pub(super) async fn assign_role(
    State(app): App,
    Extension(who): Extension<Principal>,
    Path(id): Path<String>,
    Body(body): Body,
) -> Answer {
    who.needs(Right::WriteApps)?;
    let kind = body.get("type").and_then(Value::as_str);
    let role = match kind {
        Some("READ_ONLY_ADMIN") => Role::ReadOnly,
        Some("SUPER_ADMIN") => Role::SuperAdmin,
        _ => {
            return Err(ApiError::invalid(
                "type: this org knows READ_ONLY_ADMIN and SUPER_ADMIN",
            ));
        }
    };
    app.access
        .change_service_app(&id, |service| service.role = role)
        .ok_or_else(|| ApiError::not_found(&format!("{id} (PublicClientApp)")))?;
    Ok(Json(json!({"type": kind, "status": "ACTIVE", "assignmentType": "CLIENT"})).into_response())
}
