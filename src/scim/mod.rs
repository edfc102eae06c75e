//! SCIM 2.0 (RFC 7643, RFC 7644, RFC 9865) as pure code: bytes in, meanings out, JSON back.
//!
//! Nothing here does I/O, knows SQL or HTTP, or reads a clock; nothing of ours is imported. What comes from outside is
//! read by [`json`], so that every parser below sees well-formed input of bounded depth without duplicate names.
//!
//! | to do this | use |
//! |---|---|
//! | read a user, a group | [`user::parse`], [`group::parse`] |
//! | apply a PATCH | [`patch::parse`] + [`patch::apply_user`]; [`group::parse_patch`] + [`group::GroupPatch::net`] |
//! | read the parameters of a list | [`query::ListQuery`] |
//! | understand a filter | [`filter::parse`], [`filter::check`], [`filter::matches`] |
//! | know an attribute's type and case rule | [`schema::resolve`], [`schema::attribute`] |
//! | answer | [`user::UserDoc::to_resource`], [`group::GroupDoc::to_resource`], [`projection::Projection`], [`error::ScimError`] |
//! | describe the service | [`schema::discovery`] |
//!
//! Lenient in what it takes, strict in what it gives: where a client is known to send something else than the RFC says,
//! the comment beside the code names it.

pub mod bulk;
pub mod cursor;
pub mod error;
pub mod etag;
mod extension;
pub mod filter;
pub mod group;
pub mod json;
pub mod patch;
pub mod path;
pub mod projection;
pub mod query;
pub mod schema;
pub mod size;
pub mod user;

pub use error::{ScimError, ScimType};
pub use schema::ResourceType;

/// The media type of every SCIM body (RFC 7644 section 8.1).
pub const MEDIA_TYPE: &str = "application/scim+json";

/// Schema URN of the core User.
pub const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Schema URN of the core Group.
pub const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// Schema URN of the enterprise extension of User.
pub const ENTERPRISE_URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Message URN of an error body.
pub const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// Message URN of a list response.
pub const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// Message URN of a `/.search` request body.
pub const SEARCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// Message URN of a PATCH body.
pub const PATCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Message URN of a bulk request.
pub const BULK_REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// Message URN of a bulk response.
pub const BULK_RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// The longest userName, externalId, displayName, name part or e-mail taken, in characters.
///
/// These values stand in database indexes, which have a limit of their own; saying 400 here beats failing there.
pub const MAX_INDEXED_CHARS: usize = 512;

/// The `meta` attribute of a resource (RFC 7643 section 3.1). Times are RFC 3339 in UTC, as the caller formats them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Which endpoint the resource belongs to.
    pub resource_type: ResourceType,
    /// When it was created here.
    pub created: String,
    /// When it last changed here.
    pub last_modified: String,
    /// Its absolute URL.
    pub location: String,
    /// Its row version; shown as a weak ETag.
    pub version: i64,
}

impl Meta {
    /// The JSON object that stands under `meta`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "resourceType": self.resource_type.name(),
            "created": self.created,
            "lastModified": self.last_modified,
            "location": self.location,
            "version": etag::weak(self.version),
        })
    }
}
