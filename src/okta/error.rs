//! What can go wrong with Okta, named for what the caller will do about it.

use std::fmt;

use crate::model::time::Timestamp;

/// Which call an error speaks of.
///
/// Holds the method and the path without its query: a cursor or a filter says nothing to an admin, and nothing secret
/// is in a path of the Management API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The call, as `GET /api/v1/groups`.
    pub call: String,
    /// Okta's `X-Okta-Request-Id`, by which Okta's support finds the request; `None` when Okta never answered.
    pub request_id: Option<String>,
}

impl Place {
    pub(super) fn new(method: &str, path: &str) -> Self {
        Self {
            call: format!("{method} {path}"),
            request_id: None,
        }
    }

    pub(super) fn answered(mut self, request_id: Option<String>) -> Self {
        self.request_id = request_id;
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.request_id {
            Some(id) => write!(f, "{} (Okta request {id})", self.call),
            None => f.write_str(&self.call),
        }
    }
}

/// A failed call to Okta. Display never holds a secret: of Okta's error bodies only `errorCode` and `errorSummary`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// 401 (`E0000011` and kin): the token is wrong, expired or revoked. Repeating is useless: a person has to act.
    #[error(
        "{place}: Okta does not accept the token ({code} {summary}); it is invalid, expired or revoked: make a new one"
    )]
    Unauthorized {
        /// The call.
        place: Place,
        /// Okta's `errorCode`.
        code: String,
        /// Okta's `errorSummary`.
        summary: String,
    },
    /// 403 (`E0000006`): authenticated, but without the scope or the admin role. Whatever was asked for is unknown (R8).
    #[error("{place}: Okta forbids it ({code} {summary}); it needs {need}")]
    Forbidden {
        /// The call.
        place: Place,
        /// Okta's `errorCode`.
        code: String,
        /// Okta's `errorSummary`.
        summary: String,
        /// The scope and the role that the call needs.
        need: &'static str,
    },
    /// A 404 that does not prove that the object asked for is gone: not Okta's own (`E0000007`), or of something above it.
    #[error("{place}: not found ({code} {summary})")]
    NotFound {
        /// The call.
        place: Place,
        /// Okta's `errorCode`, empty when the body was not Okta's.
        code: String,
        /// Okta's `errorSummary`.
        summary: String,
    },
    /// Any other 4xx: what was asked is wrong, and asking again will not help.
    #[error("{place}: Okta refused it with {status} ({code} {summary})")]
    Refused {
        /// The call.
        place: Place,
        /// The HTTP status.
        status: u16,
        /// Okta's `errorCode`, empty when the body was not Okta's.
        code: String,
        /// Okta's `errorSummary`.
        summary: String,
    },
    /// The rate limit leaves no room before the caller's deadline, or not after many waits.
    #[error("{place}: Okta's rate limit is used up until {until}")]
    RateLimited {
        /// The call.
        place: Place,
        /// When there is room again, by our clock.
        until: Timestamp,
    },
    /// No usable answer after every attempt: 5xx, timeout, connection or TLS failure.
    #[error("{place}: Okta does not answer: {why}")]
    Unavailable {
        /// The call.
        place: Place,
        /// The last failure.
        why: String,
    },
    /// A 2xx answer that is not what Okta documents: cut off, not JSON, a required field missing.
    #[error("{place}: Okta's answer cannot be read: {why}")]
    Malformed {
        /// The call.
        place: Place,
        /// What is wrong, with the field's path.
        why: String,
    },
    /// A `next` link (or a redirect) leads away from the configured org; the token is not sent there.
    #[error(
        "{place}: the answer leads to another host ({host}), which is not followed; is `okta.org_url` the host that Okta answers with?"
    )]
    ForeignHost {
        /// The call.
        place: Place,
        /// Where it leads.
        host: String,
    },
    /// A listing gave a page a second time, so that its end proves nothing.
    #[error("{place}: the listing repeats itself on page {page}")]
    Repeated {
        /// The call.
        place: Place,
        /// The page that was seen before, counted from 1.
        page: u64,
    },
    /// The caller's token was cancelled: the daemon is stopping.
    #[error("cancelled")]
    Cancelled,
    /// The token endpoint refused us (RFC 6749 section 5.2).
    #[error(
        "Okta's token endpoint refuses the service app: {error} ({description}); {}",
        oauth_hint(error)
    )]
    OAuth {
        /// The OAuth error code, as `invalid_client`.
        error: String,
        /// Okta's `error_description`.
        description: String,
    },
    /// A signature could not be made: the key does not work.
    #[error("the service app's key does not sign: {0}")]
    Signing(&'static str),
}

impl Error {
    /// Whether asking again later, with nothing changed by a person, may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::Unavailable { .. }
                | Self::Malformed { .. }
                | Self::Repeated { .. }
        )
    }

    /// A short word for metrics and problems: `unauthorized`, `forbidden`, `rate_limited`, ….
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound { .. } => "not_found",
            Self::Refused { .. } => "refused",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Malformed { .. } => "malformed",
            Self::ForeignHost { .. } => "foreign_host",
            Self::Repeated { .. } => "repeated",
            Self::Cancelled => "cancelled",
            Self::OAuth { .. } => "oauth",
            Self::Signing(_) => "signing",
        }
    }
}

fn oauth_hint(error: &str) -> &'static str {
    match error {
        "invalid_client" => "check client_id, the public key registered in Okta and its key id",
        "invalid_scope" => "grant the scopes to the app (Okta API Scopes)",
        "invalid_dpop_proof" => {
            "the app requires DPoP: set `dpop` to auto or on, and check this host's clock"
        }
        "access_denied" => "assign an admin role to the app",
        _ => "check the service app in Okta",
    }
}

/// The scope and role a path of the Management API needs (for `check --online` and problems).
pub(super) fn need(path: &str) -> &'static str {
    if path.ends_with("/group-push/mappings") {
        "scopes okta.apps.read and okta.groups.read, and a role that may view the app and its groups"
    } else if path.starts_with("/api/v1/apps") {
        "scope okta.apps.read and a role that may view the app and its users"
    } else if path.starts_with("/api/v1/groups") {
        "scope okta.groups.read and a role that may view groups (members also need okta.users.read)"
    } else if path.ends_with("/roles") {
        "scope okta.roles.read"
    } else if path.starts_with("/api/v1/users") {
        "scope okta.users.read and a role that may view users"
    } else {
        "a scope and an admin role"
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, Place, need};

    #[test]
    fn an_error_says_the_call_and_okta_s_request_id() {
        let place = Place::new("GET", "/api/v1/groups").answered(Some("AbC".to_owned()));
        let text = Error::Unavailable {
            place,
            why: "503".to_owned(),
        }
        .to_string();
        assert_eq!(
            text,
            "GET /api/v1/groups (Okta request AbC): Okta does not answer: 503"
        );
    }

    #[test]
    fn a_403_names_the_scope_of_its_endpoint() {
        for (path, scope) in [
            ("/api/v1/groups/00g1/users", "okta.groups.read"),
            ("/api/v1/users", "okta.users.read"),
            ("/api/v1/apps/0oa1/users", "okta.apps.read"),
            (
                "/api/v1/apps/0oa1/group-push/mappings",
                "okta.apps.read and okta.groups.read",
            ),
        ] {
            assert!(need(path).contains(scope), "{path}");
        }
    }
}
