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

/// The parts of a name.
const NAMES: &[(&str, &str)] = &[
    ("firstName", "givenName"),
    ("lastName", "familyName"),
    ("middleName", "middleName"),
    ("honorificPrefix", "honorificPrefix"),
    ("honorificSuffix", "honorificSuffix"),
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
    for (okta, scim) in NAMES {
        if let Some(text) = profile.text(okta) {
            name.insert((*scim).into(), text.into());
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
    if let Some(address) = address(profile) {
        body.insert("addresses".into(), json!([address]));
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
    let mut manager = Map::new();
    for (okta, scim) in [("managerId", "value"), ("manager", "displayName")] {
        if let Some(text) = profile.text(okta) {
            manager.insert(scim.into(), text.into());
        }
    }
    if !manager.is_empty() {
        enterprise.insert("manager".into(), Value::Object(manager));
    }
    // No mapped value, no extension object.
    if !enterprise.is_empty() {
        body.insert(ENTERPRISE_URN.into(), Value::Object(enterprise));
    }
    body
}

/// The one address Okta's profile has.
fn address(profile: &Profile) -> Option<Value> {
    let mut address = Map::new();
    for (okta, scim) in [
        ("streetAddress", "streetAddress"),
        ("city", "locality"),
        ("state", "region"),
        ("zipCode", "postalCode"),
        ("countryCode", "country"),
        ("postalAddress", "formatted"),
    ] {
        if let Some(text) = profile.text(okta) {
            address.insert(scim.into(), text.into());
        }
    }
    if address.is_empty() {
        return None;
    }
    address.insert("primary".into(), true.into());
    address.insert("type".into(), "work".into());
    Some(Value::Object(address))
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
    for list in ["emails", "phoneNumbers", "addresses"] {
        if !mapped.contains_key(list) {
            clear(&mut body, list, cleared);
        }
    }
    for (name, value) in mapped {
        match (body.get_mut(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                for part in parts_of(name).filter(|part| !new.contains_key(*part)) {
                    clear(old, part, cleared);
                }
                old.extend(new.clone());
            }
            _ => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
    if let (false, Some(Value::Object(old))) = (
        mapped.contains_key(ENTERPRISE_URN),
        body.get_mut(ENTERPRISE_URN),
    ) {
        for part in parts_of(ENTERPRISE_URN) {
            clear(old, part, cleared);
        }
        if old.is_empty() {
            body.remove(ENTERPRISE_URN);
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

/// The mapped parts of a complex attribute; `name.formatted` and the like are the server's own.
fn parts_of(name: &str) -> impl Iterator<Item = &'static str> {
    let names = NAMES.iter().map(|(_, scim)| *scim);
    let enterprise = ENTERPRISE.iter().copied().chain(["manager"]);
    let (is_name, is_enterprise) = (name == "name", name == ENTERPRISE_URN);
    names
        .filter(move |_| is_name)
        .chain(enterprise.filter(move |_| is_enterprise))
}

fn clear(body: &mut Map<String, Value>, name: &str, cleared: Cleared) {
    let Some(gone) = body.get(name) else {
        return;
    };
    if cleared == Cleared::Omitted {
        body.remove(name);
    } else {
        let nothing = nothing(gone, cleared);
        body.insert(name.to_owned(), nothing);
    }
}

/// The attributes that differ from what was pushed last; one that is gone is null or empty, a part of one too.
pub(super) fn changed(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    cleared: Cleared,
) -> Map<String, Value> {
    let mut changes = Map::new();
    for (name, value) in new {
        match (old.get(name), value) {
            (Some(before), value) if before == value => {}
            (Some(Value::Object(before)), Value::Object(after)) => {
                let mut whole = after.clone();
                for (part, gone) in before.iter().filter(|(part, _)| !after.contains_key(*part)) {
                    whole.insert(part.clone(), nothing(gone, cleared));
                }
                changes.insert(name.clone(), whole.into());
            }
            (_, value) => {
                changes.insert(name.clone(), value.clone());
            }
        }
    }
    for (name, gone) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
        changes.insert(name.clone(), nothing(gone, cleared));
    }
    changes
}

/// What is said of a value that is gone where it cannot be left out.
fn nothing(gone: &Value, cleared: Cleared) -> Value {
    match (cleared, gone) {
        (Cleared::Omitted | Cleared::Null, _) => Value::Null,
        (Cleared::Empty, Value::Array(_)) => json!([]),
        (Cleared::Empty, Value::Object(parts)) => parts
            .iter()
            .map(|(part, gone)| (part.clone(), nothing(gone, cleared)))
            .collect::<Map<String, Value>>()
            .into(),
        (Cleared::Empty, _) => "".into(),
    }
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
