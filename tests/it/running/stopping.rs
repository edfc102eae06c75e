//! The two-stage stop, as a service manager and an impatient admin do it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::Executor as _;
use tokio::task::JoinHandle;

use super::process::{Process, Site};
use crate::scim_http::Answer;
use crate::support::postgres;

/// Pushes a user while somebody else keeps the store from being written, so that the push is on its way for as long as
/// `holder` holds.
struct Held {
    holder: sqlx::AnyConnection,
    push: JoinHandle<Result<Answer, reqwest::Error>>,
}

impl Held {
    async fn new(site: &Site, daemon: &Arc<Process>) -> Self {
        let mut holder = site.connect().await;
        if site.store.starts_with("sqlite") {
            holder.execute("BEGIN IMMEDIATE").await.unwrap();
        } else {
            holder.execute("BEGIN").await.unwrap();
            holder
                .execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
                .await
                .unwrap();
        }
        let pushed = Arc::clone(daemon);
        let push = tokio::spawn(async move {
            let body = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": "ada@example.test",
            });
            pushed
                .send("POST", "/scim/v2/Users", &pushed.token, Some(&body))
                .await
        });
        // Sent, and not answered: the push waits for the store.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!push.is_finished());
        Self { holder, push }
    }
}

async fn users(site: &Site) -> Vec<String> {
    site.texts("SELECT user_name FROM users").await
}

async fn a_push_on_its_way_is_answered_and_kept(site: Site) {
    let daemon = Arc::new(site.serve().await);
    let mut held = Held::new(&site, &daemon).await;
    daemon.signal("TERM");
    let url = daemon.url.trim_start_matches("http://").to_owned();
    super::process::eventually("it still accepts", || async {
        tokio::net::TcpStream::connect(&url).await.is_err()
    })
    .await;
    assert!(!held.push.is_finished(), "it waits for what it began");
    held.holder.execute("ROLLBACK").await.unwrap();
    let answer = held.push.await.unwrap().unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    let mut daemon = Arc::into_inner(daemon).unwrap();
    assert!(daemon.end().await.success(), "{:#?}", daemon.lines());
    assert_eq!(users(&site).await, ["ada@example.test"]);
}

async fn a_second_signal_drops_it(site: Site) {
    let daemon = Arc::new(site.serve().await);
    let mut held = Held::new(&site, &daemon).await;
    daemon.signal("TERM");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!held.push.is_finished());
    daemon.signal("TERM");
    let answer = held.push.await.unwrap();
    assert!(answer.is_err(), "it was not answered: {answer:?}");
    let mut daemon = Arc::into_inner(daemon).unwrap();
    let ended = daemon.end().await;
    // Its end must not wait for who holds the store.
    assert!(ended.success(), "{:#?}", daemon.lines());
    held.holder.execute("ROLLBACK").await.unwrap();
    assert!(users(&site).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_a_push_on_its_way_at_the_first_signal_is_answered_and_kept_on_sqlite() {
    a_push_on_its_way_is_answered_and_kept(Site::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_a_push_on_its_way_at_the_first_signal_is_answered_and_kept_on_postgres() {
    if let Some(url) = postgres::new_database().await {
        a_push_on_its_way_is_answered_and_kept(Site::postgres(url).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_drops_what_is_left_on_sqlite() {
    a_second_signal_drops_it(Site::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_drops_what_is_left_on_postgres() {
    if let Some(url) = postgres::new_database().await {
        a_second_signal_drops_it(Site::postgres(url).await).await;
    }
}
