//! `/api/v1/logs`: polling without `until`, and no filter but `eventType`.

use std::collections::HashMap;

use axum::extract::{OriginalUri, Query, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde_json::Value;

use super::error::ApiError;
use super::filter::Filter;
use super::page::with_links;
use super::{Answer, Shared};
use crate::model::time::Timestamp;
use crate::sim::access::{Principal, Right};

const DAY_MS: i64 = 24 * 3_600_000;
/// Where a query begins that does not say so.
const WEEK_MS: i64 = 7 * DAY_MS;
/// How far back a query may begin.
const HALF_YEAR_MS: i64 = 180 * DAY_MS;

pub(super) async fn list(
    State(app): State<std::sync::Arc<Shared>>,
    Extension(who): Extension<Principal>,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    who.needs(Right::ReadLogs)?;
    if query.contains_key("since") && query.contains_key("after") {
        return Err(ApiError::invalid("since: cannot be combined with after"));
    }
    let limit = query
        .get("limit")
        .and_then(|text| text.parse::<usize>().ok())
        .unwrap_or(100)
        .clamp(1, 1000);
    let filter = match query.get("filter") {
        Some(text) => Some(
            Filter::parse(text, |name, _| name != "published")
                .map_err(|why| ApiError::bad_filter(&why))?,
        ),
        None => None,
    };
    let org = app.org();
    let since = match query.get("since") {
        Some(text) => {
            Timestamp::parse(text).ok_or_else(|| ApiError::invalid("since: not a date"))?
        }
        None => org.now().minus_millis(WEEK_MS),
    };
    if org.now().since(since) > HALF_YEAR_MS {
        return Err(ApiError::invalid(
            "since: must not be more than 180 days in the past",
        ));
    }
    let from = match query.get("after") {
        Some(cursor) => cursor
            .parse::<u64>()
            .map_err(|_| ApiError::invalid("after: Invalid cursor"))?,
        None => 0,
    };
    let mut next = org.next_event();
    let mut page: Vec<Value> = Vec::new();
    for (number, event) in org.events_from(from) {
        let wanted = event.published >= since
            && filter.as_ref().is_none_or(|filter| {
                filter.matches(&|name: &str| {
                    (name == "eventType").then(|| event.event_type.to_owned())
                })
            });
        if !wanted {
            continue;
        }
        if page.len() == limit {
            next = *number;
            break;
        }
        page.push(event.to_json());
    }
    // `next` is always there, even after an empty page: it is stored and asked again.
    let mut link = format!("{}{}?after={next}&limit={limit}", app.base_url, uri.path());
    if let Some(filter) = query.get("filter") {
        let filter =
            percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
        link = format!("{link}&filter={filter}");
    }
    let own = format!("{}{uri}", app.base_url);
    Ok(with_links(
        Json(page).into_response(),
        &own,
        Some(&link),
        app.link_style(),
    ))
}
