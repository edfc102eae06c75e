//! Media types (RFC 7644 sections 3.1 and 8.1).

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};

use crate::scim::ScimError;

/// Refuses a request that takes no JSON. Okta's suites add a charset to what they accept.
pub(super) fn acceptable(headers: &HeaderMap) -> Result<(), ScimError> {
    let mut any = false;
    for value in headers.get_all(ACCEPT) {
        let Ok(value) = value.to_str() else { continue };
        for range in value.split(',').filter(|range| !range.trim().is_empty()) {
            any = true;
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let refused = parts.any(|part| {
                part.strip_prefix("q=")
                    .or_else(|| part.strip_prefix("Q="))
                    .is_some_and(|weight| weight.trim().parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            let json = matches!(
                name.as_str(),
                "application/scim+json" | "application/json" | "application/*" | "*/*"
            );
            if json && !refused {
                return Ok(());
            }
        }
    }
    if any {
        return Err(ScimError::not_acceptable(
            "Answers are application/scim+json; accept that, application/json or */*.",
        ));
    }
    Ok(())
}

/// Refuses a body that does not say it is JSON. One that says nothing is taken for JSON.
pub(super) fn readable(headers: &HeaderMap) -> Result<(), ScimError> {
    if let Some(encoding) = headers.get(CONTENT_ENCODING)
        && encoding != "identity"
    {
        return Err(ScimError::unsupported_media_type(
            "Send the body without a Content-Encoding.",
        ));
    }
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let value = value.to_str().unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let utf8 = parts.all(|part| match part.split_once('=') {
        Some((key, charset)) if key.trim().eq_ignore_ascii_case("charset") => {
            let charset = charset.trim().trim_matches('"');
            charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
        }
        _ => true,
    });
    if utf8 && matches!(name.as_str(), "application/scim+json" | "application/json") {
        return Ok(());
    }
    Err(ScimError::unsupported_media_type(
        "Send the body as application/scim+json or application/json, in UTF-8.",
    ))
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT, CONTENT_TYPE};
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{acceptable, readable};

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn json_in_any_of_its_names_is_accepted() {
        for value in [
            "application/scim+json",
            "application/scim+json; charset=utf-8",
            "application/json",
            "text/html, */*;q=0.1",
            "APPLICATION/*",
            "",
        ] {
            assert_eq!(acceptable(&with(ACCEPT, value)), Ok(()), "{value}");
        }
        assert_eq!(acceptable(&HeaderMap::new()), Ok(()));
        for value in [
            "text/html",
            "application/xml, text/*",
            "application/json;q=0",
        ] {
            let refused = acceptable(&with(ACCEPT, value)).map_err(|error| error.status);
            assert_eq!(refused, Err(406), "{value}");
        }
    }

    #[test]
    fn a_body_is_json_in_utf_8() {
        for value in [
            "application/scim+json; charset=utf-8",
            "application/json",
            "Application/JSON; Charset=\"UTF-8\"",
        ] {
            assert_eq!(readable(&with(CONTENT_TYPE, value)), Ok(()), "{value}");
        }
        for value in [
            "text/plain",
            "application/xml",
            "application/json; charset=latin1",
            "",
        ] {
            let refused = readable(&with(CONTENT_TYPE, value)).map_err(|error| error.status);
            assert_eq!(refused, Err(415), "{value}");
        }
    }
}
