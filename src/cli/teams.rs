//! `rosterd teams` and `rosterd admin`.

use serde_json::{Value, json};

use super::args::{AdminCommand, TeamsCommand};
use super::session;
use super::{Context, Exit, Failure};
use crate::service::teams;
use crate::store::teams::TeamLine;

/// Lists and makes teams.
pub(super) fn run(context: &Context, command: TeamsCommand) -> Result<Exit, Failure> {
    session::with(context, async |session| {
        let output = &session.output;
        match command {
            TeamsCommand::List => {
                let found = teams::list(&session.service).await?;
                let value: Vec<Value> = found.iter().map(shown).collect();
                let rows = found.iter().map(|line| {
                    [
                        line.team.id.to_string(),
                        line.team.name.clone(),
                        kind(line.team.system_team).to_owned(),
                        line.members.to_string(),
                        line.mappings.to_string(),
                    ]
                });
                let header = ["id", "name", "kind", "members", "mappings"];
                output.table(&value, header, rows)?;
            }
            TeamsCommand::Create { name, description } => {
                let team =
                    teams::create(&session.service, &session.cx, &name, description.as_deref())
                        .await?;
                if output.is_json() {
                    output.json(&shown(&TeamLine {
                        team,
                        members: 0,
                        mappings: 0,
                    }))?;
                } else {
                    output.line(team.id.as_str())?;
                }
            }
        }
        Ok(Exit::Done)
    })
}

fn kind(system_team: bool) -> &'static str {
    if system_team { "predefined" } else { "custom" }
}

fn shown(line: &TeamLine) -> Value {
    json!({
        "id": line.team.id,
        "name": line.team.name,
        "description": line.team.description,
        "system_team": line.team.system_team,
        "members": line.members,
        "mappings": line.mappings,
        "created_at": line.team.created_at,
    })
}

/// Makes a local member of Organization Admin (R2's break-glass).
pub(super) fn admin(context: &Context, command: AdminCommand) -> Result<Exit, Failure> {
    let AdminCommand::Create { email, name } = command;
    session::with(context, async |session| {
        let id = teams::create_admin(&session.service, &session.cx, &email, &name).await?;
        let output = &session.output;
        if output.is_json() {
            output.json(&json!({ "id": id, "user_name": email, "team": "organization-admin" }))?;
        } else {
            output.line(id.as_str())?;
        }
        output.say(&format!(
            "{email} is a local user and a member of Organization Admin, in every mode"
        ));
        Ok(Exit::Done)
    })
}
