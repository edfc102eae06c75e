//! R6: what is committed is answered as such, and what is not is not.

use std::time::Duration;

use rosterd::service::request_log::{Query, list};
use rosterd::store::Engine;
use rosterd::tasks::request_log;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection as _, Executor as _};

use super::client::Client;
use crate::support::stores::{TestStore, on_each_store};

fn bulk_creates(count: usize) -> Value {
    let operations: Vec<Value> = (0..count)
        .map(|number| {
            let data = json!({"userName": format!("u{number}@example.test")});
            json!({"method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": data})
        })
        .collect();
    json!({"Operations": operations})
}

/// Stops every write as soon as the first user is there, until the connection is told to roll back.
async fn hold_after_the_first(store: &TestStore) -> AnyConnection {
    while store.number("SELECT COUNT(*) FROM users").await == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut holder = AnyConnection::connect(&store.url).await.unwrap();
    let statements: &[&str] = match store.engine() {
        Engine::Sqlite => &["BEGIN IMMEDIATE"],
        Engine::Postgres => &["BEGIN", "LOCK TABLE users IN ACCESS EXCLUSIVE MODE"],
    };
    for statement in statements {
        holder.execute(*statement).await.unwrap();
    }
    holder
}

on_each_store! {
    async fn r6_a_bulk_request_whose_time_is_up_says_what_it_committed(store) {
        let client = Client::impatient(&store, Duration::from_secs(3)).await;
        let bulk = bulk_creates(1_000);
        let (answer, mut holder) = tokio::join!(client.post("/Bulk", &bulk), hold_after_the_first(&store));
        holder.execute("ROLLBACK").await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answer = answer.json();
        let operations = answer["Operations"].as_array().unwrap();
        assert_eq!(operations.len(), 1_000, "each is answered");
        let done = operations.iter().take_while(|operation| operation["status"] == "201").count();
        assert!((1..1_000).contains(&done), "{done}");
        for operation in &operations[done..] {
            assert_eq!((&operation["status"], &operation["response"]["status"]), (&json!("429"), &json!("429")));
        }
        let stored = store.number("SELECT COUNT(*) FROM users").await;
        assert_eq!(usize::try_from(stored).unwrap(), done);
    }

    async fn r6_a_group_that_was_written_is_2xx_even_if_its_members_cannot_be_read_again(store) {
        let client = Client::new(&store).await;
        let mira = client.user("mira@example.test").await;
        let team = client.group("Team", &[]).await;
        // Nothing that shows a member is left; what writes one does not ask how he is shown.
        store.arrange("ALTER TABLE users RENAME COLUMN display_name TO gone").await;
        let add = json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": mira}]}]});
        let patched = client.patch(&format!("/Groups/{team}"), &add).await;
        let full = json!({"displayName": "Other", "members": [{"value": mira}]});
        let made = client.post("/Groups", &full).await;
        for (answer, status, name) in [(&patched, 200, "Team"), (&made, 201, "Other")] {
            assert_eq!(answer.status, status, "{}", answer.text);
            let shown = answer.json();
            assert_eq!((&shown["displayName"], shown.get("members")), (&json!(name), None));
            assert_eq!(shown["meta"]["version"], answer.header("etag"));
        }
        assert_eq!(store.number("SELECT COUNT(*) FROM edges").await, 2);
        client.get(&format!("/Groups/{team}")).await.is_error(500);
    }

    async fn operations_that_failed_in_a_bulk_request_are_in_the_log(store) {
        let client = Client::new(&store).await;
        let remove = json!({"method": "DELETE", "path": "/Users/none"});
        let mut bulk = bulk_creates(1);
        bulk["Operations"].as_array_mut().unwrap().extend([remove.clone(), remove]);
        assert_eq!(client.post("/Bulk", &bulk).await.status, 200);
        assert_eq!(client.post("/Bulk", &json!({"Operations": []})).await.status, 200);
        let Client { queue, service, router, .. } = client;
        drop(router);
        request_log::run(service.clone(), queue, std::future::ready(())).await;
        let errors = Query { only_errors: true, limit: 100, ..Query::default() };
        let kept = list(&service, &errors).await.unwrap();
        let said: Vec<_> = kept.iter().map(|(_, kept)| (kept.status, kept.error.as_deref())).collect();
        assert_eq!(said, [(200, Some("2 of 3 operations failed; the first: There is no such User."))]);
    }
}
