//! R14: what a configuration holds that nobody else is to see.

use rosterd::config::{self, Environment};
use tempfile::TempDir;

use super::{load, write};

#[test]
fn a_secret_written_where_its_path_belongs_is_never_shown() {
    for (key, secret) in [
        ("okta.token_file", "00aS3cretS3cretS3cret"),
        ("okta.hooks.secret_file", "s3cret hook words"),
        ("store.url_file", "S3cret"),
        (
            "okta.private_key_file",
            "-----BEGIN PRIVATE KEY-----\\nS3cret/S3cret\\n-----END",
        ),
    ] {
        let wrong = load(&format!("{key} = \"{secret}\"\n"), &[])
            .unwrap_err()
            .to_string();
        assert!(!wrong.to_lowercase().contains("s3cret"), "{wrong}");
        assert!(wrong.contains(key), "{wrong}");
    }
}

#[test]
fn a_password_in_a_file_that_everybody_may_read_is_a_warning() {
    let folder = TempDir::new().unwrap();
    let okta = "[okta]\norg_url = \"https://acme.okta.com\"\ntoken_file = \"Cargo.toml\"\n";
    for (text, key) in [
        (
            "store.url = \"postgres://rosterd:s3cret@db/rosterd\"\n".to_owned(),
            "store.url",
        ),
        (
            "store.url = \"postgres://db/rosterd?user=x&password=s3cret\"\n".to_owned(),
            "store.url",
        ),
        (
            format!("{okta}proxy = \"http://me:s3cret@proxy:3128\"\n"),
            "okta.proxy",
        ),
    ] {
        for (mode, expected) in [(0o644, true), (0o640, false), (0o600, false)] {
            let path = write(&folder, "rosterd.toml", &text, mode);
            let loaded = config::load(Some(&path), &Environment::empty()).unwrap();
            let warned = loaded.warnings.iter().find(|warning| warning.key == key);
            assert_eq!(warned.is_some(), expected, "{mode:o} {text}");
            assert!(!format!("{:?}", loaded.warnings).contains("s3cret"));
        }
    }
    let path = write(
        &folder,
        "rosterd.toml",
        "store.url = \"postgres://rosterd@db/rosterd\"\n",
        0o644,
    );
    let loaded = config::load(Some(&path), &Environment::empty()).unwrap();
    assert!(
        loaded
            .warnings
            .iter()
            .all(|warning| warning.key != "store.url")
    );
}

#[test]
fn a_password_in_a_url_is_never_shown() {
    let text = "store.url = \"postgres://rosterd:s3cret@db/rosterd?password=s3cret\"\n";
    let loaded = load(text, &[]).unwrap();
    assert!(loaded.config.store.url.expose().contains("s3cret"));
    assert!(!format!("{loaded:?}").contains("s3cret"));
    // Characters that should have been encoded end the host too early: then nothing is shown at all.
    for url in [
        "postgres://rosterd:12/s3cret@db/rosterd",
        "postgres://rosterd:12#s3cret@db/rosterd",
        "postgres://rosterd:12?s3cret@db/rosterd",
        "postgres:rosterd:s3cret@db/rosterd",
        "postgres://rosterd:@db/rosterd#s3cret",
    ] {
        let loaded = load(&format!("store.url = {url:?}\n"), &[]).unwrap();
        let shown = format!("{} {loaded:?}", loaded.config.store.url);
        assert!(
            !shown.contains("s3cret") && !shown.contains(":12"),
            "{shown}"
        );
    }
    for url in [
        "postgres:///rosterd?host=/run/postgresql",
        "postgres://rosterd@db/rosterd",
    ] {
        let loaded = load(&format!("store.url = {url:?}\n"), &[]).unwrap();
        let shown = loaded.config.store.url.to_string();
        assert!(
            url.starts_with(&shown) && shown.ends_with("/rosterd"),
            "{shown}"
        );
    }
    let wrong = load("store.url = \"postgres://rosterd:s3cret@db:x/\"", &[]).unwrap_err();
    assert!(!wrong.to_string().contains("s3cret"), "{wrong}");
    let env = load(
        "",
        &[("ROSTERD__STORE__URL", "mysql://rosterd:s3cret@db/x")],
    )
    .unwrap_err();
    assert!(!env.to_string().contains("s3cret"), "{env}");
}
