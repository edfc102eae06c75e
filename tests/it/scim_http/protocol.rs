//! The protocol around the resources: errors, media types, conditions, discovery, paths.

use axum::body::Body;
use http::Request;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, IF_MATCH, IF_NONE_MATCH,
};
use serde_json::{Value, json};

use super::client::{Client, PUBLIC_URL, filter};
use crate::support::stores::on_each_store;

on_each_store! {
    async fn every_error_is_a_scim_error(store) {
        let client = Client::new(&store).await;
        client.get("/nothing").await.is_error(404);
        client.get("").await.is_error(404);
        client.get("/Users/1/2").await.is_error(404);
        client.get("/Groups/00000000-0000-7000-8000-000000000000").await.is_error(404);
        for (method, path, allow) in [
            ("DELETE", "/Users", "GET, POST"), ("POST", "/Users/1", "GET, PUT, PATCH, DELETE"), ("GET", "/Bulk", "POST"),
            ("PUT", "/ServiceProviderConfig", "GET"), ("OPTIONS", "/Users", "GET, POST"), ("POST", "/Schemas", "GET"),
            ("GET", "/.search", "POST"), ("BREW", "/Groups", "GET, POST"),
        ] {
            let answer = client.call(method, path, None).await;
            answer.is_error(405);
            assert_eq!(answer.header("allow"), allow, "{method} {path}");
        }
        let head = client.call("HEAD", "/Users", None).await;
        assert_eq!((head.status, head.header("allow")), (405, "GET, POST"));
        client.get("/Me").await.is_error(501);
        client.call("PATCH", "/Me/x", None).await.is_error(501);
        client.get("/Schemas?filter=a").await.is_error(403);
    }

    async fn bad_bodies_are_400_at_once_and_change_nothing(store) {
        let client = Client::new(&store).await;
        let nul = "{\"userName\":\"a\\u0000b\"}".to_owned();
        for body in [
            String::new(), "{".to_owned(), "[]".to_owned(), "null".to_owned(), "\"x\"".to_owned(), "{}".to_owned(),
            "{\"userName\":1}".to_owned(), "{\"userName\":\"a\",\"USERNAME\":\"b\"}".to_owned(), nul,
            "{\"userName\":\"\\ud800\"}".to_owned(), "[".repeat(1_000_000), "{\"a\":".repeat(1_000_000),
            "{\"userName\":\"a\",\"x\":1e999}".to_owned(), format!("{{\"userName\":\"{}\"}}", "x".repeat(100_000)),
        ] {
            for path in ["/Users", "/Groups"] {
                let request = client.request("POST", path, Some(&Value::Null));
                let (parts, _) = request.into_parts();
                let answer = client.send(Request::from_parts(parts, Body::from(body.clone()))).await;
                answer.is_error(400);
            }
        }
        assert_eq!(store.number("SELECT (SELECT COUNT(*) FROM users) + (SELECT COUNT(*) FROM idp_groups)").await, 0);
        let text = format!("/Users?filter={}", filter("userName eq \"a\0b\""));
        client.get(&text).await.is_error(400);
    }

    async fn a_body_over_the_limit_is_413_whether_announced_or_not(store) {
        let client = Client::new(&store).await;
        let large = format!("{{\"userName\":\"a\",\"title\":\"{}\"}}", "x".repeat(17 * 1024 * 1024));
        let announced = client.request("POST", "/Users", Some(&json!({})));
        let (mut parts, _) = announced.into_parts();
        parts.headers.insert(CONTENT_LENGTH, large.len().into());
        client.send(Request::from_parts(parts, Body::from(large.clone()))).await.is_error(413);
        let (parts, _) = client.request("POST", "/Groups", Some(&json!({}))).into_parts();
        client.send(Request::from_parts(parts, Body::from(large))).await.is_error(413);
    }

    async fn media_types_are_looked_at(store) {
        let client = Client::new(&store).await;
        let with = |accept: &'static str, content: &'static str| {
            let request = Request::post("/scim/v2/Users")
                .header(AUTHORIZATION, format!("Bearer {}", client.token))
                .header(ACCEPT, accept)
                .header(CONTENT_TYPE, content)
                .body(Body::from("{}"));
            request.unwrap()
        };
        client.send(with("text/html", "application/json")).await.is_error(406);
        client.send(with("*/*", "text/plain")).await.is_error(415);
        client.send(with("application/json", "application/json; charset=utf-8")).await.is_error(400);
        let answer = client.get("/Users").await;
        assert_eq!(answer.header("content-type"), "application/scim+json; charset=utf-8");
    }

    async fn okta_a11_15_a_base_url_with_a_slash_at_the_end_works(store) {
        let client = Client::new(&store).await;
        let id = client.user("a@example.test").await;
        for path in ["//Users", "/Users/", "//Users//", "//Users?startIndex=1&count=100"] {
            assert_eq!(client.get(path).await.json()["totalResults"], 1, "{path}");
        }
        assert_eq!(client.get(&format!("//Users//{id}/")).await.json()["id"], id.as_str());
        for space in ["%20", "+"] {
            let path = format!("/Users?filter=userName{space}eq{space}%22A@example.test%22&count=100&startIndex=1");
            assert_eq!(client.get(&path).await.json()["totalResults"], 1, "{path}");
        }
    }

    async fn links_are_made_of_the_public_url_and_never_of_the_host_header(store) {
        let client = Client::new(&store).await;
        let mut request = client.request("POST", "/Users", Some(&json!({"userName": "a"})));
        request.headers_mut().insert(HOST, "evil.example".parse().unwrap());
        let made = client.send(request).await;
        let body = made.json();
        let expected = format!("{PUBLIC_URL}/scim/v2/Users/{}", body["id"].as_str().unwrap());
        assert_eq!(made.header("location"), expected);
        assert_eq!(body["meta"]["location"], expected);
        assert_eq!(made.header("etag"), body["meta"]["version"].as_str().unwrap());
        assert!(!made.text.contains("evil"));
    }

    async fn versions_guard_writes_and_spare_reads(store) {
        let client = Client::new(&store).await;
        let id = client.user("a@example.test").await;
        let path = format!("/Users/{id}");
        let old = client.get(&path).await.header("etag").to_owned();
        let with = |method: &str, name, tag: &str, body: Option<&Value>| {
            let mut request = client.request(method, &path, body);
            request.headers_mut().insert(name, tag.parse().unwrap());
            request
        };
        let unchanged = client.send(with("GET", IF_NONE_MATCH, &old, None)).await;
        assert_eq!((unchanged.status, unchanged.text.as_str(), unchanged.header("etag")), (304, "", old.as_str()));
        let rename = json!({"userName": "b@example.test"});
        let changed = client.send(with("PUT", IF_MATCH, &old, Some(&rename))).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_ne!(changed.header("etag"), old);
        for method in ["PUT", "PATCH"] {
            let body = json!({"userName": "c@example.test", "Operations": [{"op": "replace", "value": {"title": "x"}}]});
            client.send(with(method, IF_MATCH, &old, Some(&body))).await.is_error(412);
        }
        client.send(with("DELETE", IF_MATCH, &old, None)).await.is_error(412);
        assert_eq!(client.get(&path).await.json()["userName"], "b@example.test");
        assert_eq!(client.send(with("DELETE", IF_MATCH, "*", None)).await.status, 204);
        client.get(&path).await.is_error(404);
        let group = client.group("g", &[]).await;
        let tag = client.get(&format!("/Groups/{group}")).await.header("etag").to_owned();
        let mut request = client.request("GET", &format!("/Groups/{group}"), None);
        request.headers_mut().insert(IF_NONE_MATCH, tag.parse().unwrap());
        assert_eq!(client.send(request).await.status, 304);
    }

    async fn discovery_names_what_there_is(store) {
        let client = Client::new(&store).await;
        for path in ["/ResourceTypes", "/Schemas"] {
            let list = client.get(path).await.json();
            assert!(list["totalResults"].as_u64().unwrap() >= 2);
            for entry in list["Resources"].as_array().unwrap() {
                let one = client.get(&format!("{path}/{}", entry["id"].as_str().unwrap())).await;
                assert_eq!(one.json(), *entry);
            }
            client.get(&format!("{path}/none")).await.is_error(404);
        }
        let config = client.get("/ServiceProviderConfig").await.json();
        for feature in ["patch", "bulk", "filter", "sort", "etag"] {
            assert_eq!(config[feature]["supported"], true, "{feature}");
        }
    }

    async fn the_database_being_away_is_429_with_whole_seconds(store) {
        let client = Client::new(&store).await;
        assert_eq!(client.get("/Users").await.status, 200);
        client.service.store.close().await;
        for answer in [
            client.get("/Users").await,
            client.get("/Groups").await,
            client.post("/Users", &json!({"userName": "a"})).await,
        ] {
            answer.is_error(429);
            assert!(answer.header("retry-after").parse::<u32>().is_ok());
        }
    }
}
