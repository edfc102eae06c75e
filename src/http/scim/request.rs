//! What a request says besides its path: query, conditions, body.

use axum::body::{Body, Bytes};
use bytes::BytesMut;
use http::header::{CONTENT_LENGTH, HeaderName, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use super::{ROOT, media};
use crate::http::App;
use crate::http::auth::ScimClient;
use crate::http::room::{LARGE, Room, Share};
use crate::model::actor::{Channel, Cx};
use crate::scim::ScimError;
use crate::scim::etag::Condition;
use crate::scim::json;
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
    /// When the time of a write is up.
    pub(super) deadline: Instant,
}

impl<'c> Call<'c> {
    pub(super) fn of(
        app: &'c App,
        client: Option<ScimClient>,
        parts: &Parts,
        deadline: Instant,
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
            deadline,
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

/// A body, and its share of the memory.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _share: Share,
}

/// The body, as far as it may be read; it waits until there is room for it.
pub(super) async fn body(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    room: &Room,
) -> Result<Held, ScimError> {
    media::readable(headers)?;
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let mut body = Limited::new(body, limit);
    let mut bytes = BytesMut::new();
    let mut share = match announced {
        Some(length) => Some(room.for_bytes(length).await),
        None => None,
    };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if error.downcast_ref::<LengthLimitError>().is_some() {
                too_large(limit)
            } else {
                ScimError::bad_request("The body did not come whole.")
            }
        })?;
        bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| &data[..]));
        if share.is_none() && bytes.len() > LARGE {
            // How long it gets was not said.
            share = Some(room.for_bytes(limit).await);
        }
    }
    let (share, values) = (share.unwrap_or_default(), json::values(&bytes)?);
    Ok(Held {
        _share: room.for_values(share, values).await,
        bytes: bytes.freeze(),
    })
}

fn too_large(limit: usize) -> ScimError {
    ScimError::payload_too_large(format!("A body may have at most {limit} bytes."))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use futures_util::FutureExt as _;
    use http::HeaderValue;
    use http::header::CONTENT_TYPE;

    use super::*;
    use crate::http::room::{BYTES, VALUES};

    const LIMIT: usize = 16 * LARGE;

    fn headers(length: Option<usize>) -> HeaderMap {
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
        headers.extend(length.map(|length| (CONTENT_LENGTH, HeaderValue::from(length))));
        headers
    }

    async fn read(length: usize, announced: bool, room: &Room) -> Held {
        let sent = Body::from(vec![b' '; length]);
        let headers = headers(announced.then_some(length));
        body(&headers, sent, LIMIT, room).await.unwrap()
    }

    #[tokio::test]
    async fn a_large_body_takes_its_share_of_the_room_until_it_is_let_go() {
        let room = Room::default();
        for (length, announced, share) in [
            (LARGE, true, 0),
            (LARGE, false, 0),
            (2 * LARGE, true, 2 * LARGE),
            (2 * LARGE, false, LIMIT),
        ] {
            let held = read(length, announced, &room).await;
            assert_eq!(held.bytes.len(), length);
            assert_eq!(room.bytes.available_permits(), BYTES - share);
            drop(held);
            assert_eq!(room.bytes.available_permits(), BYTES);
        }
    }

    #[tokio::test]
    async fn a_large_body_waits_for_room_and_a_small_one_does_not() {
        let room = Room::default();
        let mut held = Vec::new();
        for _ in 0..BYTES / LIMIT {
            held.push(read(LIMIT, true, &room).await);
        }
        assert!(read(2 * LARGE, true, &room).now_or_never().is_none());
        assert!(read(2 * LARGE, false, &room).now_or_never().is_none());
        assert_eq!(read(LARGE, true, &room).await.bytes.len(), LARGE);
        held.pop();
        assert_eq!(read(2 * LARGE, true, &room).await.bytes.len(), 2 * LARGE);
    }

    #[tokio::test]
    async fn a_short_body_of_very_many_values_waits_for_room_as_well() {
        let room = Room::default();
        let many = async || {
            let sent = Body::from("[],".repeat(VALUES / 2));
            body(&headers(None), sent, LIMIT, &room).await.unwrap()
        };
        let held = many().await;
        assert!(many().now_or_never().is_none());
        let too_many = Body::from("[],".repeat(500_001));
        let refused = body(&headers(None), too_many, LIMIT, &room).now_or_never();
        assert_eq!(
            refused.unwrap().err().unwrap().status,
            413,
            "it waits for no room"
        );
        assert_eq!(read(LARGE, true, &room).await.bytes.len(), LARGE);
        drop(held);
        assert!(many().now_or_never().is_some());
    }
}
