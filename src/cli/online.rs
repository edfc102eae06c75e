//! `rosterd check --online`: tries the Okta token, its scopes and role, the clock and the app.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::exit::{Exit, Failure};
use super::runtime;
use crate::config::Config;
use crate::daemon::okta_client;
use crate::model::random::Random;
use crate::model::time::Clock;
use crate::okta::{Access, Client, Error, Identity, Patience, Read, SKEW_LIMIT_MS};

/// How one thing that was tried went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// One line of the report.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    verdict: Verdict,
    what: &'static str,
    text: String,
}

/// Tries Okta; nothing is written anywhere.
///
/// # Errors
/// When there is nothing to try, or a secret cannot be read.
pub(super) fn run(
    config: &Config,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Vec<Line>, Failure> {
    let client = okta_client::client(&config.okta, clock, random)
        .map_err(|problem| Failure::new(Exit::Config, problem.to_string()))?
        .ok_or_else(|| {
            Failure::new(
                Exit::Config,
                "okta.org_url is not set: there is nothing to try online",
            )
        })?;
    Ok(runtime()?.block_on(tried(&client, config)))
}

impl Line {
    /// Whether it keeps Okta from being polled.
    pub(super) fn failed(&self) -> bool {
        self.verdict == Verdict::Fail
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "OK  ",
            Verdict::Warn => "WARN",
            Verdict::Fail => "FAIL",
        };
        write!(f, "{verdict}  {:<16}  {}", self.what, self.text)
    }
}

/// One look, no patience: an admin waits for the answer.
async fn tried(client: &Client, config: &Config) -> Vec<Line> {
    let patience = Patience {
        attempts: 1,
        ..Patience::default()
    };
    let access = client.clone().with_patience(patience).access().await;
    let mut lines = vec![org(&access)];
    lines.extend(identity(&access.identity));
    lines.push(right("groups", &access.groups));
    lines.push(right("users", &access.users));
    match (&access.app, config.okta.app_id.as_deref()) {
        (Some(app), Some(id)) => lines.push(match app {
            Read::Known { value, .. } => line(
                Verdict::Ok,
                "app_id",
                format!(
                    "{id} is {}",
                    value.label.as_deref().unwrap_or("without a label")
                ),
            ),
            Read::Gone { .. } => line(
                Verdict::Fail,
                "app_id",
                format!("{id} is no app of this org: see its address in the Admin Console"),
            ),
            Read::Unknown { why } => line(Verdict::Fail, "app_id", format!("{why}")),
        }),
        _ => lines.push(line(
            Verdict::Warn,
            "app_id",
            "okta.app_id is not set: the poll creates and deactivates nobody".to_owned(),
        )),
    }
    if let Some(found) = &access.app_users {
        lines.push(right("app users", found));
    }
    if let Some(found) = &access.push_mappings {
        lines.push(right("group pushes", found));
    }
    lines.push(clock(access.clock_skew_ms));
    lines
}

fn line(verdict: Verdict, what: &'static str, text: String) -> Line {
    Line {
        verdict,
        what,
        text,
    }
}

fn org(access: &Access) -> Line {
    match &access.org {
        Read::Known { value, .. } => line(
            Verdict::Ok,
            "org",
            format!("answers; its id is {}", value.id),
        ),
        Read::Gone { .. } => line(
            Verdict::Fail,
            "org",
            "answers, but not as an Okta org: check okta.org_url".to_owned(),
        ),
        Read::Unknown { why } => line(Verdict::Fail, "org", format!("{why}")),
    }
}

fn identity(identity: &Identity) -> Vec<Line> {
    match identity {
        Identity::Admin { user, roles } => {
            let who = match &**user {
                Read::Known { value, .. } => {
                    line(Verdict::Ok, "token", format!("belongs to {}", value.login))
                }
                Read::Gone { .. } => line(
                    Verdict::Fail,
                    "token",
                    "its admin is gone: make a new one".to_owned(),
                ),
                Read::Unknown { why } => line(Verdict::Fail, "token", format!("{why}")),
            };
            let role = match roles {
                Ok(names) if names.is_empty() => line(
                    Verdict::Fail,
                    "role",
                    "none: assign Read-only Administrator".to_owned(),
                ),
                Ok(names) => line(Verdict::Ok, "role", names.join(", ")),
                Err(error) => line(
                    Verdict::Warn,
                    "role",
                    format!("cannot be seen with this token ({error})"),
                ),
            };
            vec![who, role]
        }
        Identity::ServiceApp { scopes, dpop } => {
            let bound = if *dpop {
                "bound to a key (DPoP)"
            } else {
                "plain bearer"
            };
            vec![match scopes {
                Ok(scopes) => line(
                    Verdict::Ok,
                    "token",
                    format!("{bound}, scopes {}", scopes.join(" ")),
                ),
                Err(error) => line(Verdict::Fail, "token", error.to_string()),
            }]
        }
    }
}

/// The error says itself which scope and role are missing.
fn right(what: &'static str, found: &Result<(), Error>) -> Line {
    match found {
        Ok(()) => line(Verdict::Ok, what, "can be read".to_owned()),
        Err(error) => line(Verdict::Fail, what, error.to_string()),
    }
}

fn clock(skew: Option<i64>) -> Line {
    match skew {
        None => line(
            Verdict::Warn,
            "clock",
            "Okta's time was not seen".to_owned(),
        ),
        Some(ms) if ms.abs() > SKEW_LIMIT_MS => line(
            Verdict::Fail,
            "clock",
            format!(
                "Okta's clock is {} s {} ours: let this host keep its time",
                ms.abs() / 1000,
                if ms > 0 { "ahead of" } else { "behind" }
            ),
        ),
        Some(ms) => line(
            Verdict::Ok,
            "clock",
            format!("within {} s of Okta's", ms.abs() / 1000 + 1),
        ),
    }
}
