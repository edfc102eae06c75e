//! What the service can do (RFC 7644 section 4).

use http::StatusCode;
use serde_json::Value;

use super::reply::Reply;
use super::request::Call;
use crate::scim::ScimError;
use crate::scim::schema::discovery::{self, Capabilities};
use crate::service::Error;
use crate::service::directory::{DEFAULT_COUNT, max_count};

pub(super) fn service_provider_config(call: &Call<'_>) -> Reply {
    let settings = &call.app.settings;
    let capabilities = Capabilities {
        bulk_max_operations: settings.bulk_operations as u64,
        bulk_max_payload: settings.bulk_payload.min(settings.scim_body_limit) as u64,
        max_results: max_count(&call.app.service),
        default_page: DEFAULT_COUNT,
        change_password: call.app.service.settings().password_sync,
    };
    shown(&discovery::service_provider_config(
        &call.view.base,
        &capabilities,
    ))
}

pub(super) fn resource_types(call: &Call<'_>, id: Option<&str>) -> Result<Reply, Error> {
    refuse_filter(call)?;
    match id {
        None => Ok(shown(&discovery::resource_types(&call.view.base))),
        Some(id) => found(discovery::resource_type(&call.view.base, id)),
    }
}

pub(super) fn schemas(call: &Call<'_>, id: Option<&str>) -> Result<Reply, Error> {
    refuse_filter(call)?;
    match id {
        None => Ok(shown(&discovery::schemas(&call.view.base))),
        Some(id) => found(discovery::schema(&call.view.base, id)),
    }
}

/// RFC 7644 section 4: a filter here is answered 403.
fn refuse_filter(call: &Call<'_>) -> Result<(), Error> {
    if call
        .pairs
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("filter"))
    {
        return Err(ScimError::forbidden("This list cannot be filtered.").into());
    }
    Ok(())
}

fn found(value: Option<Value>) -> Result<Reply, Error> {
    value
        .map(|value| shown(&value))
        .ok_or_else(|| ScimError::not_found("There is nothing of that name.").into())
}

fn shown(value: &Value) -> Reply {
    Reply::json(StatusCode::OK, value.to_string())
}
