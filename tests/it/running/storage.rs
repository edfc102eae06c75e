//! What makes a commit durable is really set, and one SQLite file has one daemon.

use rosterd::store::StoreError;
use serde_json::json;
use sqlx::{Connection as _, Executor as _};

use super::process::Site;
use crate::support::stores::{TestStore, on_each_store};

on_each_store! {
    async fn r6_every_connection_waits_until_a_commit_is_on_disk(store) {
        let wanted = if store.url.starts_with("sqlite") {
            // 2 is FULL.
            vec![("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")]
        } else {
            vec![("synchronous_commit", "on")]
        };
        let all = store.durability().await.unwrap();
        assert_eq!(all.len(), 2, "one that writes, one that reads");
        for seen in all {
            for (name, value) in &wanted {
                assert_eq!(seen.get(name).map(String::as_str), Some(*value), "{seen:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_one_sqlite_file_is_refused_and_the_first_goes_on() {
    let site = Site::sqlite().await;
    let first = site.serve().await;
    let output = site.command(&["serve"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("another rosterd runs on"), "{said}");
    assert!(said.contains("rosterd.db"), "{said}");
    let body = json!({"userName": "ada@example.test"});
    let made = first.scim("POST", "/Users", Some(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    // A claim ends with its daemon, however that ends.
    let mut first = first;
    first.kill();
    let second = site.serve().await;
    let list = second.scim("GET", "/Users", None).await.json();
    assert_eq!(list["totalResults"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sqlite_store_that_is_closed_leaves_one_whole_file() {
    let store = TestStore::sqlite().await;
    store.store.close().await;
    let file = store.url.trim_start_matches("sqlite://").to_owned();
    assert!(std::path::Path::new(&file).exists());
    assert!(!std::path::Path::new(&format!("{file}-wal")).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_postgres_refuses_is_a_lost_race_an_outage_or_a_defect() {
    let Some(store) = TestStore::postgres().await else {
        return;
    };
    let mut conn = sqlx::AnyConnection::connect(&store.url).await.unwrap();
    for code in [
        "40001", "40P01", "55P03", "08006", "53300", "53100", "57P01", "57P03", "57014", "58030",
        "25P03", "25006", "22012", "42601",
    ] {
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{code}'; END $$");
        let error = conn.execute(sqlx::AssertSqlSafe(raise)).await.unwrap_err();
        let error = StoreError::from(error);
        let right = match &code[..2] {
            "40" | "55" => matches!(error, StoreError::Stale),
            "22" | "42" => matches!(error, StoreError::Database(_)),
            _ => matches!(error, StoreError::Unavailable(_)),
        };
        assert!(right, "{code}: {error:?}");
    }
}
