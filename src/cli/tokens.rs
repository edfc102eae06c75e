//! `rosterd tokens`.

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::args::{TokenScope, TokensCommand, TokensIssueArgs};
use super::session::{self, Session};
use super::{Context, Exit, Failure};
use crate::model::id::TokenId;
use crate::model::time::Timestamp;
use crate::service::Error;
use crate::service::tokens::{self, Scope, Token};

/// Issues, lists and revokes tokens.
pub(super) fn run(context: &Context, command: TokensCommand) -> Result<Exit, Failure> {
    session::with(context, async |session| match command {
        TokensCommand::Issue(args) => issue(session, &args).await,
        TokensCommand::List => list(session).await,
        TokensCommand::Revoke { token } => revoke(session, &token).await,
    })
}

/// Prints the bare token alone on stdout, because scripts take it from there; what else is to be said goes to stderr.
async fn issue(session: &Session, args: &TokensIssueArgs) -> Result<Exit, Failure> {
    let scope = match args.scope {
        TokenScope::Scim => Scope::Scim,
        TokenScope::Status => Scope::Status,
        TokenScope::Manage => Scope::Manage,
    };
    let name = match args.name.trim() {
        "" => scope.as_str(),
        name => name,
    };
    let now = session.service.store.now().await?;
    let expires_at = args
        .expires
        .map(|length| now.plus_millis(i64::try_from(length.as_millis()).unwrap_or(i64::MAX)));
    let issued = tokens::issue(&session.service, &session.cx, scope, name, expires_at).await?;
    let output = &session.output;
    if output.is_json() {
        let mut value = shown(&issued.token, now);
        value["token"] = json!(issued.secret.expose_secret());
        output.json(&value)?;
    } else {
        output.line(issued.secret.expose_secret())?;
    }
    output.say(&format!(
        "token {} ({name}), {}; it is shown this once",
        issued.token.id,
        match issued.token.expires_at {
            Some(end) => format!("refused from {end} on"),
            None => "good until it is revoked".to_owned(),
        }
    ));
    Ok(Exit::Done)
}

async fn list(session: &Session) -> Result<Exit, Failure> {
    let found = tokens::list(&session.service).await?;
    let now = session.service.store.now().await?;
    let value: Vec<Value> = found.iter().map(|token| shown(token, now)).collect();
    let rows = found.iter().map(|token| {
        let time = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        [
            token.id.to_string(),
            token.scope.as_str().to_owned(),
            token.name.clone(),
            state(token, now).to_owned(),
            time(token.expires_at),
            time(token.last_used_at),
            token.created_by.clone(),
        ]
    });
    let header = [
        "id",
        "scope",
        "name",
        "state",
        "expires",
        "last used",
        "made by",
    ];
    session.output.table(&value, header, rows)?;
    Ok(Exit::Done)
}

async fn revoke(session: &Session, id: &str) -> Result<Exit, Failure> {
    // Somebody in a hurry may paste the token itself; what it is must not be echoed.
    if id.starts_with("rst_") {
        return Err(Failure::new(
            Exit::Usage,
            "give the token's id, not the token: `rosterd tokens list` shows it",
        ));
    }
    let id = TokenId::parse(id).ok_or(Error::NotFound("token"))?;
    let token = tokens::revoke(&session.service, &session.cx, &id).await?;
    let now = session.service.store.now().await?;
    if session.output.is_json() {
        session.output.json(&shown(&token, now))?;
    }
    session.output.say(&format!(
        "{} ({}) is refused from now on, within a second by every daemon",
        token.id, token.name
    ));
    Ok(Exit::Done)
}

fn state(token: &Token, now: Timestamp) -> &'static str {
    match (token.revoked_at, token.live(now)) {
        (Some(_), _) => "revoked",
        (None, true) => "live",
        (None, false) => "expired",
    }
}

fn shown(token: &Token, now: Timestamp) -> Value {
    json!({
        "id": token.id,
        "scope": token.scope.as_str(),
        "name": token.name,
        "state": state(token, now),
        "created_by": token.created_by,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "last_used_at": token.last_used_at,
    })
}
