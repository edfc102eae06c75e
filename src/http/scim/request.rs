//! What a request says besides its path: query, conditions, body.

use axum::body::{Body, Bytes};
use http::header::{CONTENT_LENGTH, HeaderName, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;

use super::{ROOT, media};
use crate::http::App;
use crate::http::auth::ScimClient;
use crate::model::actor::{Channel, Cx};
use crate::scim::ScimError;
use crate::scim::etag::Condition;
use crate::scim::projection::Projection;
use crate::service::directory::View;

/// A request that has passed the door.
pub(super) struct Call<'c> {
    pub(super) app: &'c App,
    pub(super) cx: Cx,
    /// The query, decoded.
    pub(super) pairs: Vec<(String, String)>,
    /// How resources are to be shown.
    pub(super) view: View,
    pub(super) if_match: Option<Condition>,
    pub(super) if_none_match: Option<Condition>,
}

impl<'c> Call<'c> {
    pub(super) fn of(
        app: &'c App,
        client: Option<ScimClient>,
        parts: &Parts,
    ) -> Result<Self, ScimError> {
        let pairs = pairs(&parts.uri)?;
        let named = |name: &str| {
            let mut found = pairs
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str());
            found.next()
        };
        let projection = Projection::new(named("attributes"), named("excludedAttributes"))?;
        Ok(Self {
            app,
            cx: client.map_or_else(nobody, |client| client.cx),
            view: View {
                base: format!("{}{ROOT}", app.settings.public_url),
                projection,
            },
            if_match: condition(&parts.headers, &IF_MATCH),
            if_none_match: condition(&parts.headers, &IF_NONE_MATCH),
            pairs,
        })
    }
}

/// Who asks on the open path; it leads to no use case.
fn nobody() -> Cx {
    Cx {
        channel: Channel::Scim,
        actor: "nobody".to_owned(),
        request_id: None,
    }
}

/// The query's parameters; a space may come as `%20` or `+`.
fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, ScimError> {
    let query = uri.query().unwrap_or_default();
    // The parser below would put U+FFFD in the place of what is no UTF-8, and so ask for something else.
    if percent_decode_str(query).decode_utf8().is_err() {
        return Err(ScimError::invalid_value(
            "A parameter is not UTF-8, percent-encoded.",
        ));
    }
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    if pairs
        .iter()
        .any(|(name, value)| name.contains('\0') || value.contains('\0'))
    {
        return Err(ScimError::invalid_value(
            "A parameter holds U+0000; leave it out.",
        ));
    }
    Ok(pairs)
}

fn condition(headers: &HeaderMap, name: &HeaderName) -> Option<Condition> {
    let lines: Vec<&str> = headers
        .get_all(name)
        .iter()
        .map(|line| line.to_str().unwrap_or_default())
        .collect();
    (!lines.is_empty()).then(|| Condition::parse(&lines.join(",")))
}

/// The body, as far as it may be read.
pub(super) async fn body(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Bytes, ScimError> {
    media::readable(headers)?;
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => Err(too_large(limit)),
        Err(_) => Err(ScimError::bad_request("The body did not come whole.")),
    }
}

fn too_large(limit: usize) -> ScimError {
    ScimError::payload_too_large(format!("A body may have at most {limit} bytes."))
}
