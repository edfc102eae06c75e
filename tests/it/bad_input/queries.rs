//! Ids nobody has, filters nobody can answer, parameters that are none.

use serde_json::{Value, json};

use super::Scene;
use crate::support::stores::on_each_store;

const FILTER: (u16, &str) = (400, "invalidFilter");
const VALUE: (u16, &str) = (400, "invalidValue");

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

on_each_store! {
    async fn an_id_nobody_has_is_404_to_every_verb_whatever_it_looks_like(store) {
        let scene = Scene::new(store).await;
        let long = "a".repeat(5_000);
        let ids = [
            "1", "0", "-1", "null", "undefined", "NaN", "true", "a b", "é", "☃", "\u{1f600}", "' OR 1=1 --", "*", "%", "_",
            "00000000-0000-0000-0000-000000000000", "01a00000-0000-7000-8000-000000000000", "{}", "[1]", "W/\"1\"",
            "9223372036854775808", "mira@example.test", "e-1", &long,
        ];
        let mut paths: Vec<String> = Vec::new();
        for id in ids {
            paths.extend(["/Users/", "/Groups/"].map(|kind| format!("{kind}{}", encoded(id))));
        }
        paths.extend([
            format!("/Users/{}", scene.group), format!("/Groups/{}", scene.user), format!("/Users/{}x", scene.user),
            format!("/Users/{}", &scene.user[..35]), format!("/Users/{}", scene.user.replace('-', "")),
            format!("/Users/{}%00", scene.user), format!("/Users/{}%20", scene.user), format!("/Users/%ff{}", scene.user),
            format!("/Groups/{}%0a", scene.group), format!("/Users/{}/emails", scene.user),
        ]);
        for path in &paths {
            for (method, body) in [
                ("GET", Value::Null), ("DELETE", Value::Null),
                ("PUT", json!({"userName": "n", "displayName": "n", "members": []})),
                ("PATCH", json!({"Operations": [{"op": "replace", "value": {"displayName": "n"}}]})),
            ] {
                let body = if body.is_null() { String::new() } else { body.to_string() };
                scene.refused(method, path, body, (404, "")).await;
            }
        }
        scene.unharmed().await;
    }

    async fn a_member_nobody_knows_is_skipped_whatever_his_id_looks_like(store) {
        let scene = Scene::new(store).await;
        let strange = ["1", "x".repeat(10_000).as_str(), "\u{1f600}", "00000000-0000-0000-0000-000000000000", "' --", "bulkId:x"]
            .map(|id| json!({"value": id}));
        let add = json!({"Operations": [{"op": "add", "path": "members", "value": strange}]});
        let answer = scene.daemon.scim("PATCH", &scene.group(), Some(&add)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["members"].as_array().unwrap().len(), 1);
        let remove = json!({"Operations": [{"op": "remove", "path": "members", "value": strange}]});
        assert_eq!(scene.daemon.scim("PATCH", &scene.group(), Some(&remove)).await.status, 200);
        scene.unharmed().await;
    }

    async fn a_filter_nobody_can_answer_is_400_and_never_a_list(store) {
        let scene = Scene::new(store).await;
        let terms = |count: usize| vec!["userName eq \"a\""; count].join(" or ");
        let deep = |count: usize| format!("{}userName pr{}", "(".repeat(count), ")".repeat(count));
        for text in [
            "userName", "userName eq", "eq \"a\"", "userName eq a", "userName eq 'a'", "userName eq \"a", "userName is \"a\"",
            "userName eq \"a\" and", "userName eq \"a\" or or userName pr", "(userName pr", "userName pr)", "not userName pr",
            "userName eq 1", "userName eq true", "userName gt null", "active gt true", "active co \"t\"", "active eq \"true\"",
            "meta.created gt \"yesterday\"", "meta.created eq 5", "emails[type eq \"work\"", "emails[]", "emails[type eq \"a\"][value pr]",
            "emails[emails[value pr]]", "userName[value eq \"a\"]", "emails[color eq \"a\"]", "name eq \"a\"", "unknown pr",
            "urn:example:hr:1.0:User:badge eq 7", "password pr", "password eq \"x\"", "userName eq \"\\ud800\"", "userName eq \"\\u0000\"",
            "userName eq \"\\x\"", "userName eq 1e999", "externalId eq 99999999999999999999", "userName eq \"a\"; DROP TABLE users",
            &terms(257), &deep(33), &format!("userName eq \"{}\"", "x".repeat(17_000)),
        ] {
            scene.refused("GET", &format!("/Users?filter={}", encoded(text).replace("%20", "+")), "", FILTER).await;
            for path in ["/Users/.search", "/.search"] {
                scene.refused("POST", path, json!({"filter": text}).to_string(), FILTER).await;
            }
        }
        let (wide, deep, nots) = ("id pr or ".repeat(1_000_000) + "id pr", deep(1_000_000), "not (".repeat(1_000_000));
        for text in [wide, deep, nots] {
            let body = json!({"filter": text}).to_string();
            for path in ["/Users/.search", "/Groups/.search", "/.search"] {
                scene.refused("POST", path, body.clone(), FILTER).await;
            }
        }
        scene.unharmed().await;
    }

    async fn a_parameter_that_is_none_is_400_by_its_name(store) {
        let scene = Scene::new(store).await;
        let many = format!("attributes={}", "a,".repeat(201));
        for (query, kind) in [
            ("startIndex=x", "invalidValue"), ("startIndex=1.5", "invalidValue"), ("startIndex=99999999999999999999", "invalidValue"),
            ("count=x", "invalidValue"), ("count=1e3", "invalidValue"), ("count=-99999999999999999999", "invalidValue"),
            ("count=1&count=2", "invalidValue"), ("sortBy=unknown", "invalidValue"), ("sortBy=a+b", "invalidValue"),
            ("sortBy=password", "invalidValue"), ("sortBy=userName&sortOrder=up", "invalidValue"),
            ("attributes=a&excludedAttributes=b", "invalidValue"), ("attributes=a%20b", "invalidValue"),
            ("attributes=a%00", "invalidValue"), ("excludedAttributes=%22", "invalidValue"), (many.as_str(), "invalidValue"),
            ("cursor=x", "invalidCursor"), ("cursor=AQEBAQEBAQEB_w", "invalidCursor"), ("cursor=%00", "invalidValue"),
            ("cursor=&startIndex=1", "invalidValue"), ("cursor=&count=0", "invalidCount"), ("cursor=&count=x", "invalidCount"),
            ("filter=userName+eq+%22%00%22", "invalidValue"), ("filter=userName+eq+%22%ff%22", "invalidValue"),
            ("%ff=1", "invalidValue"), ("%00=1", "invalidValue"),
        ] {
            for kind_of in ["/Users", "/Groups"] {
                let path = format!("{kind_of}?{}", query.replace("userName", if kind_of == "/Users" { "userName" } else { "displayName" }));
                scene.refused("GET", &path, "", (400, kind)).await;
            }
        }
        for body in [
            json!({"filter": 5}), json!({"filter": ["a"]}), json!({"sortBy": 5}), json!({"sortOrder": true}), json!({"startIndex": "x"}),
            json!({"startIndex": 1.5}), json!({"count": "x"}), json!({"count": {}}), json!({"attributes": 5}), json!({"attributes": [5]}),
            json!({"attributes": ["a"], "excludedAttributes": ["b"]}), json!({"attributes": vec!["a"; 201]}), json!({"cursor": 5}),
        ] {
            for path in ["/Users/.search", "/Groups/.search", "/.search"] {
                scene.refused("POST", path, body.to_string(), VALUE).await;
            }
        }
        // As far as they go, numbers are taken.
        for query in ["startIndex=9223372036854775807&count=9223372036854775807", "startIndex=-9223372036854775808&count=1"] {
            assert_eq!(scene.daemon.get(&format!("/Users?{query}")).await["totalResults"], 1);
        }
        scene.unharmed().await;
    }
}
