//! What costs too much is refused at once, whole.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rosterd::http::HttpSettings;
use rosterd::store::Engine;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection as _, Executor as _};

use super::client::{Answer, Client};
use crate::support::stores::{TestStore, on_each_store};

/// A refusal that took no work to speak of.
async fn refused(client: &Client, method: &str, path: &str, body: &Value, status: u16) {
    let began = Instant::now();
    let answer: Answer = client.call(method, path, Some(body)).await;
    answer.is_error(status);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

fn operations(operations: Vec<Value>) -> Value {
    json!({"Operations": Value::Array(operations)})
}

/// Everything a write under `/scim/v2` may change.
async fn rows(store: &TestStore) -> Vec<String> {
    store
        .texts(
            "SELECT id || resource || CAST(version AS TEXT) FROM users UNION ALL \
             SELECT id || resource || CAST(version AS TEXT) FROM idp_groups UNION ALL \
             SELECT group_id || member FROM edges UNION ALL SELECT id FROM audit ORDER BY 1",
        )
        .await
}

on_each_store! {
    async fn a_patch_that_would_look_at_too_much_is_refused_at_once_and_changes_nothing(store) {
        let client = Client::new(&store).await;
        let mira = client.user("mira@example.test").await;
        let values: Vec<Value> = (0..900).map(|number| json!({"value": format!("role number {number}")})).collect();
        let roles = json!({"Operations": [{"op": "add", "path": "roles", "value": values}]});
        assert_eq!(client.patch(&format!("/Users/{mira}"), &roles).await.status, 200);
        let group = format!("/Groups/{}", client.group("Team", &[&mira]).await);
        let user = format!("/Users/{mira}");
        let before = rows(&store).await;

        let by_name = json!({"op": "remove", "path": "members[display eq \"Mira Okafor\"]"});
        refused(&client, "PATCH", &group, &operations(vec![by_name.clone(); 11]), 413).await;
        let chain = vec!["display eq \"Mira Okafor\""; 257].join(" or ");
        let by_names = json!({"op": "remove", "path": format!("members[{chain}]")});
        refused(&client, "PATCH", &group, &operations(vec![by_names]), 400).await;
        let extend = json!({"op": "add", "path": "urn:okta:custom:group:1.0:tags", "value": ["x"]});
        refused(&client, "PATCH", &group, &operations(vec![extend; 1_001]), 413).await;
        let chain = vec!["value sw \"x\""; 257].join(" or ");
        let long = json!({"op": "remove", "path": format!("roles[{chain}]")});
        refused(&client, "PATCH", &user, &operations(vec![long]), 400).await;
        let chain = vec!["value sw \"x\""; 200].join(" or ");
        let long = json!({"op": "remove", "path": format!("roles[{chain}]")});
        refused(&client, "PATCH", &user, &operations(vec![long; 300]), 413).await;
        let one = json!({"op": "add", "path": "roles", "value": [{"value": "one more"}]});
        refused(&client, "PATCH", &user, &operations(vec![one; 1_000]), 413).await;
        let list = json!({"op": "remove", "path": "roles", "value": vec![json!({"value": "x"}); 20_000]});
        refused(&client, "PATCH", &user, &operations(vec![list]), 413).await;
        assert_eq!(rows(&store).await, before);

        // Okta's shape has no such limits, and ten filters are not too many.
        let mut ids = vec!["value eq \"nobody\""; 2_000];
        let last = format!("value eq \"{mira}\"");
        ids.push(&last);
        let by_ids = json!({"op": "remove", "path": format!("members[{}]", ids.join(" or "))});
        let mut many = vec![by_name; 10];
        many.extend(vec![by_ids; 11]);
        assert_eq!(client.patch(&group, &operations(many)).await.status, 200);
        assert_eq!(store.number("SELECT COUNT(*) FROM edges").await, 0);
    }

    async fn a_resource_over_256_kib_is_413_and_changes_nothing(store) {
        let client = Client::new(&store).await;
        let (user, group) = (client.user("mira@example.test").await, client.group("Team", &[]).await);
        let before = rows(&store).await;
        let long = "x".repeat(256 * 1024);
        let urn = "urn:example:params:1.0";
        for (method, path, body) in [
            ("POST", "/Users".to_owned(), json!({"userName": "b@example.test", "title": long})),
            ("POST", "/Groups".to_owned(), json!({"displayName": "B", urn: {"x": long}})),
            ("PUT", format!("/Users/{user}"), json!({"userName": "mira@example.test", urn: {"x": long}})),
            ("PUT", format!("/Groups/{group}"), json!({"displayName": "Team", urn: {"x": long}})),
            ("PATCH", format!("/Users/{user}"), operations(vec![json!({"op": "add", "path": "title", "value": long})])),
            ("PATCH", format!("/Groups/{group}"), operations(vec![json!({"op": "add", "value": {urn: {"x": long}}})])),
        ] {
            refused(&client, method, &path, &body, 413).await;
        }
        let piece = "x".repeat(20 * 1024);
        let pieces = (0..20).map(|number| json!({"op": "add", "path": format!("{urn}:x{number}"), "value": piece})).collect();
        let pieces = operations(pieces);
        refused(&client, "PATCH", &format!("/Users/{user}"), &pieces, 413).await;
        refused(&client, "PATCH", &format!("/Groups/{group}"), &pieces, 413).await;
        let too_long = operations(vec![json!({"op": "add", "path": "title", "value": "x".repeat(1024 * 1024)})]);
        refused(&client, "PATCH", &format!("/Users/{user}"), &too_long, 413).await;
        assert_eq!(rows(&store).await, before);

        let fits = json!({"userName": "mira@example.test", "title": "x".repeat(255 * 1024)});
        assert_eq!(client.put(&format!("/Users/{user}"), &fits).await.status, 200);
        // Members are not counted: 6,000 of them are more than 256 KiB.
        let members: Vec<Value> = (0..6_000).map(|number| json!({"value": format!("nobody-whom-anyone-here-knows-of-{number:08}")})).collect();
        assert_eq!(client.put(&format!("/Groups/{group}"), &json!({"displayName": "Team", "members": members})).await.status, 200);
    }

    async fn long_answers_that_nobody_reads_leave_the_store_to_others(store) {
        let doors = HttpSettings {
            long_answers: 1,
            ..HttpSettings::default()
        };
        let client = Client::with(&store, &doors).await;
        let filler = "x".repeat(2_000);
        let users: Vec<Value> = (0..250)
            .map(|number| {
                let data = json!({"userName": format!("u{number}@example.test"), "title": filler});
                json!({"method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": data})
            })
            .collect();
        assert_eq!(client.post("/Bulk", &operations(users)).await.status, 200);
        let all = "/Users?count=1000";
        let unread = client.unread(all).await;
        assert_eq!(unread.status(), 200);
        let next = client.get(all).await;
        next.is_error(429);
        assert!(!next.header("retry-after").is_empty());
        assert_eq!(client.get("/Users?count=50").await.status, 200);
        drop(unread);
        let whole = client.get(all).await;
        assert_eq!(whole.status, 200);
        assert_eq!(whole.json()["Resources"].as_array().unwrap().len(), 250);
        assert_eq!(client.get(all).await.status, 200, "a place ends with its answer");
    }

    async fn large_bodies_that_are_being_answered_keep_others_waiting_and_nobody_else(store) {
        let client = Client::new(&store).await;
        let sized = |name: &str, mebibytes: usize| {
            let filler = "x".repeat(mebibytes * 1024 * 1024 - 1_000);
            json!({"userName": format!("{name}@example.test"), "ignored": filler})
        };
        let mut holder = AnyConnection::connect(&store.url).await.unwrap();
        let statements: &[&str] = match store.engine() {
            Engine::Sqlite => &["BEGIN IMMEDIATE"],
            Engine::Postgres => &["BEGIN", "LOCK TABLE users IN ACCESS EXCLUSIVE MODE"],
        };
        assert_eq!(client.get("/Users").await.status, 200);
        for statement in statements {
            holder.execute(*statement).await.unwrap();
        }
        let bodies = ["a", "b", "c", "d"].map(|name| sized(name, 16));
        let waiting = join_all(bodies.iter().map(|body| client.post("/Users", body)));
        let wrong = json!({"ignored": "x".repeat(2 * 1024 * 1024)});
        let others = async {
            // Refused without a look at the store, as soon as it is read; and so at first, while there is room.
            let give_up = Instant::now() + Duration::from_secs(8);
            let brief = Duration::from_secs(1);
            while tokio::time::timeout(brief, client.post("/Users", &wrong)).await.is_ok() {
                assert!(Instant::now() < give_up, "there is room for everybody");
            }
            client.post("/Users", &json!({})).await.is_error(400);
            holder.execute("ROLLBACK").await.unwrap();
            client.post("/Users", &wrong).await.is_error(400);
        };
        let (answers, ()) = tokio::join!(waiting, others);
        for answer in answers {
            assert_eq!(answer.status, 201, "{}", answer.text);
        }
    }

    async fn whoever_is_too_large_already_can_still_be_deactivated(store) {
        let client = Client::new(&store).await;
        let user = client.user("mira@example.test").await;
        store.arrange(match store.engine() {
            Engine::Sqlite => "UPDATE users SET resource = REPLACE(resource, 'en-US', HEX(ZEROBLOB(150000)))",
            Engine::Postgres => "UPDATE users SET resource = REPLACE(resource, 'en-US', REPEAT('0', 300000))",
        }).await;
        assert!(store.number("SELECT MAX(LENGTH(resource)) FROM users").await > 300_000);
        let off = operations(vec![json!({"op": "replace", "value": {"active": false}})]);
        assert_eq!(client.patch(&format!("/Users/{user}"), &off).await.json()["active"], false);
    }
}
