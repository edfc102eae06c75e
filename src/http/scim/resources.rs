//! Users and groups: read, listed, written.

use std::time::Duration;

use axum::body::Bytes;
use http::StatusCode;
use tokio::time::timeout;

use super::reply::Reply;
use super::request::Call;
use super::within;
use crate::model::group::IdpGroup;
use crate::model::id::{GroupId, UserId};
use crate::model::user::User;
use crate::scim::bulk::Method;
use crate::scim::etag::Condition;
use crate::scim::query::ListQuery;
use crate::scim::{ResourceType, ScimError, group, patch, user};
use crate::service::Error;
use crate::service::directory::{self, Members};
use crate::service::provision;

/// What a write left behind.
pub(super) enum Saved {
    /// And whether no group has him.
    User(User, bool),
    Group(IdpGroup),
    Gone,
}

pub(super) async fn list(call: &Call<'_>, resource: ResourceType) -> Result<Reply, Error> {
    let pairs = call.pairs.iter();
    let query = ListQuery::from_pairs(pairs.map(|(name, value)| (name.as_str(), value.as_str())))?;
    let body = directory::list(&call.app.service, &call.view.base, resource, &query).await?;
    Reply::read(StatusCode::OK, body, &call.app.long_answers).await
}

pub(super) async fn search(
    call: &Call<'_>,
    resource: Option<ResourceType>,
    body: &[u8],
) -> Result<Reply, Error> {
    let query = ListQuery::from_search(body)?;
    let (service, base) = (&call.app.service, &call.view.base);
    let body = match resource {
        Some(resource) => directory::list(service, base, resource, &query).await?,
        None => directory::search_all(service, base, &query).await?,
    };
    Reply::read(StatusCode::OK, body, &call.app.long_answers).await
}

pub(super) async fn read(
    call: &Call<'_>,
    resource: ResourceType,
    id: &str,
) -> Result<Reply, Error> {
    let location = call.view.location(resource, id);
    let service = &call.app.service;
    let (version, reply) = match resource {
        ResourceType::User => {
            let found = directory::find_user(service, &call.view, &user_id(id)?).await?;
            let body = Bytes::from(serde_json::to_vec(&found.resource).unwrap_or_default());
            (found.version, Reply::json(StatusCode::OK, body))
        }
        ResourceType::Group => {
            let id = group_id(id)?;
            let found = directory::find_group(service, &call.view, &id, Members::AsAsked).await?;
            if not_modified(call, found.version) {
                return Ok(
                    Reply::empty(StatusCode::NOT_MODIFIED).of_resource(&location, found.version)
                );
            }
            (
                found.version,
                Reply::read(StatusCode::OK, found.body, &call.app.long_answers).await?,
            )
        }
    };
    if not_modified(call, version) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).of_resource(&location, version));
    }
    Ok(reply.of_resource(&location, version))
}

fn not_modified(call: &Call<'_>, version: i64) -> bool {
    let condition = call.if_none_match.as_ref();
    condition.is_some_and(|condition| condition.matches(version))
}

pub(super) async fn create(
    call: &Call<'_>,
    resource: ResourceType,
    body: &[u8],
) -> Result<Reply, Error> {
    let (saved, skipped) = write(call, Method::Post, resource, None, body, None).await?;
    let reply = show(call, &saved, StatusCode::CREATED, Members::AsAsked).await?;
    Ok(reply.skipping(skipped))
}

pub(super) async fn replace(
    call: &Call<'_>,
    resource: ResourceType,
    id: &str,
    body: &[u8],
) -> Result<Reply, Error> {
    let condition = call.if_match.as_ref();
    let (saved, skipped) = write(call, Method::Put, resource, Some(id), body, condition).await?;
    let reply = show(call, &saved, StatusCode::OK, Members::AsAsked).await?;
    Ok(reply.skipping(skipped))
}

pub(super) async fn patch(
    call: &Call<'_>,
    resource: ResourceType,
    id: &str,
    body: &[u8],
) -> Result<Reply, Error> {
    let condition = call.if_match.as_ref();
    let (saved, skipped) = write(call, Method::Patch, resource, Some(id), body, condition).await?;
    let reply = show(call, &saved, StatusCode::OK, Members::IfFew).await?;
    Ok(reply.skipping(skipped))
}

pub(super) async fn delete(
    call: &Call<'_>,
    resource: ResourceType,
    id: &str,
) -> Result<Reply, Error> {
    let condition = call.if_match.as_ref();
    write(call, Method::Delete, resource, Some(id), b"", condition).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// How long an answer waits for what it shows of a write that is done.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

/// One write by the deadline, whole or not at all; a bulk operation is the same.
pub(super) async fn write(
    call: &Call<'_>,
    method: Method,
    resource: ResourceType,
    id: Option<&str>,
    body: &[u8],
    condition: Option<&Condition>,
) -> Result<(Saved, Vec<String>), Error> {
    let (service, cx) = (&call.app.service, &call.cx);
    let work = async {
        match resource {
            ResourceType::User => {
                let id = || user_id(id.unwrap_or_default());
                let written = match method {
                    Method::Post => {
                        provision::create_user(service, cx, &user::parse(body)?).await?
                    }
                    Method::Put => {
                        let (id, received) = (id()?, user::parse(body)?);
                        provision::replace_user(service, cx, &id, &received, condition).await?
                    }
                    Method::Patch => {
                        let (id, operations) = (id()?, patch::parse(body)?);
                        provision::patch_user(service, cx, &id, &operations, condition).await?
                    }
                    Method::Delete => {
                        provision::delete_user(service, cx, &id()?, condition).await?;
                        return Ok((Saved::Gone, Vec::new()));
                    }
                };
                let user = Saved::User(written.resource, written.in_no_group);
                Ok((user, written.skipped))
            }
            ResourceType::Group => {
                let id = || group_id(id.unwrap_or_default());
                let written = match method {
                    Method::Post => {
                        provision::create_group(service, cx, &group::parse(body)?).await?
                    }
                    Method::Put => {
                        let (id, doc) = (id()?, group::parse(body)?);
                        provision::replace_group(service, cx, &id, &doc, condition).await?
                    }
                    Method::Patch => {
                        let id = id()?;
                        let patch = group::parse_patch(id.as_str(), body)?;
                        let base = &call.view.base;
                        provision::patch_group(service, cx, base, &id, &patch, condition).await?
                    }
                    Method::Delete => {
                        provision::delete_group(service, cx, &id()?, condition).await?;
                        return Ok((Saved::Gone, Vec::new()));
                    }
                };
                Ok((Saved::Group(written.resource), written.skipped))
            }
        }
    };
    within(call.deadline, Box::pin(work)).await
}

/// The answer to a write. It is committed, so that nothing may refuse it any more (R6): where the store does not say in time
/// how it looks now, or too many long answers are being read, it is shown as it was written.
async fn show(
    call: &Call<'_>,
    saved: &Saved,
    status: StatusCode,
    members: Members,
) -> Result<Reply, Error> {
    let (service, view) = (&call.app.service, &call.view);
    let slots = &call.app.long_answers;
    match saved {
        Saved::User(user, in_no_group) => {
            let read = directory::written_user(service, view, user, *in_no_group);
            let shown = match timeout(SHOWN_WITHIN, read).await {
                Ok(shown) => shown?,
                Err(_) => directory::written_user(service, view, user, true).await?,
            };
            let body = Bytes::from(serde_json::to_vec(&shown.resource).unwrap_or_default());
            let location = view.location(ResourceType::User, user.id.as_str());
            Ok(Reply::json(status, body).of_resource(&location, shown.version))
        }
        Saved::Group(group) => {
            let location = view.location(ResourceType::Group, group.id.as_str());
            let read = async {
                let shown = directory::written_group(service, view, group, members).await;
                let reply = Reply::read(status, shown.body, slots).await?;
                Ok::<_, Error>(reply.of_resource(&location, shown.version))
            };
            if let Ok(Ok(reply)) = timeout(SHOWN_WITHIN, read).await {
                return Ok(reply);
            }
            let bare = directory::bare_group(view, group);
            let reply = Reply::read(status, bare.body, slots).await?;
            Ok(reply.of_resource(&location, bare.version))
        }
        Saved::Gone => Ok(Reply::empty(StatusCode::NO_CONTENT)),
    }
}

/// What is no id names nothing: 404, whatever it looks like.
fn user_id(id: &str) -> Result<UserId, Error> {
    UserId::parse(id).ok_or_else(|| ScimError::no_such(ResourceType::User).into())
}

fn group_id(id: &str) -> Result<GroupId, Error> {
    GroupId::parse(id).ok_or_else(|| ScimError::no_such(ResourceType::Group).into())
}
