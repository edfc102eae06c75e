//! The core User and the enterprise extension (RFC 7643 sections 4.1, 4.3, 8.7.1).
//!
//! Differences to section 8.7.1: `addresses` has `primary`, which section 2.4 gives every multi-valued attribute and the
//! examples of section 8.3 use, and a certificate's `value` is caseExact, as section 2.3.6 says of binary values and
//! erratum 6000 corrects.

use super::{Attribute, Kind, Mutability, Returned, Schema};

const DISPLAY: Attribute = Attribute::string("display", "Name of the value for people to read.");
const PRIMARY: Attribute = Attribute::new(
    "primary",
    Kind::Boolean,
    "Whether this is the preferred value; at most one value is.",
);

const fn label(canonical: &'static [&'static str]) -> Attribute {
    Attribute::string("type", "What the value is used for.").canonical(canonical)
}

const fn text_value(description: &'static str) -> Attribute {
    Attribute::string("value", description)
}

static NAME: &[Attribute] = &[
    Attribute::string("formatted", "The whole name as it is to be shown."),
    Attribute::string("familyName", "Family name."),
    Attribute::string("givenName", "Given name."),
    Attribute::string("middleName", "Middle names."),
    Attribute::string(
        "honorificPrefix",
        "Title before the name, such as Ms. or Dr.",
    ),
    Attribute::string("honorificSuffix", "What follows the name, such as III."),
];

static EMAILS: &[Attribute] = &[
    text_value("The e-mail address."),
    DISPLAY,
    label(&["work", "home", "other"]),
    PRIMARY,
];

static PHONE_NUMBERS: &[Attribute] = &[
    text_value("The phone number."),
    DISPLAY,
    label(&["work", "home", "mobile", "fax", "pager", "other"]),
    PRIMARY,
];

static IMS: &[Attribute] = &[
    text_value("The address in the messaging service."),
    DISPLAY,
    label(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
    PRIMARY,
];

static PHOTOS: &[Attribute] = &[
    Attribute::reference("value", &["external"], "URL of the picture."),
    DISPLAY,
    label(&["photo", "thumbnail"]),
    PRIMARY,
];

static ADDRESSES: &[Attribute] = &[
    Attribute::string("formatted", "The whole address as it is to be shown."),
    Attribute::string("streetAddress", "Street, house number, post box."),
    Attribute::string("locality", "City or place."),
    Attribute::string("region", "State or region."),
    Attribute::string("postalCode", "Postal code."),
    Attribute::string("country", "Country."),
    label(&["work", "home", "other"]),
    PRIMARY,
];

static GROUPS: &[Attribute] = &[
    text_value("Id of the group.").mutability(Mutability::ReadOnly),
    Attribute::reference("$ref", &["User", "Group"], "URL of the group.")
        .mutability(Mutability::ReadOnly),
    Attribute::string("display", "Name of the group.").mutability(Mutability::ReadOnly),
    Attribute::string(
        "type",
        "Whether the membership is direct or through another group.",
    )
    .canonical(&["direct", "indirect"])
    .mutability(Mutability::ReadOnly),
];

static ENTITLEMENTS: &[Attribute] = &[text_value("The entitlement."), DISPLAY, label(&[]), PRIMARY];

static ROLES: &[Attribute] = &[text_value("The role."), DISPLAY, label(&[]), PRIMARY];

static CERTIFICATES: &[Attribute] = &[
    Attribute::new("value", Kind::Binary, "The certificate in DER, Base64.").case_exact(),
    DISPLAY,
    label(&[]),
    PRIMARY,
];

static USER_ATTRIBUTES: &[Attribute] = &[
    Attribute::string(
        "userName",
        "The name the user signs in with; unique, compared without case.",
    )
    .required()
    .unique(),
    Attribute::complex("name", NAME, "The parts of the person's name."),
    Attribute::string("displayName", "The name shown to others."),
    Attribute::string("nickName", "The name the person is called by."),
    Attribute::reference(
        "profileUrl",
        &["external"],
        "URL of a page about the person.",
    ),
    Attribute::string("title", "Job title."),
    Attribute::string(
        "userType",
        "How the person stands to the organization, such as Employee.",
    ),
    Attribute::string(
        "preferredLanguage",
        "Preferred languages, as in Accept-Language.",
    ),
    Attribute::string(
        "locale",
        "Locale for dates, numbers and money, such as en-US.",
    ),
    Attribute::string("timezone", "Time zone by its name in the IANA database."),
    Attribute::new(
        "active",
        Kind::Boolean,
        "Whether the user may use the service.",
    ),
    Attribute::string("password", "Initial or new password; never given out.")
        .mutability(Mutability::WriteOnly)
        .returned(Returned::Never),
    Attribute::complex("emails", EMAILS, "E-mail addresses.").many(),
    Attribute::complex("phoneNumbers", PHONE_NUMBERS, "Phone numbers.").many(),
    Attribute::complex("ims", IMS, "Instant messaging addresses.").many(),
    Attribute::complex("photos", PHOTOS, "Pictures of the person.").many(),
    Attribute::complex("addresses", ADDRESSES, "Postal addresses.").many(),
    Attribute::complex(
        "groups",
        GROUPS,
        "Groups the user is in. Changed at the group, not here.",
    )
    .many()
    .mutability(Mutability::ReadOnly),
    Attribute::complex(
        "entitlements",
        ENTITLEMENTS,
        "What the user is entitled to.",
    )
    .many(),
    Attribute::complex(
        "roles",
        ROLES,
        "Roles of the user, as the client names them.",
    )
    .many(),
    Attribute::complex(
        "x509Certificates",
        CERTIFICATES,
        "Certificates of the user.",
    )
    .many(),
];

/// `urn:ietf:params:scim:schemas:core:2.0:User`.
pub static USER: Schema = Schema {
    id: crate::scim::USER_URN,
    name: "User",
    description: "A person's account",
    attributes: USER_ATTRIBUTES,
};

static MANAGER: &[Attribute] = &[
    text_value("Id of the manager's User."),
    Attribute::reference("$ref", &["User"], "URL of the manager's User."),
    Attribute::string("displayName", "Name of the manager.").mutability(Mutability::ReadOnly),
];

static ENTERPRISE_ATTRIBUTES: &[Attribute] = &[
    Attribute::string(
        "employeeNumber",
        "Number or code the organization gave the person.",
    ),
    Attribute::string("costCenter", "Cost center."),
    Attribute::string("organization", "Organization."),
    Attribute::string("division", "Division."),
    Attribute::string("department", "Department."),
    Attribute::complex("manager", MANAGER, "The person's manager."),
];

/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`.
pub static ENTERPRISE_USER: Schema = Schema {
    id: crate::scim::ENTERPRISE_URN,
    name: "EnterpriseUser",
    description: "What an employer adds to a User",
    attributes: ENTERPRISE_ATTRIBUTES,
};
