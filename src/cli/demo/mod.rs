//! `rosterd demo`: a daemon beside a simulated Okta org, on a store that is thrown away.
//!
//! Everything goes the way it goes in earnest: the org pushes over SCIM, the daemon polls the org's API, groups are
//! mapped, Okta is enabled; then something changes every few seconds.

mod okta_only;
mod story;

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::args::DemoArgs;
use super::{Context, Exit, Failure};
use crate::config::{self, Config, Environment};
use crate::daemon::assemble::{Daemon, assemble};
use crate::daemon::lifecycle::{Cause, Signals};
use crate::daemon::logging;
use crate::model::actor::{Channel, Cx};
use crate::model::random::{Random, SystemRandom};
use crate::model::time::{Clock, SystemClock};
use crate::model::token::Scope;
use crate::service::tokens;
use crate::sim::{Sim, SimConfig};
use story::Story;

/// How many groups the org has.
const GROUPS: usize = 12;

/// The header Okta's event hook shows; the demo's secret is worth nothing outside of it.
const HOOK_SECRET: &str = "demo-hook-secret";

/// What a stranger needs to look at it.
#[derive(Debug, Clone, Serialize)]
struct Doors {
    /// The daemon.
    url: String,
    /// What Okta is given as SCIM base URL.
    scim_url: String,
    /// A SCIM token.
    scim_token: String,
    /// A status token.
    status_token: String,
    /// A manage token.
    manage_token: String,
    /// The simulated org's API.
    okta_url: String,
    /// Its SSWS token.
    okta_token: String,
    /// The app that provisions.
    okta_app_id: String,
    /// The store, for the command line.
    store_url: String,
}

/// Runs the demo until it is told to stop.
pub(super) fn run(context: &Context, args: &DemoArgs) -> Result<Exit, Failure> {
    if args.okta_only {
        return super::runtime()?.block_on(okta_only::play(context.output, args));
    }
    let folder = tempfile::Builder::new()
        .prefix("rosterd-demo-")
        .tempdir()
        .map_err(|error| Failure::failed(format!("no folder for the demo's store: {error}")))?;
    super::runtime()?.block_on(play(context, args, folder.path()))
}

async fn play(context: &Context, args: &DemoArgs, folder: &Path) -> Result<Exit, Failure> {
    let signals =
        Signals::take().map_err(|error| Failure::failed(format!("no signals: {error}")))?;
    let sim = start_org(args, true).await?;
    let config = settings(args, &sim, folder)?;
    // The demo's own lines are on stderr; the daemon's only where something is wrong.
    logging::start(&config.log).map_err(|error| Failure::failed(error.to_string()))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let random =
        SystemRandom::new().map_err(|error| Failure::failed(format!("no randomness: {error}")))?;
    let random: Arc<dyn Random> = Arc::new(random);
    let daemon = assemble(&config, clock, random)
        .await
        .map_err(|error| Failure::failed(error.to_string()))?;
    let doors = doors(&daemon, &sim, &config).await?;
    let mut story = Story::begin(
        daemon.service.clone(),
        sim,
        &doors.scim_url,
        &doors.scim_token,
        args.seed,
    );
    let output = context.output;
    let shown = doors.clone();
    let playing = tokio::spawn(async move {
        if let Err(failure) = story.set_up(&output, &shown.url).await {
            output.note(&failure.text);
            return;
        }
        if let Err(failure) = show(output, &shown) {
            output.note(&failure.text);
            return;
        }
        story.go_on(&output).await;
    });
    let cause = daemon.run(signals, || None).await;
    playing.abort();
    match cause {
        Cause::Signal => Ok(Exit::Done),
        Cause::TaskEnded(task) => Err(Failure::failed(format!("{task} ended by itself"))),
    }
}

/// The simulated org; with `rollout` its people are assigned already, and its groups pushed.
async fn start_org(args: &DemoArgs, rollout: bool) -> Result<Sim, Failure> {
    let config = SimConfig {
        listen: args.okta_listen,
        seed: args.seed,
        people: usize::try_from(args.people).unwrap_or(usize::MAX),
        groups: GROUPS,
        rollout,
        ..SimConfig::default()
    };
    Sim::start(config).await.map_err(|error| {
        let cause =
            std::error::Error::source(&error).map_or(String::new(), |why| format!(": {why}"));
        Failure::failed(format!("{error}{cause}"))
    })
}

/// The configuration an admin would write, with the simulated org in Okta's place.
fn settings(args: &DemoArgs, sim: &Sim, folder: &Path) -> Result<Config, Failure> {
    let file = |name: &str, content: &str| -> Result<String, Failure> {
        let path = folder.join(name);
        std::fs::write(&path, content)
            .map_err(|error| Failure::failed(format!("{}: {error}", path.display())))?;
        private(&path)?;
        Ok(path.display().to_string())
    };
    let token = file("okta-token", sim.ssws_token())?;
    let secret = file("hook-secret", HOOK_SECRET)?;
    let store = format!("sqlite://{}", folder.join("rosterd.db").display());
    let app_id = sim.org().app().id.to_string();
    let listen = args.listen.to_string();
    let environment = Environment::of([
        ("ROSTERD__STORE__URL", store.as_str()),
        ("ROSTERD__SERVER__LISTEN", &listen),
        ("ROSTERD__OKTA__ORG_URL", sim.base_url()),
        ("ROSTERD__OKTA__TOKEN_FILE", &token),
        ("ROSTERD__OKTA__APP_ID", &app_id),
        ("ROSTERD__OKTA__HOOKS__ENABLED", "true"),
        ("ROSTERD__OKTA__HOOKS__SECRET_FILE", &secret),
        ("ROSTERD__LOG__FILTER", "warn"),
    ]);
    let loaded = config::load(None, &environment)?;
    Ok(loaded.config)
}

fn private(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|error| Failure::failed(format!("{}: {error}", path.display())))
}

async fn doors(daemon: &Daemon, sim: &Sim, config: &Config) -> Result<Doors, Failure> {
    let mut made = Vec::new();
    for scope in [Scope::Scim, Scope::Status, Scope::Manage] {
        let issued = tokens::issue(&daemon.service, &cx(), scope, "demo", None)
            .await
            .map_err(|error| Failure::failed(error.to_string()))?;
        made.push(issued.secret.expose_secret().to_owned());
    }
    let mut made = made.into_iter();
    let url = format!("http://{}", daemon.address);
    Ok(Doors {
        scim_url: format!("{url}/scim/v2"),
        url,
        scim_token: made.next().unwrap_or_default(),
        status_token: made.next().unwrap_or_default(),
        manage_token: made.next().unwrap_or_default(),
        okta_url: sim.base_url().to_owned(),
        okta_token: sim.ssws_token().to_owned(),
        okta_app_id: sim.org().app().id.to_string(),
        store_url: config.store.url.expose().to_owned(),
    })
}

fn show(output: super::Output, doors: &Doors) -> Result<(), Failure> {
    if output.is_json() {
        return output.line(&serde_json::to_string(doors).unwrap_or_default());
    }
    output.line(&format!(
        "\nrosterd runs at {url}, beside a simulated Okta org at {okta}.\n\n\
         How it stands:\n  curl -H 'Authorization: Bearer {status}' {url}/status\n\
         What Okta sees:\n  curl -H 'Authorization: Bearer {scim}' '{scim_url}/Users?count=2'\n\
         What Okta asked:\n  curl -H 'Authorization: Bearer {manage}' '{url}/api/v1/scim-requests?limit=5'\n\
         Its runs:\n  curl -H 'Authorization: Bearer {status}' {url}/api/v1/runs\n\
         The org itself:\n  curl -H 'Authorization: SSWS {okta_token}' '{okta}/api/v1/groups?limit=3'\n\
         The command line:\n  ROSTERD__STORE__URL={store} rosterd status\n\n\
         Something changes every few seconds. Ctrl-C ends it; nothing stays behind.\n",
        url = doors.url,
        okta = doors.okta_url,
        status = doors.status_token,
        scim = doors.scim_token,
        scim_url = doors.scim_url,
        manage = doors.manage_token,
        okta_token = doors.okta_token,
        store = doors.store_url,
    ))
}

fn cx() -> Cx {
    Cx {
        channel: Channel::Cli,
        actor: "demo".to_owned(),
        request_id: None,
    }
}
