//! SCIM bodies as Okta's default mappings make them. Pure.

use serde_json::{Map, Value, json};

use super::super::org::{OktaId, Profile};
use super::{Cleared, ScimHabits};

pub(super) const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(super) const ENTERPRISE_URN: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(super) const PATCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Okta attribute → SCIM attribute, for those that are one text on both sides.
const TEXTS: &[(&str, &str)] = &[
    ("displayName", "displayName"),
    ("nickName", "nickName"),
    ("profileUrl", "profileUrl"),
    ("title", "title"),
    ("userType", "userType"),
    ("preferredLanguage", "preferredLanguage"),
    ("locale", "locale"),
    ("timezone", "timezone"),
];

/// The same for the enterprise extension.
const ENTERPRISE: &[&str] = &[
    "employeeNumber",
    "costCenter",
    "organization",
    "division",
    "department",
];

/// The mapped attributes of a person: what a create sends, `schemas`, `groups`, `password` and `active` apart.
pub(super) fn mapped(profile: &Profile, id: OktaId, habits: &ScimHabits) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("userName".into(), profile.login().into());
    let mut name = Map::new();
    for (okta, scim) in [
        ("firstName", "givenName"),
        ("lastName", "familyName"),
        ("middleName", "middleName"),
    ] {
        if let Some(text) = profile.text(okta) {
            name.insert(scim.into(), text.into());
        }
    }
    body.insert("name".into(), Value::Object(name));
    if let Some(email) = profile.text("email") {
        body.insert(
            "emails".into(),
            json!([{"primary": true, "value": email, "type": "work"}]),
        );
    }
    for (okta, scim) in TEXTS {
        if let Some(text) = profile.text(okta) {
            body.insert((*scim).into(), text.into());
        }
    }
    if let Some(phone) = profile.text("primaryPhone") {
        body.insert(
            "phoneNumbers".into(),
            json!([{"primary": true, "value": phone, "type": "work"}]),
        );
    }
    if habits.maps_external_id {
        body.insert("externalId".into(), id.as_str().into());
    }
    let mut enterprise = Map::new();
    for name in ENTERPRISE {
        if let Some(text) = profile.text(name) {
            enterprise.insert((*name).into(), text.into());
        }
    }
    if let Some(manager) = profile.text("manager") {
        enterprise.insert("manager".into(), json!({"displayName": manager}));
    }
    // No mapped value, no extension object.
    if !enterprise.is_empty() {
        body.insert(ENTERPRISE_URN.into(), Value::Object(enterprise));
    }
    body
}

/// A create: the mapped attributes and what Okta always adds.
pub(super) fn create(mapped: &Map<String, Value>, password: &str) -> Value {
    let mut schemas = vec![USER_URN];
    if mapped.contains_key(ENTERPRISE_URN) {
        schemas.push(ENTERPRISE_URN);
    }
    let mut body = Map::from_iter([("schemas".to_owned(), json!(schemas))]);
    body.extend(mapped.clone());
    body.insert("groups".into(), json!([]));
    body.insert("password".into(), password.into());
    body.insert("active".into(), true.into());
    Value::Object(body)
}

/// Lays the mapped values over what was read. Attributes the server returned and Okta does not map go back unchanged,
/// a stale `name.formatted` and `meta` included.
pub(super) fn overlay(
    mut body: Map<String, Value>,
    mapped: &Map<String, Value>,
    cleared: Cleared,
) -> Map<String, Value> {
    for (_, scim) in TEXTS {
        if !mapped.contains_key(*scim) {
            clear(&mut body, scim, cleared);
        }
    }
    if !mapped.contains_key("emails") {
        body.remove("emails");
    }
    for (name, value) in mapped {
        match (body.get_mut(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                if name == ENTERPRISE_URN {
                    for attribute in ENTERPRISE
                        .iter()
                        .filter(|attribute| !new.contains_key(**attribute))
                    {
                        clear(old, attribute, cleared);
                    }
                }
                old.extend(new.clone());
            }
            _ => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
    if let (true, Some(Value::Array(schemas))) =
        (mapped.contains_key(ENTERPRISE_URN), body.get_mut("schemas"))
        && !schemas.iter().any(|urn| urn == ENTERPRISE_URN)
    {
        schemas.push(ENTERPRISE_URN.into());
    }
    body
}

fn clear(body: &mut Map<String, Value>, name: &str, cleared: Cleared) {
    if !body.contains_key(name) {
        return;
    }
    match cleared {
        Cleared::Omitted => {
            body.remove(name);
        }
        Cleared::Null => {
            body.insert(name.to_owned(), Value::Null);
        }
        Cleared::Empty => {
            body.insert(name.to_owned(), "".into());
        }
    }
}

/// The attributes that differ from what was pushed last; one that is gone is null or empty.
pub(super) fn changed(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    cleared: Cleared,
) -> Map<String, Value> {
    let mut changes: Map<String, Value> = new
        .iter()
        .filter(|(name, value)| old.get(*name) != Some(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        let gone = if cleared == Cleared::Empty {
            Value::from("")
        } else {
            Value::Null
        };
        changes.insert(name.clone(), gone);
    }
    changes
}

/// A PATCH request.
pub(super) fn patch(operations: &[Value]) -> Value {
    json!({"schemas": [PATCH_URN], "Operations": operations})
}

/// The path-less replace that is the norm.
pub(super) fn replace(value: impl Into<Value>) -> Value {
    let value: Value = value.into();
    json!({"op": "replace", "value": value})
}

/// Members as group pushes name them: no `type`, no `$ref`.
pub(super) fn members(members: &[(String, String)], habits: &ScimHabits) -> Value {
    members
        .iter()
        .map(|(id, login)| {
            let display = if habits.fills_display {
                Value::from(login.as_str())
            } else {
                Value::Null
            };
            json!({"value": id, "display": display})
        })
        .collect()
}
