//! Reading the directory as SCIM shows it: one user, one group, lists.
//!
//! Whatever can be long is a [`Body`]: it is read in chunks inside one snapshot and turned into bytes as it comes, so that
//! memory does not grow with a group. What nobody will see (`attributes`, `excludedAttributes`) is not read.

mod body;
mod list;
mod show;

use crate::model::fold::fold;
use crate::model::group::IdpGroup;
use crate::model::id::{GroupId, UserId};
use crate::model::user::User;
use crate::scim::ResourceType;
use crate::scim::json::Object;
use crate::scim::projection::Projection;
use crate::store::search::{self, FoundGroup, FoundUser};

pub use body::Body;
pub use list::{DEFAULT_COUNT, list, max_count, search_all};

use super::{Error, Service};

/// Past so many members the answer to a PATCH leaves `members` out, unless `attributes` asks for them: adding one member
/// to a group of 100,000 must not read the others.
pub const MEMBERS_AFTER_PATCH: i64 = 1_000;

/// So many members are read with their group; more of them are streamed.
const FEW_MEMBERS: i64 = 1_000;

/// How resources are to be shown.
#[derive(Debug, Clone)]
pub struct View {
    /// What every URL begins with: `https://…/scim/v2`.
    pub base: String,
    /// Which attributes.
    pub projection: Projection,
}

/// A user as he is shown.
#[derive(Debug, Clone)]
pub struct ShownUser {
    /// The version behind the ETag.
    pub version: i64,
    /// The resource.
    pub resource: Object,
}

/// A group as it is shown.
#[derive(Debug)]
pub struct ShownGroup {
    /// The version behind the ETag.
    pub version: i64,
    /// The resource, as bytes.
    pub body: Body,
}

/// Whether a group is shown with its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Members {
    /// Where the view wants them.
    AsAsked,
    /// Where the view wants them and they are few, or where it asks for them by name: the answer to a PATCH.
    IfFew,
}

impl Members {
    fn wanted(self, view: &View, count: i64) -> bool {
        view.projection.wants(ResourceType::Group, "members")
            && (self == Self::AsAsked
                || count <= MEMBERS_AFTER_PATCH
                || view.projection.asks(ResourceType::Group, "members"))
    }
}

impl View {
    /// The URL of a resource. It begins with the configured public URL: the Host header never makes a link.
    pub fn location(&self, resource: ResourceType, id: &str) -> String {
        format!("{}{}/{id}", self.base, resource.endpoint())
    }

    fn groups(&self) -> search::Groups {
        if self.projection.wants(ResourceType::User, "groups") {
            search::Groups::Load
        } else {
            search::Groups::Skip
        }
    }
}

/// The user with this id, if SCIM can see him (R12).
///
/// # Errors
/// [`Error::NotFound`].
pub async fn find_user(service: &Service, view: &View, id: &UserId) -> Result<ShownUser, Error> {
    let found = search::find_user(&service.store, id, view.groups()).await?;
    let found = found.ok_or(Error::NotFound("User"))?;
    Ok(ShownUser {
        version: found.version,
        resource: show::user(view, &found)?,
    })
}

/// A user just written, as he is shown. What was written is durable, so that this cannot fail any more (R6): where he
/// cannot be read again he is shown as he was written, without his groups. So is one who is in none.
///
/// # Errors
/// When what is stored cannot be read as JSON: a defect.
pub async fn written_user(
    service: &Service,
    view: &View,
    user: &User,
    in_no_group: bool,
) -> Result<ShownUser, Error> {
    if !in_no_group && let Ok(shown) = find_user(service, view, &user.id).await {
        return Ok(shown);
    }
    Ok(ShownUser {
        version: user.version,
        resource: show::user(view, &FoundUser::from(user))?,
    })
}

/// A group just written, as it is shown; like [`written_user`], it is shown without its members if need be. Whatever of
/// it nobody will see is not read. Where its [`Body`] fails later, as the members are read, [`bare_group`] is left.
pub async fn written_group(
    service: &Service,
    view: &View,
    group: &IdpGroup,
    members: Members,
) -> ShownGroup {
    if members.wanted(view, group.member_count)
        && let Ok(shown) = find_group(service, view, &group.id, members).await
    {
        return shown;
    }
    bare_group(view, group)
}

/// A group as it was written, without its members: nothing is read for it.
pub fn bare_group(view: &View, group: &IdpGroup) -> ShownGroup {
    ShownGroup {
        version: group.version,
        body: Body::of_head(view.clone(), FoundGroup::from(group)),
    }
}

/// The group with this id, if SCIM can see it (R12).
///
/// # Errors
/// [`Error::NotFound`].
pub async fn find_group(
    service: &Service,
    view: &View,
    id: &GroupId,
    members: Members,
) -> Result<ShownGroup, Error> {
    let none = || Error::NotFound("Group");
    let few = if view.projection.wants(ResourceType::Group, "members") {
        FEW_MEMBERS
    } else {
        -1
    };
    let found = search::find_group_with_members(&service.store, id, few).await?;
    let (group, listed) = found.ok_or_else(none)?;
    let version = group.version;
    let body = match listed {
        Some(listed) => Body::of_members(view.clone(), &group, &listed)?,
        None if !members.wanted(view, group.member_count) => Body::of_head(view.clone(), group),
        None => {
            let mut tx = service.store.read().await?;
            let group = search::find_group(&mut tx, id).await?.ok_or_else(none)?;
            return Ok(ShownGroup {
                version: group.version,
                body: Body::of_group(tx, view.clone(), group),
            });
        }
    };
    Ok(ShownGroup { version, body })
}

/// Whether a filter asks for one userName, and for its fold: the lookup Okta makes before each assignment.
fn looked_up(filter: &crate::scim::filter::Filter) -> Option<String> {
    use crate::scim::filter::{Compare, CompareOp, Filter, Literal};
    match filter {
        Filter::Compare(Compare {
            path,
            op: CompareOp::Equal,
            value: Literal::String(text),
        }) if path.is(crate::scim::USER_URN, "userName") => Some(fold(text)),
        _ => None,
    }
}
