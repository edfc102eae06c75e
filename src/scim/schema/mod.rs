//! The schemas of RFC 7643 as static data, and the lookup of an attribute by its path.
//!
//! [`user`], [`group`] and [`service`] hold the data, as section 8.7 has it but for the additions named there;
//! [`discovery`] renders what `/Schemas`, `/ResourceTypes` and `/ServiceProviderConfig` answer.

pub mod discovery;
pub mod group;
pub mod service;
pub mod user;

use super::path::AttrPath;
use super::{ENTERPRISE_URN, GROUP_URN, USER_URN};

static USER_EXTENSIONS: &[&Schema] = &[&user::ENTERPRISE_USER];

/// The two kinds of resource served here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum ResourceType {
    User,
    Group,
}

impl ResourceType {
    /// `User` or `Group`, as in `meta.resourceType`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// `/Users` or `/Groups`.
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }

    /// The core schema.
    pub const fn schema(self) -> &'static Schema {
        match self {
            Self::User => &user::USER,
            Self::Group => &group::GROUP,
        }
    }

    /// The extensions known here. Others are kept as they came.
    pub const fn extensions(self) -> &'static [&'static Schema] {
        match self {
            Self::User => USER_EXTENSIONS,
            Self::Group => &[],
        }
    }

    /// The core URN.
    pub const fn urn(self) -> &'static str {
        match self {
            Self::User => USER_URN,
            Self::Group => GROUP_URN,
        }
    }
}

/// Data type of an attribute (RFC 7643 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Kind {
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

/// When an attribute may be written (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Mutability {
    ReadOnly,
    ReadWrite,
    Immutable,
    WriteOnly,
}

/// When an attribute is returned (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Returned {
    Always,
    Never,
    Default,
    Request,
}

/// Over what an attribute is unique (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Uniqueness {
    None,
    Server,
    Global,
}

/// One attribute or sub-attribute.
#[derive(Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, in the spelling that is given out.
    pub name: &'static str,
    /// Its data type.
    pub kind: Kind,
    /// Whether it holds a list of values.
    pub multi_valued: bool,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether its strings are compared with their case. Not so: compare by the fold.
    pub case_exact: bool,
    /// When it may be written.
    pub mutability: Mutability,
    /// When it is returned.
    pub returned: Returned,
    /// Over what it is unique.
    pub uniqueness: Uniqueness,
    /// For people.
    pub description: &'static str,
    /// Suggested values.
    pub canonical: &'static [&'static str],
    /// What a reference may point to.
    pub reference_types: &'static [&'static str],
    /// Sub-attributes of a complex one.
    pub sub: &'static [Attribute],
}

impl Attribute {
    /// An optional, singular, readable and writable attribute.
    pub(crate) const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            kind,
            multi_valued: false,
            required: false,
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            description,
            canonical: &[],
            reference_types: &[],
            sub: &[],
        }
    }

    pub(crate) const fn string(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::String, description)
    }

    pub(crate) const fn reference(
        name: &'static str,
        types: &'static [&'static str],
        description: &'static str,
    ) -> Self {
        let mut attribute = Self::new(name, Kind::Reference, description);
        attribute.reference_types = types;
        attribute
    }

    pub(crate) const fn complex(
        name: &'static str,
        sub: &'static [Attribute],
        description: &'static str,
    ) -> Self {
        let mut attribute = Self::new(name, Kind::Complex, description);
        attribute.sub = sub;
        attribute
    }

    pub(crate) const fn many(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn case_exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    pub(crate) const fn mutability(mut self, mutability: Mutability) -> Self {
        self.mutability = mutability;
        self
    }

    pub(crate) const fn returned(mut self, returned: Returned) -> Self {
        self.returned = returned;
        self
    }

    pub(crate) const fn unique(mut self) -> Self {
        self.uniqueness = Uniqueness::Server;
        self
    }

    pub(crate) const fn canonical(mut self, values: &'static [&'static str]) -> Self {
        self.canonical = values;
        self
    }

    /// The sub-attribute of that name, ignoring ASCII case.
    pub fn sub(&self, name: &str) -> Option<&'static Attribute> {
        find(self.sub, name)
    }
}

/// A schema: its URN, names for people, and attributes.
#[derive(Debug, PartialEq, Eq)]
pub struct Schema {
    /// URN.
    pub id: &'static str,
    /// Short name.
    pub name: &'static str,
    /// For people.
    pub description: &'static str,
    /// Attributes in the order of the RFC.
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// The attribute of that name, ignoring ASCII case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.attributes, name)
    }
}

fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// Attributes every resource has and no schema lists (RFC 7643 section 3.1), and `schemas`.
pub static COMMON: &[Attribute] = &[
    Attribute::reference("schemas", &["uri"], "URNs of the schemas of this resource.")
        .many()
        .required()
        .case_exact()
        .returned(Returned::Always),
    Attribute::string(
        "id",
        "Identifier given by this service; never changes, never used again.",
    )
    .case_exact()
    .mutability(Mutability::ReadOnly)
    .returned(Returned::Always)
    .unique(),
    Attribute::string("externalId", "Identifier given by the client.").case_exact(),
    Attribute::complex(
        "meta",
        &[
            Attribute::string("resourceType", "User or Group.")
                .case_exact()
                .mutability(Mutability::ReadOnly),
            Attribute::new("created", Kind::DateTime, "When it was created here.")
                .mutability(Mutability::ReadOnly),
            Attribute::new("lastModified", Kind::DateTime, "When it last changed.")
                .mutability(Mutability::ReadOnly),
            Attribute::reference("location", &["uri"], "Its URL.")
                .case_exact()
                .mutability(Mutability::ReadOnly),
            Attribute::string("version", "Its entity tag.")
                .case_exact()
                .mutability(Mutability::ReadOnly),
        ],
        "Facts about the resource, kept by this service.",
    )
    .mutability(Mutability::ReadOnly),
];

/// What an attribute path means in a resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// URN of the extension that has the attribute; none for core and common attributes.
    pub extension: Option<&'static str>,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// The sub-attribute, if the path names one.
    pub sub: Option<&'static Attribute>,
}

impl Resolved {
    /// The sub-attribute if there is one, else the attribute.
    pub fn leaf(&self) -> &'static Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    /// What a comparison with this path compares: the leaf; of a complex attribute without a sub-attribute its `value`
    /// (`emails co "example.com"`, RFC 7644 section 3.4.2.2). None for a complex attribute that has no `value`.
    pub fn comparable(&self) -> Option<&'static Attribute> {
        let leaf = self.leaf();
        if leaf.kind == Kind::Complex {
            leaf.sub("value")
        } else {
            Some(leaf)
        }
    }
}

/// Resolves a path, with or without URN, ignoring ASCII case. None: not an attribute of a known schema.
pub fn resolve(resource: ResourceType, path: &AttrPath) -> Option<Resolved> {
    let (extension, attribute) = match &path.urn {
        None => (None, core(resource, &path.name)?),
        Some(urn) if urn.eq_ignore_ascii_case(resource.urn()) => {
            (None, core(resource, &path.name)?)
        }
        Some(urn) => {
            let schema = resource
                .extensions()
                .iter()
                .find(|schema| schema.id.eq_ignore_ascii_case(urn))?;
            (Some(schema.id), schema.attribute(&path.name)?)
        }
    };
    let sub = match &path.sub {
        None => None,
        Some(name) => Some(attribute.sub(name)?),
    };
    Some(Resolved {
        extension,
        attribute,
        sub,
    })
}

fn core(resource: ResourceType, name: &str) -> Option<&'static Attribute> {
    find(COMMON, name).or_else(|| resource.schema().attribute(name))
}

/// The attribute or sub-attribute a path names: [`resolve`] down to its leaf.
pub fn attribute(resource: ResourceType, path: &AttrPath) -> Option<&'static Attribute> {
    resolve(resource, path).map(|resolved| resolved.leaf())
}

/// Whether a URN is that of the enterprise extension.
pub fn is_enterprise(urn: &str) -> bool {
    urn.eq_ignore_ascii_case(ENTERPRISE_URN)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn at(path: &str) -> Option<Resolved> {
        resolve(ResourceType::User, &path.parse().unwrap())
    }

    #[test]
    fn paths_resolve_ignoring_case_with_and_without_urn() {
        assert_eq!(at("USERNAME").unwrap().leaf().name, "userName");
        assert_eq!(
            at("urn:ietf:params:scim:schemas:core:2.0:user:Name.GivenName")
                .unwrap()
                .leaf()
                .name,
            "givenName"
        );
        let manager =
            at("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value").unwrap();
        assert_eq!(
            (manager.extension, manager.leaf().name),
            (Some(ENTERPRISE_URN), "value")
        );
        assert_eq!(at("meta.lastModified").unwrap().leaf().kind, Kind::DateTime);
    }

    #[test]
    fn what_is_in_no_schema_resolves_to_nothing() {
        for path in [
            "nope",
            "userName.x",
            "name.nope",
            "urn:x:y:userName",
            "department",
            "members",
        ] {
            assert_eq!(at(path), None, "{path}");
        }
    }

    #[test]
    fn a_complex_attribute_compares_by_its_value() {
        assert_eq!(at("emails").unwrap().comparable().unwrap().name, "value");
        assert_eq!(at("name").unwrap().comparable(), None);
    }
}
