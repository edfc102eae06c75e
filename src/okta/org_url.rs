//! The org's URL: the one host the token is ever sent to.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// The URL of an Okta org: `https://` and a host, nothing more (plain http for loopback only).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgUrl(Url);

/// Why a text is not an org URL; the text says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrgUrlError {
    /// Not a URL.
    #[error("not a URL ({0}); write it as https://example.okta.com")]
    Syntax(String),
    /// Neither https nor loopback.
    #[error("must be https (http is taken only for a loopback address)")]
    NotHttps,
    /// Credentials in the URL.
    #[error("must not hold a user name or password; the token has its own key")]
    Credentials,
    /// The admin console's host.
    #[error("is the admin console; use the org's own URL, without `-admin`: https://{0}")]
    AdminHost(String),
    /// A path, query or fragment.
    #[error("must be the org's host alone, without `{0}`")]
    NotBare(String),
}

impl OrgUrl {
    /// Reads an org URL. A trailing slash is dropped: Okta compares `aud` and `htu` with its own URLs to the letter.
    ///
    /// # Errors
    /// When it is not an `https` (or loopback) origin, when it is the `-admin` host, or when it has a path.
    pub fn parse(text: &str) -> Result<Self, OrgUrlError> {
        let url = Url::parse(text.trim()).map_err(|why| OrgUrlError::Syntax(why.to_string()))?;
        let Some(host) = url.host() else {
            return Err(OrgUrlError::Syntax("no host".to_owned()));
        };
        if !secure(&url) {
            return Err(OrgUrlError::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OrgUrlError::Credentials);
        }
        if let Host::Domain(name) = host
            && let Some((sub, rest)) = name.split_once('.')
            && let Some(org) = sub.strip_suffix("-admin")
        {
            return Err(OrgUrlError::AdminHost(format!("{org}.{rest}")));
        }
        let extra = match (url.path(), url.query(), url.fragment()) {
            (path, _, _) if !path.trim_matches('/').is_empty() => Some(path.to_owned()),
            (_, Some(query), _) => Some(format!("?{query}")),
            (_, _, Some(fragment)) => Some(format!("#{fragment}")),
            _ => None,
        };
        if let Some(extra) = extra {
            return Err(OrgUrlError::NotBare(extra));
        }
        let mut bare = url;
        bare.set_path("/");
        Ok(Self(bare))
    }

    /// The URL of a path below the org, each segment percent-encoded.
    pub(super) fn at(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(segments);
        }
        url
    }

    /// The same with a query. Spaces become `%20`, never `+`, which not every server reads as a space.
    pub(super) fn query(&self, segments: &[&str], pairs: &[(&str, &str)]) -> Url {
        let mut url = self.at(segments);
        for (name, value) in pairs {
            add(&mut url, name, value);
        }
        url
    }

    /// Whether `url` is of this org: same scheme, host and port, without credentials (R8: anything else is foreign).
    pub(super) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.0.origin() && url.username().is_empty() && url.password().is_none()
    }

    /// The org's host name or address.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

/// Without a trailing slash, as Okta writes issuers.
impl fmt::Display for OrgUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// Adds one pair to a URL's query.
pub(super) fn add(url: &mut Url, name: &str, value: &str) {
    url.query_pairs_mut().append_pair(name, value);
    // A literal plus was written as %2B, so every plus here is a space.
    let query = url.query().map(|query| query.replace('+', "%20"));
    url.set_query(query.as_deref());
}

fn secure(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", _) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost",
        ("http", Some(Host::Ipv4(ip))) => IpAddr::V4(ip).is_loopback(),
        ("http", Some(Host::Ipv6(ip))) => IpAddr::V6(ip).is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{OrgUrl, OrgUrlError};

    #[test]
    fn a_trailing_slash_makes_no_difference() {
        for text in [
            "https://acme.okta.com",
            "https://acme.okta.com/",
            "https://ACME.okta.com//",
            " https://acme.okta.com:443 ",
        ] {
            assert_eq!(
                OrgUrl::parse(text).unwrap().to_string(),
                "https://acme.okta.com",
                "{text}"
            );
        }
    }

    #[test]
    fn only_https_or_loopback() {
        for ok in [
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost:3",
            "https://id.example.test",
        ] {
            assert!(OrgUrl::parse(ok).is_ok(), "{ok}");
        }
        for bad in [
            "http://acme.okta.com",
            "http://127.0.0.1.example.test",
            "ftp://acme.okta.com",
        ] {
            assert_eq!(OrgUrl::parse(bad), Err(OrgUrlError::NotHttps), "{bad}");
        }
        assert!(matches!(
            OrgUrl::parse("acme.okta.com"),
            Err(OrgUrlError::Syntax(_))
        ));
    }

    #[test]
    fn the_admin_host_is_refused_with_the_right_one_named() {
        let why = OrgUrl::parse("https://acme-admin.okta.com/").unwrap_err();
        assert!(why.to_string().contains("https://acme.okta.com"), "{why}");
    }

    #[test]
    fn a_path_a_query_or_a_password_is_refused() {
        for bad in [
            "https://a.okta.com/api/v1",
            "https://a.okta.com/?x=1",
            "https://a.okta.com/#x",
        ] {
            assert!(
                matches!(OrgUrl::parse(bad), Err(OrgUrlError::NotBare(_))),
                "{bad}"
            );
        }
        assert_eq!(
            OrgUrl::parse("https://u:p@a.okta.com"),
            Err(OrgUrlError::Credentials)
        );
    }

    #[test]
    fn r8_another_host_scheme_port_or_admin_twin_is_foreign() {
        let org = OrgUrl::parse("https://acme.okta.com").unwrap();
        assert!(
            org.owns(
                &"https://acme.okta.com:443/api/v1/groups?after=x"
                    .parse()
                    .unwrap()
            )
        );
        for other in [
            "http://acme.okta.com/api/v1/groups",
            "https://acme-admin.okta.com/api/v1/groups",
            "https://acme.okta.com:8443/",
            "https://acme.okta.com.example.test/",
            "https://acme.okta.com@example.test/",
            "https://u@acme.okta.com/",
        ] {
            assert!(!org.owns(&other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        let org = OrgUrl::parse("https://acme.okta.com").unwrap();
        let url = org.at(&["api", "v1", "users", "a/b?c#d@x"]);
        assert_eq!(
            url.as_str(),
            "https://acme.okta.com/api/v1/users/a%2Fb%3Fc%23d@x"
        );
    }

    #[test]
    fn a_query_survives_spaces_quotes_and_pluses() {
        let org = OrgUrl::parse("https://acme.okta.com").unwrap();
        let url = org.query(&["x"], &[("filter", r#"login eq "a+b@x""#), ("limit", "2")]);
        assert_eq!(
            url.query(),
            Some("filter=login%20eq%20%22a%2Bb%40x%22&limit=2")
        );
    }
}
