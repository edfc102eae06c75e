//! R14: no secret is in a row, an answer, an error or a log.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use rosterd::model::random::SeededRandom;
use rosterd::model::time::SystemClock;
use rosterd::service::tokens::Scope;
use rosterd::store::{Claim, Options, Store};
use serde_json::json;

use super::dump::dump;
use super::{BULK, user};
use crate::support::daemon::Daemon;
use crate::support::stores::on_each_store;

on_each_store! {
    async fn r14_a_password_in_any_shape_of_any_write_is_nowhere(store) {
        let daemon = Daemon::alone(store).await;
        let id = user(&daemon, "one@x").await;
        let path = format!("/Users/{id}");
        let secret = "hunter2-Zq9";
        let urn = "urn:ietf:params:scim:schemas:core:2.0:User";
        let mut answers = String::new();
        for (method, path, body) in [
            ("POST", "/Users", json!({"userName": "two@x", "password": secret})),
            ("POST", "/Users", json!({"userName": "three@x", "PASSWORD": secret})),
            ("POST", "/Users", json!({"userName": "four@x", urn: {"password": secret}})),
            ("POST", "/Users", json!({"userName": "one@x", "password": secret})),
            ("POST", "/Users", json!({"password": secret})),
            ("POST", "/Users", json!({"userName": "five@x", "password": [secret]})),
            ("POST", "/Users", json!({"userName": "five@x", "password": {"value": secret}})),
            ("PUT", &path, json!({"userName": "one@x", "password": secret})),
            ("PATCH", &path, json!({"Operations": [{"op": "replace", "value": {"password": secret}}]})),
            ("PATCH", &path, json!({"Operations": [{"op": "replace", "value": {"Password": secret, "title": "x"}}]})),
            ("PATCH", &path, json!({"Operations": [{"op": "add", "path": "password", "value": secret}]})),
            ("PATCH", &path, json!({"Operations": [{"op": "replace", "path": format!("{urn}:password"), "value": secret}]})),
            ("PATCH", &path, json!({"Operations": [{"op": "replace", "value": {format!("{urn}:password"): secret}}]})),
            ("PATCH", &path, json!({"Operations": [{"op": "replace", "value": {urn: {"password": secret}}}]})),
            ("PATCH", &path, json!({"Operations": [{"op": "replace", "path": urn, "value": {"password": secret}}]})),
            ("PATCH", &path, json!({"Operations": [{"op": "replace", "path": "password.value", "value": secret}]})),
            ("PATCH", &path, json!({"Operations": [{"op": "replace", "path": format!("password[value eq \"{secret}\"]"), "value": secret}]})),
            ("PATCH", &path, json!({"Operations": [{"op": "replace", "path": "password", "value": {"x": secret}}]})),
            ("PATCH", &path, json!({"Operations": [{"op": secret, "path": "password", "value": secret}]})),
            ("POST", "/Bulk", json!({"schemas": [BULK], "Operations": [
                {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "six@x", "password": secret}},
                {"method": "PATCH", "path": path, "data": {"Operations": [{"op": "replace", "value": {"password": secret}}]}},
                {"method": "POST", "path": "/Users", "bulkId": "b", "data": {"userName": "six@x", "password": secret}},
                {"method": "PATCH", "path": path, "data": {"Operations": [{"op": "replace", "path": "password", "value": [secret]}]}},
            ]})),
            ("POST", "/.search", json!({"filter": format!("password eq \"{secret}\"")})),
            ("POST", "/Users/.search", json!({"filter": format!("userName eq \"{secret}\" and password eq \"{secret}\"")})),
        ] {
            answers.push_str(&daemon.scim(method, path, Some(&body)).await.text);
        }
        for query in [
            format!("filter=password%20eq%20%22{secret}%22"), format!("filter=pass%77ord%20eq%20%22{secret}%22"),
            format!("filter=userName%20eq%20%22a%22%20and%20%50assword%20eq%20%22{secret}%22"), format!("password={secret}"),
            format!("access_token={secret}"), format!("%70assword={secret}"), format!("FILTER=PASSWORD%20eq%20%22{secret}%22"),
            format!("sortBy=password&x={secret}"), format!("count={secret}%22password"),
        ] {
            answers.push_str(&daemon.scim("GET", &format!("/Users?{query}"), None).await.text);
        }
        for attributes in ["attributes=password", "attributes=userName,password", "excludedAttributes=userName"] {
            answers.push_str(&daemon.scim("GET", &format!("/Users?{attributes}"), None).await.text);
        }
        assert!(!answers.contains(secret) && !answers.to_lowercase().contains("\"password\":"), "{answers}");
        no_trace(&daemon, &[secret]).await;
    }

    async fn r14_a_token_is_nowhere_wherever_it_was_put_by_mistake(store) {
        let daemon = Daemon::alone(store).await;
        let manage = daemon.issue(Scope::Manage).await;
        let id = user(&daemon, "one@x").await;
        for token in [&daemon.token, &manage] {
            let hidden = token.replace('_', "%5F");
            for path in [
                format!("/Users/{token}"), format!("/{token}"), format!("/Users/{hidden}"), format!("/Users?filter=userName%20eq%20%22{token}%22"),
                format!("/Users?filter=userName%20eq%20%22{hidden}%22"), format!("/Users?cursor={token}"), format!("/Users?token={token}"),
                format!("/Users?{token}"), format!("/Users?{token}=1"), format!("/Users?{hidden}=1"), format!("/Users?attributes={hidden}"),
            ] {
                daemon.scim("GET", &path, None).await;
            }
            let named = json!({"displayName": format!("g{}", token.len()), "members": [{"value": token}, {"value": id}]});
            let answer = daemon.scim("POST", "/Groups", Some(&named)).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
        }
        no_trace(&daemon, &[daemon.token.as_str(), manage.as_str(), &daemon.token[10..40], &manage[12..42]]).await;
    }
}

#[tokio::test]
async fn r14_a_new_store_and_its_folder_are_nobody_elses() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("state/rosterd");
    let path = folder.join("rosterd.db");
    let options = Options {
        url: format!("sqlite://{}", path.display()),
        connections: 2,
        create: true,
        force_clock: false,
    };
    let clock = Arc::new(SystemClock::default());
    let store = Store::open(&options, clock, Arc::new(SeededRandom::new(1)))
        .await
        .unwrap();
    let claim = Claim::take(&options.url).unwrap();
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", entry.path().display());
        seen.push(entry.file_name().into_string().unwrap());
    }
    seen.sort();
    assert_eq!(
        seen,
        [
            "rosterd.db",
            "rosterd.db-shm",
            "rosterd.db-wal",
            "rosterd.db.lock"
        ]
    );
    let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    store.close().await;
    drop(claim);
}

/// Holds that these stand in no table, the request log included, once that has been written.
async fn no_trace(daemon: &Daemon, secrets: &[&str]) {
    // Rows are written in the order of the answers, so that when the last is there all are.
    daemon.scim("GET", "/Users/the-last-one", None).await;
    daemon
        .logged(|row| row.path.ends_with("/Users/the-last-one"))
        .await;
    let mut all: Vec<String> = dump(&daemon.store).await.into_values().flatten().collect();
    all.extend(
        daemon
            .store
            .texts("SELECT path || ' ' || skipped || ' ' || COALESCE(error, '') || ' ' || method FROM scim_requests")
            .await,
    );
    all.extend(
        daemon
            .store
            .texts("SELECT name || hash || created_by FROM tokens")
            .await,
    );
    for row in &all {
        for secret in secrets {
            assert!(!row.contains(secret), "{row}");
        }
    }
}
