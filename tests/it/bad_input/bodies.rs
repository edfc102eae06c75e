//! Bodies that are no JSON, not JSON as two readers would read it alike, or more than anybody may send.

use std::fmt::Write as _;

use serde_json::json;

use super::Scene;
use crate::support::stores::on_each_store;

const SYNTAX: (u16, &str) = (400, "invalidSyntax");
const TOO_LARGE: (u16, &str) = (413, "");

on_each_store! {
    async fn what_is_no_json_object_is_400_on_every_route(store) {
        let scene = Scene::new(store).await;
        let mut bodies: Vec<Vec<u8>> = [
            "", " ", "{", "}", "nul", "null", "true", "5", "\"x\"", "[]", "[{}]", "{\"a\":1}{}", "{} x", "{'a':1}",
            "{\"a\":1,}", "{\"a\" 1}", "{\"a\":01}", "{\"a\":.5}", "{\"a\":NaN}", "{a:1}", "<user/>", "userName=a",
        ].iter().map(|text| text.as_bytes().to_vec()).collect();
        // UTF-16, Latin-1, and a NUL as such.
        bodies.extend([b"\xff\xfe{\0}\0".to_vec(), b"{\"a\":\"\xe9\"}".to_vec(), b"{\"a\":\"\0\"}".to_vec()]);
        for (method, path) in scene.takes_a_body() {
            for body in &bodies {
                scene.refused(method, &path, body.clone(), SYNTAX).await;
            }
        }
        scene.unharmed().await;
    }

    async fn what_readers_would_read_differently_is_400_wherever_it_stands(store) {
        let scene = Scene::new(store).await;
        // Each in the place of a value nobody knows, so that nothing but the reading itself can refuse it.
        let values = [
            r#"{"b":1,"b":2}"#, r#"{"b":1,"B":1}"#, r#"[{"b":{"c":1,"c":1}}]"#,
            r#""\ud800""#, r#""\udc00x""#, r#""\ud83d\ud83d""#, r#"{"\ud800":1}"#,
            r#""\u0000""#, r#""a\u0000b""#, r#"{"b\u0000":1}"#, r#"["x",["\u0000"]]"#,
            "1e999", "-1e400", "123456789012345678901234567890", "-99999999999999999999", "1e18",
        ];
        for (method, path) in scene.takes_a_body() {
            for value in values {
                scene.refused(method, &path, format!(r#"{{"unknown":{value}}}"#), SYNTAX).await;
            }
            let digits = "9".repeat(1_000_000);
            scene.refused(method, &path, format!(r#"{{"unknown":{digits}}}"#), SYNTAX).await;
            scene.refused(method, &path, r#"{"displayName":"a","DISPLAYNAME":"b"}"#, SYNTAX).await;
        }
        for value in values {
            let extension = format!(r#"{{"userName":"n","displayName":"n","urn:example:x:1.0":{{"a":{value}}}}}"#);
            for (method, path) in [("POST", "/Users"), ("POST", "/Groups"), ("PUT", &scene.user()), ("PUT", &scene.group())] {
                scene.refused(method, path, extension.clone(), SYNTAX).await;
            }
            let operation = format!(r#"{{"Operations":[{{"op":"add","value":{{"urn:example:x:1.0":{{"a":{value}}}}}}}]}}"#);
            for path in [scene.user(), scene.group()] {
                scene.refused("PATCH", &path, operation.clone(), SYNTAX).await;
            }
        }
        for member in [r#"{"value":"\u0000"}"#, r#"{"value":"\ud800"}"#, r#"{"value":"a","VALUE":"b"}"#, r#""\u0000""#] {
            scene.refused("POST", "/Groups", format!(r#"{{"displayName":"n","members":[{member}]}}"#), SYNTAX).await;
            let operation = format!(r#"{{"Operations":[{{"op":"add","path":"members","value":[{member}]}}]}}"#);
            scene.refused("PATCH", &scene.group(), operation, SYNTAX).await;
        }
        scene.unharmed().await;
    }

    async fn a_million_levels_are_400_wherever_they_begin(store) {
        let scene = Scene::new(store).await;
        let (lists, objects) = ("[".repeat(1_000_000), "{\"\":".repeat(1_000_000));
        // With what stands around it, no more than the million values that are read at all.
        let closed = format!("{}{}", "[".repeat(999_000), "]".repeat(999_000));
        for (method, path) in scene.takes_a_body() {
            scene.refused(method, &path, lists.clone(), SYNTAX).await;
            scene.refused(method, &path, objects.clone(), SYNTAX).await;
            scene.refused(method, &path, format!(r#"{{"unknown":{closed}}}"#), SYNTAX).await;
        }
        for (method, path, body) in [
            ("POST", "/Users".to_owned(), format!(r#"{{"userName":"n","emails":{closed}}}"#)),
            ("POST", "/Groups".to_owned(), format!(r#"{{"displayName":"n","members":{closed}}}"#)),
            ("PATCH", scene.user(), format!(r#"{{"Operations":{closed}}}"#)),
            ("PATCH", scene.user(), format!(r#"{{"Operations":[{{"op":"add","path":"title","value":{closed}}}]}}"#)),
            ("PATCH", scene.group(), format!(r#"{{"Operations":[{{"op":"add","path":"members","value":{closed}}}]}}"#)),
            ("POST", "/Bulk".to_owned(), format!(r#"{{"Operations":[{{"data":{closed}}}]}}"#)),
        ] {
            scene.refused(method, &path, body, SYNTAX).await;
        }
        scene.unharmed().await;
    }

    async fn a_body_over_the_limit_is_413_and_the_client_hears_of_it(store) {
        let scene = Scene::new(store).await;
        let large = format!(r#"{{"userName":"n","displayName":"n","title":"{}"}}"#, "x".repeat(16 * 1024 * 1024));
        for (method, path) in scene.takes_a_body() {
            scene.refused(method, &path, large.clone(), TOO_LARGE).await;
        }
        let unannounced = scene.daemon.scim_stream("POST", "/Users", large.into_bytes()).await;
        unannounced.is_error(413);
        let bulk = format!(r#"{{"Operations":[],"x":"{}"}}"#, "x".repeat(4 * 1024 * 1024));
        scene.refused("POST", "/Bulk", bulk, TOO_LARGE).await;
        scene.unharmed().await;
    }

    async fn more_operations_than_allowed_are_413_and_none_is_done(store) {
        let scene = Scene::new(store).await;
        let many = |operation: &str, count: usize| {
            let mut body = String::from("{\"Operations\":[");
            for number in 0..count {
                let _ = write!(body, "{}{operation}", if number > 0 { "," } else { "" });
            }
            body + "]}"
        };
        let titled = r#"{"op":"replace","path":"title","value":"Chief"}"#;
        scene.refused("PATCH", &scene.user(), many(titled, 1_001), TOO_LARGE).await;
        let named = r#"{"op":"replace","path":"displayName","value":"Other"}"#;
        scene.refused("PATCH", &scene.group(), many(named, 10_001), TOO_LARGE).await;
        let delete = json!({"method": "DELETE", "path": scene.user()}).to_string();
        scene.refused("POST", "/Bulk", many(&delete, 1_001), TOO_LARGE).await;
        scene.unharmed().await;
    }
}
