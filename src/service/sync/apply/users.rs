//! Users: made, renamed, and their facts.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::leavers::Staying;
use super::{Done, Work, identity};
use crate::model::fold::fold;
use crate::model::id::OktaUserId;
use crate::model::user::{Facts, OktaStatus, Origin, User};
use crate::reconcile::{Change, Person, Planned};
use crate::service::sync::halt::Halt;
use crate::store::profile::Profile;
use crate::store::users::{self, NewUser};
use crate::store::{Tx, mirror};

pub(super) const GONE: &str = "there is no such user any more";
pub(super) const SO: &str = "it is so already";

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
            } => {
                let learned = identity::Learned {
                    okta_id,
                    status: status.as_ref(),
                    read_at: planned.observed_at,
                };
                identity::bind(tx, work, user, &learned).await?
            }
            Change::Rebind(anew) => identity::rebind(tx, work, anew).await?,
            Change::MoveOktaId { from, to, okta_id } => {
                identity::move_okta_id(tx, work, from, to, okta_id, planned.observed_at).await?
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

pub(super) fn profile(person: &Person, external_id: Option<&str>) -> Profile {
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
