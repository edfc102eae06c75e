//! What is noted of each request: counters, and the request log that shows an admin what Okta saw.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::request::Parts;
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::route::Route;
use crate::http::App;
use crate::http::redact::{hides_token, without_tokens};
use crate::http::request_id::RequestId;
use crate::model::id::TokenId;
use crate::service::request_log::ScimRequest;

/// Longest path and query kept, in characters.
const LONGEST: usize = 2_000;

/// Most skipped members named in one row, and of each so many characters: an id has 36.
const MOST_SKIPPED: usize = 1_000;
const LONGEST_SKIPPED: usize = 100;

/// Longest name of a parameter kept.
const LONGEST_NAME: usize = 32;

/// Requests without a token that are kept in one second: a stranger must not fill the store.
const STRANGERS_PER_SECOND: u64 = 5;

/// A request, before it is answered.
pub(super) struct Noted {
    method: Method,
    path: String,
    route: &'static str,
    pub(super) allow: &'static str,
    request_id: Option<String>,
}

impl Noted {
    pub(super) fn of(parts: &Parts, route: Option<&Route>) -> Self {
        Self {
            method: parts.method.clone(),
            path: shown(parts.uri.path(), parts.uri.query()),
            route: route.map_or("unknown", Route::name),
            allow: route.map_or("", Route::allow),
            request_id: parts
                .extensions
                .get::<RequestId>()
                .map(|id| id.0.to_string()),
        }
    }

    /// Counts the request and puts it into the log.
    pub(super) fn finish(
        self,
        app: &App,
        token: Option<TokenId>,
        status: StatusCode,
        took: Duration,
        mut skipped: Vec<String>,
        error: Option<String>,
    ) {
        let status = status.as_u16();
        let method = known(&self.method);
        app.metrics.scim_answered(self.route, method, status, took);
        let at = app.clock.now();
        if token.is_none() && !stranger_fits(at.as_millis()) {
            return;
        }
        skipped.truncate(MOST_SKIPPED);
        for member in &mut skipped {
            *member = without_tokens(member)
                .chars()
                .take(LONGEST_SKIPPED)
                .collect();
        }
        let noted = app.request_log.note(ScimRequest {
            at,
            token_id: token,
            method: method.to_owned(),
            path: self.path,
            status,
            duration_us: i64::try_from(took.as_micros()).unwrap_or(i64::MAX),
            skipped,
            error,
            request_id: self.request_id,
        });
        if !noted {
            app.metrics.log_dropped();
        }
    }
}

/// The method, for a counter: a client cannot make up new ones.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Whether one more request without a token is kept in this second.
fn stranger_fits(now_ms: i64) -> bool {
    // The second in the upper half, how many there were in the lower.
    static STRANGERS: AtomicU64 = AtomicU64::new(0);
    let second = u64::try_from(now_ms / 1000).unwrap_or(0) << 32;
    let counted = STRANGERS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |seen| {
        let count = if seen & !0xffff_ffff == second {
            seen & 0xffff_ffff
        } else {
            0
        };
        (count < STRANGERS_PER_SECOND).then_some(second | (count + 1))
    });
    counted.is_ok()
}

/// Path and query as an admin may read them: without tokens, without values of parameters that SCIM does not have, and
/// without a filter on a password.
fn shown(path: &str, query: Option<&str>) -> String {
    let mut text = if hides_token(path) { "…" } else { path }.to_owned();
    for (at, pair) in query.unwrap_or_default().split('&').enumerate() {
        if pair.is_empty() {
            continue;
        }
        text.push(if at == 0 { '?' } else { '&' });
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let scim = [
            "filter",
            "sortBy",
            "sortOrder",
            "startIndex",
            "count",
            "cursor",
            "attributes",
            "excludedAttributes",
        ];
        let known = scim.iter().any(|known| known.eq_ignore_ascii_case(name));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let shown = name.len() <= LONGEST_NAME && name.chars().all(plain);
        text.push_str(if shown { name } else { "…" });
        text.push('=');
        text.push_str(if known && !hides(value) { value } else { "…" });
    }
    let without = without_tokens(&text);
    without.chars().take(LONGEST).collect()
}

/// Whether a value speaks of a password, however it is spelled, or holds a token that is not spelled as it was issued.
fn hides(value: &str) -> bool {
    let decoded = percent_decode_str(value)
        .decode_utf8_lossy()
        .to_ascii_lowercase();
    decoded.contains("password") || hides_token(value)
}

#[cfg(test)]
mod tests {
    use super::{shown, stranger_fits};

    #[test]
    fn r14_no_secret_of_a_url_is_logged() {
        let filter = "filter=userName%20eq%20%22a%22&count=2";
        assert_eq!(
            shown("/scim/v2/Users", Some(filter)),
            format!("/scim/v2/Users?{filter}")
        );
        assert_eq!(
            shown(
                "/scim/v2/rst_scim_abc/x",
                Some("access_token=hunter2&filter=password+eq+%22x%22&count=1")
            ),
            "/scim/v2/rst_…/x?access_token=…&filter=…&count=1"
        );
        for (path, query) in [
            ("/scim/v2/Users", "filter=pass%77ord+eq+%22hunter2%22"),
            (
                "/scim/v2/Users",
                "filter=userName+eq+%22rst%5Fscim_hunter2%22",
            ),
            ("/scim/v2/rst%5fscim%5fhunter2", "count=1"),
            ("/scim/v2/rst_scim_a/rst%5Fscim%5Fhunter2", ""),
            ("/scim/v2/Users", "rst_scim_hunter2"),
            ("/scim/v2/Users", "rst%5Fscim_hunter2=1"),
        ] {
            let text = shown(path, Some(query));
            assert!(!text.contains("hunter2"), "{text}");
        }
        let long = shown(&"x".repeat(10_000), None);
        assert_eq!(long.len(), 2_000);
    }

    #[test]
    fn strangers_do_not_fill_the_log() {
        let kept = (0..100)
            .filter(|_| stranger_fits(4_102_444_800_000))
            .count();
        assert!(kept <= 5, "{kept}");
    }
}
