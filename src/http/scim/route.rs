//! A path as one of a closed set of routes.
//!
//! Empty segments count for nothing, because Okta's test apps are given a base URL that ends in `/` and then ask for
//! `//Users`. Each segment is decoded once; what then is a dot segment or holds a slash is no route at all. None of this
//! decides who may ask: credentials are looked at before.

use http::Method;
use percent_encoding::percent_decode_str;

use super::ROOT;
use crate::scim::ResourceType;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// `/Users`, `/Groups`.
    List(ResourceType),
    /// `/Users/{id}`, `/Groups/{id}`.
    One(ResourceType, String),
    /// `/.search`, at the root or of a type.
    Search(Option<ResourceType>),
    /// `/Bulk`.
    Bulk,
    /// `/Me` and what is below.
    Me,
    /// `/ServiceProviderConfig`.
    ServiceProviderConfig,
    /// `/ResourceTypes`, and one by name.
    ResourceTypes(Option<String>),
    /// `/Schemas`, and one by URN.
    Schemas(Option<String>),
}

impl Route {
    /// The route of a path under `/scim/v2`; `None`: there is none.
    pub(super) fn of(path: &str) -> Option<Self> {
        let segments: Vec<String> = path
            .strip_prefix(ROOT)?
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decoded)
            .collect::<Option<_>>()?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let kind = |name: &str| match name {
            "Users" => Some(ResourceType::User),
            "Groups" => Some(ResourceType::Group),
            _ => None,
        };
        Some(match segments.as_slice() {
            [".search"] => Self::Search(None),
            ["Bulk"] => Self::Bulk,
            ["Me", ..] => Self::Me,
            ["ServiceProviderConfig"] => Self::ServiceProviderConfig,
            ["ResourceTypes"] => Self::ResourceTypes(None),
            ["ResourceTypes", id] => Self::ResourceTypes(Some((*id).to_owned())),
            ["Schemas"] => Self::Schemas(None),
            ["Schemas", id] => Self::Schemas(Some((*id).to_owned())),
            [name] => Self::List(kind(name)?),
            [name, ".search"] => Self::Search(Some(kind(name)?)),
            [name, id] => Self::One(kind(name)?, (*id).to_owned()),
            _ => return None,
        })
    }

    /// The methods it takes, as `Allow` lists them.
    pub(super) fn allow(&self) -> &'static str {
        match self {
            Self::List(_) => "GET, POST",
            Self::One(..) => "GET, PUT, PATCH, DELETE",
            Self::Search(_) | Self::Bulk => "POST",
            Self::Me => "",
            Self::ServiceProviderConfig | Self::ResourceTypes(_) | Self::Schemas(_) => "GET",
        }
    }

    /// Whether it takes this method.
    pub(super) fn takes(&self, method: &Method) -> bool {
        self.allow()
            .split(", ")
            .any(|allowed| allowed == method.as_str())
    }

    /// Whether this method changes something on it.
    pub(super) fn writes(&self, method: &Method) -> bool {
        method != Method::GET && matches!(self, Self::List(_) | Self::One(..) | Self::Bulk)
    }

    /// Its name, for counters: never a part of what a client sent.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::List(ResourceType::User) => "/Users",
            Self::List(ResourceType::Group) => "/Groups",
            Self::One(ResourceType::User, _) => "/Users/{id}",
            Self::One(ResourceType::Group, _) => "/Groups/{id}",
            Self::Search(_) => "/.search",
            Self::Bulk => "/Bulk",
            Self::Me => "/Me",
            Self::ServiceProviderConfig => "/ServiceProviderConfig",
            Self::ResourceTypes(_) => "/ResourceTypes",
            Self::Schemas(_) => "/Schemas",
        }
    }
}

fn decoded(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    let plain = !matches!(&*text, "." | "..")
        && !text.contains(['/', '\\'])
        && !text.chars().any(char::is_control);
    plain.then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::Route;
    use crate::scim::ResourceType::{Group, User};

    #[test]
    fn a_slash_more_or_less_does_not_matter() {
        for path in [
            "/scim/v2/Users",
            "/scim/v2//Users",
            "/scim/v2/Users/",
            "/scim/v2//Users//",
        ] {
            assert_eq!(Route::of(path), Some(Route::List(User)), "{path}");
        }
        for path in ["/scim/v2/Groups/1", "/scim/v2//Groups//1/"] {
            assert_eq!(
                Route::of(path),
                Some(Route::One(Group, "1".to_owned())),
                "{path}"
            );
        }
        let schema = "urn:ietf:params:scim:schemas:core:2.0:User";
        assert_eq!(
            Route::of(&format!("/scim/v2/Schemas/{}", schema.replace(':', "%3A"))),
            Some(Route::Schemas(Some(schema.to_owned())))
        );
    }

    #[test]
    fn trust_2_what_is_disguised_is_no_route() {
        for path in [
            "/scim/v2",
            "/scim/v2/",
            "/scim/v2/users",
            "/scim/v2/USERS",
            "/scim/v2/Users;x",
            "/scim/v2/./Users",
            "/scim/v2/x/../Users",
            "/scim/v2/%2e/Users",
            "/scim/v2/%2e%2e/v2/Users",
            "/scim/v2/Users%2f1",
            "/scim/v2/%2FUsers",
            "/scim/v2/Users%00",
            "/scim/v2/Users%ff",
            "/scim/v2/Users/1/2",
            "/scim/v2/%255sers",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
