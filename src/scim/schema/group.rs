//! The core Group (RFC 7643 sections 4.2, 8.7.1).
//!
//! Difference to section 8.7.1: a member has `display`, as section 2.4 gives to every multi-valued attribute. It is
//! read-only, and returned on request: by default a member reads back as it was written, and a large group is no longer
//! than it must be. `displayName` is required, as section 4.2 says in words.

use super::{Attribute, Mutability, Returned, Schema};

static MEMBERS: &[Attribute] = &[
    Attribute::string("value", "Id of the member.").mutability(Mutability::Immutable),
    Attribute::reference("$ref", &["User", "Group"], "URL of the member.")
        .mutability(Mutability::Immutable),
    Attribute::string("type", "Kind of the member.")
        .canonical(&["User", "Group"])
        .mutability(Mutability::Immutable),
    Attribute::string("display", "Name of the member.")
        .mutability(Mutability::ReadOnly)
        .returned(Returned::Request),
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
