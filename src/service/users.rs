//! Users as admins see them, and an admin's block (R13).

use serde::Serialize;
use serde_json::json;

use super::membership::{Touched, settle};
use super::{Error, Service};
use crate::model::actor::Cx;
use crate::model::id::{OktaUserId, UserId};
use crate::model::time::Timestamp;
use crate::model::user::{Facts, OktaStatus, User};
use crate::store::audit::{self, Entry};
pub use crate::store::user_lines::{GroupOf, Membership, Query, UserLine};
use crate::store::withheld::{self, Cause, Withheld};
use crate::store::{Tx, in_write, user_lines, users};

/// A user whole: where he stands and why.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// Our id.
    pub id: UserId,
    /// userName, as sent.
    pub user_name: String,
    /// okta or local.
    pub origin: &'static str,
    /// His id in Okta.
    pub okta_id: Option<OktaUserId>,
    /// SCIM `externalId`, as sent.
    pub external_id: Option<String>,
    /// Whether SCIM has spoken of him.
    pub scim: bool,
    /// Whether he is active.
    pub active: bool,
    /// Why, or why not, in words.
    pub why: String,
    /// Set by SCIM's `active` and by the app's assignment.
    pub entitled: bool,
    /// Okta's status; `None` is unknown.
    pub status: Option<OktaStatus>,
    /// An admin here blocked him.
    pub blocked: bool,
    /// Invited, not yet accepted.
    pub pending: bool,
    /// Rows that put him into a team, counting or not.
    pub teams: Vec<Membership>,
    /// Groups he is in.
    pub groups: Vec<GroupOf>,
    /// What was taken in Okta and is kept here (R5, R9).
    pub withheld: Vec<Kept>,
    /// When he came.
    pub created_at: Timestamp,
    /// When he last changed.
    pub updated_at: Timestamp,
}

/// Something that was taken in Okta and is kept here.
#[derive(Debug, Clone, Serialize)]
pub struct Kept {
    /// `activity`, or `membership` of a team.
    pub what: &'static str,
    /// The team's id.
    pub team: Option<String>,
    /// `last_admin` (R5) or `guard` (R9).
    pub cause: &'static str,
    /// The run whose approval would take it.
    pub run: Option<String>,
    /// The admin who rejected taking it.
    pub kept_by: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

impl From<&Withheld> for Kept {
    fn from(row: &Withheld) -> Self {
        Self {
            what: match row.team {
                Some(_) => "membership",
                None => "activity",
            },
            team: row.team.as_ref().map(ToString::to_string),
            cause: row.cause.as_str(),
            run: row.run.as_ref().map(ToString::to_string),
            kept_by: row.kept_by.clone(),
            since: row.since,
        }
    }
}

/// Users in order of creation.
///
/// # Errors
/// [`Error::Store`].
pub async fn list(service: &Service, query: &Query) -> Result<Vec<UserLine>, Error> {
    let mut tx = service.store.read().await?;
    let found = user_lines::list(&mut tx, query).await?;
    tx.rollback().await?;
    Ok(found)
}

/// The user with this id, userName or Okta id, and why he is where he is.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn show(service: &Service, reference: &str) -> Result<Shown, Error> {
    let mut tx = service.store.read().await?;
    let user = resolve(&mut tx, reference).await?;
    let teams = user_lines::list_memberships(&mut tx, &user.id).await?;
    let groups = user_lines::list_groups(&mut tx, user.member_key()).await?;
    let mut rows = withheld::list(&mut tx).await?;
    tx.rollback().await?;
    rows.retain(|row| row.user == user.id);
    Ok(Shown {
        why: why(&user, &rows),
        origin: user.origin.as_str(),
        scim: user.scim,
        active: user.active,
        entitled: user.facts.entitled,
        status: user.facts.status,
        blocked: user.facts.blocked,
        pending: user.pending,
        teams,
        groups,
        withheld: rows.iter().map(Kept::from).collect(),
        created_at: user.created_at,
        updated_at: user.updated_at,
        id: user.id,
        user_name: user.user_name,
        okta_id: user.okta_id,
        external_id: user.external_id,
    })
}

/// The user with this id, userName (folded, R18) or Okta id.
async fn resolve(tx: &mut Tx, reference: &str) -> Result<User, Error> {
    if let Some(id) = UserId::parse(reference) {
        return users::find(tx, &id).await?.ok_or(Error::NotFound("user"));
    }
    if let Some(user) = users::find_by_user_name(tx, reference).await? {
        return Ok(user);
    }
    let by_okta_id = match OktaUserId::parse(reference) {
        Some(id) => users::find_by_okta_id(tx, &id).await?,
        None => None,
    };
    by_okta_id.ok_or(Error::NotFound("user"))
}

/// Blocks a user in an emergency, or lifts the block. A block ends his sessions at once and leaves his tokens to be used
/// again once it is lifted (R13).
///
/// # Errors
/// [`Error::LastAdmin`] (R5); [`Error::NotFound`].
pub async fn block(service: &Service, cx: &Cx, id: &UserId, blocked: bool) -> Result<User, Error> {
    in_write!(service.store, |tx| {
        let known = users::find(tx, id).await?.ok_or(Error::NotFound("user"))?;
        if known.facts.blocked == blocked {
            return Ok(known);
        }
        let facts = Facts {
            blocked,
            ..known.facts.clone()
        };
        let user = users::update(
            tx,
            &User {
                facts,
                ..known.clone()
            },
        )
        .await?;
        let entry = Entry {
            action: if blocked {
                "user.blocked"
            } else {
                "user.unblocked"
            },
            object_kind: "user",
            object_id: id.to_string(),
            before: Some(json!({ "blocked": known.facts.blocked })),
            after: Some(json!({ "blocked": blocked })),
        };
        audit::insert(tx, cx, &[entry]).await?;
        let touched = Touched {
            users: [id.clone()].into(),
            ..Touched::default()
        };
        settle(service, tx, cx, &touched).await?;
        users::find(tx, &user.id)
            .await?
            .ok_or(Error::NotFound("user"))
    })
}

/// Why a user is active or not: each cause in words (R13).
fn why(user: &User, rows: &[Withheld]) -> String {
    let facts = &user.facts;
    let status = match &facts.status {
        Some(status) => format!("his status in Okta is {}", status.as_str()),
        None => "his status in Okta is not known, which allows".to_owned(),
    };
    let mut causes = Vec::new();
    if facts.blocked {
        causes.push("an admin here blocked him".to_owned());
    }
    if user.pending {
        causes.push("he has not accepted his invitation".to_owned());
    }
    if !facts.entitled {
        causes.push("Okta does not entitle him (SCIM active, or the app's assignment)".to_owned());
    }
    if facts.status.as_ref().is_some_and(|status| !status.allows()) {
        causes.push(status.clone());
    }
    let kept = rows.iter().find(|row| row.team.is_none());
    match (user.active, kept) {
        (true, Some(row)) => format!(
            "active although {}: kept {}",
            causes.join(", and "),
            match row.cause {
                Cause::LastAdmin => "as the last active member of Organization Admin",
                Cause::Guard => "because pushes took more than the guard lets through",
            }
        ),
        (true, None) if user.okta_id.is_none() && facts.status.is_none() => {
            "active: entitled and not blocked".to_owned()
        }
        (true, None) => format!("active: entitled, not blocked, and {status}"),
        (false, _) if causes.is_empty() => "inactive".to_owned(),
        (false, _) => format!("inactive: {}", causes.join(", and ")),
    }
}
