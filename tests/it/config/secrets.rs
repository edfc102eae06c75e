//! R14: what a configuration holds that nobody else is to see.

use rosterd::config::{self, Auth, Environment, Loaded};
use tempfile::TempDir;

use super::{expect_problem, load, problems, write};

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
