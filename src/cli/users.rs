//! `rosterd users`.

use serde_json::{Value, json};

use super::args::{UserOrigin, UsersCommand};
use super::session::{self, Session};
use super::{Context, Exit, Failure};
use crate::model::id::OktaUserId;
use crate::model::mode::OktaMode;
use crate::model::user::Origin;
use crate::service::users::{self, Query, Shown};
use crate::service::{mode, provision};

/// Lists, shows and links users.
pub(super) fn run(context: &Context, command: UsersCommand) -> Result<Exit, Failure> {
    session::with(context, async |session| match command {
        UsersCommand::List {
            origin,
            inactive,
            limit,
        } => {
            let query = Query {
                origin: origin.map(|origin| match origin {
                    UserOrigin::Okta => Origin::Okta,
                    UserOrigin::Local => Origin::Local,
                }),
                inactive,
                after: 0,
                limit: i64::from(limit),
            };
            list(session, &query).await
        }
        UsersCommand::Show { user } => show(session, &user).await,
        UsersCommand::Link { user, okta_id, yes } => link(session, &user, &okta_id, yes).await,
    })
}

async fn list(session: &Session, query: &Query) -> Result<Exit, Failure> {
    let found = users::list(&session.service, query).await?;
    let rows = found.iter().map(|line| {
        [
            line.id.to_string(),
            line.user_name.clone(),
            line.origin.clone(),
            match (line.active, line.pending) {
                (_, true) => "pending",
                (true, false) => "active",
                (false, false) => "inactive",
            }
            .to_owned(),
            line.okta_id.clone().unwrap_or_default(),
            line.teams.to_string(),
        ]
    });
    let header = ["id", "userName", "origin", "state", "okta id", "teams"];
    session.output.table(&found, header, rows)?;
    if i64::try_from(found.len()) == Ok(query.limit) {
        session.output.say("there may be more: --limit shows them");
    }
    Ok(Exit::Done)
}

async fn show(session: &Session, reference: &str) -> Result<Exit, Failure> {
    let user = users::show(&session.service, reference).await?;
    let output = &session.output;
    if output.is_json() {
        output.json(&user)?;
        return Ok(Exit::Done);
    }
    for (name, value) in facts(&user) {
        output.field(name, &value)?;
    }
    output.line("")?;
    let rows = user.teams.iter().map(|row| {
        [
            row.team_name.clone(),
            row.origin.clone(),
            if row.counts { "yes" } else { "no" }.to_owned(),
            row.since.to_string(),
        ]
    });
    output.table(&(), ["team", "origin", "counts", "since"], rows)?;
    output.line("")?;
    let rows = user.groups.iter().map(|group| {
        [
            group.name.clone(),
            group.channel.clone(),
            group.at.to_string(),
            group.teams.join(", "),
        ]
    });
    output.table(&(), ["group", "said by", "at", "leads to"], rows)?;
    Ok(Exit::Done)
}

fn facts(user: &Shown) -> Vec<(&'static str, String)> {
    let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let mut facts = vec![
        ("id", user.id.to_string()),
        ("userName", user.user_name.clone()),
        ("origin", user.origin.to_owned()),
        (
            "Okta id",
            user.okta_id
                .as_ref()
                .map_or_else(|| "-".to_owned(), ToString::to_string),
        ),
        ("state", user.why.clone()),
        ("entitled", yes(user.entitled)),
        (
            "status",
            user.status
                .as_ref()
                .map_or("unknown", |status| status.as_str())
                .to_owned(),
        ),
        ("blocked", yes(user.blocked)),
        ("seen by SCIM", yes(user.scim)),
    ];
    for kept in &user.withheld {
        let team = kept.team.as_deref().unwrap_or_default();
        facts.push((
            "withheld",
            format!("{} {team} since {} ({})", kept.what, kept.since, kept.cause),
        ));
    }
    facts
}

/// Links a local user by hand, having shown what that changes (R11).
async fn link(
    session: &Session,
    reference: &str,
    okta_id: &str,
    yes: bool,
) -> Result<Exit, Failure> {
    let Some(okta_id) = OktaUserId::from_external_id(okta_id) else {
        return Err(Failure::new(
            Exit::Usage,
            format!("{okta_id:?} is no Okta user id: it is 00u and 17 letters or digits"),
        ));
    };
    let user = users::show(&session.service, reference).await?;
    let output = &session.output;
    output.say(&format!(
        "{} becomes the Okta user {okta_id}: his local password is dropped, and Okta decides whether he is active",
        user.user_name
    ));
    let stands = mode::preview(&session.service, OktaMode::On).await?;
    let local: Vec<&str> = user
        .teams
        .iter()
        .filter(|row| row.origin == "local")
        .map(|row| row.team_name.as_str())
        .collect();
    if stands.from == OktaMode::On && !local.is_empty() {
        output.say(&format!(
            "Okta is on, so these local memberships of his stop counting: {}",
            local.join(", ")
        ));
    }
    output.confirm(yes, "Link him?")?;
    let linked =
        provision::link_user(&session.service, &session.cx, &user.id, Some(&okta_id)).await?;
    if output.is_json() {
        let value: Value = json!({
            "id": linked.id,
            "user_name": linked.user_name,
            "origin": linked.origin,
            "okta_id": linked.okta_id,
        });
        output.json(&value)?;
    }
    output.say("linked; the next run reads him");
    Ok(Exit::Done)
}
