//! `rosterd groups`.

use serde_json::json;

use super::args::GroupsCommand;
use super::session::{self, Session};
use super::{Context, Exit, Failure};
use crate::model::group::IdpGroup;
use crate::service::{groups, sides};
use crate::store::group_lines::GroupLine;

/// How many groups are read at once.
const PAGE: i64 = 1_000;

/// Lists groups, joins and parts their sides.
pub(super) fn run(context: &Context, command: GroupsCommand) -> Result<Exit, Failure> {
    session::with(context, async |session| match command {
        GroupsCommand::List { name } => list(session, name.as_deref()).await,
        GroupsCommand::Join { scim, okta } => join(session, &scim, &okta).await,
        GroupsCommand::Part { group } => part(session, &group).await,
    })
}

async fn list(session: &Session, name: Option<&str>) -> Result<Exit, Failure> {
    let named = |line: &GroupLine| {
        name.is_none_or(|part| {
            line.name.contains(part)
                || line
                    .scim_name
                    .as_deref()
                    .is_some_and(|own| own.contains(part))
        })
    };
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = groups::list(&session.service, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        found.extend(page.into_iter().filter(named));
    }
    let rows = found.iter().map(|line| {
        [
            line.id.to_string(),
            line.name.clone(),
            sides_of(line),
            line.okta_id.clone().unwrap_or_default(),
            line.okta_type.clone().unwrap_or_default(),
            match (&line.okta_id, line.members_read_at) {
                // Only Okta's side is read; what SCIM pushed is known.
                (Some(_), None) if line.scim_name.is_none() => "?".to_owned(),
                _ => line.members.to_string(),
            },
            line.mappings.to_string(),
        ]
    });
    let header = [
        "id", "name", "sides", "okta id", "type", "members", "mappings",
    ];
    session.output.table(&found, header, rows)?;
    Ok(Exit::Done)
}

fn sides_of(line: &GroupLine) -> String {
    match (&line.scim_name, &line.okta_id, &line.joined_by) {
        (Some(_), Some(_), Some(by)) => format!("both ({by})"),
        (Some(_), Some(_), None) => "both".to_owned(),
        (Some(_), None, _) => "scim".to_owned(),
        (None, Some(_), _) => "okta".to_owned(),
        (None, None, _) => "gone".to_owned(),
    }
}

async fn join(session: &Session, scim: &str, okta: &str) -> Result<Exit, Failure> {
    let scim = groups::find(&session.service, scim).await?;
    let okta = groups::find(&session.service, okta).await?;
    let joined = sides::join(&session.service, &session.cx, &scim.id, &okta.id).await?;
    let output = &session.output;
    if output.is_json() {
        output.json(&shown(&joined))?;
    } else {
        output.line(joined.id.as_str())?;
    }
    output.say(&format!(
        "{} is one group now, with {} members; the next run reads it again",
        joined.name(),
        joined.member_count
    ));
    Ok(Exit::Done)
}

async fn part(session: &Session, group: &str) -> Result<Exit, Failure> {
    let group = groups::find(&session.service, group).await?;
    let (scim, okta) = sides::part(&session.service, &session.cx, &group.id).await?;
    let output = &session.output;
    if output.is_json() {
        output.json(&json!({ "scim": shown(&scim), "okta": shown(&okta) }))?;
    } else {
        output.line(&format!("scim  {}", scim.id))?;
        output.line(&format!("okta  {}", okta.id))?;
    }
    output.say(
        "the mappings went with the Okta side, which the next run reads again; names do not join the two any more",
    );
    Ok(Exit::Done)
}

fn shown(group: &IdpGroup) -> serde_json::Value {
    json!({
        "id": group.id,
        "name": group.name(),
        "scim_name": group.scim_name.as_ref().filter(|_| group.scim),
        "okta_id": group.okta.as_ref().map(|side| &side.id),
        "joined_by": group.joined_by,
        "members": group.member_count,
    })
}
