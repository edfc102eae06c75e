//! The core Group (RFC 7643 sections 4.2, 8.7.1).
//!
//! Difference to section 8.7.1: a member has `display`, read-only. Section 2.4 gives it to every multi-valued attribute
//! and the example of section 8.4 shows it; a client that builds its types from `/Schemas` would refuse it unannounced.
//! `displayName` is required, as section 4.2 says in words.

use super::{Attribute, Mutability, Schema};

static MEMBERS: &[Attribute] = &[
    Attribute::string("value", "Id of the member.").mutability(Mutability::Immutable),
    Attribute::reference("$ref", &["User", "Group"], "URL of the member.")
        .mutability(Mutability::Immutable),
    Attribute::string("type", "Kind of the member.")
        .canonical(&["User", "Group"])
        .mutability(Mutability::Immutable),
    Attribute::string("display", "Name of the member.").mutability(Mutability::ReadOnly),
];

static GROUP_ATTRIBUTES: &[Attribute] = &[
    Attribute::string("displayName", "Name of the group.").required(),
    Attribute::complex("members", MEMBERS, "Who is in the group.").many(),
];

/// `urn:ietf:params:scim:schemas:core:2.0:Group`.
pub static GROUP: Schema = Schema {
    id: crate::scim::GROUP_URN,
    name: "Group",
    description: "A group of users",
    attributes: GROUP_ATTRIBUTES,
};
