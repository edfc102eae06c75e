//! SIGHUP: what can change while the daemon runs is put in force, what cannot is named.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::watch;

use super::{assemble, okta_client, settings};
use crate::config::Config;
use crate::http::tls::TlsReload;
use crate::model::random::Random;
use crate::model::time::Clock;
use crate::service::Service;
use crate::service::retention::Retention;
use crate::tasks::poller::Change;

/// Everything a reload reaches.
pub(super) struct Reload {
    /// What the daemon was started with, and what was put in force since.
    pub(super) config: Config,
    pub(super) service: Service,
    pub(super) tls: Option<TlsReload>,
    pub(super) retention: watch::Sender<Retention>,
    /// The event hooks' door's, if there is one.
    pub(super) hook_secret: Option<watch::Sender<SecretString>>,
    /// The poller's, if there is one.
    pub(super) poller: Option<watch::Sender<Option<Change>>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

impl Reload {
    /// Puts `config` in force as far as it can be.
    pub(super) fn apply(&mut self, config: Config) {
        let (config, unchanged) = mixed(&self.config, config);
        for key in unchanged {
            tracing::warn!(key, "this change takes a restart");
        }
        self.service
            .replace_settings(settings::service_settings(&config));
        self.retention.send_replace(assemble::retention(&config));
        if let Some(tls) = &self.tls
            && let Err(error) = tls.reload()
        {
            tracing::error!(%error, "the certificate stays as it was");
        }
        if let Some(door) = &self.hook_secret {
            match assemble::hook_secret(&config) {
                Ok(Some(secret)) => {
                    door.send_replace(secret);
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "the event hooks' secret stays as it was"),
            }
        }
        if let Some(poller) = &self.poller {
            match okta_client::client(&config.okta, &self.clock, &self.random) {
                Ok(Some(okta)) => {
                    poller.send_replace(Some(Change {
                        okta,
                        full: config.okta.full_schedule.clone(),
                        delta: config.okta.delta_schedule.clone(),
                    }));
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "how Okta is polled stays as it was"),
            }
        }
        self.config = config;
        tracing::info!("the configuration was read again");
    }
}

/// The new configuration with what takes a restart as it was, and the keys that differ there.
///
/// Which org is polled, for which app and population decides what a run means (R8, R16): no run may see half of it.
fn mixed(old: &Config, mut new: Config) -> (Config, Vec<&'static str>) {
    let mut differ = Vec::new();
    macro_rules! restart {
        ($($key:literal $section:ident.$field:ident),+ $(,)?) => {$(
            if new.$section.$field != old.$section.$field {
                differ.push($key);
                new.$section.$field.clone_from(&old.$section.$field);
            }
        )+};
    }
    restart! {
        "server.listen" server.listen,
        "server.public_url" server.public_url,
        "server.tls" server.tls,
        "server.trusted_proxies" server.trusted_proxies,
        "server.max_connections" server.max_connections,
        "server.max_requests" server.max_requests,
        "server.header_timeout" server.header_timeout,
        "server.idle_timeout" server.idle_timeout,
        "store.url" store.url,
        "store.connections" store.connections,
    }
    let org = |config: &Config| config.okta.org.as_ref().map(|org| org.url.clone());
    let moved = org(old) != org(&new);
    if moved {
        differ.push("okta.org_url");
    }
    // The org goes with the app: what scopes a token is asked for with hangs on both.
    if moved || old.okta.app_id != new.okta.app_id {
        new.okta.org.clone_from(&old.okta.org);
    }
    restart! {
        "okta.app_id" okta.app_id,
        "okta.population" okta.population,
        "okta.hooks" okta.hooks,
        "scim.body_limit" scim.body_limit,
        "scim.bulk" scim.bulk,
        "log.format" log.format,
    }
    (new, differ)
}

#[cfg(test)]
mod tests {
    use super::mixed;
    use crate::config::{self, Config, Environment};

    fn read(variables: &[(&str, &str)]) -> Option<Config> {
        let environment = Environment::of(variables.iter().copied());
        let loaded = config::load(None, &environment).ok()?;
        Some(loaded.config)
    }

    #[test]
    fn what_takes_a_restart_is_named_and_stays() {
        let old = read(&[("ROSTERD__OKTA__FULL_SCHEDULE", "0 3 * * *")]);
        let new = read(&[
            ("ROSTERD__OKTA__FULL_SCHEDULE", "0 4 * * *"),
            ("ROSTERD__SERVER__LISTEN", "127.0.0.1:9999"),
            ("ROSTERD__OKTA__POPULATION", "groups"),
            ("ROSTERD__SCIM__BULK__MAX_OPERATIONS", "7"),
        ]);
        let (Some(old), Some(new)) = (old, new) else {
            unreachable!("these are configurations");
        };
        let wanted = new.okta.full_schedule.clone();
        let (mixed, differ) = mixed(&old, new);
        assert_eq!(differ, ["server.listen", "okta.population", "scim.bulk"]);
        assert_eq!(mixed.server, old.server);
        assert_eq!(mixed.okta.population, None);
        assert_eq!(mixed.scim.bulk, old.scim.bulk);
        assert_eq!(mixed.okta.full_schedule, wanted);
    }
}
