//! Every command: what is on stdout, what is on stderr, how it ends.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::host::{Host, command, said};
use crate::support::NO_FILE;

const COMMANDS: [&str; 40] = [
    "",
    "serve",
    "check",
    "sync",
    "sync pause",
    "sync resume",
    "runs",
    "runs list",
    "runs show",
    "runs approve",
    "runs reject",
    "status",
    "mappings",
    "mappings list",
    "mappings add",
    "mappings remove",
    "groups",
    "groups list",
    "groups join",
    "groups part",
    "teams",
    "teams list",
    "teams create",
    "users",
    "users list",
    "users show",
    "users link",
    "tokens",
    "tokens issue",
    "tokens list",
    "tokens revoke",
    "okta",
    "okta enable",
    "okta disable",
    "okta rebind",
    "admin",
    "admin create",
    "backup",
    "demo",
    "help",
];

#[test]
fn every_command_explains_itself() {
    let folder = tempfile::tempdir().unwrap();
    for words in COMMANDS {
        let mut command = command(folder.path());
        command.args(words.split_whitespace());
        if words != "help" {
            command.arg("--help");
        }
        let said = said(&command.output().unwrap());
        assert_eq!(said.code, 0, "{words}: {said:?}");
        assert!(said.out.contains("Usage: rosterd"), "{words}: {said:?}");
    }
}

#[test]
fn a_wrong_configuration_is_told_whole_by_every_command() {
    let mut host = Host::bare();
    host.set("ROSTERD__GUARD__USER_PERCENT", "many");
    host.set("ROSTERD__SERVER__LISTEN", "nowhere");
    for words in ["check", "serve", "status", "teams list"] {
        let words: Vec<&str> = words.split(' ').collect();
        let said = host.run(&words);
        assert_eq!(said.code, 3, "{words:?}: {said:?}");
        let told = said.out + &said.err;
        assert!(told.contains("guard.user_percent"), "{words:?}: {told}");
        assert!(told.contains("server.listen"), "{words:?}: {told}");
    }
}

#[test]
fn without_a_store_a_command_says_which_path_it_looked_at_and_makes_none() {
    let host = Host::bare();
    for words in [
        "status",
        "teams list",
        "tokens issue --scope scim",
        "sync",
        "runs list",
    ] {
        let said = host.run(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(said.code, 6, "{words}: {said:?}");
        let path = host.path("rosterd.db").display().to_string();
        assert!(said.err.contains(&path), "{words}: {said:?}");
        assert!(said.out.is_empty(), "{words}: {said:?}");
    }
    assert!(!host.path("rosterd.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_issue_prints_the_bare_token_alone() {
    let mut hosts = vec![Host::sqlite().await];
    hosts.extend(Host::postgres().await);
    for host in hosts {
        for scope in ["scim", "status", "manage"] {
            let said = host.run(&["tokens", "issue", "--scope", scope]);
            assert_eq!(said.code, 0, "{said:?}");
            let token = said.out.strip_suffix('\n').unwrap();
            assert!(!token.contains(char::is_whitespace), "{said:?}");
            assert!(token.starts_with(&format!("rst_{scope}_")), "{said:?}");
            assert!(!said.err.contains(token), "the token is on stdout only");
        }
        let list = host.run(&["tokens", "list"]);
        assert!(!list.out.contains("rst_"), "{list:?}");
        let listed = host.json(&["tokens", "list"]);
        assert_eq!(listed.as_array().unwrap().len(), 3);
        assert_eq!(listed[0]["state"], "live");
        assert!(
            listed[0]["created_by"]
                .as_str()
                .unwrap()
                .ends_with("on the host")
        );
        let id = listed[0]["id"].as_str().unwrap();
        assert_eq!(host.json(&["tokens", "revoke", id])["state"], "revoked");
        assert_eq!(host.json(&["tokens", "list"])[0]["state"], "revoked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_an_end_and_a_name() {
    let host = Host::sqlite().await;
    let issued = host.json(&[
        "tokens",
        "issue",
        "--scope",
        "status",
        "--name",
        "ci",
        "--expires",
        "90d",
    ]);
    assert_eq!(issued["name"], "ci");
    assert!(issued["expires_at"].is_string(), "{issued}");
    assert!(issued["token"].as_str().unwrap().starts_with("rst_status_"));
    let pasted = host.run(&["tokens", "revoke", issued["token"].as_str().unwrap()]);
    assert_eq!(pasted.code, 2, "{pasted:?}");
    assert!(!pasted.err.contains("rst_status"), "{pasted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_json_where_that_is_asked_for() {
    let mut hosts = vec![Host::sqlite().await];
    hosts.extend(Host::postgres().await);
    for host in hosts {
        for words in [
            "teams list",
            "users list",
            "users list --origin local --inactive",
            "groups list",
            "mappings list",
            "runs list",
            "runs list --channel poll",
            "tokens list",
        ] {
            let value = host.json(&words.split(' ').collect::<Vec<_>>());
            assert!(value.is_array(), "{words}: {value}");
            let plain = host.run(&words.split(' ').collect::<Vec<_>>());
            assert_eq!(plain.code, 0, "{words}: {plain:?}");
        }
        let status = host.json(&["status"]);
        assert_eq!(status["okta"]["mode"], "off");
        let plain = host.run(&["status"]);
        assert_eq!(plain.code, 0, "{plain:?}");
        assert!(plain.out.contains("full run"), "{plain:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_exit_4_with_the_command_that_lists() {
    let host = Host::sqlite().await;
    for (words, hint) in [
        ("mappings remove m1", "rosterd mappings list"),
        ("mappings add G nowhere", "rosterd teams list"),
        ("users show nobody", "rosterd users list"),
        ("groups part g1", "rosterd groups list"),
        ("groups join g1 g2", "rosterd groups list"),
        ("runs show r1", "rosterd runs list"),
        ("runs approve r1 --yes", "rosterd runs list"),
        ("tokens revoke t1", "rosterd tokens list"),
    ] {
        let said = host.run(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(said.code, 4, "{words}: {said:?}");
        assert!(said.err.contains(hint), "{words}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_and_admins_are_made_and_listed() {
    let host = Host::sqlite().await;
    let made = host.run(&["teams", "create", "core", "--description", "who builds it"]);
    assert_eq!((made.code, made.out.lines().count()), (0, 1), "{made:?}");
    let teams = host.json(&["teams", "list"]);
    let core = teams.as_array().unwrap().last().unwrap();
    assert_eq!(core["name"], "core");
    assert_eq!(core["id"], made.out.trim());
    let admin = host.run(&["admin", "create", "root@example.test", "--name", "Root"]);
    assert_eq!(admin.code, 0, "{admin:?}");
    let shown = host.json(&["users", "show", "ROOT@example.test"]);
    assert_eq!(shown["origin"], "local");
    assert_eq!(shown["teams"][0]["counts"], true, "{shown}");
    let plain = host.run(&["users", "show", admin.out.trim()]);
    assert!(plain.out.contains("root@example.test"), "{plain:?}");
    let again = host.run(&["admin", "create", "root@example.test", "--name", "Root"]);
    assert_eq!(again.code, 5, "{again:?}");
    let wrong = host.run(&["admin", "create", "root", "--name", "Root"]);
    assert_eq!(wrong.code, 5, "{wrong:?}");
    assert!(wrong.err.contains("e-mail"), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn linking_asks_and_does_what_it_says() {
    let host = Host::sqlite().await;
    for name in ["root@example.test", "mira@example.test"] {
        host.run(&["admin", "create", name, "--name", "Somebody"]);
    }
    let okta_id = "00u11111111111111111";
    let asked = host.run(&["users", "link", "mira@example.test", okta_id]);
    assert_eq!(asked.code, 2, "nobody is there to be asked: {asked:?}");
    assert!(asked.err.contains("password"), "{asked:?}");
    let linked = host.json(&["users", "link", "mira@example.test", okta_id, "--yes"]);
    assert_eq!(linked["okta_id"], okta_id);
    assert_eq!(host.json(&["users", "show", okta_id])["origin"], "okta");
    let wrong = host.run(&["users", "link", "root@example.test", "mira", "--yes"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_a_store_nobody_else_reads() {
    use std::os::unix::fs::PermissionsExt as _;
    let host = Host::sqlite().await;
    host.run(&["teams", "create", "core"]);
    let file = host.path("copy of it.db");
    let said = host.run(&["backup", file.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{said:?}");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    let again = host.run(&["backup", file.to_str().unwrap()]);
    assert_eq!(
        again.code, 5,
        "what is there is not written over: {again:?}"
    );
    let copy = Host {
        url: format!("sqlite://{}", file.display()),
        ..Host::bare()
    };
    let teams = copy.json(&["teams", "list"]);
    assert_eq!(teams.as_array().unwrap().last().unwrap()["name"], "core");
    if let Some(postgres) = Host::postgres().await {
        let said = postgres.run(&["backup", file.to_str().unwrap()]);
        assert_eq!(said.code, 5, "{said:?}");
        assert!(said.err.contains("pg_dump"), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_seen_and_ended() {
    let host = Host::sqlite().await;
    let paused = host.json(&["sync", "pause", "--for", "4h"]);
    assert!(paused["until"].is_string(), "{paused}");
    assert!(host.json(&["status"])["pause"]["until"].is_string());
    assert!(host.run(&["status"]).out.contains("paused"));
    let refused = host.run(&["sync"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.err.contains("rosterd sync resume"), "{refused:?}");
    assert_eq!(host.json(&["sync", "resume"]), json!({ "paused": false }));
    assert!(host.json(&["status"])["pause"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_predefined_teams_come_with_the_first_migration() {
    let mut hosts = vec![Host::sqlite().await];
    hosts.extend(Host::postgres().await);
    for host in hosts {
        let teams = host.json(&["teams", "list"]);
        let names: Vec<&str> = teams
            .as_array()
            .unwrap()
            .iter()
            .map(|team| {
                assert_eq!(
                    (&team["system_team"], &team["members"]),
                    (&json!(true), &json!(0))
                );
                assert!(!team["description"].as_str().unwrap().is_empty());
                team["name"].as_str().unwrap()
            })
            .collect();
        assert_eq!(
            names,
            [
                "organization-admin",
                "organization-admin-readonly",
                "control-plane-admin",
                "portal-admin",
                "analytics-admin",
                "analytics-viewer",
                "api-product-admin",
                "api-product-developer",
            ]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_went_away_is_no_failure() {
    use std::process::{Command, Stdio};
    let host = Host::sqlite().await;
    for words in [
        "teams list",
        "status --json",
        "check",
        "tokens issue --scope scim",
        "help",
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rosterd"))
            .args(words.split(' '))
            .env_clear()
            .env("HOME", host.folder.path())
            .envs(NO_FILE)
            .env("ROSTERD__STORE__URL", &host.url)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{words}: {ended:?}");
        assert!(!err.contains("panic"), "{words}: {err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_drawn_or_coloured_where_there_is_no_terminal() {
    let host = Host::sqlite().await;
    host.run(&["teams", "create", "core"]);
    for words in [
        "teams list",
        "status",
        "check",
        "help",
        "nonsense",
        "backup",
    ] {
        let said = host.run(&words.split(' ').collect::<Vec<_>>());
        for text in [&said.out, &said.err] {
            assert!(!text.contains('\u{1b}'), "{words}: {text:?}");
        }
    }
}

#[test]
fn what_keeps_serve_from_starting_check_tells_with_its_key() {
    let wrong = Host::bare();
    let junk = wrong.path("junk.pem");
    std::fs::write(&junk, "no PEM").unwrap();
    let token = wrong.path("token");
    std::fs::write(&token, "an-api-token").unwrap();
    for path in [&junk, &token] {
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }
    let (junk, token) = (junk.to_str().unwrap(), token.to_str().unwrap());
    let org = ("ROSTERD__OKTA__ORG_URL", "https://example.okta.com");
    let with_token = [org, ("ROSTERD__OKTA__TOKEN_FILE", token)];
    let service_app = [
        org,
        ("ROSTERD__OKTA__CLIENT_ID", "0oa1"),
        ("ROSTERD__OKTA__PRIVATE_KEY_FILE", junk),
        ("ROSTERD__OKTA__KEY_ID", "one"),
    ];
    let tls = [
        ("ROSTERD__SERVER__TLS__CERT", junk),
        ("ROSTERD__SERVER__TLS__KEY", junk),
    ];
    let roots = [with_token.as_slice(), &[("ROSTERD__OKTA__CA_FILE", junk)]].concat();
    for (key, set) in [
        ("server.tls", tls.as_slice()),
        ("okta.ca_file", &roots),
        ("okta.private_key_file", &service_app),
    ] {
        let mut host = Host::bare();
        for (name, value) in set {
            host.set(name, value);
        }
        for words in [["check"].as_slice(), &["check", "--online"], &["serve"]] {
            let said = host.run(words);
            let told = format!("{}{}", said.out, said.err);
            assert_eq!(said.code, 3, "{words:?}: {said:?}");
            assert!(told.contains(key), "{words:?} names {key}: {said:?}");
        }
        assert!(!host.path("rosterd.db").exists(), "{key}");
    }
}

#[test]
fn check_outside_the_service_does_not_miss_the_service_s_credentials() {
    let mut host = Host::bare();
    for (name, value) in [
        ("ROSTERD__OKTA__ORG_URL", "https://example.okta.com"),
        ("ROSTERD__OKTA__TOKEN_FILE", "credential:okta-token"),
        ("ROSTERD__OKTA__HOOKS__ENABLED", "true"),
        ("ROSTERD__OKTA__HOOKS__SECRET_FILE", "credential:okta-hooks"),
    ] {
        host.set(name, value);
    }
    let said = host.run(&["check"]);
    assert_eq!(said.code, 0, "{said:?}");
    for key in ["okta.token_file", "okta.hooks.secret_file"] {
        let warned = |line: &str| line.starts_with("warning:") && line.contains(key);
        assert!(said.out.lines().any(warned), "{key}: {said:?}");
    }
    // What hangs on no credential is looked at all the same, and what was warned of is not lost.
    let junk = host.path("junk.pem");
    std::fs::write(&junk, "no PEM").unwrap();
    host.set("ROSTERD__OKTA__CA_FILE", junk.to_str().unwrap());
    let said = host.run(&["check"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.out.contains("okta.ca_file"), "{said:?}");
    assert!(said.out.contains("warning: okta.token_file"), "{said:?}");
    // The service itself cannot do without.
    assert_eq!(host.run(&["serve"]).code, 3);
}

#[test]
fn check_online_without_an_org_still_tells_what_is_configured() {
    let said = Host::bare().run(&["check", "--online"]);
    assert_eq!(said.code, 3);
    assert!(said.out.contains("no problems"), "{said:?}");
    assert!(said.err.contains("okta.org_url is not set"), "{said:?}");
}

#[test]
fn a_store_that_cannot_be_opened_is_out_of_reach_for_serve_as_well() {
    let mut host = Host::bare();
    std::fs::write(host.path("file"), "no folder").unwrap();
    host.url = format!("sqlite://{}", host.path("file/rosterd.db").display());
    for words in [["serve"].as_slice(), &["teams", "list"]] {
        let said = host.run(words);
        assert_eq!(said.code, 6, "{words:?}: {said:?}");
        assert!(
            said.err.contains(host.path("file").to_str().unwrap()),
            "{words:?}: {said:?}"
        );
    }
}
