//! A store that a command opened, and who asks.

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use super::{Context, Exit, Failure, Output};
use crate::config::Config;
use crate::daemon::settings::service_settings;
use crate::model::actor::{Channel, Cx};
use crate::model::random::{Random, SystemRandom};
use crate::model::time::{Clock, SystemClock};
use crate::service::{Error, Service};
use crate::store::{Options, Store, StoreError};

/// What a command works with.
pub(super) struct Session {
    pub(super) service: Service,
    pub(super) config: Config,
    pub(super) output: Output,
    /// What the audit log names.
    pub(super) cx: Cx,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

/// Opens the store that the configuration names, which must be there, and does `work` with it.
pub(super) fn with<F>(context: &Context, work: F) -> Result<Exit, Failure>
where
    F: AsyncFnOnce(&Session) -> Result<Exit, Failure>,
{
    let config = context.load_config()?.config;
    super::runtime()?.block_on(async {
        let session = open(context, config).await?;
        let done = tokio::select! {
            done = work(&session) => done,
            _ = tokio::signal::ctrl_c() => Err(Failure::new(Exit::Interrupted, "interrupted")),
        };
        session.service.store.close().await;
        done
    })
}

async fn open(context: &Context, config: Config) -> Result<Session, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let random =
        SystemRandom::new().map_err(|error| Failure::failed(format!("no randomness: {error}")))?;
    let random: Arc<dyn Random> = Arc::new(random);
    let options = Options {
        url: config.store.url.expose().to_owned(),
        connections: config.store.connections,
        create: false,
        force_clock: false,
    };
    let store = Store::open(&options, Arc::clone(&clock), Arc::clone(&random)).await?;
    Ok(Session {
        service: Service::new(store, service_settings(&config)),
        config,
        output: context.output,
        cx: Cx {
            channel: Channel::Cli,
            actor: actor(),
            request_id: None,
        },
        clock,
        random,
    })
}

/// Whoever runs this process, by the name the host knows him by.
fn actor() -> String {
    let Ok(own) = std::fs::metadata("/proc/self") else {
        return "somebody on the host".to_owned();
    };
    if own.uid() == 0 {
        return "root on the host".to_owned();
    }
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    match name_of(&known, own.uid()) {
        Some(name) => format!("{name} on the host"),
        None => format!("uid {} on the host", own.uid()),
    }
}

/// The name of a user id in the form of passwd(5): name:password:uid:…
fn name_of(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match &error {
            StoreError::Open(_)
            | StoreError::Unavailable(_)
            | StoreError::Busy
            | StoreError::Stale => Exit::Unreachable,
            StoreError::Taken { .. } => Exit::Refused,
            StoreError::Corrupt { .. } | StoreError::Database(_) => Exit::Failed,
        };
        Self::new(exit, error.chain())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(what) => Self::new(Exit::NothingFound, nothing(what)),
            Error::Store(error) => error.into(),
            Error::Scim(error) => Self::new(Exit::Refused, error.detail),
            refused @ (Error::Conflict(_)
            | Error::Invalid(_)
            | Error::ManagedByOkta { .. }
            | Error::LastAdmin) => Self::new(Exit::Refused, refused.to_string()),
        }
    }
}

/// What is said of something that is not there, with the command that lists what is.
pub(super) fn nothing(what: &str) -> String {
    match what {
        "group" | "mapping" | "run" | "team" | "token" | "user" => {
            format!("there is no such {what}: `rosterd {what}s list` shows them")
        }
        _ => format!("there is no such {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn a_user_is_named_as_the_host_names_him() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nrosterd:x:998:997::/var/lib/rosterd:\nbad\n";
        assert_eq!(name_of(passwd, 998), Some("rosterd"));
        assert_eq!(name_of(passwd, 0), Some("root"));
        assert_eq!(name_of(passwd, 5), None);
    }
}
