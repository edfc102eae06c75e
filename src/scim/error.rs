//! What a SCIM client is told when something is wrong (RFC 7644 section 3.12).
//!
//! The detail is what an Okta admin reads ("Errors reported by remote server: …"), so it says what to do. It never
//! repeats a body, a filter or a value: those may hold secrets. Attribute names are shown, cut to a short length.

use serde_json::{Value, json};

/// The `scimType` of an error (RFC 7644 table 9; the last three are RFC 9865 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of table 9")]
pub enum ScimType {
    InvalidFilter,
    TooMany,
    Uniqueness,
    Mutability,
    InvalidSyntax,
    InvalidPath,
    NoTarget,
    InvalidValue,
    InvalidVers,
    Sensitive,
    InvalidCursor,
    ExpiredCursor,
    InvalidCount,
}

impl ScimType {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// An error answer: HTTP status, the RFC's keyword where it has one, and a sentence for the admin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {detail}")]
pub struct ScimError {
    /// HTTP status, 400–599.
    pub status: u16,
    /// Keyword of table 9, if one fits.
    pub scim_type: Option<ScimType>,
    /// What is wrong and what to do about it. Holds no values of the request.
    pub detail: String,
}

/// Constructors of one fixed status and keyword each.
macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $status:literal, $kind:expr;)*) => {
        impl ScimError {
            $($(#[$doc])* pub fn $name(detail: impl Into<String>) -> Self {
                Self { status: $status, scim_type: $kind, detail: detail.into() }
            })*
        }
    };
}

constructors! {
    /// 400 without a keyword.
    bad_request => 400, None;
    /// 400: the filter is malformed or not supported.
    invalid_filter => 400, Some(ScimType::InvalidFilter);
    /// 400: the answer would be larger than the server gives.
    too_many => 400, Some(ScimType::TooMany);
    /// 400: the write would change a read-only or immutable attribute.
    mutability => 400, Some(ScimType::Mutability);
    /// 400: the body is not JSON, or not of the message's structure.
    invalid_syntax => 400, Some(ScimType::InvalidSyntax);
    /// 400: the `path` of a PATCH operation is malformed.
    invalid_path => 400, Some(ScimType::InvalidPath);
    /// 400: the `path` of a PATCH operation names nothing.
    no_target => 400, Some(ScimType::NoTarget);
    /// 400: a required value is missing, or a value is of the wrong type.
    invalid_value => 400, Some(ScimType::InvalidValue);
    /// 400: the protocol version is not supported.
    invalid_vers => 400, Some(ScimType::InvalidVers);
    /// 400: the URI would carry what belongs in a body.
    sensitive => 400, Some(ScimType::Sensitive);
    /// 400: the cursor is not one of ours, or belongs to another query (RFC 9865).
    invalid_cursor => 400, Some(ScimType::InvalidCursor);
    /// 400: the cursor is too old (RFC 9865).
    expired_cursor => 400, Some(ScimType::ExpiredCursor);
    /// 400: `count` does not fit cursor paging (RFC 9865).
    invalid_count => 400, Some(ScimType::InvalidCount);
    /// 401.
    unauthorized => 401, None;
    /// 403.
    forbidden => 403, None;
    /// 404: no such resource or route.
    not_found => 404, None;
    /// 405.
    method_not_allowed => 405, None;
    /// 406: none of the accepted media types can be given.
    not_acceptable => 406, None;
    /// 409 without a keyword, as for circular bulk references.
    conflict => 409, None;
    /// 409: another resource has this value.
    uniqueness => 409, Some(ScimType::Uniqueness);
    /// 412: the version asked for is not the present one.
    precondition_failed => 412, None;
    /// 413.
    payload_too_large => 413, None;
    /// 415.
    unsupported_media_type => 415, None;
    /// 429: come back later; Okta does so by itself after 429 and not after 5xx.
    too_many_requests => 429, None;
    /// 500.
    internal => 500, None;
    /// 501.
    not_implemented => 501, None;
    /// 503.
    unavailable => 503, None;
}

impl ScimError {
    /// The 404 of a resource; it does not repeat the id.
    pub fn no_such(resource: super::ResourceType) -> Self {
        Self::not_found(format!("There is no such {}.", resource.name()))
    }

    /// The error body. `status` is a JSON string, as RFC 7644 section 3.12 has it.
    pub fn to_json(&self) -> Value {
        let mut body = json!({ "schemas": [super::ERROR_URN], "status": self.status.to_string() });
        if let Some(kind) = self.scim_type {
            body["scimType"] = kind.as_str().into();
        }
        body["detail"] = self.detail.as_str().into();
        body
    }
}

/// A name out of a request, fit for an error detail: at most 64 characters, none of them a control character.
pub(crate) fn shown(name: &str) -> String {
    let mut text: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    if text.len() < name.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_the_status_as_a_string_and_the_keyword() {
        let body = ScimError::uniqueness("Taken.").to_json();
        assert_eq!(
            body,
            json!({"schemas": [crate::scim::ERROR_URN], "status": "409", "scimType": "uniqueness", "detail": "Taken."})
        );
    }

    #[test]
    fn no_keyword_no_member() {
        let body = ScimError::unauthorized("Send a token.").to_json();
        assert_eq!(body.get("scimType"), None);
        assert_eq!(body["status"], "401");
    }

    #[test]
    fn a_shown_name_is_short_and_printable() {
        assert_eq!(shown("userName"), "userName");
        assert_eq!(shown("a\u{1b}[31mb"), "a[31mb…");
        assert_eq!(shown(&"x".repeat(1_000_000)).chars().count(), 65);
    }
}
