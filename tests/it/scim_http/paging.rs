//! Pages while others write (RFC 7644 section 3.4.2.4, RFC 9865).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::Client;
use crate::support::stores::on_each_store;

fn ids(page: &Value) -> Vec<String> {
    let resources = page["Resources"].as_array().unwrap().iter();
    resources
        .map(|user| user["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn users(client: &Client, names: std::ops::Range<usize>) -> Vec<String> {
    let mut ids = Vec::new();
    for number in names {
        ids.push(client.user(&format!("u{number}@example.test")).await);
    }
    ids
}

/// Somebody joins, and somebody who was seen and somebody who was not yet change so that any other order would move them.
async fn meddle(client: &Client, round: usize, all: &[String]) -> String {
    for (at, name) in [(0, "zz"), (all.len() - 1, "00")] {
        let rename = json!({"Operations": [{"op": "replace", "value": {"userName": format!("{name}{round}@example.test")}}]});
        assert_eq!(
            client
                .patch(&format!("/Users/{}", all[at]), &rename)
                .await
                .status,
            200
        );
    }
    client.user(&format!("aa-new{round}@example.test")).await
}

on_each_store! {
    async fn creating_and_changing_between_pages_by_index_skips_and_repeats_nobody(store) {
        let client = Client::new(&store).await;
        let mut all = users(&client, 0..8).await;
        let (mut seen, mut round) = (Vec::new(), 0);
        loop {
            let page = client.get(&format!("/Users?count=3&startIndex={}", seen.len() + 1)).await.json();
            let found = ids(&page);
            if found.is_empty() {
                break;
            }
            seen.extend(found);
            if round < 3 {
                let new = meddle(&client, round, &all).await;
                all.push(new);
            }
            round += 1;
        }
        assert_eq!(seen, all, "in the order of creation, each once");
    }

    async fn by_cursor_a_deletion_between_pages_skips_and_repeats_nobody_either(store) {
        let client = Client::new(&store).await;
        let mut all = users(&client, 0..8).await;
        let (mut seen, mut gone, mut cursor) = (Vec::new(), BTreeSet::new(), String::new());
        for round in 0.. {
            let page = client.get(&format!("/Users?count=3&cursor={cursor}")).await.json();
            assert_eq!(page.get("startIndex"), None);
            seen.extend(ids(&page));
            let Some(next) = page.get("nextCursor") else { break };
            cursor = next.as_str().unwrap().to_owned();
            if round < 2 {
                let new = meddle(&client, round, &all).await;
                all.push(new);
                // One who was seen, and the very one the cursor was made of.
                for at in [1, seen.len() - 1] {
                    if gone.insert(seen[at].clone()) {
                        assert_eq!(client.delete(&format!("/Users/{}", seen[at])).await.status, 204);
                    }
                }
            }
        }
        assert_eq!(seen, all);
        assert_eq!(client.get("/Users").await.json()["totalResults"], all.len() - gone.len());
    }

    async fn a_search_over_everything_goes_by_cursor_too(store) {
        let client = Client::new(&store).await;
        let mut all = users(&client, 0..4).await;
        for name in ["b", "a", "c"] {
            all.push(client.group(name, &[]).await);
        }
        for count in 1..=7 {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = client.post("/.search", &json!({"cursor": cursor, "count": count})).await.json();
                assert_eq!((&page["totalResults"], page.get("startIndex")), (&json!(7), None));
                seen.extend(ids(&page));
                let Some(next) = page.get("nextCursor") else { break };
                cursor = next.as_str().unwrap().to_owned();
                assert_eq!(ids(&page).len(), count);
            }
            assert_eq!(seen, all, "{count}");
        }
        let sorted = json!({"sortBy": "displayName", "sortOrder": "descending", "cursor": "", "count": 5});
        let page = client.post("/.search", &sorted).await.json();
        let mut rest = sorted.clone();
        rest["cursor"] = page["nextCursor"].clone();
        let rest = client.post("/.search", &rest).await.json();
        assert_eq!(ids(&rest), [all[4].clone(), all[5].clone()]);
        for (cursor, other) in [(&page["nextCursor"], json!({})), (&json!("x"), sorted)] {
            let mut body = other;
            body["cursor"] = cursor.clone();
            assert_eq!(client.post("/.search", &body).await.is_error(400)["scimType"], "invalidCursor");
        }
    }

    async fn both_ways_of_paging_are_advertised_with_their_limits(store) {
        let client = Client::new(&store).await;
        let config = client.get("/ServiceProviderConfig").await.json();
        assert_eq!(config["pagination"], json!({
            "cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": 100, "maxPageSize": 1_000,
        }));
        assert_eq!(config["filter"]["maxResults"], 1_000);
        assert_eq!(config["bulk"], json!({"supported": true, "maxOperations": 1_000, "maxPayloadSize": 4 * 1024 * 1024}));
        users(&client, 0..2).await;
        let last = client.get("/Users?cursor=&count=2").await.json();
        assert_eq!((last.get("nextCursor"), &last["totalResults"], &last["itemsPerPage"]), (None, &json!(2), &json!(2)));
        let by_post = client.post("/Users/.search", &json!({"cursor": "", "count": 1})).await.json();
        let next = by_post["nextCursor"].as_str().unwrap();
        let second = client.get(&format!("/Users?count=1&cursor={next}")).await.json();
        assert_ne!(ids(&second), ids(&by_post));
    }

    async fn every_cursor_that_is_given_is_taken_however_long_the_sort_key_is(store) {
        let client = Client::new(&store).await;
        let begin = "\u{1}\"\u{fdfa}".repeat(1_000);
        for number in 0..5 {
            // The beginnings are equal, so that the order of creation decides.
            let user = json!({
                "userName": format!("u{number}@example.test"), "title": format!("{begin}{}", 9 - number),
                "displayName": "\u{fdfa}".repeat(512), "roles": [{"value": format!("{begin}{}", 9 - number)}],
            });
            assert_eq!(client.post("/Users", &user).await.status, 201);
        }
        for by in ["title", "displayName", "roles"] {
            let (mut cursor, mut seen) = (String::new(), Vec::new());
            loop {
                let path = format!("/Users?sortBy={by}&count=2&cursor={cursor}&attributes=userName");
                let page = client.get(&path).await;
                assert_eq!(page.status, 200, "{by}: {}", page.text);
                let page = page.json();
                seen.extend(page["Resources"].as_array().unwrap().iter().map(|user| user["userName"].as_str().unwrap().to_owned()));
                match page["nextCursor"].as_str() {
                    Some(next) => next.clone_into(&mut cursor),
                    None => break,
                }
            }
            let all: Vec<String> = (0..5).map(|number| format!("u{number}@example.test")).collect();
            assert_eq!(seen, all, "{by}");
        }
    }
}
