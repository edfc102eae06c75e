//! `rosterd mappings`.

use super::args::MappingsCommand;
use super::session::{self, Session};
use super::{Context, Exit, Failure};
use crate::model::id::MappingId;
use crate::model::mapping::{Mapping, MappingState};
use crate::service::{Error, mappings};

/// Lists, adds and removes mappings.
pub(super) fn run(context: &Context, command: MappingsCommand) -> Result<Exit, Failure> {
    session::with(context, async |session| match command {
        MappingsCommand::List => list(session).await,
        MappingsCommand::Add { group, team } => add(session, &group, &team).await,
        MappingsCommand::Remove { mapping } => remove(session, &mapping).await,
    })
}

async fn list(session: &Session) -> Result<Exit, Failure> {
    let found = mappings::list(&session.service).await?;
    let rows = found.iter().map(|mapping| {
        [
            mapping.id.to_string(),
            shown_group(mapping),
            mapping.team_name.clone(),
            state(mapping.state).to_owned(),
            mapping.members.to_string(),
        ]
    });
    let header = ["id", "group", "team", "state", "members"];
    session.output.table(&found, header, rows)?;
    Ok(Exit::Done)
}

async fn add(session: &Session, group: &str, team: &str) -> Result<Exit, Failure> {
    let mapping = mappings::add(&session.service, &session.cx, group, team).await?;
    let output = &session.output;
    if output.is_json() {
        output.json(&mapping)?;
    } else {
        output.line(mapping.id.as_str())?;
    }
    let led = format!("{} leads to {}", shown_group(&mapping), mapping.team_name);
    output.say(&match mapping.state {
        MappingState::Bound => format!("{led}: {} members", mapping.members),
        MappingState::Reading => {
            format!("{led}; the daemon that polls reads its members at once")
        }
        MappingState::Unbound => format!(
            "{led} once exactly one group bears that name: none does now, or several do (`rosterd groups list`)"
        ),
        MappingState::Gone => format!("{led}, but the group is gone"),
    });
    Ok(Exit::Done)
}

async fn remove(session: &Session, id: &str) -> Result<Exit, Failure> {
    let id = MappingId::parse(id).ok_or(Error::NotFound("mapping"))?;
    let removed = mappings::remove(&session.service, &session.cx, &id).await?;
    let output = &session.output;
    if output.is_json() {
        output.json(&removed)?;
    }
    output.say(&format!(
        "{} no longer leads to {}",
        shown_group(&removed),
        removed.team_name
    ));
    Ok(Exit::Done)
}

/// The group's present name, and the written one where that is another.
fn shown_group(mapping: &Mapping) -> String {
    match &mapping.group_name {
        Some(name) if *name != mapping.written => {
            format!("{name} (written {:?})", mapping.written)
        }
        _ => mapping.written.clone(),
    }
}

fn state(state: MappingState) -> &'static str {
    match state {
        MappingState::Bound => "bound",
        MappingState::Reading => "reading",
        MappingState::Unbound => "unbound",
        MappingState::Gone => "gone",
    }
}
