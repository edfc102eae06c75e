//! A wrong configuration: every problem with its key, no fallback; and the documented file is the code's.

mod secrets;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rosterd::config::{self, Auth, Environment, Loaded, Presence, Problems, PushGuard};
use tempfile::TempDir;

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/rosterd.toml");

fn write(folder: &TempDir, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "rosterd.toml", text, 0o600);
    config::load(Some(&path), &Environment::of(variables.iter().copied()))
}

/// The keys of the problems, and their texts.
fn problems(text: &str, variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    let problems = load(text, variables).expect_err("problems are expected").0;
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for problem in problems {
        found
            .entry(problem.key)
            .or_default()
            .push_str(&problem.text);
    }
    found
}

fn expect_problem(text: &str, key: &str, says: &str) {
    let found = problems(text, &[]);
    let told = found.get(key);
    assert!(
        told.is_some_and(|told| told.contains(says)),
        "{text}\nexpected {key}: …{says}…, found {found:#?}"
    );
}

#[test]
fn the_shipped_file_is_good_and_changes_nothing() {
    let shipped = config::load(Some(Path::new(SHIPPED)), &Environment::empty()).unwrap();
    let bare = config::load(None, &Environment::empty()).unwrap();
    assert_eq!(
        format!("{:?}", shipped.config),
        format!("{:?}", bare.config)
    );
    assert_eq!(shipped.warnings, bare.warnings);
}

#[test]
fn the_shipped_file_names_every_key_with_its_default() {
    let text = std::fs::read_to_string(SHIPPED).unwrap();
    let setting = |line: &str| {
        let name = line.strip_prefix('#')?.split_once(" = ")?.0;
        let plain = |b: u8| b.is_ascii_lowercase() || b == b'_';
        (!name.is_empty() && name.bytes().all(plain)).then(|| line[1..].to_owned())
    };
    let opened: Vec<String> = text
        .lines()
        .map(|line| setting(line).unwrap_or_else(|| line.to_owned()))
        .collect();
    let table: toml::Table = opened.join("\n").parse().unwrap();
    let mut named = BTreeMap::new();
    flatten("", &table, &mut named);

    let known = config::known_keys();
    for key in &known {
        let shown = named.remove(key.path);
        assert!(shown.is_some(), "{} is not in the file", key.path);
        if key.default.is_some() {
            assert_eq!(shown, key.default, "the default of {}", key.path);
        }
    }
    assert!(
        named.is_empty(),
        "the file has keys that are none: {named:?}"
    );
    assert!(known.len() > 40, "{} keys", known.len());
}

fn flatten(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, toml::Value>) {
    for (name, value) in table {
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            toml::Value::Table(inner) => flatten(&path, inner, into),
            value => drop(into.insert(path, value.clone())),
        }
    }
}

#[test]
fn every_problem_is_reported_at_once_each_with_its_key() {
    let found = load(
        r#"
        [server]
        listen = "nowhere"
        max_connections = 0
        header_timeout = "5m"
        liisten = "127.0.0.1:1"
        [okta]
        org_url = "http://example.okta.com"
        full_schedule = "0 0 30 2 *"
        delta_schedule = "* * *"
        [guard]
        push = "maybe"
        [nonsense]
        "#,
        &[
            ("ROSTERD__GUARD__USER_PERCENT", "101"),
            ("ROSTERD__GUARDS__USER_PERCENT", "1"),
            ("ROSTERD__RETENTION__AUDIT", "long"),
        ],
    );
    let text = found.unwrap_err().to_string();
    for key in [
        "server.listen",
        "server.max_connections",
        "server.header_timeout",
        "server.liisten",
        "okta.org_url",
        "okta.full_schedule",
        "okta.delta_schedule",
        "guard.push",
        "nonsense",
        "guard.user_percent",
        "ROSTERD__GUARDS__USER_PERCENT",
        "retention.audit",
    ] {
        assert!(
            text.lines().any(|line| line.starts_with(key)),
            "{key} is missing in\n{text}"
        );
    }
    assert!(text.contains("ROSTERD__RETENTION__AUDIT"), "{text}");
    assert!(text.ends_with("problems"), "{text}");
    let count = text.lines().filter(|line| !line.starts_with(' ')).count() - 1;
    assert!(text.ends_with(&format!("{count} problems")), "{text}");
}

#[test]
fn each_wrong_value_names_its_key_and_what_is_right() {
    for (text, key, says) in [
        ("server.listen = 8080", "server.listen", "8080"),
        (
            "server.public_url = \"ftp://x\"",
            "server.public_url",
            "https://",
        ),
        (
            "server.public_url = \"https://x/?a=b\"",
            "server.public_url",
            "no more",
        ),
        (
            "server.public_url = \"rosterd.example.com\"",
            "server.public_url",
            "URL",
        ),
        (
            "server.trusted_proxies = [\"10.0.0.0/99\"]",
            "server.trusted_proxies",
            "10.0.0.0/8",
        ),
        (
            "server.trusted_proxies = \"10.0.0.1\"",
            "server.trusted_proxies",
            "sequence",
        ),
        (
            "server.tls.cert = \"/nowhere/cert.pem\"",
            "server.tls.cert",
            "/nowhere/cert.pem",
        ),
        (
            "server.tls.cert = \"/nowhere/cert.pem\"",
            "server.tls.key",
            "is not set",
        ),
        ("scim.body_limit = \"1 byte\"", "scim.body_limit", "16MiB"),
        ("scim.body_limit = -1", "scim.body_limit", "16MiB"),
        ("server = 1", "server", "is a section"),
        (
            "server.listen.port = 1",
            "server.listen.port",
            "no such key",
        ),
        ("store.url = \"mysql://x\"", "store.url", "sqlite://"),
        (
            "store.url = \"sqlite://rosterd.db\"",
            "store.url",
            "whole path",
        ),
        ("store.url = \"sqlite::memory:\"", "store.url", "whole path"),
        ("store.url = 1", "store.url", "text"),
        (
            "store.url_file = \"/nowhere/url\"",
            "store.url_file",
            "/nowhere/url",
        ),
        (
            "okta.org_url = \"https://x-admin.okta.com\"",
            "okta.org_url",
            "https://x.okta.com",
        ),
        (
            "okta.org_url = \"https://x.okta.com/path\"",
            "okta.org_url",
            "no more",
        ),
        (
            "okta.org_url = \"https://x.okta.com\"",
            "okta.org_url",
            "okta.token_file",
        ),
        (
            "okta.token_file = \"/nowhere/token\"",
            "okta.token_file",
            "/nowhere/token",
        ),
        (
            "store.url_file = \"credential:store-url\"",
            "store.url_file",
            "LoadCredential",
        ),
        (
            "okta.token_file = \"credential:../x\"",
            "okta.token_file",
            "name of a credential",
        ),
        (
            "okta.client_id = \"x\"",
            "okta.private_key_file",
            "is not set",
        ),
        ("okta.app_id = \"0oa/../x\"", "okta.app_id", "Okta id"),
        ("okta.app_id = \"0oa1\"", "okta.app_id", "okta.org_url"),
        (
            "okta.population = \"everybody\"",
            "okta.population",
            "groups",
        ),
        ("okta.algorithm = \"HS256\"", "okta.algorithm", "RS256"),
        ("okta.rate_share = 0", "okta.rate_share", "1 and 100"),
        ("okta.rate_share = 300", "okta.rate_share", "300"),
        ("okta.proxy = \"gopher://x\"", "okta.proxy", "socks5"),
        (
            "okta.delta_schedule = \"0 0 * * 8\"",
            "okta.delta_schedule",
            "weekday",
        ),
        (
            "okta.hooks.enabled = true",
            "okta.hooks.secret_file",
            "must be set",
        ),
        (
            "okta.leaver_grace = \"24 hours\"",
            "okta.leaver_grace",
            "24h",
        ),
        ("guard.window = \"1m\"", "guard.window", "1h"),
        ("guard.user_floor = -1", "guard.user_floor", "-1"),
        ("scim.max_results = 50", "scim.max_results", "100"),
        (
            "scim.bulk.max_payload = \"64MiB\"",
            "scim.bulk.max_payload",
            "scim.body_limit",
        ),
        ("retention.audit = \"0d\"", "retention.audit", "24h"),
        ("log.format = \"xml\"", "log.format", "text"),
        (
            "log.filter = \"rosterd=loud\"",
            "log.filter",
            "rosterd=loud",
        ),
        (
            "okta.org-url = \"https://x.okta.com\"",
            "okta.org-url",
            "okta.org_url",
        ),
        ("listen = \"127.0.0.1:1\"", "listen", "server.listen"),
    ] {
        expect_problem(text, key, says);
    }
}

#[test]
fn a_file_that_is_not_toml_names_its_line_and_the_environment_is_read_all_the_same() {
    let found = problems(
        "[server]\nlisten = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"\n",
        &[("ROSTERD__X__Y", "1")],
    );
    assert!(
        found.keys().any(|key| key.ends_with("rosterd.toml:3")),
        "{found:?}"
    );
    assert!(found.contains_key("ROSTERD__X__Y"), "{found:?}");
}

#[test]
fn a_file_that_was_named_and_cannot_be_read_is_no_reason_to_fall_back() {
    let folder = TempDir::new().unwrap();
    for path in [folder.path().join("missing.toml"), folder.path().to_owned()] {
        let found = config::load(Some(&path), &Environment::empty())
            .unwrap_err()
            .0;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].key, path.display().to_string());
        assert!(
            found[0].text.starts_with("cannot be read"),
            "{}",
            found[0].text
        );
    }
}

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

#[test]
fn secrets_come_from_files_and_credentials_and_are_never_shown() {
    use secrecy::ExposeSecret as _;
    let folder = TempDir::new().unwrap();
    write(&folder, "okta-token", "s3cret-token\n", 0o644);
    let path = folder.path().join("okta-token");
    let text = |source: &str| {
        format!("okta.org_url = \"https://x.okta.com\"\nokta.token_file = \"{source}\"")
    };
    let by_file = load(&text(path.to_str().unwrap()), &[]).unwrap();
    let by_credential = load(
        &text("credential:okta-token"),
        &[("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap())],
    );
    let by_credential = by_credential.unwrap();
    for loaded in [&by_file, &by_credential] {
        let org = loaded.config.okta.org.as_ref().unwrap();
        let Auth::Token(source) = &org.auth else {
            panic!("a token")
        };
        assert_eq!(source.read().unwrap().expose_secret(), "s3cret-token");
        assert!(!format!("{loaded:?}").contains("s3cret"));
    }
    let warned = |loaded: &Loaded| loaded.warnings.iter().any(|w| w.key == "okta.token_file");
    assert!(
        warned(&by_file),
        "a file everybody may read is worth a warning"
    );
    assert!(!warned(&by_credential), "systemd keeps its own to itself");

    for (name, bytes) in [
        ("empty", &b" \n"[..]),
        ("binary", &[0xff, 0xfe]),
        ("long", &[b'x'; 70_000]),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        expect_problem(&text(path.to_str().unwrap()), "okta.token_file", name);
    }
}

#[test]
fn a_credential_of_the_service_keeps_no_other_command_from_its_work() {
    let text = "okta.org_url = \"https://x.okta.com\"\nokta.client_id = \"c\"\n\
                okta.private_key_file = \"credential:okta-private-key\"";
    let outside = load(text, &[]).unwrap();
    let warned = |w: &rosterd::config::Problem| {
        w.key == "okta.private_key_file" && w.text.contains("within the service")
    };
    assert!(
        outside.warnings.iter().any(warned),
        "{:?}",
        outside.warnings
    );
    let Some(Auth::ServiceApp { private_key, .. }) = outside.config.okta.org.map(|org| org.auth)
    else {
        panic!("a service app")
    };
    let refused = private_key.read().unwrap_err().to_string();
    assert!(refused.contains("LoadCredential"), "{refused}");
    // Within the service it must be there.
    let folder = TempDir::new().unwrap();
    let credentials = [("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap())];
    let inside = problems(text, &credentials);
    assert_eq!(
        inside.keys().collect::<Vec<_>>(),
        ["okta.private_key_file"],
        "{inside:?}"
    );
}

#[test]
fn what_is_set_and_wrong_is_not_said_to_be_unset() {
    let text = "okta.org_url = \"https://x.okta.com\"\nokta.client_id = \"c\"\nokta.private_key_file = \"credential:../x\"";
    let found = load(text, &[]).unwrap_err();
    assert_eq!(found.0.len(), 1, "{found}");
}

#[test]
fn a_url_file_holds_the_stores_url() {
    let folder = TempDir::new().unwrap();
    let url = write(
        &folder,
        "url",
        "postgres://rosterd:s3cret@db/rosterd\n",
        0o600,
    );
    let line = format!("store.url_file = {url:?}\n");
    let loaded = load(&line, &[]).unwrap();
    assert_eq!(
        loaded.config.store.url.expose(),
        "postgres://rosterd:s3cret@db/rosterd"
    );
    expect_problem(
        &format!("{line}store.url = \"sqlite:///tmp/x.db\""),
        "store.url_file",
        "one of them",
    );
    std::fs::write(&url, "rosterd.db").unwrap();
    expect_problem(&line, "store.url_file", "is not a URL");
}

#[test]
fn what_is_allowed_and_hardly_meant_is_a_warning() {
    let warned = |text: &str| {
        let warnings = load(text, &[]).unwrap().warnings;
        warnings.into_iter().map(|w| w.key).collect::<Vec<_>>()
    };
    assert_eq!(warned(""), ["server.public_url", "okta.org_url"]);
    assert_eq!(
        warned("server.public_url = \"http://roster.example.com\""),
        ["server.public_url", "okta.org_url"]
    );
    assert_eq!(
        warned("server.public_url = \"https://ro_ster.example.com\""),
        ["server.public_url", "okta.org_url"]
    );
    assert_eq!(
        warned("server.public_url = \"https://roster.example.com/\""),
        ["okta.org_url"]
    );
}

#[test]
fn the_default_store_is_the_services_else_ones_own() {
    use Presence::{Absent, CanBeMade, There};
    let path = |service, state: Option<&str>, home: Option<&str>| {
        config::default_store_path(service, state.map(Path::new), home.map(Path::new))
    };
    let service = Path::new("/var/lib/rosterd/rosterd.db");
    assert_eq!(path(There, Some("/s"), Some("/h")), service);
    assert_eq!(path(CanBeMade, Some("/s"), Some("/h")), service);
    assert_eq!(
        path(Absent, Some("/s"), Some("/h")),
        Path::new("/s/rosterd/rosterd.db")
    );
    assert_eq!(
        path(Absent, Some("relative"), Some("/h")),
        Path::new("/h/.local/state/rosterd/rosterd.db")
    );
    assert_eq!(
        path(Absent, None, Some("/h")),
        Path::new("/h/.local/state/rosterd/rosterd.db")
    );
    assert_eq!(path(Absent, None, None), service);
}
