//! A User: read from what a client sent, kept without loss, given out strictly.
//!
//! [`UserDoc`] is what the store keeps as one JSON text; the accessors are what it indexes beside it. `id`, `meta` and
//! `groups` are never in it (they are ours to say), nor is a password.

mod read;
pub(in crate::scim) use read::{password, schemas, without_nulls};
pub(in crate::scim) mod value;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::error::ScimError;
use super::json::{self, Object};
use super::size;
use super::{MAX_INDEXED_CHARS, Meta, USER_URN};

pub use read::from_object;

const ACTIVE: &str = "active";

/// The attributes of a User, in canonical spelling.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UserDoc {
    /// What the request says of `active`; none: it does not say. The attribute is kept apart from the others because
    /// an unmentioned one stays as it is, and because it is stored as a fact of its own.
    pub active: Option<bool>,
    pub(in crate::scim) attributes: Object,
}

/// A User as received: its document, and its password apart from it.
#[derive(Debug)]
pub struct Received {
    /// The attributes.
    pub doc: UserDoc,
    /// The password, if one was sent. Its Debug does not show it.
    pub password: Option<SecretString>,
}

/// One e-mail address of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Email<'a> {
    /// The address as sent.
    pub value: &'a str,
    /// `work`, `home`, … as sent.
    pub kind: Option<&'a str>,
    /// Whether it is the primary one; at most one is.
    pub primary: bool,
}

/// Reads the body of a POST or PUT.
///
/// Names are taken in any case; unknown core attributes, `id`, `meta` and `groups` are ignored; null, `""`, `[]` and `{}`
/// count as absent; `"true"` counts as a boolean; `manager` may be a string; `schemas` may be missing.
///
/// # Errors
/// 400 `invalidSyntax` for what is no JSON object, 400 `invalidValue` for a missing userName or a value of a wrong type,
/// 413 over [`size::MAX_RESOURCE_BYTES`].
pub fn parse(body: &[u8]) -> Result<Received, ScimError> {
    from_object(json::object(body)?)
}

impl UserDoc {
    /// The document as it was stored: [`UserDoc::attributes`] of an earlier one.
    pub fn from_stored(attributes: Object) -> Self {
        Self {
            active: None,
            attributes,
        }
    }

    /// Every attribute that is stored, in the order the client sent them: all but `active`,
    /// for which at most a null stands here, where a PATCH removed it.
    pub fn attributes(&self) -> &Object {
        &self.attributes
    }

    /// The userName as sent. Never empty after [`parse`].
    pub fn user_name(&self) -> &str {
        self.text("userName").unwrap_or_default()
    }

    /// The client's own identifier. Only an attribute: it never selects one of our rows by itself.
    pub fn external_id(&self) -> Option<&str> {
        self.text("externalId")
    }

    /// `displayName`.
    pub fn display_name(&self) -> Option<&str> {
        self.text("displayName")
    }

    /// `name.givenName`.
    pub fn given_name(&self) -> Option<&str> {
        self.name_part("givenName")
    }

    /// `name.familyName`.
    pub fn family_name(&self) -> Option<&str> {
        self.name_part("familyName")
    }

    /// `name.formatted`.
    pub fn formatted_name(&self) -> Option<&str> {
        self.name_part("formatted")
    }

    /// The e-mail addresses that have a value.
    pub fn emails(&self) -> impl Iterator<Item = Email<'_>> {
        let values = self
            .attributes
            .get("emails")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        values.iter().filter_map(|value| {
            Some(Email {
                value: value.get("value")?.as_str()?,
                kind: value.get("type").and_then(Value::as_str),
                primary: value
                    .get("primary")
                    .and_then(Value::as_bool)
                    .unwrap_or_default(),
            })
        })
    }

    /// The primary e-mail address, else the first.
    pub fn email(&self) -> Option<&str> {
        self.emails()
            .find(|email| email.primary)
            .or_else(|| self.emails().next())
            .map(|email| email.value)
    }

    /// The resource that is given out.
    ///
    /// `schemas` names the core schema and every extension present, whatever the client sent. `groups` are objects of
    /// `value`, `display`, `$ref` and `type`; none: they were not asked for. An empty list is left out.
    pub fn to_resource(
        &self,
        id: &str,
        active: bool,
        meta: &Meta,
        groups: Option<Vec<Value>>,
    ) -> Object {
        let mut schemas = vec![USER_URN];
        schemas.extend(
            self.attributes
                .keys()
                .map(String::as_str)
                .filter(|name| is_urn(name)),
        );
        let mut resource = Object::new();
        resource.insert("schemas".to_owned(), json!(schemas));
        resource.insert("id".to_owned(), id.into());
        for (name, value) in self.attributes.iter().filter(|(_, value)| !value.is_null()) {
            resource.insert(name.clone(), value.clone());
        }
        if !self.attributes.contains_key(ACTIVE) {
            resource.insert(ACTIVE.to_owned(), active.into());
        }
        if let Some(groups) = groups.filter(|groups| !groups.is_empty()) {
            resource.insert("groups".to_owned(), Value::Array(groups));
        }
        resource.insert("meta".to_owned(), meta.to_json());
        resource
    }

    /// A PATCH removed `active`: it is not shown any more (RFC 7644 section 3.5.2.2). The fact behind it stays as it is,
    /// for to be unassigned is neither true nor false; a null stands for it among the attributes that are stored.
    pub(in crate::scim) fn unassign_active(&mut self) {
        self.active = None;
        self.attributes.insert(ACTIVE.to_owned(), Value::Null);
    }

    /// A PATCH says what `active` is; it is shown again.
    pub(in crate::scim) fn assign_active(&mut self, active: bool) {
        self.active = Some(active);
        self.attributes.shift_remove(ACTIVE);
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_str)
    }

    fn name_part(&self, part: &str) -> Option<&str> {
        self.attributes.get("name")?.get(part)?.as_str()
    }

    /// What must hold of every document, however it came to be; `before` are the attributes it replaces.
    pub(in crate::scim) fn checked(self, before: &Object) -> Result<Self, ScimError> {
        if self.user_name().trim().is_empty() {
            return Err(ScimError::invalid_value(
                "userName is required; send it with a value.",
            ));
        }
        let name = self.attributes.get("name").and_then(Value::as_object);
        let parts = name.into_iter().flat_map(|name| {
            name.iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
        });
        let emails = self
            .emails()
            .map(|email| ("emails.value", Some(email.value)));
        let single = ["userName", "externalId", "displayName"].map(|name| (name, self.text(name)));
        for (name, text) in single.into_iter().chain(parts).chain(emails) {
            if text.is_some_and(|text| text.chars().nth(MAX_INDEXED_CHARS).is_some()) {
                let detail = format!("{name} is longer than {MAX_INDEXED_CHARS} characters.");
                return Err(ScimError::invalid_value(detail));
            }
        }
        size::bounded(before, &self.attributes)?;
        Ok(self)
    }
}

/// Whether a member of a resource is the object of an extension.
pub(in crate::scim) fn is_urn(name: &str) -> bool {
    name.get(..4)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"))
}

#[cfg(test)]
mod tests;
