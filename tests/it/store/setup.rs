//! What the stories of the store begin with: a user, a group, a team, a mapping, a run.

use rosterd::model::actor::Channel;
use rosterd::model::id::{GroupId, MappingId, RunId, TeamId, UserId};
use rosterd::model::mode::OktaMode;
use rosterd::model::run::{RunKind, RunState};
use rosterd::model::team::Permit;
use rosterd::model::time::Timestamp;
use rosterd::model::user::{Origin, User};
use rosterd::store::edges::{self, Edge};
use rosterd::store::memberships::{self, Derived};
use rosterd::store::runs::{self, Run};
use rosterd::store::users::NewUser;
use rosterd::store::{
    Store, StoreError, Tx, groups, local, mappings, organization, teams, users, withheld,
};

use super::groups::{okta_side, scim_side};
use super::users::new_user;

/// When a test's clock begins.
pub(crate) const BEGAN: i64 = 1_800_000_000_000;

/// So long after the clock began.
pub(crate) const fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(BEGAN + ms)
}

/// Does this in one write transaction.
pub(crate) async fn write<T>(
    store: &Store,
    work: impl AsyncFnMut(&mut Tx) -> Result<T, StoreError>,
) -> T {
    store.write(work).await.unwrap()
}

/// Asks this of one snapshot.
pub(crate) async fn read<T>(
    store: &Store,
    ask: impl AsyncFnOnce(&mut Tx) -> Result<T, StoreError>,
) -> T {
    let mut tx = store.read().await.unwrap();
    let answer = ask(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    answer
}

async fn new(store: &Store, new: &NewUser) -> User {
    let made = write(store, async |tx| users::insert(tx, new).await).await;
    made.expect("a free name")
}

/// A user of Okta's whom SCIM sees.
pub(crate) async fn user(store: &Store, name: &str, okta_id: Option<&str>) -> User {
    new(store, &new_user(name, okta_id)).await
}

/// A user of Okta's of whom SCIM has not spoken.
pub(crate) async fn unseen_user(store: &Store, name: &str, okta_id: Option<&str>) -> User {
    let unseen = NewUser {
        scim: false,
        ..new_user(name, okta_id)
    };
    new(store, &unseen).await
}

/// A user whom an admin invited, and who accepted.
pub(crate) async fn local_user(store: &Store, name: &str) -> User {
    let local = NewUser {
        origin: Origin::Local,
        scim: false,
        ..new_user(name, None)
    };
    new(store, &local).await
}

/// Makes them inactive, as a settled membership does.
pub(crate) async fn deactivate(store: &Store, users: &[&User]) {
    let ids: Vec<UserId> = users.iter().map(|user| user.id.clone()).collect();
    write(store, async |tx| {
        memberships::update_activity(tx, &ids, false).await
    })
    .await;
}

/// A group with a SCIM side.
pub(crate) async fn group(store: &Store, name: &str) -> GroupId {
    let side = scim_side(name);
    let made = write(store, async |tx| {
        groups::insert(tx, Some(&side), None).await
    })
    .await;
    made.expect("a new group").id
}

/// A group with an Okta side.
pub(crate) async fn okta_group(store: &Store, okta_id: &str, name: &str) -> GroupId {
    let side = okta_side(okta_id, name);
    let made = write(store, async |tx| {
        groups::insert(tx, None, Some(&side)).await
    })
    .await;
    made.expect("a free id").id
}

/// A custom team.
pub(crate) async fn team(store: &Store, name: &str) -> TeamId {
    write(store, async |tx| teams::insert(tx, name, None).await)
        .await
        .id
}

/// An edge of a group.
pub(crate) fn edge(group: &GroupId, member: &str) -> Edge {
    Edge {
        group: group.clone(),
        member: member.to_owned(),
    }
}

/// Puts these member keys into a group, as a poll does.
pub(crate) async fn join(store: &Store, group: &GroupId, members: &[&str]) {
    let edges: Vec<Edge> = members.iter().map(|member| edge(group, member)).collect();
    write(store, async |tx| {
        edges::insert_many(tx, Channel::Poll, &edges).await
    })
    .await;
}

/// Takes them out again.
pub(crate) async fn leave(store: &Store, group: &GroupId, members: &[&str]) {
    let edges: Vec<Edge> = members.iter().map(|member| edge(group, member)).collect();
    write(store, async |tx| edges::remove_many(tx, &edges).await).await;
}

/// Maps a group to a team.
pub(crate) async fn map(store: &Store, group: &GroupId, team: &TeamId) -> MappingId {
    let made = write(store, async |tx| {
        mappings::insert(tx, team, Some(group), "as written", "mira").await
    })
    .await;
    made.expect("a new mapping")
}

/// Writes down what follows from edges and mappings.
pub(crate) async fn derive(store: &Store, teams: &[&TeamId]) {
    let teams = teams.iter().copied().cloned().collect();
    write(store, async |tx| {
        let mut derived = Derived::default();
        memberships::derive_for_teams(tx, &teams, &mut derived).await
    })
    .await;
}

/// Puts a user into a team by hand.
pub(crate) async fn give(store: &Store, team: &TeamId, user: &User) {
    let permit = by_hand(team, user);
    write(store, async |tx| local::insert(tx, &permit).await).await;
}

/// The right to say who is in a team, as it is while Okta is off.
pub(crate) fn by_hand(team: &TeamId, user: &User) -> Permit {
    Permit::by_hand(OktaMode::Off, team, &user.id).expect("Okta is off")
}

/// Withholds a membership, or with no team his activity.
pub(crate) async fn withhold(
    store: &Store,
    user: &User,
    team: Option<&TeamId>,
    cause: withheld::Cause,
    run: Option<&RunId>,
) {
    let rows = [(user.id.clone(), team.cloned())].into();
    write(store, async |tx| {
        withheld::insert(tx, &rows, cause, run).await
    })
    .await;
}

/// Switches the Okta mode.
pub(crate) async fn switch(store: &Store, mode: OktaMode) {
    write(store, async |tx| organization::update_mode(tx, mode).await).await;
}

/// The id of the n-th run of a test; later ones sort later.
pub(crate) fn run_id(n: u8) -> RunId {
    RunId::parse(&format!("0198c0de-0000-7000-8000-0000000000{n:02x}")).expect("an id")
}

/// The n-th run of a test, begun n milliseconds after the clock.
pub(crate) fn new_run(n: u8, kind: RunKind, state: RunState) -> Run {
    Run {
        id: run_id(n),
        kind,
        channel: "poll".to_owned(),
        actor: "okta".to_owned(),
        dry_run: false,
        state,
        began_at: at(i64::from(n)),
        ended_at: None,
        epoch: 1,
        summary: "{}".to_owned(),
        error: None,
        decided_by: None,
        successor: None,
    }
}

/// The same, stored.
pub(crate) async fn run(store: &Store, n: u8, kind: RunKind, state: RunState) -> RunId {
    let run = new_run(n, kind, state);
    write(store, async |tx| runs::insert(tx, &run).await).await;
    run.id
}
