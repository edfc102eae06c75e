//! The database goes away: Okta is told to come back, the daemon lives on and recovers alone.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use sqlx::Executor as _;

use super::process::{PATIENCE, Process, Site, eventually};
use crate::scim_http::Answer;
use crate::support::cluster::Cluster;

fn whole_minute() -> bool {
    std::env::var_os("ROSTERD_WHOLE_MINUTE").is_some()
}

/// How long the database is away; `ROSTERD_WHOLE_MINUTE` makes it a minute.
fn away() -> Duration {
    Duration::from_secs(if whole_minute() { 60 } else { 1 })
}

fn user(name: &str) -> serde_json::Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": format!("{name}@example.test"),
    })
}

async fn create(daemon: &Process, name: &str) -> Answer {
    daemon.scim("POST", "/Users", Some(&user(name))).await
}

/// What every door says while the database is away.
async fn says_so(daemon: &Process, site: &Site) {
    let group = json!({"displayName": "G"});
    let patch = json!({"Operations": [{"op": "replace", "value": {"displayName": "x"}}]});
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
    let id = "01890000-0000-7000-8000-000000000000";
    let okta = join_all(
        [
            ("GET", "/Users".to_owned(), None),
            (
                "GET",
                "/Users?filter=userName%20eq%20%22a%22".to_owned(),
                None,
            ),
            ("GET", format!("/Users/{id}"), None),
            ("POST", "/Users".to_owned(), Some(user("lost"))),
            ("PUT", format!("/Users/{id}"), Some(user("lost"))),
            ("PATCH", format!("/Users/{id}"), Some(patch.clone())),
            ("DELETE", format!("/Users/{id}"), None),
            ("GET", "/Groups".to_owned(), None),
            ("POST", "/Groups".to_owned(), Some(group)),
            ("PATCH", format!("/Groups/{id}"), Some(patch)),
            ("DELETE", format!("/Groups/{id}"), None),
            ("POST", "/.search".to_owned(), Some(search)),
        ]
        .map(async |(method, path, body)| {
            let answer = daemon.scim(method, &path, body.as_ref()).await;
            let said = answer.is_error(429);
            let wait = answer.header("retry-after").parse::<u32>();
            assert!(
                wait.is_ok_and(|wait| wait > 0),
                "{method} {path}: {answer:?}"
            );
            assert!(!said.to_string().contains("sql"), "{said}");
        }),
    );
    let others = join_all(
        [
            ("/status", &site.status),
            ("/metrics", &site.status),
            ("/api/v1/runs", &site.status),
            ("/api/v1/groups", &site.manage),
            ("/api/v1/scim-requests", &site.manage),
        ]
        .map(async |(path, token)| {
            let answer = daemon.send("GET", path, token, None).await.unwrap();
            assert_eq!(answer.status, 503, "{path}: {answer:?}");
            let wait = answer.header("retry-after").parse::<u32>();
            assert!(wait.is_ok_and(|wait| wait > 0), "{path}: {answer:?}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }),
    );
    let health = async {
        let alive = daemon.open("/livez").await;
        assert_eq!(alive.status, 200, "{alive:?}");
        let ready = daemon.open("/readyz").await;
        assert_eq!(ready.status, 503, "{ready:?}");
    };
    tokio::join!(okta, others, health);
}

async fn recovers(daemon: &Process) {
    eventually("it does not recover", || async {
        daemon.open("/readyz").await.status == 200
    })
    .await;
    let give_up = Instant::now() + PATIENCE;
    // Okta comes back after what it was told to wait; some connection may have broken since.
    loop {
        let answer = create(daemon, "after").await;
        if answer.status == 201 {
            return;
        }
        assert_eq!(answer.status, 429, "{answer:?}");
        assert!(Instant::now() < give_up);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn nothing_is_lost(daemon: &Process, site: &Site) {
    assert_eq!(create(daemon, "before").await.status, 409, "it is there");
    let lost = "SELECT COUNT(*) FROM users WHERE user_name = 'lost@example.test'";
    assert_eq!(site.number(lost).await, 0, "what was refused was not done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_is_waited_out_and_okta_told_to_come_back() {
    let Some(mut cluster) = Cluster::new().await else {
        return;
    };
    let site = Site::postgres(cluster.url()).await;
    let mut daemon = site.serve().await;
    assert_eq!(create(&daemon, "before").await.status, 201);
    for crash in [false, true] {
        if crash {
            cluster.crash();
        } else {
            cluster.stop();
        }
        let began = Instant::now();
        // As it goes, and when it is long gone.
        says_so(&daemon, &site).await;
        tokio::time::sleep(away().saturating_sub(began.elapsed())).await;
        if whole_minute() {
            says_so(&daemon, &site).await;
        }
        cluster.start();
        recovers(&daemon).await;
        nothing_is_lost(&daemon, &site).await;
        let gone = daemon.scim(
            "GET",
            "/Users?filter=userName%20eq%20%22after@example.test%22",
            None,
        );
        let id = gone.await.json()["Resources"][0]["id"].clone();
        let path = format!("/Users/{}", id.as_str().unwrap());
        assert_eq!(daemon.scim("DELETE", &path, None).await.status, 204);
    }
    assert!(daemon.ended().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_is_waited_out_and_no_loop_is_stuck() {
    let Some(cluster) = Cluster::new().await else {
        return;
    };
    let mut site = Site::postgres(cluster.url()).await;
    // An org that never answers: the lease and the poller turn all the same.
    let token = site.path().join("okta-token");
    std::fs::write(&token, "00token").unwrap();
    std::fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    site.set("OKTA__ORG_URL", "http://127.0.0.1:9");
    site.set("OKTA__TOKEN_FILE", token.to_str().unwrap());
    let mut daemon = site.serve().await;
    assert_eq!(create(&daemon, "before").await.status, 201);
    // A push that is on its way when it happens is answered before Okta hangs up.
    let mut holder = site.connect().await;
    holder.execute("BEGIN").await.unwrap();
    holder
        .execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let began = Instant::now();
    let (answer, ()) = tokio::join!(create(&daemon, "lost"), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cluster.freeze();
        let answer = create(&daemon, "lost").await;
        assert_eq!(answer.status, 429, "{answer:?}");
        if !whole_minute() {
            cluster.thaw();
        }
    });
    eprintln!(
        "a push that a hung database held was answered after {:.1?}",
        began.elapsed()
    );
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(began.elapsed() < Duration::from_secs(60));
    cluster.freeze();
    assert_eq!(daemon.open("/readyz").await.status, 503);
    assert_eq!(daemon.open("/livez").await.status, 200);
    tokio::time::sleep(if whole_minute() {
        away()
    } else {
        Duration::ZERO
    })
    .await;
    cluster.thaw();
    holder.execute("ROLLBACK").await.unwrap();
    recovers(&daemon).await;
    assert!(daemon.ended().is_none());
    let stuck = daemon
        .lines()
        .into_iter()
        .find(|line| line.contains("loops are stuck"));
    assert_eq!(stuck, None, "the watchdog would have ended it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_up_yet_is_waited_for_and_a_stop_ends_the_wait() {
    let Some(mut cluster) = Cluster::new().await else {
        return;
    };
    let site = Site::postgres(cluster.url()).await;
    cluster.stop();
    let mut daemon = site.launch();
    daemon.said("waiting for it").await;
    daemon.signal("TERM");
    assert!(daemon.end().await.success(), "{:#?}", daemon.lines());

    let mut daemon = site.launch();
    daemon.said("waiting for it").await;
    assert!(daemon.ended().is_none());
    cluster.start();
    daemon.up().await;
    assert_eq!(create(&daemon, "before").await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sqlite_file_that_is_held_or_broken_is_waited_out() {
    let site = Site::sqlite().await;
    let mut daemon = site.serve().await;
    assert_eq!(create(&daemon, "before").await.status, 201);

    // Another process holds the write lock for longer than a push waits.
    let mut holder = site.connect().await;
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let answer = create(&daemon, "lost").await;
    answer.is_error(429);
    assert!(answer.header("retry-after").parse::<u32>().is_ok());
    assert_eq!(daemon.open("/livez").await.status, 200);
    let reads = daemon.scim("GET", "/Users?count=1", None).await;
    assert_eq!(reads.status, 200, "reading waits for nobody");
    holder.execute("ROLLBACK").await.unwrap();
    recovers(&daemon).await;
    nothing_is_lost(&daemon, &site).await;
    assert!(daemon.ended().is_none());
}
