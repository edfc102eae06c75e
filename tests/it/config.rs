//! A wrong configuration: every problem with its key, no fallback; and the documented file is the code's.

mod environment;
mod secrets;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rosterd::config::{self, Environment, Loaded, Presence, Problems};
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
            "guard.user_percent = 101",
            "guard.user_percent",
            "101 is not within 0 and 100",
        ),
        (
            "guard.user_percent = 900",
            "guard.user_percent",
            "900 is not within 0 and 100",
        ),
        (
            "guard.team_percent = -1",
            "guard.team_percent",
            "-1 is not within 0 and 100",
        ),
        (
            "guard.user_floor = -1",
            "guard.user_floor",
            "-1 is not within 0 and",
        ),
        (
            "okta.rate_share = 256",
            "okta.rate_share",
            "256 is not within 1 and 100",
        ),
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
