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
    if !row.scim && other.scim && other.okta_id.is_none() && !other.deleting {
        let change = Change::MoveOktaId {
            from: row.id.clone(),
            to: other.id.clone(),
            okta_id: seen.okta_id.clone(),
        };
        let mut changes = vec![Planned::give(
            change,
            seen.at,
            "the app calls him by another row's id; the row the poll made gives way",
        )];
        let moved = learning(other, row.facts.status.as_ref()).0;
        changes.extend(of_row(seen, &moved, population));
        return Verdict {
            changes,
            conflict: None,
        };
    }
    Verdict::conflict(format!(
        "Okta's user {} is {} here, and the app says that he is {}",
        seen.okta_id, row.id, other.id
    ))
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
        let (learned, status) = learning(row, seen.status.as_ref());
        let bind = Change::BindUser {
            user: row.id.clone(),
            okta_id: seen.okta_id.clone(),
            status,
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
    if row.active || row.facts.active() {
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

/// A row as it is once it has learned its Okta id, and the status it learns with it: one that would end his activity is a
/// taking, which is a change of its own for the guard to see (R9).
fn learning(row: &User, status: Option<&OktaStatus>) -> (User, Option<OktaStatus>) {
    let status = status.filter(|status| !row.facts.ended_by(status)).cloned();
    let mut learned = row.clone();
    learned.facts.status = status.clone().or(learned.facts.status);
    (learned, status)
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
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Population, Rows, Seen, plan};
    use crate::model::id::{OktaUserId, UserId};
    use crate::model::time::Timestamp;
    use crate::model::user::{Facts, OktaStatus, Origin, User};
    use crate::reconcile::{Change, Person};

    fn person(name: &str) -> Person {
        Person {
            user_name: name.to_owned(),
            email: None,
            given_name: None,
            family_name: None,
            display_name: None,
        }
    }

    fn seen(id: &str) -> Seen {
        Seen {
            okta_id: OktaUserId::parse(id).unwrap(),
            status: Some(OktaStatus::new("ACTIVE")),
            person: Some(person("m@x")),
            assigned: Some(true),
            ours: None,
            in_mapped_group: false,
            at: Timestamp::from_millis(7),
        }
    }

    fn row(id: &str, okta_id: Option<&str>) -> User {
        User {
            id: UserId::stored(id.to_owned()),
            seq: 1,
            origin: Origin::Okta,
            scim: true,
            okta_id: okta_id.map(|id| OktaUserId::parse(id).unwrap()),
            user_name: "m@x".to_owned(),
            external_id: None,
            resource: person("m@x").resource(),
            facts: Facts {
                entitled: true,
                status: Some(OktaStatus::new("ACTIVE")),
                blocked: false,
            },
            pending: false,
            active: true,
            deleting: false,
            created_at: Timestamp::from_millis(1),
            updated_at: Timestamp::from_millis(1),
            version: 1,
        }
    }

    fn known(row: &User) -> Rows<'_> {
        Rows {
            by_okta_id: Some(row),
            ..Rows::default()
        }
    }

    fn named(row: &User) -> Rows<'_> {
        Rows {
            by_name: Some(row),
            ..Rows::default()
        }
    }

    #[test]
    fn r10_a_user_as_he_is_asks_for_nothing() {
        let row = row("a", Some("00u1"));
        assert_eq!(
            plan(&seen("00u1"), known(&row), Population::App),
            super::Verdict::default()
        );
    }

    #[test]
    fn r8_what_was_not_read_changes_nothing() {
        let row = row("a", Some("00u1"));
        let mut unknown = seen("00u1");
        (unknown.status, unknown.person, unknown.assigned) = (None, None, None);
        assert!(
            plan(&unknown, known(&row), Population::App)
                .changes
                .is_empty()
        );
    }

    #[test]
    fn r13_suspension_takes_and_a_reset_does_not() {
        let row = row("a", Some("00u1"));
        for (status, takes) in [("SUSPENDED", true), ("RECOVERY", false)] {
            let mut changed = seen("00u1");
            changed.status = Some(OktaStatus::new(status));
            let verdict = plan(&changed, known(&row), Population::App);
            assert_eq!(verdict.changes.len(), 1);
            assert_eq!(verdict.changes[0].takes, takes, "{status}");
        }
    }

    #[test]
    fn r16_who_is_made() {
        let made = |population, assigned, member| {
            let mut new = seen("00u1");
            (new.assigned, new.in_mapped_group) = (assigned, member);
            !plan(&new, Rows::default(), population).changes.is_empty()
        };
        assert!(made(Population::App, Some(true), false));
        assert!(!made(Population::App, Some(false), true));
        assert!(
            !made(Population::App, None, true),
            "unknown is not assigned"
        );
        assert!(!made(Population::Repair, Some(true), true));
        assert!(made(Population::MappedGroups, None, true));
        assert!(!made(Population::MappedGroups, None, false));
    }

    #[test]
    fn r11_a_name_joins_once_and_only_a_user_without_an_okta_id() {
        let free = row("a", None);
        let verdict = plan(&seen("00u1"), named(&free), Population::App);
        assert!(matches!(verdict.changes[0].change, Change::BindUser { .. }));

        let bound = row("a", Some("00u9"));
        let verdict = plan(&seen("00u1"), named(&bound), Population::App);
        assert!(verdict.changes.is_empty() && verdict.conflict.is_some());

        let mut left = row("a", Some("00u9"));
        (left.active, left.facts.status) = (false, Some(OktaStatus::deleted()));
        let verdict = plan(&seen("00u1"), named(&left), Population::App);
        assert!(matches!(verdict.changes[0].change, Change::Rebind(_)));

        let mut local = row("a", None);
        local.origin = Origin::Local;
        let verdict = plan(&seen("00u1"), named(&local), Population::App);
        assert!(verdict.changes.is_empty() && verdict.conflict.unwrap().contains("users link"));
    }

    #[test]
    fn r9_who_is_met_for_the_first_time_is_made_inactive_only_past_the_guard() {
        let mut suspended = seen("00u1");
        suspended.status = Some(OktaStatus::new("SUSPENDED"));
        let told = |row: &User| {
            let verdict = plan(&suspended, named(row), Population::App);
            let bound = match &verdict.changes[0].change {
                Change::BindUser { status, .. } => status.is_some(),
                _ => unreachable!("first contact binds"),
            };
            (bound, verdict.changes.get(1).map(|planned| planned.takes))
        };
        let mut free = row("a", None);
        assert_eq!(told(&free), (false, Some(true)));
        free.facts.blocked = true;
        assert_eq!(told(&free), (true, None), "nobody loses anything");

        let mut polls = row("a", Some("00u1"));
        (polls.scim, polls.facts.status) = (false, suspended.status.clone());
        let scims = row("b", None);
        let rows = Rows {
            by_okta_id: Some(&polls),
            by_our_id: Some(&scims),
            by_name: None,
        };
        let verdict = plan(&suspended, rows, Population::App);
        assert!(matches!(
            verdict.changes[1].change,
            Change::SetStatus { .. }
        ));
        assert!(verdict.changes[1].takes);
    }

    #[test]
    fn r11_the_poll_s_row_gives_way_to_scim_s() {
        let mut polls = row("a", Some("00u1"));
        polls.scim = false;
        let scims = row("b", None);
        let rows = Rows {
            by_okta_id: Some(&polls),
            by_our_id: Some(&scims),
            by_name: None,
        };
        let verdict = plan(&seen("00u1"), rows, Population::App);
        assert!(
            matches!(&verdict.changes[0].change, Change::MoveOktaId { to, .. } if to.as_str() == "b")
        );
    }

    #[test]
    fn r18_the_poll_writes_no_profile_of_scim_s() {
        let mut renamed = seen("00u1");
        renamed.person = Some(person("new@x"));
        let mut row = row("a", Some("00u1"));
        assert!(
            plan(&renamed, known(&row), Population::App)
                .changes
                .is_empty()
        );
        row.scim = false;
        assert_eq!(
            plan(&renamed, known(&row), Population::App).changes.len(),
            1
        );
    }
}
