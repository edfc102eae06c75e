//! `rosterd demo`: the main job on its own, and what it leaves behind.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::host::Host;
use super::process::{PATIENCE, Running, client};

async fn read(url: &str, token: &str) -> (u16, String) {
    let request = client()
        .get(url)
        .header("authorization", format!("Bearer {token}"));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_says_its_doors_on_one_line_does_the_main_job_and_leaves_nothing() {
    let host = Host::bare();
    let words = [
        "demo",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--people",
        "60",
    ];
    let (demo, doors) = Running::talking(&host, &words);
    let door = |name: &str| doors[name].as_str().unwrap().to_owned();
    assert_eq!(door("scim_url"), format!("{}/scim/v2", door("url")));

    let (status, text) = read(&format!("{}/status", door("url")), &door("status_token")).await;
    assert_eq!(status, 200, "{text}");
    let first: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(first["okta"]["mode"], "on");
    assert_eq!(first["okta"]["last_full"]["state"], "applied");
    assert!(first["counts"]["users"].as_i64() >= Some(60), "{first}");
    assert_eq!(first["counts"]["bound_mappings"], 11, "{first}");
    assert!(first["counts"]["memberships"].as_i64() > Some(0), "{first}");
    assert_eq!(first["problems"], serde_json::json!([]));
    let (status, text) = read(
        &format!("{}/Users?count=2", door("scim_url")),
        &door("scim_token"),
    )
    .await;
    assert_eq!(status, 200, "{text}");
    let (status, text) = read(
        &format!("{}/api/v1/scim-requests", door("url")),
        &door("manage_token"),
    )
    .await;
    assert_eq!(status, 200, "{text}");
    let org = format!("{}/.well-known/okta-organization", door("okta_url"));
    assert_eq!(read(&org, "").await.0, 200);

    // Something changes every few seconds, and is seen here.
    let runs = format!("{}/api/v1/runs?limit=100", door("url"));
    let hooked = async || {
        let runs: Value =
            serde_json::from_str(&read(&runs, &door("status_token")).await.1).unwrap();
        let runs = runs["data"].as_array().unwrap().clone();
        runs.iter()
            .any(|run| run["channel"] == "hook" && run["state"] == "applied")
    };
    let give_up = Instant::now() + PATIENCE;
    while !hooked().await {
        assert!(Instant::now() < give_up, "nothing changes");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    demo.stop();
    let left: Vec<_> = std::fs::read_dir(host.folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
