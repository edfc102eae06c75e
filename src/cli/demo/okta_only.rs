//! `rosterd demo --okta-only`: a simulated org and nothing else, for somebody who connects a daemon of his own to it.

use serde::Serialize;

use super::super::args::DemoArgs;
use super::super::{Exit, Failure, Output};
use super::start_org;
use crate::daemon::lifecycle::Signals;

/// What its admin needs.
#[derive(Serialize)]
struct Keys {
    /// The org's URL.
    okta_url: String,
    /// A super admin's SSWS token.
    okta_token: String,
    /// The app that provisions once it is told where to.
    okta_app_id: String,
}

/// Serves the org until a signal comes.
pub(super) async fn play(output: Output, args: &DemoArgs) -> Result<Exit, Failure> {
    let mut signals =
        Signals::take().map_err(|error| Failure::failed(format!("no signals: {error}")))?;
    let sim = start_org(args, false).await?;
    let keys = Keys {
        okta_url: sim.base_url().to_owned(),
        okta_token: sim.ssws_token().to_owned(),
        okta_app_id: sim.org().app().id.to_string(),
    };
    if output.is_json() {
        output.line(&serde_json::to_string(&keys).unwrap_or_default())?;
    } else {
        output.field("okta_url", &keys.okta_url)?;
        output.field("okta_token", &keys.okta_token)?;
        output.field("okta_app_id", &keys.okta_app_id)?;
    }
    output.note(&format!(
        "A simulated Okta org of {} people and {} groups; nobody is assigned and nothing is pushed. The README says how to \
         connect a daemon to it. Ctrl-C ends it.",
        args.people,
        super::GROUPS
    ));
    tokio::select! {
        () = sim.work() => {}
        () = signals.stop() => {}
    }
    sim.stop().await;
    Ok(Exit::Done)
}
