//! From a client's object to a [`UserDoc`].

use secrecy::SecretString;
use serde_json::Value;

use super::value::{boolean, coerce};
use super::{Received, UserDoc, is_urn};
use crate::scim::error::ScimError;
use crate::scim::json::{self, Object};
use crate::scim::schema::{self, Mutability, ResourceType};
use crate::scim::{ENTERPRISE_URN, GROUP_URN, USER_URN};

/// Reads a User from an object read by [`json::object`], as the data of a bulk operation is.
///
/// # Errors
/// As [`super::parse`].
pub fn from_object(object: Object) -> Result<Received, ScimError> {
    schemas(&object, USER_URN, GROUP_URN)?;
    let mut received = Received {
        doc: UserDoc::default(),
        password: None,
    };
    for (name, value) in object {
        take(&mut received, &name, value)?;
    }
    received.doc = received.doc.checked(&Object::new())?;
    Ok(received)
}

/// Checks `schemas` of a body as far as it is there: a list of strings that does not speak of the other resource only.
pub(in crate::scim) fn schemas(object: &Object, own: &str, other: &str) -> Result<(), ScimError> {
    let Some(value) = json::get(object, "schemas").filter(|value| !value.is_null()) else {
        return Ok(());
    };
    let urns = value
        .as_array()
        .and_then(|urns| urns.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    let Some(urns) = urns else {
        return Err(ScimError::invalid_value("schemas must be a list of URNs."));
    };
    let names = |wanted: &str| urns.iter().any(|urn| urn.eq_ignore_ascii_case(wanted));
    if names(other) && !names(own) {
        return Err(ScimError::invalid_value(
            "schemas names another kind of resource than this endpoint's.",
        ));
    }
    Ok(())
}

fn take(received: &mut Received, name: &str, value: Value) -> Result<(), ScimError> {
    if is_urn(name) {
        return extension(received, name, value);
    }
    let common = schema::COMMON
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name));
    let Some(attribute) = common.or_else(|| schema::user::USER.attribute(name)) else {
        return Ok(());
    };
    match attribute.name {
        // RFC 7644 section 3.3: readOnly attributes in a body are ignored. `schemas` is ours to say.
        "schemas" => {}
        _ if attribute.mutability == Mutability::ReadOnly => {}
        "password" => received.password = password(value)?,
        "active" if json::is_absent(&value) => {}
        "active" => received.doc.active = Some(boolean("active", &value)?),
        _ => {
            if let Some(value) = coerce(attribute, value)? {
                received
                    .doc
                    .attributes
                    .insert(attribute.name.to_owned(), value);
            }
        }
    }
    Ok(())
}

/// A password of a body; none for null and `""`.
pub(in crate::scim) fn password(value: Value) -> Result<Option<SecretString>, ScimError> {
    match value {
        Value::String(text) if !text.is_empty() => Ok(Some(SecretString::from(text))),
        Value::String(_) | Value::Null => Ok(None),
        _ => Err(ScimError::invalid_value("password must be a string.")),
    }
}

fn extension(received: &mut Received, urn: &str, value: Value) -> Result<(), ScimError> {
    // Whatever else stands under a URN is not an extension of RFC 7643 section 3.3 and is ignored like an unknown name.
    let Value::Object(object) = value else {
        return Ok(());
    };
    if urn.eq_ignore_ascii_case(ResourceType::User.urn()) {
        // Some clients put core attributes under the core URN as well.
        return object
            .into_iter()
            .filter(|(name, _)| !is_urn(name))
            .try_for_each(|(name, value)| take(received, &name, value));
    }
    let (urn, object) = if schema::is_enterprise(urn) {
        (ENTERPRISE_URN, enterprise(object)?)
    } else {
        (urn, without_nulls(object))
    };
    if !object.is_empty() {
        received
            .doc
            .attributes
            .insert(urn.to_owned(), Value::Object(object));
    }
    Ok(())
}

fn enterprise(object: Object) -> Result<Object, ScimError> {
    let mut kept = Object::new();
    for (name, value) in object {
        if let Some(attribute) = schema::user::ENTERPRISE_USER.attribute(&name)
            && let Some(value) = coerce(attribute, value)?
        {
            kept.insert(attribute.name.to_owned(), value);
        }
    }
    Ok(kept)
}

/// An unknown extension is kept as it came, but for attributes that are unassigned (RFC 7643 section 2.5).
pub(in crate::scim) fn without_nulls(mut object: Object) -> Object {
    object.retain(|_, value| !value.is_null());
    object
}
