//! Where an attribute lives: the closed match between the schemas and the tables.
//!
//! Attributes that are filtered, sorted or joined in practice are columns or rows; the others are in the JSON text of
//! their row: `resource` as sent, `folded` for comparison (names in lower case, strings folded).

use super::text::Text;
use crate::scim::schema::{Kind, Resolved, ResourceType};

/// The name of a resource's table in a statement.
pub(super) fn alias(resource: ResourceType) -> &'static str {
    match resource {
        ResourceType::User => "u",
        ResourceType::Group => "g",
    }
}

/// A single value that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leaf {
    /// A text. `raw` is as given out, null where absent; `compared` is its fold, or itself where case counts.
    Text {
        raw: String,
        compared: String,
        folded: bool,
    },
    /// A text made of a fixed beginning and an expression: URLs.
    Url {
        id: &'static str,
        path: &'static str,
        folded: bool,
    },
    /// The same text for everybody.
    Constant { value: &'static str, folded: bool },
    /// Milliseconds.
    Instant(&'static str),
    /// 0 or 1, never null.
    Flag(&'static str),
    /// A boolean of a JSON value's row.
    Part {
        alias: &'static str,
        name: &'static str,
    },
}

impl Leaf {
    fn folded(raw: &str, compared: &str) -> Self {
        Self::Text {
            raw: raw.to_owned(),
            compared: compared.to_owned(),
            folded: true,
        }
    }

    fn exact(column: &str) -> Self {
        Self::Text {
            raw: column.to_owned(),
            compared: column.to_owned(),
            folded: false,
        }
    }
}

/// Rows that hold the values of a multi-valued attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// A list in the JSON text: attribute name, and in lower case.
    Json(&'static str),
    /// `user_emails`, which holds the e-mails that have a value.
    Emails,
    /// The SCIM groups a user is in.
    Groups,
    /// The users of a group that SCIM can see (R15).
    Members,
}

/// Where an attribute lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// One value.
    One(Leaf),
    /// One complex value, of which something is there when this attribute is: (extension, name).
    Complex(Option<&'static str>, &'static str),
    /// Always there, and complex.
    Meta,
    /// Any of the values in these rows.
    Many(Rows),
    /// The URNs of the schemas.
    Schemas,
}

/// Where a path leads, its sub-attribute apart for what has several values.
pub(super) fn place(text: Text, resource: ResourceType, resolved: &Resolved) -> Place {
    let attribute = resolved.attribute;
    if let Some(urn) = resolved.extension {
        return match (attribute.kind, resolved.sub) {
            (Kind::Complex, None) => Place::Complex(Some(urn), attribute.name),
            (Kind::Complex, Some(sub)) => Place::One(json(text, &[urn, attribute.name, sub.name])),
            _ => Place::One(json(text, &[urn, attribute.name])),
        };
    }
    match (resource, attribute.name) {
        (_, "schemas") => Place::Schemas,
        (_, "meta") => resolved
            .sub
            .and_then(|sub| meta(resource, sub.name))
            .map_or(Place::Meta, Place::One),
        (
            ResourceType::User,
            "emails" | "phoneNumbers" | "ims" | "photos" | "addresses" | "entitlements" | "roles"
            | "x509Certificates",
        ) => Place::Many(Rows::Json(attribute.name)),
        (ResourceType::User, "groups") => Place::Many(Rows::Groups),
        (ResourceType::Group, "members") => Place::Many(Rows::Members),
        (_, name) => match (
            column(resource, name, resolved.sub.map(|sub| sub.name)),
            resolved.sub,
        ) {
            (Some(leaf), _) => Place::One(leaf),
            (None, Some(sub)) => Place::One(json(text, &[name, sub.name])),
            (None, None) if attribute.kind == Kind::Complex => Place::Complex(None, attribute.name),
            (None, None) => Place::One(json(text, &[attribute.name])),
        },
    }
}

fn column(resource: ResourceType, name: &str, sub: Option<&str>) -> Option<Leaf> {
    Some(match (resource, name, sub) {
        (ResourceType::User, "id", None) => Leaf::exact("u.id"),
        (ResourceType::User, "externalId", None) => Leaf::exact("u.external_id"),
        (ResourceType::User, "userName", None) => Leaf::folded("u.user_name", "u.user_name_fold"),
        (ResourceType::User, "displayName", None) => {
            Leaf::folded("u.display_name", "u.display_name_fold")
        }
        (ResourceType::User, "name", Some("givenName")) => {
            Leaf::folded("u.given_name", "u.given_name_fold")
        }
        (ResourceType::User, "name", Some("familyName")) => {
            Leaf::folded("u.family_name", "u.family_name_fold")
        }
        // R13: SCIM shows and filters what it is entitled to say, never the effect.
        (ResourceType::User, "active", None) => Leaf::Flag("u.entitled"),
        (ResourceType::Group, "id", None) => Leaf::exact("g.id"),
        (ResourceType::Group, "externalId", None) => Leaf::exact("g.external_id"),
        (ResourceType::Group, "displayName", None) => {
            Leaf::folded("g.scim_name", "g.scim_name_fold")
        }
        _ => return None,
    })
}

fn meta(resource: ResourceType, sub: &str) -> Option<Leaf> {
    let user = resource == ResourceType::User;
    Some(match sub {
        "created" if user => Leaf::Instant("u.created_at"),
        "created" => Leaf::Instant("g.created_at"),
        "lastModified" if user => Leaf::Instant("u.updated_at"),
        "lastModified" => Leaf::Instant("g.updated_at"),
        "version" if user => Leaf::exact("('W/\"' || CAST(u.version AS TEXT) || '\"')"),
        "version" => Leaf::exact("('W/\"' || CAST(g.version AS TEXT) || '\"')"),
        "resourceType" => Leaf::Constant {
            value: resource.name(),
            folded: false,
        },
        "location" => Leaf::Url {
            id: if user { "u.id" } else { "g.id" },
            path: if user { "/Users/" } else { "/Groups/" },
            folded: false,
        },
        _ => return None,
    })
}

/// Only users have attributes that are nowhere but in the JSON text; none of their single ones is caseExact.
fn json(text: Text, path: &[&'static str]) -> Leaf {
    let lower: Vec<String> = path.iter().map(|name| name.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    Leaf::Text {
        raw: text.field("u.resource", path),
        compared: text.field("u.folded", &lower),
        folded: true,
    }
}

impl Rows {
    /// The sub-attribute of that name in these rows.
    pub(super) fn leaf(self, text: Text, sub: &str) -> Option<Leaf> {
        Some(match (self, sub) {
            (Self::Json(_), "primary") => Leaf::Part {
                alias: "e",
                name: "primary",
            },
            (Self::Json("x509Certificates"), "value") => Leaf::exact(&text.part("r", "value")),
            (Self::Json(_), name) => Leaf::Text {
                raw: text.part("r", name),
                compared: text.part("e", &name.to_ascii_lowercase()),
                folded: true,
            },
            (Self::Emails, "value") => Leaf::folded("e.value", "e.value_fold"),
            (Self::Emails, "type") => Leaf::folded("e.type_fold", "e.type_fold"),
            (Self::Groups, "value") => Leaf::folded("p.id", "p.id"),
            (Self::Groups, "display") => Leaf::folded("p.scim_name", "p.scim_name_fold"),
            (Self::Groups, "type") => Leaf::Constant {
                value: "direct",
                folded: true,
            },
            (Self::Groups, "$ref") => Leaf::Url {
                id: "p.id",
                path: "/Groups/",
                folded: true,
            },
            (Self::Members, "value") => Leaf::folded("m.id", "m.id"),
            (Self::Members, "display") => Leaf::folded(
                "COALESCE(m.display_name, m.user_name)",
                "COALESCE(m.display_name_fold, m.user_name_fold)",
            ),
            (Self::Members, "type") => Leaf::Constant {
                value: "User",
                folded: true,
            },
            (Self::Members, "$ref") => Leaf::Url {
                id: "m.id",
                path: "/Users/",
                folded: true,
            },
            (Self::Emails | Self::Groups | Self::Members, _) => return None,
        })
    }

    /// Whether any of these rows meets `condition`. `selective`: few rows do, so they are looked up first and the
    /// resource by them; else each resource's rows are looked at.
    pub(super) fn any(self, text: Text, condition: &str, selective: bool) -> String {
        match (self, selective) {
            (Self::Json(name), _) => {
                let folded = text.values("u.folded", &name.to_ascii_lowercase(), "e");
                // Presence and case need the value as sent: the same place in the other document.
                if condition.contains("r.value") {
                    let raw = text.values("u.resource", name, "r");
                    format!(
                        "EXISTS (SELECT 1 FROM {folded} JOIN {raw} ON r.key = e.key WHERE {condition})"
                    )
                } else {
                    format!("EXISTS (SELECT 1 FROM {folded} WHERE {condition})")
                }
            }
            (Self::Emails, _) => {
                format!("(u.id IN (SELECT e.user_id FROM user_emails e WHERE {condition}))")
            }
            (Self::Groups, true) => format!(
                "(u.member_key IN (SELECT e.member FROM idp_groups p JOIN edges e ON e.group_id = p.id \
                 WHERE +p.scim = 1 AND {condition}))"
            ),
            (Self::Groups, false) => format!(
                "EXISTS (SELECT 1 FROM edges e JOIN idp_groups p ON p.id = e.group_id \
                 WHERE e.member = u.member_key AND +p.scim = 1 AND {condition})"
            ),
            (Self::Members, true) => format!(
                "(g.id IN (SELECT e.group_id FROM users m JOIN edges e ON e.member = m.member_key \
                 WHERE +m.scim = 1 AND +m.deleting = 0 AND {condition}))"
            ),
            (Self::Members, false) => format!(
                "EXISTS (SELECT 1 FROM edges e JOIN users m ON m.member_key = e.member \
                 WHERE e.group_id = g.id AND +m.scim = 1 AND +m.deleting = 0 AND {condition})"
            ),
        }
    }
}
