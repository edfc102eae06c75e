//! What an error says, and what it takes to make one: defects 6 and 20.

use serde_json::{Value, json};

use super::{BULK, PATCH, SEARCH, user};
use crate::scim_http::Answer;
use crate::support::daemon::Daemon;
use crate::support::stores::on_each_store;

/// What no answer says: SQL, places in the source, where things lie on this host, what we are made of.
const INSIDE: [&str; 23] = [
    "select ",
    "insert ",
    "update users",
    "delete from",
    " where ",
    "constraint",
    "sqlite",
    "postgres",
    "sqlx",
    "pragma",
    "syntax error at",
    "src/",
    ".rs:",
    "/tmp",
    "/home",
    "/var/",
    "panick",
    "unwrap",
    "thread '",
    "tokio",
    "hyper",
    "serde",
    "backtrace",
];

/// Far above anything a filter is for.
const MILLION: usize = 1_000_000;

#[track_caller]
fn says_nothing_of_the_inside(what: &str, answer: &Answer) {
    let text = answer.text.to_lowercase();
    for word in INSIDE {
        assert!(!text.contains(word), "{what}: {word:?} in {text}");
    }
    assert!(
        answer.text.len() < 2_000,
        "{what}: {} bytes",
        answer.text.len()
    );
    for (name, value) in &answer.headers {
        let value = value.to_str().unwrap_or_default().to_lowercase();
        assert!(
            !value.contains("rosterd/") && !value.contains("sql"),
            "{what}: {name}: {value}"
        );
    }
}

on_each_store! {
    async fn trust_6_no_error_shows_sql_a_path_or_what_it_runs_on(store) {
        let daemon = Daemon::alone(store).await;
        let id = user(&daemon, "one@x").await;
        user(&daemon, "two@x").await;
        let one = format!("/Users/{id}");
        let texts = ["'", "\"", "' OR 1=1 --", "\\", "%00", "%27%20UNION%20ALL", "..%2f..%2fetc%2fpasswd", "%ff", "{{rows $1}}", "$1", "{}"];
        let mut asked: Vec<(String, String, Option<Value>)> = Vec::new();
        for text in texts {
            let encoded = text.replace(' ', "%20").replace('"', "%22").replace('\\', "%5C").replace('{', "%7B").replace('}', "%7D");
            for path in [
                format!("/Users/{encoded}"), format!("/Groups/{encoded}"), format!("/Schemas/{encoded}"), format!("/{encoded}"),
                format!("/Users?filter={encoded}"), format!("/Users?filter=userName%20eq%20{encoded}"), format!("/Users?sortBy={encoded}"),
                format!("/Users?startIndex={encoded}"), format!("/Users?count={encoded}"), format!("/Users?cursor={encoded}"),
                format!("/Users?attributes={encoded}%5B"), format!("/Groups?filter=members%5B{encoded}%5D"),
            ] {
                asked.push(("GET".to_owned(), path, None));
            }
            asked.push(("POST".to_owned(), "/Users".to_owned(), Some(json!({"userName": "two@x", "title": text}))));
            asked.push(("PATCH".to_owned(), one.clone(), Some(json!({"Operations": [{"op": text, "path": text, "value": text}]}))));
            asked.push(("PATCH".to_owned(), one.clone(), Some(json!({"Operations": [{"op": "replace", "path": format!("emails[{text}].value"), "value": 1}]}))));
            asked.push(("PUT".to_owned(), one.clone(), Some(json!({"userName": [text]}))));
            asked.push(("POST".to_owned(), "/.search".to_owned(), Some(json!({"schemas": [SEARCH], "filter": text, "sortBy": text}))));
            asked.push(("POST".to_owned(), "/Bulk".to_owned(), Some(json!({"schemas": [BULK], "Operations": [{"method": text, "path": text, "data": text}]}))));
        }
        for (method, path, body) in &asked {
            let answer = daemon.scim(method, path, body.as_ref()).await;
            assert!(answer.status < 500 || answer.status == 501, "{method} {path}: {} {}", answer.status, answer.text);
            if answer.status >= 400 {
                says_nothing_of_the_inside(&format!("{method} {path}"), &answer);
            }
        }
        let manage = format!("Bearer {}", daemon.issue(rosterd::service::tokens::Scope::Manage).await);
        for text in texts {
            let encoded = text.replace(' ', "%20").replace('"', "%22").replace('\\', "%5C").replace('{', "%7B").replace('}', "%7D");
            for (method, path) in [
                ("GET", format!("/api/v1/runs/{encoded}")), ("GET", format!("/api/v1/runs/{encoded}/changes")), ("POST", format!("/api/v1/runs/{encoded}/approve")),
                ("GET", format!("/api/v1/run-requests/{encoded}")), ("GET", format!("/api/v1/runs?before={encoded}")), ("GET", format!("/api/v1/groups?before={encoded}")),
                ("GET", format!("/api/v1/scim-requests?before={encoded}")), ("GET", format!("/api/v1/runs?limit={encoded}")), ("GET", format!("/api/v1/okta/preview?to={encoded}")),
                ("GET", format!("/api/v1/runs/0190aaaa-0000-7000-8000-000000000000/changes?outcome={encoded}")),
            ] {
                let answer = daemon.send(method, &path, &[("authorization", &manage)], None).await;
                assert!((400..500).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text);
                says_nothing_of_the_inside(&format!("{method} {path}"), &answer);
            }
        }
        daemon.service.store.close().await;
        for (method, path, body) in [("GET", "/Users", None), ("POST", "/Users", Some(json!({"userName": "x"}))), ("GET", one.as_str(), None)] {
            let answer = daemon.scim(method, path, body.as_ref()).await;
            answer.is_error(429);
            says_nothing_of_the_inside(path, &answer);
        }
        for path in ["/api/v1/runs", "/status", "/metrics", "/readyz"] {
            let answer = daemon.send("GET", path, &[("authorization", &manage)], None).await;
            assert_eq!(answer.status, 503, "{path}");
            says_nothing_of_the_inside(path, &answer);
        }
    }

    async fn trust_20_a_million_levels_or_terms_are_400_and_the_process_lives(store) {
        let daemon = Daemon::alone(store).await;
        let id = user(&daemon, "one@x").await;
        let filters = [
            format!("{}userName pr{}", "(".repeat(MILLION), ")".repeat(MILLION)),
            "(".repeat(MILLION),
            format!("{}userName pr", "not (".repeat(MILLION)),
            "not ".repeat(MILLION),
            vec!["userName pr"; MILLION].join(" or "),
            vec!["userName pr"; MILLION].join(" and "),
            "emails[".repeat(MILLION),
            format!("emails[{}", "(".repeat(MILLION)),
            "a.".repeat(MILLION),
            "urn:".repeat(MILLION),
            format!("userName eq \"{}\"", "\\\"".repeat(MILLION)),
        ];
        for filter in &filters {
            let head: String = filter.chars().take(12).collect();
            for path in ["/Users/.search", "/Groups/.search", "/.search"] {
                let answer = daemon.scim("POST", path, Some(&json!({"schemas": [SEARCH], "filter": filter}))).await;
                assert_eq!(answer.is_error(400)["scimType"], "invalidFilter", "{head}");
                says_nothing_of_the_inside(&head, &answer);
            }
            for body in [
                json!({"schemas": [PATCH], "Operations": [{"op": "remove", "path": filter}]}),
                json!({"schemas": [PATCH], "Operations": [{"op": "remove", "path": format!("emails[{filter}]")}]}),
            ] {
                for path in [format!("/Users/{id}"), "/Groups/0190aaaa-0000-7000-8000-000000000000".to_owned()] {
                    let answer = daemon.scim("PATCH", &path, Some(&body)).await;
                    assert!(matches!(answer.status, 400 | 404), "{head}: {}", answer.status);
                    says_nothing_of_the_inside(&head, &answer);
                }
            }
        }
        let bearer = format!("Bearer {}", daemon.token);
        for open in ["[", "{\"a\":", "{\"Operations\":[", "{\"userName\":["] {
            for (method, path) in [("POST", "/Users"), ("POST", "/Groups"), ("POST", "/Bulk"), ("POST", "/.search"), ("PATCH", "/Users/1")] {
                let (status, _) = super::wire::raw(&daemon, &format!(
                    "{method} /scim/v2{path} HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
                    open.len() * 100_000, open.repeat(100_000)
                )).await;
                assert!(matches!(status, 400 | 404), "{method} {path} {open}: {status}");
            }
        }
        // Not deep and not long, but a hundred times as large once it is read.
        let wide = format!("{{\"userName\":\"x\",\"displayName\":\"x\",\"y\":[{}[]]}}", "[],".repeat(2 * MILLION));
        for (method, path) in [("POST", "/Users"), ("POST", "/Groups"), ("PUT", "/Groups/0190aaaa-0000-7000-8000-000000000000"), ("POST", "/.search")] {
            let (status, body) = super::wire::raw(&daemon, &format!(
                "{method} /scim/v2{path} HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{wide}",
                wide.len()
            )).await;
            assert_eq!(status, 413, "{method} {path}: {body}");
        }
        assert_eq!(daemon.get(&format!("/Users/{id}")).await["userName"], "one@x");
    }
}
