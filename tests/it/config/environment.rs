//! Keys that are set by variables.

use std::time::Duration;

use rosterd::config::{self, Environment, PushGuard};
use tempfile::TempDir;

use super::{load, write};

#[test]
fn every_key_can_be_set_by_the_environment_which_wins() {
    let loaded = load(
        "[server]\nlisten = \"127.0.0.1:1\"\n[guard]\nuser_floor = 3\n",
        &[
            ("ROSTERD__SERVER__LISTEN", "127.0.0.1:9"),
            ("ROSTERD__STORE__URL", "sqlite:///tmp/x y?z.db"),
            (
                "ROSTERD__SERVER__TRUSTED_PROXIES",
                r#"["10.0.0.0/8", "192.0.2.1"]"#,
            ),
            ("ROSTERD__SCIM__PASSWORD_SYNC", "true"),
            ("ROSTERD__SCIM__BODY_LIMIT", "33554432"),
            ("ROSTERD__OKTA__FULL_SCHEDULE", "30 3 * * 7"),
            ("ROSTERD__GUARD__PUSH", "hold"),
            ("ROSTERD__GUARD__WINDOW", "\"48h\""),
            ("ROSTERD_CONFIG", "is not a key"),
            ("PATH", "/bin"),
        ],
    );
    let config = loaded.unwrap().config;
    assert_eq!(config.server.listen.port(), 9);
    assert_eq!(config.store.url.expose(), "sqlite:///tmp/x y?z.db");
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert!(config.scim.password_sync);
    assert_eq!(config.scim.body_limit, 33_554_432);
    assert_eq!(config.okta.full_schedule.to_string(), "30 3 * * 7");
    assert_eq!(config.guard.push, PushGuard::Hold);
    assert_eq!(config.guard.window, Duration::from_secs(48 * 3600));
    assert_eq!(
        config.guard.user_floor, 3,
        "the file counts where no variable is set"
    );
}

#[test]
fn a_text_that_looks_like_a_number_is_still_a_text() {
    let folder = TempDir::new().unwrap();
    let token = write(&folder, "token", "s3cret", 0o600);
    let loaded = load(
        "okta.org_url = \"https://x.okta.com\"",
        &[
            ("ROSTERD__OKTA__APP_ID", "12345"),
            ("ROSTERD__OKTA__TOKEN_FILE", token.to_str().unwrap()),
        ],
    );
    assert_eq!(loaded.unwrap().config.okta.app_id.as_deref(), Some("12345"));
}

#[test]
fn every_shown_default_can_be_set_by_its_variable() {
    for key in config::known_keys() {
        let Some(default) = key.default else { continue };
        let name = format!("ROSTERD__{}", key.path.to_uppercase().replace('.', "__"));
        let text = match default {
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        let environment = Environment::of([(name.as_str(), text.as_str())]);
        assert!(config::load(None, &environment).is_ok(), "{name}={text}");
    }
}
