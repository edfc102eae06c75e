//! One resource as JSON.

use serde_json::{Map, Value, json};

use super::View;
use crate::scim::group::GroupDoc;
use crate::scim::json::Object;
use crate::scim::user::UserDoc;
use crate::scim::{Meta, ResourceType};
use crate::service::Error;
use crate::store::StoreError;
use crate::store::search::{FoundGroup, FoundUser, Member};

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

/// A member of a group; `None` when nothing of it is to be seen.
pub(super) fn member(view: &View, member: &Member) -> Option<Value> {
    let wants = |sub: &str| {
        view.projection
            .wants_sub(ResourceType::Group, "members", sub)
    };
    let mut shown = Map::new();
    if wants("value") {
        shown.insert("value".to_owned(), member.id.as_str().into());
    }
    if wants("$ref") {
        let url = view.location(ResourceType::User, &member.id);
        shown.insert("$ref".to_owned(), url.into());
    }
    if wants("display") {
        shown.insert("display".to_owned(), member.display.as_str().into());
    }
    if wants("type") {
        shown.insert("type".to_owned(), "User".into());
    }
    (!shown.is_empty()).then_some(Value::Object(shown))
}

fn stored(text: &str, table: &'static str) -> Result<Object, Error> {
    serde_json::from_str(text).map_err(|_| {
        Error::Store(StoreError::Corrupt {
            table,
            column: "resource",
        })
    })
}
