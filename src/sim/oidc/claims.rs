//! What an ID token says about a person.

use http::StatusCode;
use serde_json::{Value, json};

use super::super::access::OAuthError;
use super::super::org::{Group, GroupType, OktaId, Org};
use super::super::{Shared, lock};
use super::has_scope;

/// What the app's groups claim is set to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum GroupsClaim {
    /// No claim is configured: ID tokens have none.
    #[default]
    Absent,
    /// Names of Okta-made groups that start with the text; an empty text takes all.
    ///
    /// More than 100 of them fail the request where [`ClaimLimit::Fails`] is set.
    StartsWith(String),
    /// Always an empty array.
    Empty,
}

/// What becomes of a claim with more than 100 groups: documents of two years differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClaimLimit {
    /// The request fails.
    #[default]
    Fails,
    /// All are in the claim, as for the code flow since 2022.
    Lifted,
}

/// Claims about a person: `sub` is the Okta user id.
pub(super) fn person(
    org: &Org,
    user: OktaId,
    scope: &str,
) -> Option<serde_json::Map<String, Value>> {
    let user = org.user(user)?;
    let mut claims = serde_json::Map::from_iter([("sub".to_owned(), json!(user.id))]);
    if has_scope(scope, "profile") {
        claims.insert("preferred_username".into(), user.profile.login().into());
        claims.insert("name".into(), user.profile.display_name().into());
        claims.insert("given_name".into(), json!(user.profile.text("firstName")));
        claims.insert("family_name".into(), json!(user.profile.text("lastName")));
    }
    if has_scope(scope, "email") {
        claims.insert("email".into(), json!(user.profile.text("email")));
        claims.insert("email_verified".into(), true.into());
    }
    Some(claims)
}

/// Names, not ids, of groups made in Okta; imported ones need an expression.
pub(super) fn groups(
    shared: &Shared,
    org: &Org,
    user: OktaId,
) -> Result<Option<Value>, OAuthError> {
    let (claim, limit) = lock(&shared.oidc.claim).clone();
    let prefix = match claim {
        GroupsClaim::Absent => return Ok(None),
        GroupsClaim::Empty => return Ok(Some(json!([]))),
        GroupsClaim::StartsWith(prefix) => prefix,
    };
    let names: Vec<&str> = org
        .groups()
        .filter(|group| {
            !matches!(group.kind, GroupType::AppGroup(_)) && group.members().contains(&user)
        })
        .map(Group::name)
        .filter(|name| name.starts_with(&prefix))
        .collect();
    if names.len() > 100 && limit == ClaimLimit::Fails {
        let why = "The groups claim matches more than 100 groups.";
        return Err(OAuthError::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            why,
        ));
    }
    Ok(Some(json!(names)))
}

pub(super) fn half_hash(token: &str) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .encode(&sha2::Sha256::digest(token.as_bytes())[..16])
}
