//! The schemas of the service's own resources (RFC 7643 sections 5, 6, 7 and 8.7.2): all of it read-only.
//!
//! ServiceProviderConfig has `etag`, and a scheme's `type` and `primary`, as section 5 says in words, and `pagination` of
//! RFC 9865 section 4.

use super::{Attribute, Kind, Mutability, Schema};

const fn shown(attribute: Attribute) -> Attribute {
    attribute.mutability(Mutability::ReadOnly)
}

const fn flag(name: &'static str, description: &'static str) -> Attribute {
    shown(Attribute::new(name, Kind::Boolean, description)).required()
}

const fn number(name: &'static str, description: &'static str) -> Attribute {
    shown(Attribute::new(name, Kind::Integer, description))
}

const fn word(name: &'static str, description: &'static str) -> Attribute {
    shown(Attribute::string(name, description))
}

const fn part(
    name: &'static str,
    sub: &'static [Attribute],
    description: &'static str,
) -> Attribute {
    shown(Attribute::complex(name, sub, description)).required()
}

static SUPPORTED: &[Attribute] = &[flag("supported", "Whether the service can do it.")];

static BULK: &[Attribute] = &[
    flag("supported", "Whether the service can do it."),
    number("maxOperations", "The most operations in one request.").required(),
    number("maxPayloadSize", "The most bytes in one request.").required(),
];

static FILTER: &[Attribute] = &[
    flag("supported", "Whether the service can do it."),
    number("maxResults", "The most resources in one answer.").required(),
];

static PAGINATION: &[Attribute] = &[
    flag("cursor", "Whether lists can be paged by cursor."),
    flag("index", "Whether lists can be paged by index."),
    word(
        "defaultPaginationMethod",
        "How a request is paged that does not say.",
    )
    .canonical(&["cursor", "index"]),
    number(
        "defaultPageSize",
        "Resources in a page of a request that does not say.",
    ),
    number("maxPageSize", "The most resources in a page."),
    number(
        "cursorTimeout",
        "Seconds for which a cursor is good; without it for ever.",
    ),
];

static SCHEMES: &[Attribute] = &[
    word("type", "Kind of the scheme.").required().canonical(&[
        "oauth",
        "oauth2",
        "oauthbearertoken",
        "httpbasic",
        "httpdigest",
    ]),
    word("name", "Name for people.").required(),
    word("description", "How it works.").required(),
    shown(Attribute::reference(
        "specUri",
        &["external"],
        "URL of its specification.",
    )),
    shown(Attribute::reference(
        "documentationUri",
        &["external"],
        "URL of its documentation.",
    )),
    shown(Attribute::new(
        "primary",
        Kind::Boolean,
        "Whether it is the preferred one.",
    )),
];

static CONFIG_ATTRIBUTES: &[Attribute] = &[
    shown(Attribute::reference(
        "documentationUri",
        &["external"],
        "URL of the service's documentation.",
    )),
    part("patch", SUPPORTED, "PATCH."),
    part("bulk", BULK, "Bulk requests."),
    part("filter", FILTER, "Filters."),
    part("changePassword", SUPPORTED, "Changes of passwords."),
    part("sort", SUPPORTED, "Sorting."),
    part("etag", SUPPORTED, "Entity tags."),
    shown(Attribute::complex(
        "pagination",
        PAGINATION,
        "Ways of paging.",
    )),
    part("authenticationSchemes", SCHEMES, "Ways to authenticate.").many(),
];

/// `urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig`.
pub static SERVICE_PROVIDER_CONFIG: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig",
    name: "ServiceProviderConfig",
    description: "What the service can do",
    attributes: CONFIG_ATTRIBUTES,
};

static EXTENSIONS: &[Attribute] = &[
    shown(Attribute::reference(
        "schema",
        &["uri"],
        "URN of the extension.",
    ))
    .required()
    .case_exact(),
    flag("required", "Whether every resource must have it."),
];

static RESOURCE_TYPE_ATTRIBUTES: &[Attribute] = &[
    word("id", "Identifier, the same as the name."),
    word("name", "Name of the resource type.").required(),
    word("description", "For people."),
    shown(Attribute::reference(
        "endpoint",
        &["uri"],
        "Path of its resources.",
    ))
    .required(),
    shown(Attribute::reference(
        "schema",
        &["uri"],
        "URN of its core schema.",
    ))
    .required()
    .case_exact(),
    shown(Attribute::complex(
        "schemaExtensions",
        EXTENSIONS,
        "Its extensions.",
    ))
    .many(),
];

/// `urn:ietf:params:scim:schemas:core:2.0:ResourceType`.
pub static RESOURCE_TYPE: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:ResourceType",
    name: "ResourceType",
    description: "A kind of resource",
    attributes: RESOURCE_TYPE_ATTRIBUTES,
};

/// What an attribute and a sub-attribute say of themselves; `$sub` is what the attribute says besides.
macro_rules! attributes_of_attributes {
    ($($sub:expr)?) => {
        &[
            word("name", "Name of the attribute.").required().case_exact(),
            word("type", "Data type.").required().canonical(&[
                "string", "complex", "boolean", "decimal", "integer", "dateTime", "reference", "binary",
            ]),
            flag("multiValued", "Whether it has a list of values."),
            word("description", "For people."),
            shown(Attribute::new("required", Kind::Boolean, "Whether a resource must have it.")),
            word("canonicalValues", "Suggested values.").many().case_exact(),
            shown(Attribute::new("caseExact", Kind::Boolean, "Whether case counts in comparisons.")),
            word("mutability", "When it may be written.")
                .case_exact()
                .canonical(&["readOnly", "readWrite", "immutable", "writeOnly"]),
            word("returned", "When it is returned.").case_exact().canonical(&["always", "never", "default", "request"]),
            word("uniqueness", "Over what it is unique.").case_exact().canonical(&["none", "server", "global"]),
            word("referenceTypes", "What a reference may point to.").many().case_exact(),
            $($sub)?
        ]
    };
}

static SUB_ATTRIBUTES: &[Attribute] = attributes_of_attributes!();

static ATTRIBUTES: &[Attribute] = attributes_of_attributes!(
    shown(Attribute::complex(
        "subAttributes",
        SUB_ATTRIBUTES,
        "Sub-attributes of a complex attribute."
    ))
    .many()
);

static SCHEMA_ATTRIBUTES: &[Attribute] = &[
    word("id", "URN of the schema.").required(),
    word("name", "Name for people.").required(),
    word("description", "For people."),
    part("attributes", ATTRIBUTES, "The attributes.").many(),
];

/// `urn:ietf:params:scim:schemas:core:2.0:Schema`.
pub static SCHEMA: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Schema",
    name: "Schema",
    description: "The attributes of a kind of resource",
    attributes: SCHEMA_ATTRIBUTES,
};
