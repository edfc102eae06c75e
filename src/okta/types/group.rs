//! Groups.

use serde::Deserialize;

use super::{AppId, Listed, words};
use crate::model::id::OktaGroupId;
use crate::model::time::Timestamp;

/// A group of Okta's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct Group {
    /// Its id (`00g…`), the only key: names are not unique.
    pub id: OktaGroupId,
    /// When it was made; R17 compares it with the age of a SCIM group.
    pub created: Option<Timestamp>,
    /// When its profile changed (membership does not count).
    pub last_updated: Option<Timestamp>,
    /// When its membership changed; a member's change of status does not count.
    pub last_membership_updated: Option<Timestamp>,
    /// Where it comes from.
    pub kind: GroupKind,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// For an APP_GROUP, the app it was imported from (`_links.source`).
    pub source_app_id: Option<AppId>,
}

impl Listed for Group {
    fn key(&self) -> &str {
        self.id.as_str()
    }
}

words! {
    /// Where a group comes from (`type`).
    GroupKind {
        /// Made in Okta.
        OktaGroup = "OKTA_GROUP",
        /// Imported from an app or a directory.
        AppGroup = "APP_GROUP",
        /// Okta's own: Everyone, Administrators.
        BuiltIn = "BUILT_IN",
    }
}

#[derive(Deserialize)]
struct Wire {
    #[serde(deserialize_with = "super::group_id")]
    id: OktaGroupId,
    created: Option<Timestamp>,
    #[serde(rename = "lastUpdated")]
    last_updated: Option<Timestamp>,
    #[serde(rename = "lastMembershipUpdated")]
    last_membership_updated: Option<Timestamp>,
    #[serde(rename = "type")]
    kind: GroupKind,
    profile: Profile,
    #[serde(rename = "_links")]
    links: Option<Links>,
}

#[derive(Deserialize)]
struct Profile {
    name: String,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Links {
    source: Option<Source>,
}

#[derive(Deserialize)]
struct Source {
    href: Option<String>,
}

impl From<Wire> for Group {
    fn from(wire: Wire) -> Self {
        let href = wire
            .links
            .and_then(|links| links.source)
            .and_then(|source| source.href);
        Self {
            id: wire.id,
            created: wire.created,
            last_updated: wire.last_updated,
            last_membership_updated: wire.last_membership_updated,
            kind: wire.kind,
            name: wire.profile.name,
            description: wire.profile.description.filter(|text| !text.is_empty()),
            source_app_id: href.as_deref().and_then(app_of),
        }
    }
}

/// The app id in `https://{org}/api/v1/apps/{id}`.
fn app_of(href: &str) -> Option<AppId> {
    let (_, rest) = href.split_once("/api/v1/apps/")?;
    AppId::parse(rest.split(['/', '?', '#']).next()?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Group, GroupKind};
    use crate::okta::types::read;

    #[test]
    fn an_app_group_names_its_source() {
        let group: Group = read(
            br#"{"id":"00gAd","created":"2026-01-02T03:04:05.000Z","lastUpdated":null,"type":"APP_GROUP","objectClass":["x"],
                "profile":{"name":"Ops","description":"","dn":"CN=Ops"},
                "_links":{"source":{"href":"https://acme.okta.com/api/v1/apps/0oaAd1"},"users":{"href":"x"}}}"#,
        )
        .unwrap();
        assert_eq!(group.kind, GroupKind::AppGroup);
        assert_eq!(group.source_app_id.unwrap().as_str(), "0oaAd1");
        assert_eq!((group.description, group.last_updated), (None, None));
        assert_eq!(
            group.created.unwrap().to_string(),
            "2026-01-02T03:04:05.000Z"
        );
    }

    #[test]
    fn a_kind_that_okta_adds_later_is_kept_as_it_is() {
        let group: Group =
            read(br#"{"id":"00g1","type":"NEW_KIND","profile":{"name":"a"}}"#).unwrap();
        assert_eq!(group.kind, GroupKind::Other("NEW_KIND".to_owned()));
    }
}
