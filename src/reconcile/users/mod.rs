//! An Okta user against the rows he may be (R11, R13, R16, R18).

use super::change::{Change, Person, Planned, Rebind};
use crate::model::id::{OktaUserId, UserId};
use crate::model::time::Timestamp;
use crate::model::user::{OktaStatus, Origin, User};

/// Who is to be here (R16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Population {
    /// The users of the app.
    App,
    /// Nobody is made by the poll; it repairs edges and statuses.
    Repair,
    /// The members of mapped groups.
    MappedGroups,
}

/// What was read of a user. What was not read is `None` and changes nothing (R8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// His id in Okta.
    pub okta_id: OktaUserId,
    /// His status.
    pub status: Option<OktaStatus>,
    /// His profile.
    pub person: Option<Person>,
    /// Whether he is assigned to the app.
    pub assigned: Option<bool>,
    /// Our id, where the app's user names it as its `externalId`.
    pub ours: Option<UserId>,
    /// Whether a mapped group has him.
    pub in_mapped_group: bool,
    /// When he was read, by the store's clock.
    pub at: Timestamp,
}

/// The rows he may be.
#[expect(clippy::struct_field_names, reason = "each is found by something")]
#[derive(Debug, Clone, Copy, Default)]
pub struct Rows<'a> {
    /// The row with his Okta id.
    pub by_okta_id: Option<&'a User>,
    /// The row his app user's `externalId` names.
    pub by_our_id: Option<&'a User>,
    /// The row with his userName, by its fold.
    pub by_name: Option<&'a User>,
}

/// What a user as read asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The changes.
    pub changes: Vec<Planned>,
    /// Why he cannot be joined to a row (problem `identity_conflict`).
    pub conflict: Option<String>,
}

impl Verdict {
    fn conflict(why: String) -> Self {
        Self {
            changes: Vec::new(),
            conflict: Some(why),
        }
    }
}

/// What a user as read asks for.
pub fn plan(seen: &Seen, rows: Rows<'_>, population: Population) -> Verdict {
    match (rows.by_okta_id, rows.by_our_id.or(rows.by_name)) {
        (Some(row), _) => match rows.by_our_id.filter(|other| other.id != row.id) {
            Some(other) => two_rows(seen, row, other, population),
            None => Verdict {
                changes: of_row(seen, row, population),
                conflict: None,
            },
        },
        (None, Some(row)) => first_contact(seen, row, population),
        (None, None) => Verdict {
            changes: create(seen, population).into_iter().collect(),
            conflict: None,
        },
    }
}

/// Whether the poll may make him.
fn belongs(seen: &Seen, population: Population) -> bool {
    match population {
        Population::App => seen.assigned == Some(true),
        Population::Repair => false,
        // Okta keeps the deactivated in their groups for ever; they are made when they come back.
        Population::MappedGroups => {
            let left = seen.status.as_ref().is_some_and(OktaStatus::revokes_tokens);
            seen.in_mapped_group && !left
        }
    }
}

fn create(seen: &Seen, population: Population) -> Option<Planned> {
    let person = seen.person.as_ref().filter(|_| belongs(seen, population))?;
    let reason = match population {
        Population::App => "assigned to the app and not known here",
        Population::Repair | Population::MappedGroups => {
            "a member of a mapped group and not known here"
        }
    };
    let change = Change::CreateUser {
        okta_id: seen.okta_id.clone(),
        person: Box::new(person.clone()),
        status: seen.status.clone(),
    };
    Some(Planned::give(change, seen.at, reason))
}

/// His app user's `externalId` names another row than the one with his Okta id (R11).
fn two_rows(seen: &Seen, row: &User, other: &User, population: Population) -> Verdict {
    if row.gives_way() && other.scim && other.okta_id.is_none() && !other.deleting {
        let change = Change::MoveOktaId {
            from: row.id.clone(),
            to: other.id.clone(),
            okta_id: seen.okta_id.clone(),
        };
        let mut changes = vec![Planned::give(
            change,
            seen.at,
            "the app calls him by another row's id; the row the poll made, or an inactive one, gives way",
        )];
        let moved = learning(other, row.facts.status.as_ref());
        // A status that would end his activity does not go along: it is a change of its own, for the guard to see (R9).
        let mut told = seen.clone();
        told.status = told.status.or_else(|| row.facts.status.clone());
        changes.extend(of_row(&told, &moved, population));
        return Verdict {
            changes,
            conflict: None,
        };
    }
    // Which row he is is open, not what he is in Okta (R8); that he is assigned is said of the other.
    let mut told = seen.clone();
    told.person = None;
    told.assigned = seen.assigned.filter(|assigned| !assigned);
    Verdict {
        changes: of_row(&told, row, population),
        conflict: Some(format!(
            "Okta's user {} is {} here, and the app says that he is {}",
            seen.okta_id, row.id, other.id
        )),
    }
}

/// Nobody here has his Okta id, but a row has his name or is named by the app.
fn first_contact(seen: &Seen, row: &User, population: Population) -> Verdict {
    let named = &row.user_name;
    if row.deleting {
        return Verdict::default();
    }
    if row.origin == Origin::Local {
        return if belongs(seen, population) {
            Verdict::conflict(format!(
                "the userName {named} belongs to a local user; link the two: rosterd users link {} {}",
                row.id, seen.okta_id
            ))
        } else {
            Verdict::default()
        };
    }
    let Some(bound) = &row.okta_id else {
        let learned = learning(row, seen.status.as_ref());
        let bind = Change::BindUser {
            user: row.id.clone(),
            okta_id: seen.okta_id.clone(),
            status: seen.status.clone(),
        };
        let mut changes = vec![Planned::give(
            bind,
            seen.at,
            "a user without an Okta id whom Okta knows by this name (first contact)",
        )];
        changes.extend(of_row(seen, &learned, population));
        return Verdict {
            changes,
            conflict: None,
        };
    };
    let Some(person) = seen.person.as_ref().filter(|_| belongs(seen, population)) else {
        return Verdict::default();
    };
    if row.is_in_use() {
        return Verdict::conflict(format!(
            "{named} is bound to Okta's user {bound}, who is active; Okta's user {} has the same name",
            seen.okta_id
        ));
    }
    let change = Change::Rebind(Box::new(Rebind {
        user: row.id.clone(),
        from: bound.clone(),
        okta_id: seen.okta_id.clone(),
        person: person.clone(),
        status: seen.status.clone(),
        entitled: true,
    }));
    Verdict {
        changes: vec![Planned::give(
            change,
            seen.at,
            "an account made anew under the name of an inactive one",
        )],
        conflict: None,
    }
}

/// A row as it is once it has learned its Okta id, with the status it learns then: one that would end his activity is a
/// taking, which is a change of its own for the guard to see (R9).
fn learning(row: &User, status: Option<&OktaStatus>) -> User {
    let mut learned = row.clone();
    if let Some(status) = status.filter(|status| !row.facts.ended_by(status)) {
        learned.facts.status = Some(status.clone());
    }
    learned
}

/// Facts and profile of somebody known.
fn of_row(seen: &Seen, row: &User, population: Population) -> Vec<Planned> {
    let mut changes = Vec::new();
    if let Some(status) = seen
        .status
        .as_ref()
        .filter(|_| seen.status != row.facts.status)
    {
        let mut after = row.facts.clone();
        after.status = Some(status.clone());
        changes.push(Planned {
            change: Change::SetStatus {
                okta_id: seen.okta_id.clone(),
                status: status.clone(),
            },
            takes: row.facts.active() && !after.active(),
            observed_at: seen.at,
            reason: format!("Okta's status is {}", status.as_str()).into(),
        });
    }
    if let Some(entitled) = seen
        .assigned
        .filter(|entitled| population == Population::App && *entitled != row.facts.entitled)
    {
        let change = Change::SetEntitled {
            okta_id: seen.okta_id.clone(),
            entitled,
        };
        changes.push(Planned {
            change,
            takes: !entitled && row.facts.active(),
            observed_at: seen.at,
            reason: if entitled {
                "assigned to the app".into()
            } else {
                "not assigned to the app".into()
            },
        });
    }
    if let Some(person) = seen.person.as_ref().filter(|person| {
        !row.scim
            && row.origin == Origin::Okta
            && population != Population::Repair
            && (person.user_name != row.user_name || person.resource() != row.resource)
    }) {
        changes.push(Planned::give(
            Change::UpdateProfile {
                user: row.id.clone(),
                okta_id: seen.okta_id.clone(),
                person: Box::new(person.clone()),
            },
            seen.at,
            "his profile is another in Okta now",
        ));
    }
    changes
}

#[cfg(test)]
mod tests;
