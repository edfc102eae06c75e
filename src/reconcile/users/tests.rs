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
        let Change::BindUser { status, .. } = &verdict.changes[0].change else {
            unreachable!("first contact binds")
        };
        assert_eq!(status, &suspended.status, "whoever applies it looks again");
        verdict.changes.get(1).map(|planned| planned.takes)
    };
    let mut free = row("a", None);
    assert_eq!(told(&free), Some(true));
    free.facts.blocked = true;
    assert_eq!(told(&free), None, "nobody loses anything");

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
fn r11_a_row_of_scim_s_gives_way_once_nobody_is_active_by_it() {
    let (mut left, anew) = (row("a", Some("00u1")), row("b", None));
    let told = |left: &User, seen: &Seen| {
        let rows = Rows {
            by_okta_id: Some(left),
            by_our_id: Some(&anew),
            by_name: None,
        };
        plan(seen, rows, Population::App)
    };
    let verdict = told(&left, &seen("00u1"));
    assert!(verdict.conflict.is_some() && verdict.changes.is_empty());
    (left.active, left.facts.entitled) = (false, false);
    let verdict = told(&left, &seen("00u1"));
    assert!(
        matches!(&verdict.changes[0].change, Change::MoveOktaId { to, .. } if to.as_str() == "b")
    );
    assert_eq!((verdict.changes.len(), verdict.conflict), (1, None));
}

#[test]
fn r9_a_status_of_the_row_that_gives_way_is_a_taking_beside_the_move() {
    let (mut left, anew) = (row("a", Some("00u1")), row("b", None));
    (left.active, left.facts.status) = (false, Some(OktaStatus::new("SUSPENDED")));
    let rows = Rows {
        by_okta_id: Some(&left),
        by_our_id: Some(&anew),
        by_name: None,
    };
    let mut unread = seen("00u1");
    unread.status = None;
    let verdict = plan(&unread, rows, Population::App);
    assert!(matches!(
        verdict.changes.as_slice(),
        [first, change] if matches!(first.change, Change::MoveOktaId { .. }) && change.takes
            && matches!(&change.change, Change::SetStatus { status, .. } if status.as_str() == "SUSPENDED")
    ));
}

#[test]
fn r8_what_okta_says_of_somebody_counts_though_two_rows_claim_him() {
    let (bound, other) = (row("a", Some("00u1")), row("b", Some("00u2")));
    let rows = Rows {
        by_okta_id: Some(&bound),
        by_our_id: Some(&other),
        by_name: None,
    };
    let mut suspended = seen("00u1");
    suspended.status = Some(OktaStatus::new("SUSPENDED"));
    let verdict = plan(&suspended, rows, Population::App);
    assert!(verdict.conflict.is_some());
    assert!(matches!(
        verdict.changes.as_slice(),
        [change] if change.takes && matches!(change.change, Change::SetStatus { .. })
    ));
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
