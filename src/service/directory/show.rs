//! One resource as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::View;
use crate::scim::group::GroupDoc;
use crate::scim::json::Object;
use crate::scim::user::UserDoc;
use crate::scim::{Meta, ResourceType};
use crate::service::Error;
use crate::store::StoreError;
use crate::store::search::{FoundGroup, FoundUser};

/// A user.
pub(super) fn user(view: &View, found: &FoundUser) -> Result<Object, Error> {
    let attributes = stored(&found.resource, "users")?;
    let meta = Meta {
        resource_type: ResourceType::User,
        created: found.created_at.to_string(),
        last_modified: found.updated_at.to_string(),
        location: view.location(ResourceType::User, found.id.as_str()),
        version: found.version,
    };
    let groups = found
        .groups
        .iter()
        .map(|(id, name)| {
            json!({
                "value": id,
                "$ref": view.location(ResourceType::Group, id),
                "display": name,
                "type": "direct",
            })
        })
        .collect();
    let resource = UserDoc::from_stored(attributes).to_resource(
        found.id.as_str(),
        found.entitled,
        &meta,
        Some(groups),
    );
    Ok(view.projection.apply(ResourceType::User, resource))
}

/// A group without its members.
pub(super) fn group(view: &View, found: &FoundGroup) -> Result<Object, Error> {
    let meta = Meta {
        resource_type: ResourceType::Group,
        created: found.created_at.to_string(),
        last_modified: found.updated_at.to_string(),
        location: view.location(ResourceType::Group, found.id.as_str()),
        version: found.version,
    };
    let group = GroupDoc {
        display_name: found.display_name.clone(),
        external_id: found.external_id.clone(),
        members: None,
        extensions: stored(&found.resource, "idp_groups")?,
    };
    let resource = group.to_resource(found.id.as_str(), &meta);
    Ok(view.projection.apply(ResourceType::Group, resource))
}

/// Which of a member's sub-attributes are seen: found out once for all members.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemberSubs {
    value: bool,
    reference: bool,
    display: bool,
    kind: bool,
}

impl MemberSubs {
    pub(super) fn of(view: &View) -> Self {
        let wants = |sub: &str| {
            view.projection
                .wants_sub(ResourceType::Group, "members", sub)
        };
        Self {
            value: wants("value"),
            reference: wants("$ref"),
            display: wants("display"),
            kind: wants("type"),
        }
    }

    /// Writes a member to the list at the end of `text`; nothing, when nothing of it is to be seen.
    pub(super) fn push(
        self,
        text: &mut String,
        view: &View,
        id: &str,
        display: &str,
        first: &mut bool,
    ) {
        if !(self.value || self.reference || self.display || self.kind) {
            return;
        }
        let mut open = if std::mem::take(first) { "{" } else { ",{" };
        let mut sub = |name: &str, value: Value| {
            // A JSON value always has a text; `write!` into a String does not fail.
            let _ = write!(text, "{open}\"{name}\":{value}");
            open = ",";
        };
        if self.value {
            sub("value", id.into());
        }
        if self.reference {
            sub("$ref", view.location(ResourceType::User, id).into());
        }
        if self.display {
            sub("display", display.into());
        }
        if self.kind {
            sub("type", "User".into());
        }
        text.push('}');
    }
}

fn stored(text: &str, table: &'static str) -> Result<Object, Error> {
    serde_json::from_str(text).map_err(|_| {
        Error::Store(StoreError::Corrupt {
            table,
            column: "resource",
        })
    })
}
