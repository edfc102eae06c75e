//! Users: made, joined, renamed, and their facts.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::slice;

use serde_json::{Map, Value, json};

use super::leavers::Staying;
use super::{Done, Work};
use crate::model::fold::fold;
use crate::model::id::{OktaUserId, TeamId, UserId};
use crate::model::user::{Facts, OktaStatus, Origin, User};
use crate::reconcile::{Change, Person, Planned, Rebind};
use crate::service::membership::{self, Touched};
use crate::service::sync::halt::Halt;
use crate::store::edges::Edge;
use crate::store::profile::Profile;
use crate::store::rereads::{self, Target};
use crate::store::users::{self, NewUser};
use crate::store::{Tx, edges, group_sides, groups, memberships, mirror, person, stamps};

const GONE: &str = "there is no such user any more";
const SO: &str = "it is so already";

/// Applies what a chunk says of users, in its order; new userNames last and in one piece.
pub(super) async fn apply(
    tx: &mut Tx,
    work: &mut Work<'_>,
    chunk: &[Planned],
    done: &mut [Option<Done>],
) -> Result<(), Halt> {
    let staying = Staying::find(tx, work, chunk).await?;
    for (planned, done) in chunk
        .iter()
        .zip(done.iter_mut())
        .filter(|(_, done)| done.is_none())
    {
        let outcome = match &planned.change {
            Change::CreateUser {
                okta_id,
                person,
                status,
            } => create(tx, work, okta_id, person, status.as_ref()).await?,
            Change::BindUser {
                user,
                okta_id,
                status,
            } => bind(tx, work, user, okta_id, status.as_ref()).await?,
            Change::Rebind(anew) => rebind(tx, work, anew).await?,
            Change::MoveOktaId { from, to, okta_id } => {
                move_okta_id(tx, work, from, to, okta_id).await?
            }
            Change::SetStatus { okta_id, status } => {
                set(tx, work, okta_id, |facts| {
                    facts.status = Some(status.clone());
                })
                .await?
            }
            Change::SetEntitled { okta_id, entitled } => {
                set(tx, work, okta_id, |facts| facts.entitled = *entitled).await?
            }
            Change::DeactivateLeaver { okta_id } => {
                if let Some(why) = staying.why(okta_id) {
                    Done::skipped(why)
                } else {
                    mirror::update_absence(tx, &[okta_id.as_str()], 2).await?;
                    set(tx, work, okta_id, |facts| facts.entitled = false).await?
                }
            }
            Change::ReturnLeaver { okta_id } => {
                mirror::update_absence(tx, &[okta_id.as_str()], 0).await?;
                set(tx, work, okta_id, |facts| facts.entitled = true).await?
            }
            _ => continue,
        };
        *done = Some(outcome);
    }
    profiles(tx, work, chunk, done).await
}

fn profile(person: &Person, external_id: Option<&str>) -> Profile {
    Profile::of(&person.user_name, external_id, &person.attributes())
}

async fn create(
    tx: &mut Tx,
    work: &mut Work<'_>,
    okta_id: &OktaUserId,
    person: &Person,
    status: Option<&OktaStatus>,
) -> Result<Done, Halt> {
    let new = NewUser {
        origin: Origin::Okta,
        scim: false,
        okta_id: Some(okta_id.clone()),
        facts: Facts {
            entitled: true,
            status: status.cloned(),
            blocked: false,
        },
        pending: false,
        profile: profile(person, None),
    };
    if let Some(row) = users::find_claimants(tx, Some(okta_id), &fold(&person.user_name))
        .await?
        .first()
    {
        if row.okta_id.as_ref() == Some(okta_id) {
            return Ok(Done::skipped("he is known by now"));
        }
        let why = format!("the userName {} is taken by {}", person.user_name, row.id);
        return Ok(Done::conflict(okta_id, why));
    }
    let Some(user) = users::insert(tx, &new).await? else {
        return Ok(Done::skipped("he is known by now"));
    };
    work.touched.users.insert(user.id.clone());
    work.log(
        "user.created",
        "user",
        user.id.as_str(),
        None,
        Some(json!({ "oktaId": okta_id, "userName": user.user_name, "status": status })),
    );
    Ok(Done::applied())
}

async fn bind(
    tx: &mut Tx,
    work: &mut Work<'_>,
    user: &UserId,
    okta_id: &OktaUserId,
    status: Option<&OktaStatus>,
) -> Result<Done, Halt> {
    let Some(row) = users::find(tx, user).await? else {
        return Ok(Done::skipped(GONE));
    };
    if row.okta_id.as_ref() == Some(okta_id) {
        return Ok(Done::skipped(SO));
    }
    if row.okta_id.is_some() || row.deleting || users::find_by_okta_id(tx, okta_id).await?.is_some()
    {
        let why = format!(
            "{} cannot become Okta's user {okta_id}: one of them has another Okta id by now",
            row.id
        );
        return Ok(Done::conflict(okta_id, why));
    }
    learn(tx, work, &row, okta_id, status).await?;
    Ok(Done::applied())
}

/// Gives a row its Okta id; what edges and stamps called him moves along. A status that would end his activity by now is
/// left to the next run, which reads him by id and asks the guard (R9).
async fn learn(
    tx: &mut Tx,
    work: &mut Work<'_>,
    row: &User,
    okta_id: &OktaUserId,
    status: Option<&OktaStatus>,
) -> Result<(), Halt> {
    let mut after = row.clone();
    after.okta_id = Some(okta_id.clone());
    if status.is_some_and(|status| row.facts.ended_by(status)) {
        let target = Target::User(okta_id.clone());
        rereads::insert_many(tx, &[(target, "his status would make him inactive")]).await?;
    } else {
        after.facts.status = status.cloned().or(after.facts.status);
    }
    edges::rekey(tx, row.member_key(), okta_id.as_str()).await?;
    stamps::rekey(tx, row.member_key(), okta_id.as_str()).await?;
    if row.scim {
        groups::update_shown_members(tx, okta_id.as_str()).await?;
    }
    users::update(tx, &after).await?;
    let found = [(Target::Login(row.id.clone()), tx.now())];
    rereads::remove_many(tx, &found).await?;
    work.touched.users.insert(row.id.clone());
    work.log(
        "user.bound",
        "user",
        row.id.as_str(),
        None,
        Some(json!({ "oktaId": okta_id })),
    );
    Ok(())
}

async fn rebind(tx: &mut Tx, work: &mut Work<'_>, anew: &Rebind) -> Result<Done, Halt> {
    let Rebind { from, okta_id, .. } = anew;
    let Some(row) = users::find(tx, &anew.user).await? else {
        return Ok(Done::skipped(GONE));
    };
    if row.okta_id.as_ref() != Some(from) || users::find_by_okta_id(tx, okta_id).await?.is_some() {
        return Ok(Done::skipped("one of them has another Okta id by now"));
    }
    if row.is_in_use() {
        let why = format!(
            "{} is bound to Okta's user {from}, who is active",
            row.user_name
        );
        return Ok(Done::conflict(okta_id, why));
    }
    let mut after = row.clone();
    after.okta_id = Some(okta_id.clone());
    after.pending = false;
    after.facts.entitled = anew.entitled;
    after.facts.status.clone_from(&anew.status);
    let pushed = group_sides::list_pushed_edges(tx, from.as_str()).await?;
    let removed: HashSet<Edge> = edges::remove_many(tx, &pushed).await?.into_iter().collect();
    super::edges::note(tx, work, &removed, -1).await?;
    if row.scim {
        groups::update_shown_members(tx, from.as_str()).await?;
        groups::update_shown_members(tx, okta_id.as_str()).await?;
    }
    let forgotten = person::forget(tx, &row.id).await?;
    if row.scim {
        users::update(tx, &after).await?;
    } else {
        let profile = profile(&anew.person, row.external_id.as_deref());
        users::update_with_profile(tx, &after, &profile).await?;
    }
    // Nobody has missed the new person yet (R16).
    mirror::update_absence(tx, &[okta_id.as_str()], 0).await?;
    work.touched.users.insert(row.id.clone());
    work.log(
        "user.rebound",
        "user",
        row.id.as_str(),
        Some(json!({ "oktaId": from, "localTeams": forgotten.local_teams, "withheld": forgotten.withheld })),
        Some(json!({ "oktaId": okta_id })),
    );
    Ok(Done::applied())
}

async fn move_okta_id(
    tx: &mut Tx,
    work: &mut Work<'_>,
    from: &UserId,
    to: &UserId,
    okta_id: &OktaUserId,
) -> Result<Done, Halt> {
    let (Some(source), Some(target)) = (users::find(tx, from).await?, users::find(tx, to).await?)
    else {
        return Ok(Done::skipped(GONE));
    };
    let fits = source.okta_id.as_ref() == Some(okta_id)
        && source.gives_way()
        && target.okta_id.is_none()
        && !target.deleting;
    if !fits {
        return Ok(Done::skipped("one of them has another Okta id by now"));
    }
    let status = source.facts.status.clone();
    let mut freed = source.clone();
    freed.okta_id = None;
    if source.scim {
        // The row stays for SCIM to see, and is nobody's: whoever may be found by its name is another person (R11).
        freed.facts.entitled = false;
        freed.facts.status = None;
    }
    users::update(tx, &freed).await?;
    let mut target = target;
    if source.facts.blocked && !target.facts.blocked {
        // He is the same person, and only an admin lifts a block (R13).
        target.facts.blocked = true;
        work.log(
            "user.blocked",
            "user",
            to.as_str(),
            Some(json!({ "blocked": false })),
            Some(json!({ "blocked": true })),
        );
    }
    learn(tx, work, &target, okta_id, status.as_ref()).await?;
    // First he has what the mirror says and admins gave him, then the poll's row goes with its own: in between somebody is
    // always in charge, and who is the last of them is seen to go (R5).
    let touched = Touched {
        users: BTreeSet::from([to.clone()]),
        ..Touched::default()
    };
    membership::settle(work.service, tx, work.cx, &touched).await?;
    let local_teams = give_local(tx, work, from, to).await?;
    let lost = json!({ "oktaId": okta_id, "userName": source.user_name });
    let action = if source.scim {
        person::forget(tx, from).await?;
        work.touched.users.insert(from.clone());
        "user.unbound"
    } else {
        membership::delete_user(work.service, tx, work.cx, from, BTreeMap::new()).await?;
        "user.deleted"
    };
    work.log(
        action,
        "user",
        from.as_str(),
        Some(lost),
        Some(json!({ "movedTo": to, "localTeams": local_teams })),
    );
    Ok(Done::applied())
}

/// Gives a person's other row what admins gave the one he had (R3); names the teams.
async fn give_local(
    tx: &mut Tx,
    work: &Work<'_>,
    from: &UserId,
    to: &UserId,
) -> Result<Vec<TeamId>, Halt> {
    let before = memberships::effective_of_users(tx, slice::from_ref(to)).await?;
    let teams = person::copy_local(tx, from, to).await?;
    if teams.is_empty() {
        return Ok(teams);
    }
    let after = memberships::effective_of_users(tx, slice::from_ref(to)).await?;
    let touched = Touched {
        given: after.difference(&before).cloned().collect(),
        ..Touched::default()
    };
    membership::settle(work.service, tx, work.cx, &touched).await?;
    Ok(teams)
}

async fn set(
    tx: &mut Tx,
    work: &mut Work<'_>,
    okta_id: &OktaUserId,
    change: impl FnOnce(&mut Facts),
) -> Result<Done, Halt> {
    let Some(row) = users::find_by_okta_id(tx, okta_id).await? else {
        return Ok(Done::skipped(GONE));
    };
    let mut after = row.clone();
    change(&mut after.facts);
    if after.facts == row.facts {
        return Ok(Done::skipped(SO));
    }
    users::update(tx, &after).await?;
    work.touched.users.insert(row.id.clone());
    let shown = |facts: &Facts| json!({ "entitled": facts.entitled, "status": facts.status });
    work.log(
        "user.facts_changed",
        "user",
        row.id.as_str(),
        Some(shown(&row.facts)),
        Some(shown(&after.facts)),
    );
    Ok(Done::applied())
}

/// A profile to be written.
struct Writing<'p> {
    place: usize,
    row: User,
    okta_id: &'p OktaUserId,
    person: &'p Person,
}

/// Writes profiles: all userNames that change are freed first, so that people may swap theirs (R18). A name that somebody
/// else keeps is not given away, and neither is the name of who wanted it.
async fn profiles(
    tx: &mut Tx,
    work: &mut Work<'_>,
    chunk: &[Planned],
    done: &mut [Option<Done>],
) -> Result<(), Halt> {
    let mut writing = Vec::new();
    for (place, planned) in chunk.iter().enumerate() {
        let Change::UpdateProfile {
            user,
            okta_id,
            person,
        } = &planned.change
        else {
            continue;
        };
        if done[place].is_some() {
            continue;
        }
        match users::find(tx, user)
            .await?
            .filter(|row| row.okta_id.as_ref() == Some(okta_id))
        {
            None => done[place] = Some(Done::skipped(GONE)),
            Some(row) if row.scim => {
                done[place] = Some(Done::skipped("SCIM owns his profile by now"));
            }
            Some(row) => writing.push(Writing {
                place,
                row,
                okta_id,
                person,
            }),
        }
    }
    let refused = refused(tx, &writing).await?;
    for writing in &writing {
        if let Some(why) = refused.get(&writing.place) {
            done[writing.place] = Some(Done::conflict(writing.okta_id, why.clone()));
        }
    }
    writing.retain(|writing| !refused.contains_key(&writing.place));
    let renamed: Vec<&str> = writing
        .iter()
        .filter(|writing| fold(&writing.row.user_name) != fold(&writing.person.user_name))
        .map(|writing| writing.row.id.as_str())
        .collect();
    if !renamed.is_empty() {
        users::release_user_names(tx, &renamed).await?;
    }
    for writing in writing {
        let row = &writing.row;
        users::update_with_profile(
            tx,
            row,
            &profile(writing.person, row.external_id.as_deref()),
        )
        .await?;
        let before: Value =
            serde_json::from_str(&row.resource).unwrap_or(Value::Object(Map::new()));
        work.log(
            "user.updated",
            "user",
            row.id.as_str(),
            Some(json!({ "userName": row.user_name, "resource": before })),
            Some(json!({ "userName": writing.person.user_name, "resource": writing.person.attributes() })),
        );
        done[writing.place] = Some(Done::applied());
    }
    Ok(())
}

/// Whose new userName is taken, by their places, and why.
async fn refused(tx: &mut Tx, all: &[Writing<'_>]) -> Result<BTreeMap<usize, String>, Halt> {
    let mut holders: BTreeMap<usize, User> = BTreeMap::new();
    let mut refused: BTreeMap<usize, String> = BTreeMap::new();
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for writing in all {
        let name = fold(&writing.person.user_name);
        if let Some(first) = wanted.insert(name.clone(), writing.place) {
            refused.insert(
                writing.place,
                format!("two users of Okta's are to have the userName {name}"),
            );
            wanted.insert(name, first);
            continue;
        }
        let holder = users::find_by_user_name(tx, &name).await?;
        if let Some(holder) = holder.filter(|holder| holder.id != writing.row.id) {
            holders.insert(writing.place, holder);
        }
    }
    loop {
        let more: Vec<(usize, String)> = all
            .iter()
            .filter(|writing| !refused.contains_key(&writing.place))
            .filter_map(|writing| {
                let holder = holders.get(&writing.place)?;
                let leaves = |other: &Writing<'_>| {
                    other.row.id == holder.id
                        && !refused.contains_key(&other.place)
                        && fold(&other.person.user_name) != fold(&other.row.user_name)
                };
                (!all.iter().any(leaves)).then(|| {
                    let why = format!(
                        "the userName {} is taken by {}",
                        writing.person.user_name, holder.id
                    );
                    (writing.place, why)
                })
            })
            .collect();
        if more.is_empty() {
            return Ok(refused);
        }
        refused.extend(more);
    }
}
