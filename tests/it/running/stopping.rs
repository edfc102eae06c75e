//! The two-stage stop, as a service manager and an impatient admin do it.

use serde_json::json;
use sqlx::Executor as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::process::{Process, Site, eventually};
use crate::support::postgres;

/// Pushes a user while somebody else keeps the store from being written, so that the push is on its way for as long as
/// `holder` holds.
struct Held {
    holder: sqlx::AnyConnection,
    /// What the daemon answers, until it closes the connection.
    push: JoinHandle<String>,
}

impl Held {
    async fn new(site: &Site, daemon: &Process) -> Self {
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
        let push = Self::push(daemon).await;
        Self { holder, push }
    }

    /// Sends the head, and the body once the daemon asks for it: "a server that receives a 100-continue expectation" (RFC
    /// 9110 10.1.1) says `100 Continue` when it begins to read, so from there the request is known to be under way.
    async fn push(daemon: &Process) -> JoinHandle<String> {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "ada@example.test",
        })
        .to_string();
        let address = daemon.url.trim_start_matches("http://");
        let head = format!(
            "POST /scim/v2/Users HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/scim+json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\
             Connection: close\r\n\r\n",
            daemon.token,
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).await.unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(body.as_bytes()).await.unwrap();
        tokio::spawn(async move {
            let mut answer = Vec::new();
            // A connection that is cut may end with an error as well as with nothing.
            let _ = stream.read_to_end(&mut answer).await;
            String::from_utf8_lossy(&answer).into_owned()
        })
    }
}

/// The first signal has been taken: nobody new is let in.
async fn closed(daemon: &Process) {
    let address = daemon.url.trim_start_matches("http://");
    eventually("it still accepts", || async {
        TcpStream::connect(address).await.is_err()
    })
    .await;
}

async fn users(site: &Site) -> Vec<String> {
    site.texts("SELECT user_name FROM users").await
}

async fn a_push_on_its_way_is_answered_and_kept(site: Site) {
    let mut daemon = site.serve().await;
    let mut held = Held::new(&site, &daemon).await;
    daemon.signal("TERM");
    closed(&daemon).await;
    assert!(!held.push.is_finished(), "it waits for what it began");
    held.holder.execute("ROLLBACK").await.unwrap();
    let answer = held.push.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer:?}");
    assert!(daemon.end().await.success(), "{:#?}", daemon.lines());
    assert_eq!(users(&site).await, ["ada@example.test"]);
}

async fn a_second_signal_drops_it(site: Site) {
    let mut daemon = site.serve().await;
    let mut held = Held::new(&site, &daemon).await;
    daemon.signal("TERM");
    closed(&daemon).await;
    assert!(!held.push.is_finished());
    daemon.signal("TERM");
    let answer = held.push.await.unwrap();
    assert_eq!(answer, "", "it was not answered");
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
