//! From the configuration to what each layer takes: they know their own settings, not the file's.

use std::time::Duration;

use crate::config::{self, Config};
use crate::service::{GuardSettings, PushGuard, Settings};

/// The settings that decide something in a use case.
pub fn service_settings(config: &Config) -> Settings {
    Settings {
        guard: guard(&config.guard),
        okta_configured: config.okta.org.is_some(),
        app_id: config.okta.app_id.clone(),
        population_groups: config.okta.population.is_some(),
        leaver_grace_ms: millis(config.okta.leaver_grace),
        link_by_user_name: config.okta.link_by_user_name,
        password_sync: config.scim.password_sync,
        scim_max_results: i64::from(config.scim.max_results),
    }
}

fn guard(guard: &config::Guard) -> GuardSettings {
    GuardSettings {
        user_percent: i64::from(guard.user_percent),
        user_floor: i64::from(guard.user_floor),
        team_percent: i64::from(guard.team_percent),
        team_floor: i64::from(guard.team_floor),
        emptied_group_floor: i64::from(guard.emptied_group_floor),
        window_ms: millis(guard.window),
        mute_ms: millis(guard.mute),
        push: match guard.push {
            config::PushGuard::Alert => PushGuard::Alert,
            config::PushGuard::Hold => PushGuard::Hold,
        },
    }
}

/// Every duration of the configuration is within years.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::service_settings;
    use crate::config::{self, Environment};
    use crate::service::GuardSettings;

    #[test]
    fn the_configurations_defaults_are_the_rules_defaults() {
        let loaded = config::load(None, &Environment::empty());
        let guard = loaded.map(|loaded| service_settings(&loaded.config).guard);
        assert_eq!(guard, Ok(GuardSettings::default()));
    }
}
