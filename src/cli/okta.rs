//! `rosterd okta`: the switch, with who gains and loses, and the rebind.

use serde_json::json;

use super::args::OktaCommand;
use super::session::{self, Session};
use super::{Context, Exit, Failure};
use crate::model::mode::OktaMode;
use crate::service::mode::{self, PREVIEW_LIMIT, Preview};
use crate::store::preview::Difference;

/// How many differences a terminal is shown; `--json` gives all that the preview lists.
const SHOWN: usize = 50;

/// Switches the mode, or forgets which org answered.
pub(super) fn run(context: &Context, command: OktaCommand) -> Result<Exit, Failure> {
    session::with(context, async |session| match command {
        OktaCommand::Enable(args) => switch(session, OktaMode::On, false, args.yes).await,
        OktaCommand::Disable(args) => switch(session, OktaMode::Off, args.keep, args.yes).await,
        OktaCommand::Rebind { yes } => rebind(session, yes).await,
    })
}

async fn switch(session: &Session, to: OktaMode, keep: bool, yes: bool) -> Result<Exit, Failure> {
    let output = &session.output;
    let preview = mode::preview(&session.service, to).await?;
    if preview.from == to {
        if output.is_json() {
            output.json(&json!({ "from": to, "to": to, "gains": [], "loses": [] }))?;
        }
        output.say(&format!("Okta is {} already", to.as_str()));
        return Ok(Exit::Done);
    }
    if let Some(refusal) = &preview.refusal {
        return Err(Failure::new(Exit::Refused, refusal.clone()));
    }
    show(session, &preview, keep);
    output.confirm(yes, &format!("Turn Okta {}?", to.as_str()))?;
    mode::switch(&session.service, &session.cx, to, keep).await?;
    if output.is_json() {
        let mut value =
            serde_json::to_value(&preview).map_err(|error| Failure::failed(error.to_string()))?;
        value["keep"] = json!(keep);
        output.json(&value)?;
    }
    output.say(match to {
        OktaMode::Off => "Okta is off: admins here decide who is in which team",
        OktaMode::On | OktaMode::Hybrid => {
            "Okta is on: it and the mappings decide who is in which team"
        }
    });
    Ok(Exit::Done)
}

/// The preview is what is asked about, so it goes to stderr with the question.
fn show(session: &Session, preview: &Preview, keep: bool) {
    let output = &session.output;
    if preview.gains.is_empty() && preview.loses.is_empty() {
        output.say("Nobody gains or loses a team by this.");
        return;
    }
    list(session, "gain", &preview.gains);
    if keep && preview.to == OktaMode::Off {
        output.say(&format!(
            "{} memberships that Okta gives are copied into local ones and stay.",
            preview.loses.len()
        ));
    } else {
        list(session, "lose", &preview.loses);
    }
}

fn list(session: &Session, what: &str, differences: &[Difference]) {
    let output = &session.output;
    if differences.is_empty() {
        output.say(&format!("Nobody {what}s a team."));
        return;
    }
    let count = differences.len();
    let bound = if i64::try_from(count) == Ok(PREVIEW_LIMIT) {
        "at least "
    } else {
        ""
    };
    output.say(&format!("{bound}{count} {what} a team:"));
    for difference in differences.iter().take(SHOWN) {
        output.say(&format!(
            "  {}  {}",
            difference.team_name, difference.user_name
        ));
    }
    if count > SHOWN {
        output.say(&format!("  and {} more", count - SHOWN));
    }
}

async fn rebind(session: &Session, yes: bool) -> Result<Exit, Failure> {
    let output = &session.output;
    output.confirm(
        yes,
        "Forget which Okta org this store belongs to, and take the one that answers next? Users and groups keep the ids of the old one.",
    )?;
    let before = mode::rebind(&session.service, &session.cx).await?;
    if output.is_json() {
        output.json(&json!({ "okta_org_id_before": before }))?;
    }
    output.say(&match before {
        Some(org) => format!("it belonged to {org}; the next run binds it to the org that answers"),
        None => "it belonged to none; the next run binds it to the org that answers".to_owned(),
    });
    Ok(Exit::Done)
}
