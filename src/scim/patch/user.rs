//! PATCH of a user.

use secrecy::SecretString;
use serde_json::Value;

use super::multi::{self, Target};
use super::{Op, Operation, same_id};
use crate::scim::error::ScimError;
use crate::scim::extension;
use crate::scim::filter::Fold;
use crate::scim::json::{self, Object};
use crate::scim::path::{AttrPath, PatchPath};
use crate::scim::schema::{self, Attribute, Kind, ResourceType};
use crate::scim::size;
use crate::scim::user::value::{boolean, coerce_one};
use crate::scim::user::{UserDoc, is_urn, password};
use crate::scim::{ENTERPRISE_URN, USER_URN};

/// How much work one PATCH may make inside its transaction, in bytes compared: about a second. A hundred operations on a
/// hundred values each take a tenth of it.
const MAX_WORK: usize = 256 * 1024 * 1024;

/// A user after a PATCH.
#[derive(Debug)]
pub struct Patched {
    /// The document. Its `active` is what the operations say of it; none: they do not mention it.
    pub doc: UserDoc,
    /// A password the operations set.
    pub password: Option<SecretString>,
}

/// Applies the operations of [`super::parse`] in their order; the user given is left as it is.
///
/// `id` is the user's own: an equal one in a value is ignored. Unknown attributes, `groups` and `schemas` are ignored.
/// `fold` compares strings in value filters.
///
/// # Errors
/// 400 `mutability` (another id, removing userName), `noTarget` (replacing what a value filter does not find),
/// `invalidValue`, `invalidFilter`, `invalidPath`; 413 for more work than a PATCH may make, or over
/// [`size::MAX_RESOURCE_BYTES`].
pub fn apply_user(
    id: &str,
    before: &UserDoc,
    operations: &[Operation],
    fold: Fold,
) -> Result<Patched, ScimError> {
    let doc = UserDoc {
        active: None,
        attributes: before.attributes.clone(),
    };
    let mut work = Work {
        id,
        fold,
        spent: 0,
        patched: Patched {
            doc,
            password: None,
        },
    };
    for operation in operations {
        work.operation(operation)?;
    }
    let Patched { doc, password } = work.patched;
    Ok(Patched {
        doc: doc.checked(&before.attributes)?,
        password,
    })
}

struct Work<'a> {
    id: &'a str,
    fold: Fold,
    /// How much of [`MAX_WORK`] is used up.
    spent: usize,
    patched: Patched,
}

impl Work<'_> {
    fn operation(&mut self, operation: &Operation) -> Result<(), ScimError> {
        let Operation { op, path, value } = operation;
        let value = value.clone().unwrap_or(Value::Null);
        if operation.value.is_none() && *op != Op::Remove {
            return Err(ScimError::invalid_value(
                "An add or replace operation needs a value.",
            ));
        }
        match (path, value) {
            (Some(path), value) => self.at(*op, path, value, Told::ByPath),
            // RFC 7644 section 3.5.2.2.
            (None, _) if *op == Op::Remove => {
                Err(ScimError::no_target("A remove operation needs a path."))
            }
            (None, Value::Object(object)) => self.members(*op, object),
            (None, _) => Err(ScimError::invalid_value(
                "Without a path the value must be an object of attributes.",
            )),
        }
    }

    /// A value without a path: every member is an operation of its own. A name may be dotted or qualified, or a whole
    /// path with a filter (Entra).
    fn members(&mut self, op: Op, object: Object) -> Result<(), ScimError> {
        for (name, value) in object {
            match value {
                Value::Object(inner) if is_urn(&name) && inner_is_extension(&name) => {
                    self.extension(op, &name, Value::Object(inner))?;
                }
                // What cannot be the name of an attribute is an unknown attribute.
                value => {
                    if let Ok(path) = PatchPath::parse(&name) {
                        self.at(op, &path, value, Told::ByName)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn at(&mut self, op: Op, path: &PatchPath, value: Value, told: Told) -> Result<(), ScimError> {
        if let Some(urn) = path.attr.whole_urn().filter(|_| path.filter.is_none())
            && self.is_extension(&path.attr, &urn, &value)
        {
            return self.extension(op, &urn, value);
        }
        let whole = AttrPath {
            sub: None,
            ..path.attr.clone()
        };
        let Some(resolved) = schema::resolve(ResourceType::User, &whole) else {
            return self.unknown(op, path, value);
        };
        let attribute = resolved.attribute;
        let sub = match &path.attr.sub {
            None => None,
            Some(name) => match attribute.sub(name) {
                None => return Ok(()),
                sub => sub,
            },
        };
        match attribute.name {
            "id" => return same_id(self.id, Some(&value)),
            "schemas" | "groups" => return Ok(()),
            "meta" if told == Told::ByName => return Ok(()),
            "meta" => return Err(ScimError::mutability("meta cannot be changed.")),
            "active" if op == Op::Remove => {
                self.patched.doc.unassign_active();
                return Ok(());
            }
            // Null and `""` say nothing about it, as in a PUT (Okta's C9337).
            "active" if json::is_absent(&value) => return Ok(()),
            "active" => {
                let active = boolean("active", &value)?;
                self.patched.doc.assign_active(active);
                return Ok(());
            }
            "password" => {
                let sent = if op == Op::Remove {
                    None
                } else {
                    password(value)?
                };
                self.patched.password = sent.or(self.patched.password.take());
                return Ok(());
            }
            "userName" if op == Op::Remove => {
                return Err(ScimError::mutability(
                    "userName is required and cannot be removed.",
                ));
            }
            _ => {}
        }
        // A filter inside a name is not in the RFC; where it finds nothing, the value is made as by `add`.
        let op = if told == Told::ByName && path.filter.is_some() && op == Op::Replace {
            Op::Add
        } else {
            op
        };
        let target = Target {
            attribute,
            filter: path.filter.as_ref(),
            sub,
        };
        self.spend(&target, &value)?;
        let fold = self.fold;
        match resolved.extension {
            None => write(&mut self.patched.doc.attributes, &target, op, value, fold),
            Some(urn) => self.inside(urn, |object| write(object, &target, op, value, fold)),
        }
    }

    /// Counts what an operation on a list costs: each of its values is compared with the filter, the list that was sent
    /// and the other values.
    fn spend(&mut self, target: &Target<'_>, value: &Value) -> Result<(), ScimError> {
        let present = self.patched.doc.attributes.get(target.attribute.name);
        let Some(present @ Value::Array(_)) = present else {
            return Ok(());
        };
        let filter = target.filter.map_or(0, |filter| filter.to_string().len());
        let sent = value.as_array().map_or(0, Vec::len);
        let cost = size::bytes(present).saturating_mul(64 + filter + sent);
        self.spent = self.spent.saturating_add(cost);
        if self.spent > MAX_WORK {
            return Err(ScimError::payload_too_large(
                "These operations look at too many values too often; send more than one PATCH.",
            ));
        }
        Ok(())
    }

    /// The object of an extension, made if it is not there and taken out if it is left empty.
    fn inside(
        &mut self,
        urn: &str,
        change: impl FnOnce(&mut Object) -> Result<(), ScimError>,
    ) -> Result<(), ScimError> {
        let attributes = &mut self.patched.doc.attributes;
        let urn = json::spelled(attributes, urn).unwrap_or_else(|| urn.to_owned());
        let slot = attributes
            .entry(urn.clone())
            .or_insert_with(|| Value::Object(Object::new()));
        let empty = match slot {
            Value::Object(object) => {
                change(object)?;
                object.is_empty()
            }
            _ => false,
        };
        if empty {
            attributes.shift_remove(&urn);
        }
        Ok(())
    }

    /// An operation on the whole object of an extension, or on core attributes under the core URN.
    fn extension(&mut self, op: Op, urn: &str, value: Value) -> Result<(), ScimError> {
        let object = match value {
            Value::Object(object) => object,
            value if op == Op::Remove || json::is_absent(&value) => {
                if op != Op::Add
                    && let Some(urn) = json::spelled(&self.patched.doc.attributes, urn)
                {
                    self.patched.doc.attributes.shift_remove(&urn);
                }
                return Ok(());
            }
            _ => {
                return Err(ScimError::invalid_value(
                    "The value of an extension must be an object.",
                ));
            }
        };
        if urn.eq_ignore_ascii_case(USER_URN) {
            let core = object
                .into_iter()
                .filter(|(name, _)| !is_urn(name))
                .collect();
            return self.members(op, core);
        }
        if !schema::is_enterprise(urn) {
            return self.inside(urn, |present| {
                if op == Op::Remove {
                    object
                        .keys()
                        .for_each(|name| extension::remove(present, name, None));
                } else {
                    extension::merge(present, op, object);
                }
                Ok(())
            });
        }
        for (name, value) in object {
            if let Ok(attr) = format!("{ENTERPRISE_URN}:{name}").parse() {
                self.at(op, &PatchPath { attr, filter: None }, value, Told::ByName)?;
            }
        }
        Ok(())
    }

    /// An attribute no schema has: ignored in the core and in known extensions, kept in others.
    fn unknown(&mut self, op: Op, path: &PatchPath, value: Value) -> Result<(), ScimError> {
        let Some(urn) = path.attr.urn.as_deref() else {
            return Ok(());
        };
        if schema::is_enterprise(urn) || urn.eq_ignore_ascii_case(USER_URN) {
            return Ok(());
        }
        if path.filter.is_some() {
            return Err(ScimError::invalid_path(
                "A filter cannot be used in an extension this service does not know.",
            ));
        }
        let AttrPath { name, sub, .. } = &path.attr;
        self.inside(urn, |present| {
            match (op, sub) {
                (Op::Remove, sub) => extension::remove(present, name, sub.as_deref()),
                (op, None) => extension::set(present, op, name, value),
                (op, Some(sub)) => {
                    extension::set(
                        present,
                        op,
                        name,
                        Value::Object(Object::from_iter([(sub.clone(), value)])),
                    );
                }
            }
            Ok(())
        })
    }

    /// Whether a qualified path without a sub-attribute is the URN of a whole extension: it is known or present, or the
    /// value is an object and no extension is present that it would be an attribute of.
    fn is_extension(&self, path: &AttrPath, urn: &str, value: &Value) -> bool {
        let present = |urn: &str| json::get(&self.patched.doc.attributes, urn).is_some();
        urn.eq_ignore_ascii_case(USER_URN)
            || schema::is_enterprise(urn)
            || present(urn)
            || (value.is_object()
                && inner_is_extension(urn)
                && !path.urn.as_deref().is_some_and(present))
    }
}

/// How an operation names its target.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    ByPath,
    ByName,
}

/// Whether an object under this URN is an extension's, and not a complex attribute of one
/// (`urn:…:enterprise:2.0:User:manager`).
fn inner_is_extension(urn: &str) -> bool {
    match urn.parse::<AttrPath>() {
        Ok(AttrPath {
            urn: Some(schema),
            name,
            sub: None,
        }) => {
            let qualifies = schema::is_enterprise(&schema) || schema.eq_ignore_ascii_case(USER_URN);
            !qualifies && !schema.to_ascii_lowercase().ends_with(":user")
                || name.eq_ignore_ascii_case("user")
        }
        // `…:1.0` ends in what is no attribute name.
        _ => true,
    }
}

/// Writes one attribute in the object that holds it.
fn write(
    holder: &mut Object,
    target: &Target<'_>,
    op: Op,
    value: Value,
    fold: Fold,
) -> Result<(), ScimError> {
    let attribute = target.attribute;
    let name = attribute.name;
    if attribute.multi_valued {
        // A list that is taken out and not put back is of a user who is left as he was: the operation failed.
        let values = match holder.get_mut(name).map(Value::take) {
            Some(Value::Array(values)) => values,
            _ => Vec::new(),
        };
        let values = multi::apply(target, op, values, value, fold)?;
        put(holder, name, Some(Value::Array(values)));
        return Ok(());
    }
    if target.filter.is_some() {
        return Err(ScimError::invalid_path(
            "A filter in a path needs an attribute with several values.",
        ));
    }
    let absent = json::is_absent(&value);
    match (target.sub, op) {
        (_, Op::Add) if absent => {}
        (None, _) if op == Op::Remove || absent => put(holder, name, None),
        (None, _) if attribute.kind == Kind::Complex => merge(holder, attribute, op, value)?,
        (None, _) => put(holder, name, coerce_one(attribute, value)?),
        (Some(sub), _) => {
            let value = if op == Op::Remove { Value::Null } else { value };
            let one = Value::Object(Object::from_iter([(sub.name.to_owned(), value)]));
            merge(holder, attribute, Op::Replace, one)?;
        }
    }
    Ok(())
}

/// Lays sub-attributes over a complex attribute; those not named stay (RFC 7644 section 3.5.2.3).
fn merge(
    holder: &mut Object,
    attribute: &'static Attribute,
    op: Op,
    value: Value,
) -> Result<(), ScimError> {
    let mut present = match holder.get(attribute.name) {
        Some(Value::Object(present)) => present.clone(),
        _ => Object::new(),
    };
    let laid = match value {
        Value::Object(object) => object,
        // `manager` as a string.
        other => match coerce_one(attribute, other)? {
            Some(Value::Object(object)) => object,
            _ => Object::new(),
        },
    };
    // A reference to another resource is another reference: what was said of the former one goes.
    let points_elsewhere = attribute.sub("$ref").is_some()
        && json::get(&laid, "value").is_some_and(|value| present.get("value") != Some(value));
    if points_elsewhere {
        present.clear();
    }
    for (name, value) in laid {
        let Some(sub) = attribute.sub(&name) else {
            continue;
        };
        if !(json::is_absent(&value) && op == Op::Add) {
            put(&mut present, sub.name, coerce_one(sub, value)?);
        }
    }
    put(holder, attribute.name, Some(Value::Object(present)));
    Ok(())
}

/// Sets a member in its place, or takes it out if nothing is left of it.
fn put(holder: &mut Object, name: &str, value: Option<Value>) {
    match value.filter(|value| !json::is_absent(value)) {
        Some(value) => {
            holder.insert(name.to_owned(), value);
        }
        None => {
            holder.shift_remove(name);
        }
    }
}
