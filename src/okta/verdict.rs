//! What an answer means. Pure.

use http::StatusCode;
use serde::Deserialize;

use super::error::{Error, Place, need};
use super::rate::Window;
use super::transport::Answer;

/// What to do about an answer.
#[derive(Debug)]
pub(super) enum Verdict {
    /// 2xx: read it.
    Good,
    /// Okta says that the object is not there (404, `E0000007`).
    Gone,
    /// 401: a fresh token may help, once.
    TokenRefused(Error),
    /// The proof of possession needs the nonce in the answer's `DPoP-Nonce` (RFC 9449 section 9).
    NonceWanted(Error),
    /// 429 of a bucket; `None` when the headers are missing.
    RateLimited(Option<Window>),
    /// 429 for too many requests at once.
    Crowded,
    /// 5xx: try again. The text says which.
    Down {
        why: String,
        /// Plain 500, which for a listing may mean that the page was too large.
        page_too_large: bool,
    },
    /// Asking again is useless.
    Final(Error),
}

/// Okta's error object; branch on the code only.
#[derive(Default, Deserialize)]
struct Body {
    #[serde(default, rename = "errorCode")]
    code: String,
    #[serde(default, rename = "errorSummary")]
    summary: String,
}

/// The code and the summary of an error body: nothing else of it is shown to anybody.
fn explain(answer: &Answer) -> (String, String) {
    let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
    (clean(&body.code, 16), clean(&body.summary, 300))
}

/// One line of printable text, at most `most` characters.
pub(super) fn clean(text: &str, most: usize) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(most)
        .collect()
}

/// Judges an answer of the Management API.
pub(super) fn judge(answer: &Answer, path: &str, place: &Place) -> Verdict {
    let status = answer.status;
    if status.is_success() {
        return Verdict::Good;
    }
    let place = place.clone();
    let (code, summary) = explain(answer);
    let challenge = answer
        .headers
        .get_all(http::header::WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let challenge = challenge.collect::<Vec<_>>().join(", ");
    let summary = if summary.is_empty() {
        clean(&challenge, 300)
    } else {
        summary
    };
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED
            if challenge.contains("use_dpop_nonce") =>
        {
            Verdict::NonceWanted(Error::Unauthorized {
                place,
                code,
                summary,
            })
        }
        StatusCode::UNAUTHORIZED => Verdict::TokenRefused(Error::Unauthorized {
            place,
            code,
            summary,
        }),
        // Okta answers a stale or clumsy proof with 401 or 403.
        StatusCode::FORBIDDEN if challenge.contains("invalid_dpop_proof") => {
            Verdict::TokenRefused(Error::Unauthorized {
                place,
                code,
                summary,
            })
        }
        StatusCode::FORBIDDEN => Verdict::Final(Error::Forbidden {
            place,
            code,
            summary,
            need: need(path),
        }),
        StatusCode::NOT_FOUND if code == "E0000007" => Verdict::Gone,
        StatusCode::NOT_FOUND => Verdict::Final(Error::NotFound {
            place,
            code,
            summary,
        }),
        StatusCode::TOO_MANY_REQUESTS => match Window::read(&answer.headers) {
            Some(window) if window.is_concurrency() => Verdict::Crowded,
            window => Verdict::RateLimited(window),
        },
        StatusCode::REQUEST_TIMEOUT => Verdict::Down {
            why: status.to_string(),
            page_too_large: false,
        },
        status if status.is_server_error() => Verdict::Down {
            why: [status.as_str(), &code, &summary]
                .join(" ")
                .trim_end()
                .to_owned(),
            page_too_large: status == StatusCode::INTERNAL_SERVER_ERROR,
        },
        status if status.is_redirection() => Verdict::Final(Error::ForeignHost {
            place,
            host: redirect(answer),
        }),
        status => Verdict::Final(Error::Refused {
            place,
            status: status.as_u16(),
            code,
            summary,
        }),
    }
}

fn redirect(answer: &Answer) -> String {
    let to = answer
        .headers
        .get(http::header::LOCATION)
        .and_then(|to| to.to_str().ok())
        .and_then(|to| url::Url::parse(to).ok());
    to.and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| format!("a redirect, {}", answer.status))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::{Answer, Verdict, judge};
    use crate::okta::error::{Error, Place};

    fn verdict(
        status: u16,
        headers: &[(&'static str, &'static str)],
        body: &'static str,
    ) -> Verdict {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: map,
            body: Bytes::from(body),
        };
        judge(
            &answer,
            "/api/v1/groups",
            &Place::new("GET", "/api/v1/groups"),
        )
    }

    #[test]
    fn r8_only_okta_s_own_404_means_gone() {
        let okta = r#"{"errorCode":"E0000007","errorSummary":"Not found","errorCauses":[]}"#;
        assert!(matches!(verdict(404, &[], okta), Verdict::Gone));
        assert!(matches!(
            verdict(404, &[], "<html>no such site</html>"),
            Verdict::Final(Error::NotFound { .. })
        ));
        assert!(matches!(
            verdict(410, &[], okta),
            Verdict::Final(Error::Refused { status: 410, .. })
        ));
    }

    #[test]
    fn a_429_with_limit_0_is_about_concurrency() {
        let headers = |limit| {
            [
                ("x-rate-limit-limit", limit),
                ("x-rate-limit-remaining", "0"),
                ("x-rate-limit-reset", "60"),
            ]
        };
        assert!(matches!(verdict(429, &headers("0"), ""), Verdict::Crowded));
        assert!(matches!(
            verdict(429, &headers("500"), ""),
            Verdict::RateLimited(Some(_))
        ));
        assert!(matches!(verdict(429, &[], ""), Verdict::RateLimited(None)));
    }

    #[test]
    fn only_a_plain_500_asks_for_smaller_pages() {
        assert!(matches!(
            verdict(500, &[], ""),
            Verdict::Down {
                page_too_large: true,
                ..
            }
        ));
        for status in [502, 503, 504, 408] {
            assert!(
                matches!(
                    verdict(status, &[], ""),
                    Verdict::Down {
                        page_too_large: false,
                        ..
                    }
                ),
                "{status}"
            );
        }
    }

    #[test]
    fn an_error_text_shows_code_and_summary_and_nothing_else_of_the_body() {
        let body = r#"{"errorCode":"E0000006","errorSummary":"You do not\nhave permission","errorId":"oae-secret","x":"hidden"}"#;
        let Verdict::Final(error) = verdict(403, &[], body) else {
            panic!("403 is final")
        };
        let text = error.to_string();
        assert!(
            text.contains("E0000006 You do not have permission")
                && text.contains("okta.groups.read"),
            "{text}"
        );
        assert!(
            !text.contains("secret") && !text.contains("hidden"),
            "{text}"
        );
    }

    #[test]
    fn a_redirect_is_a_foreign_host() {
        let verdict = verdict(
            302,
            &[("location", "https://evil.example.test/x?token=1")],
            "",
        );
        assert!(
            matches!(verdict, Verdict::Final(Error::ForeignHost { host, .. }) if host == "evil.example.test")
        );
    }

    #[test]
    fn dpop_failures_ask_for_a_nonce_or_a_new_token() {
        let challenge = |what| [("www-authenticate", what)];
        assert!(matches!(
            verdict(401, &challenge(r#"DPoP error="use_dpop_nonce""#), ""),
            Verdict::NonceWanted(_)
        ));
        assert!(matches!(
            verdict(
                403,
                &challenge(r#"DPoP algs="ES256", error="invalid_dpop_proof""#),
                ""
            ),
            Verdict::TokenRefused(_)
        ));
        assert!(matches!(
            verdict(401, &[], r#"{"errorCode":"E0000011"}"#),
            Verdict::TokenRefused(_)
        ));
    }
}
