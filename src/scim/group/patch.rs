//! PATCH of a group: from a body to a list of typed operations.

use serde_json::Value;
use serde_json::value::RawValue;

use super::{members, text_of};
use crate::scim::GROUP_URN;
use crate::scim::error::ScimError;
use crate::scim::extension;
use crate::scim::filter::{self, Filter};
use crate::scim::json::{self, Object};
use crate::scim::patch::{Op, RawOperation, operations, same_id};
use crate::scim::path::{AttrPath, PatchPath};
use crate::scim::schema::{self, ResourceType};
use crate::scim::user::is_urn;

/// The most operations in one PATCH of a group: a batch of Okta's may have one for each of up to 1,000 members.
const MAX_OPERATIONS: usize = 10_000;

/// The most operations in one PATCH that remove members by a filter on something else than their ids: each looks at
/// every member.
const MAX_FILTERS: usize = 10;

/// The most changes of extensions in one PATCH: each may look at a whole list.
const MAX_EXTENSION_CHANGES: usize = 1_000;

/// What a PATCH asks of a group, in its order. Members are named by id, known here or not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupPatch {
    /// The operations.
    pub ops: Vec<GroupOp>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupOp {
    /// The group is called so.
    SetDisplayName(String),
    /// The client's own identifier is so, or is gone.
    SetExternalId(Option<String>),
    /// An extension changes.
    Extension(ExtensionChange),
    /// These are members as well; the others stay.
    AddMembers(Vec<String>),
    /// These are no members any more; the others stay. To remove who is no member is no error.
    RemoveMembers(Vec<String>),
    /// Whoever meets the filter on `value`, `display`, `type` and `$ref` is no member any more.
    RemoveMembersWhere(Filter),
    /// These and no others are members.
    ReplaceMembers(Vec<String>),
}

/// A change of an extension's object.
#[derive(Debug, Clone, PartialEq)]
pub enum ExtensionChange {
    /// Attributes are laid over those that are there.
    Set {
        /// The extension.
        urn: String,
        /// Add or replace.
        op: Op,
        /// The attributes.
        values: Object,
    },
    /// An attribute, a sub-attribute or the whole extension goes.
    Remove {
        /// The extension.
        urn: String,
        /// The attribute; none: all of it.
        name: Option<String>,
        /// The sub-attribute.
        sub: Option<String>,
    },
}

impl ExtensionChange {
    /// Makes the change in a group's extensions.
    pub fn apply(self, extensions: &mut Object) {
        let (Self::Set { urn, .. } | Self::Remove { urn, .. }) = &self;
        let urn = json::spelled(extensions, urn).unwrap_or_else(|| urn.clone());
        let slot = extensions.entry(urn.clone()).or_insert(Value::Null);
        if !slot.is_object() {
            *slot = Value::Object(Object::new());
        }
        let Some(object) = slot.as_object_mut() else {
            return;
        };
        match self {
            Self::Set { op, values, .. } => extension::merge(object, op, values),
            Self::Remove { name: None, .. } => object.clear(),
            Self::Remove {
                name: Some(name),
                sub,
                ..
            } => extension::remove(object, &name, sub.as_deref()),
        }
        if object.is_empty() {
            extensions.shift_remove(&urn);
        }
    }
}

/// Reads a PATCH body for the group `id`.
///
/// # Errors
/// 400 `invalidSyntax`, `invalidPath`, `invalidFilter`, `invalidValue`, `mutability`, `noTarget`; 413 for more than
/// 10,000 operations, 10 filters on members other than `value eq`, or 1,000 changes of extensions.
pub fn parse_patch(id: &str, body: &[u8]) -> Result<GroupPatch, ScimError> {
    let mut reader = Reader {
        id,
        ops: Vec::new(),
        filters: 0,
        extension_changes: 0,
    };
    for raw in operations(json::text(body)?, MAX_OPERATIONS)? {
        reader.operation(&raw)?;
    }
    Ok(GroupPatch { ops: reader.ops })
}

struct Reader<'a> {
    id: &'a str,
    ops: Vec<GroupOp>,
    filters: usize,
    extension_changes: usize,
}

impl Reader<'_> {
    fn operation(&mut self, raw: &RawOperation<'_>) -> Result<(), ScimError> {
        if raw.value.is_none() && raw.op != Op::Remove {
            return Err(ScimError::invalid_value(
                "An add or replace operation needs a value.",
            ));
        }
        match (&raw.path, raw.value) {
            (Some(path), value) => self.at(raw.op, &PatchPath::parse(path)?, value),
            (None, Some(value)) if raw.op != Op::Remove => self.fields(raw.op, value),
            // RFC 7644 section 3.5.2.2.
            (None, _) => Err(ScimError::no_target("A remove operation needs a path.")),
        }
    }

    /// A value without a path: every member is an operation of its own. What it does not name stays as it is.
    fn fields(&mut self, op: Op, raw: &RawValue) -> Result<(), ScimError> {
        let Some(fields) = json::fields(raw.get())? else {
            json::value(raw.get())?;
            return Err(ScimError::invalid_value(
                "Without a path the value must be an object of attributes.",
            ));
        };
        for (name, raw) in fields {
            if is_urn(&name) && raw.get().starts_with('{') {
                self.extension(op, &name, json::value(raw.get())?)?;
            } else if name.eq_ignore_ascii_case("members") && raw.get() == "null" {
                // Null says nothing about members: never take a missing list for an empty one.
            } else if name.eq_ignore_ascii_case("meta") {
                json::value(raw.get())?;
            } else if let Ok(path) = PatchPath::parse(&name) {
                self.at(op, &path, Some(raw))?;
            } else {
                json::value(raw.get())?;
            }
        }
        Ok(())
    }

    fn at(&mut self, op: Op, path: &PatchPath, raw: Option<&RawValue>) -> Result<(), ScimError> {
        let attr = &path.attr;
        let core = attr
            .urn
            .as_deref()
            .is_none_or(|urn| urn.eq_ignore_ascii_case(GROUP_URN));
        if core && attr.name.eq_ignore_ascii_case("members") {
            return self.members(op, path, raw);
        }
        let value = raw.map(|raw| json::value(raw.get())).transpose()?;
        if !core {
            return self.qualified(op, path, value);
        }
        if path.filter.is_some() {
            return Err(ScimError::invalid_path(
                "A filter in a path needs an attribute with several values.",
            ));
        }
        let whole = AttrPath {
            urn: None,
            sub: None,
            name: attr.name.clone(),
        };
        let known = schema::attribute(ResourceType::Group, &whole).map(|attribute| attribute.name);
        match (known, op) {
            (Some("id"), _) => same_id(self.id, value.as_ref()),
            (Some("meta"), _) => Err(ScimError::mutability("meta cannot be changed.")),
            (Some("displayName"), Op::Remove) => Err(ScimError::mutability(
                "displayName is required and cannot be removed.",
            )),
            (Some("displayName"), _) if attr.sub.is_none() => {
                let name = text_of("displayName", value.unwrap_or(Value::Null))?;
                let name =
                    name.ok_or_else(|| ScimError::invalid_value("displayName needs a value."))?;
                self.ops.push(GroupOp::SetDisplayName(name));
                Ok(())
            }
            (Some("externalId"), _) if attr.sub.is_none() => {
                let value = value.filter(|_| op != Op::Remove).unwrap_or(Value::Null);
                self.ops
                    .push(GroupOp::SetExternalId(text_of("externalId", value)?));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn members(
        &mut self,
        op: Op,
        path: &PatchPath,
        raw: Option<&RawValue>,
    ) -> Result<(), ScimError> {
        if let Some(sub) = &path.attr.sub {
            if let Some(raw) = raw {
                json::value(raw.get())?;
            }
            // `display` is read-only and ignored; the others are what the membership is.
            return if sub.eq_ignore_ascii_case("display") {
                Ok(())
            } else {
                Err(ScimError::mutability(
                    "A member cannot be changed; remove it and add another.",
                ))
            };
        }
        if let Some(filter) = &path.filter {
            return self.filtered(op, filter, raw);
        }
        let named = raw
            .map(members::read)
            .transpose()?
            .flatten()
            .map(members::ids);
        self.ops.push(match (op, named) {
            (Op::Add, named) => GroupOp::AddMembers(named.unwrap_or_default()),
            (Op::Replace, Some(named)) => GroupOp::ReplaceMembers(named),
            (Op::Replace, None) => {
                return Err(ScimError::invalid_value("Send [] to remove all members."));
            }
            // Not in the RFC: `remove` with a list removes those only. Taking it for "remove all" emptied groups elsewhere.
            (Op::Remove, Some(named)) => GroupOp::RemoveMembers(named),
            (Op::Remove, None) => GroupOp::ReplaceMembers(Vec::new()),
        });
        Ok(())
    }

    fn filtered(
        &mut self,
        op: Op,
        filter: &Filter,
        raw: Option<&RawValue>,
    ) -> Result<(), ScimError> {
        if let Some(raw) = raw {
            json::value(raw.get())?;
        }
        if let Some(members) = schema::group::GROUP.attribute("members") {
            filter::check_value(members, filter)?;
        }
        let ids = filter
            .equal_values()
            .map(|ids| ids.into_iter().map(str::to_owned).collect());
        self.ops.push(match (op, ids) {
            (Op::Remove, Some(ids)) => GroupOp::RemoveMembers(ids),
            (Op::Remove, None) => {
                self.filters += 1;
                if self.filters > MAX_FILTERS {
                    return Err(ScimError::payload_too_large(format!(
                        "A PATCH may remove members by at most {MAX_FILTERS} filters other than `value eq`."
                    )));
                }
                GroupOp::RemoveMembersWhere(filter.clone())
            }
            // A value filter that matches nothing makes the value on `add`; where it matches, it is there already.
            (Op::Add, Some(ids)) => GroupOp::AddMembers(ids),
            _ => {
                return Err(ScimError::mutability(
                    "A member cannot be changed; remove it and add another.",
                ));
            }
        });
        Ok(())
    }

    fn extension(&mut self, op: Op, urn: &str, value: Value) -> Result<(), ScimError> {
        match (op, value) {
            (Op::Remove, _) => self.remove(urn, None, None)?,
            (op, value) if json::is_absent(&value) => {
                if op == Op::Replace {
                    self.remove(urn, None, None)?;
                }
            }
            (op, Value::Object(object)) if urn.eq_ignore_ascii_case(GROUP_URN) => {
                for (name, value) in object.into_iter().filter(|(name, _)| !is_urn(name)) {
                    let raw = serde_json::value::to_raw_value(&value).map_err(|_| {
                        ScimError::invalid_syntax("The value cannot be read as JSON.")
                    })?;
                    if let Ok(path) = PatchPath::parse(&name) {
                        self.at(op, &path, Some(&raw))?;
                    }
                }
            }
            (op, Value::Object(values)) => {
                self.change(ExtensionChange::Set {
                    urn: urn.to_owned(),
                    op,
                    values,
                })?;
            }
            _ => {
                return Err(ScimError::invalid_value(
                    "The value of an extension must be an object.",
                ));
            }
        }
        Ok(())
    }

    /// A path with another URN than the core's: a whole extension if the value is an object or its last part names one,
    /// else an attribute of it. No schema tells them apart.
    fn qualified(
        &mut self,
        op: Op,
        path: &PatchPath,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        if path.filter.is_some() {
            return Err(ScimError::invalid_path(
                "A filter cannot be used in an extension this service does not know.",
            ));
        }
        let AttrPath { urn, name, sub } = &path.attr;
        let urn = urn.as_deref().unwrap_or_default();
        if let Some(whole) = path.attr.whole_urn()
            && (name.eq_ignore_ascii_case("group") || value.as_ref().is_some_and(Value::is_object))
        {
            return self.extension(op, &whole, value.unwrap_or(Value::Null));
        }
        if op == Op::Remove {
            return self.remove(urn, Some(name), sub.as_deref());
        }
        let value = value.unwrap_or(Value::Null);
        let value = match sub {
            Some(sub) => Value::Object(Object::from_iter([(sub.clone(), value)])),
            None => value,
        };
        let values = Object::from_iter([(name.clone(), value)]);
        self.change(ExtensionChange::Set {
            urn: urn.to_owned(),
            op,
            values,
        })
    }

    fn remove(
        &mut self,
        urn: &str,
        name: Option<&str>,
        sub: Option<&str>,
    ) -> Result<(), ScimError> {
        self.change(ExtensionChange::Remove {
            urn: urn.to_owned(),
            name: name.map(str::to_owned),
            sub: sub.map(str::to_owned),
        })
    }

    fn change(&mut self, change: ExtensionChange) -> Result<(), ScimError> {
        self.extension_changes += 1;
        if self.extension_changes > MAX_EXTENSION_CHANGES {
            return Err(ScimError::payload_too_large(format!(
                "A PATCH may change extensions at most {MAX_EXTENSION_CHANGES} times."
            )));
        }
        self.ops.push(GroupOp::Extension(change));
        Ok(())
    }
}
