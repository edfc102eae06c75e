//! What is sent comes back, and what must not be kept is not.

use serde_json::{Value, json};

use super::client::Client;
use crate::support::stores::on_each_store;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Every attribute of the core schema and the enterprise extension that a client may write, and an extension nobody knows.
fn whole() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, "urn:example:hr:1.0:User"],
        "externalId": "E-1", "userName": "Mira.Okafor@Example.test",
        "name": {
            "formatted": "Dr. Mira O. Okafor", "familyName": "Okafor", "givenName": "Mira", "middleName": "O.",
            "honorificPrefix": "Dr.", "honorificSuffix": "III",
        },
        "displayName": "Mira ☃ \u{1f600}", "nickName": "Mi", "profileUrl": "https://example.test/mira", "title": "Lead",
        "userType": "Employee", "preferredLanguage": "en-US,en;q=0.8", "locale": "en-US", "timezone": "Europe/Berlin",
        "active": false,
        "emails": [
            {"value": "mira@example.test", "display": "Work", "type": "work", "primary": true},
            {"value": "Mira@Home.test", "type": "home"}, {"value": "mira@example.test", "type": "other"},
        ],
        "phoneNumbers": [{"value": "tel:+1-201-555-0123", "type": "work"}, {"value": "tel:+1-201-555-0123", "type": "mobile"}],
        "ims": [{"value": "mira", "type": "xmpp"}], "photos": [{"value": "https://example.test/p.png", "type": "thumbnail"}],
        "addresses": [{
            "formatted": "1 Main St\nSpringfield", "streetAddress": "1 Main St", "locality": "Springfield", "region": "IL",
            "postalCode": "62701", "country": "US", "type": "work", "primary": true,
        }],
        "entitlements": [{"value": "all", "display": "All"}], "roles": [{"value": "admin", "type": "app"}],
        "x509Certificates": [{"value": "MIIBszCCARygAwIBAgIB"}],
        (ENTERPRISE): {
            "employeeNumber": "701984", "costCenter": "4130", "organization": "Universal", "division": "Parks",
            "department": "Tours", "manager": {"value": "26118915", "$ref": "../Users/26118915", "displayName": "John Smith"},
        },
        "urn:example:hr:1.0:User": {
            "Badge": 7, "ratio": 0.1, "yes": true, "tags": ["b", "a", "b"], "nested": [{"x": [{"y": []}], "z": {}}], "empty": "",
        },
    })
}

on_each_store! {
    async fn a_whole_user_comes_back_as_he_was_sent(store) {
        let client = Client::new(&store).await;
        let sent = whole();
        let made = client.post("/Users", &sent).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let mut shown = made.json();
        let id = shown["id"].as_str().unwrap().to_owned();
        assert_eq!(client.get(&format!("/Users/{id}")).await.json(), shown);
        assert_eq!(client.get("/Users").await.json()["Resources"][0], shown);
        let searched = client.post("/Users/.search", &json!({"filter": "userName eq \"mira.okafor@example.test\""})).await;
        assert_eq!(searched.json()["Resources"][0], shown);
        let put = client.put(&format!("/Users/{id}"), &shown).await;
        assert_eq!((put.status, put.json()), (200, shown.clone()));
        for ours in ["id", "meta"] {
            shown.as_object_mut().unwrap().remove(ours);
        }
        assert_eq!(shown, sent);
    }

    async fn repeated_values_and_second_primaries_are_settled_as_rfc_7643_section_2_4_says(store) {
        let client = Client::new(&store).await;
        let made = client.post("/Users", &json!({"userName": "a", "emails": [
            {"value": "a@x", "type": "work"}, {"value": "A@X", "type": "work", "primary": true},
            {"value": "b@x", "type": "home", "primary": true}, {"value": "a@x", "type": "home"}, {"type": "other"},
        ]})).await;
        assert_eq!(made.json()["emails"], json!([
            {"value": "a@x", "type": "work", "primary": true}, {"value": "b@x", "type": "home", "primary": false},
            {"value": "a@x", "type": "home"},
        ]));
        let path = format!("/Users/{}", made.json()["id"].as_str().unwrap());
        let newest = json!({"Operations": [{"op": "add", "path": "emails", "value": [{"value": "c@x", "primary": true}]}]});
        let emails = client.patch(&path, &newest).await.json()["emails"].clone();
        let primaries: Vec<&Value> = emails.as_array().unwrap().iter().filter(|email| email["primary"] == true).collect();
        assert_eq!(primaries, [&json!({"value": "c@x", "primary": true})]);
    }

    async fn unknown_core_attributes_are_ignored_and_unknown_extensions_are_kept(store) {
        let client = Client::new(&store).await;
        let body = json!({
            "userName": "a", "shoeSize": 44, "name": {"givenName": "A", "clan": "B"}, "URN:example:hr:1.0": {"badge": 7},
            "urn:example:plain": "no object", (ENTERPRISE): {"department": "D", "floor": 3},
        });
        let made = client.post("/Users", &body).await.json();
        for (name, shown) in [
            ("shoeSize", None), ("urn:example:plain", None), ("name", Some(json!({"givenName": "A"}))),
            ("URN:example:hr:1.0", Some(json!({"badge": 7}))), (ENTERPRISE, Some(json!({"department": "D"}))),
        ] {
            assert_eq!(made.get(name), shown.as_ref(), "{name}");
        }
        let path = format!("/Users/{}", made["id"].as_str().unwrap());
        let patch = json!({"Operations": [
            {"op": "add", "path": "shoeSize", "value": 45}, {"op": "add", "path": "urn:example:hr:1.0:badge", "value": 8},
        ]});
        let patched = client.patch(&path, &patch).await.json();
        assert_eq!((patched.get("shoeSize"), &patched["URN:example:hr:1.0"]["badge"]), (None, &json!(8)));
        let group = client.post("/Groups", &json!({"displayName": "g", "color": "red", "urn:example:hr:1.0": {"badge": 7}})).await.json();
        assert_eq!((group.get("color"), &group["urn:example:hr:1.0"]), (None, &json!({"badge": 7})));
        assert_eq!(group["schemas"][1], "urn:example:hr:1.0");
    }

    async fn a_password_is_taken_and_kept_nowhere(store) {
        let client = Client::new(&store).await;
        let made = client.post("/Users", &json!({"userName": "a", "password": "hunter2", "PASSWORD2": "hunter2"})).await;
        assert_eq!(made.status, 201);
        let path = format!("/Users/{}", made.json()["id"].as_str().unwrap());
        let version = made.header("etag").to_owned();
        for answer in [
            client.put(&path, &json!({"userName": "a", "password": "hunter2"})).await,
            client.patch(&path, &json!({"Operations": [{"op": "replace", "path": "password", "value": "hunter2"}]})).await,
            client.patch(&path, &json!({"Operations": [{"op": "replace", "value": {"password": "hunter2"}}]})).await,
            client.get(&format!("{path}?attributes=password")).await,
        ] {
            assert_eq!((answer.status, answer.header("etag")), (200, version.as_str()));
            assert!(!answer.text.contains("hunter2") && answer.json().get("password").is_none());
        }
        let kept = store.texts("SELECT resource || folded || COALESCE(password_hash, '') FROM users UNION ALL SELECT after FROM audit").await;
        assert!(!kept.concat().contains("hunter2"));
    }

    async fn the_groups_of_a_user_are_shown_and_never_written_by_him(store) {
        let client = Client::new(&store).await;
        let id = client.user("a@example.test").await;
        let (own, other) = (client.group("own", &[&id]).await, client.group("other", &[]).await);
        let path = format!("/Users/{id}");
        let groups = json!([{"value": other}]);
        client.put(&path, &json!({"userName": "a@example.test", "groups": groups})).await;
        for patch in [
            json!({"op": "replace", "path": "groups", "value": groups}), json!({"op": "remove", "path": "groups"}),
            json!({"op": "add", "value": {"groups": groups}}), json!({"op": "remove", "path": format!("groups[value eq \"{own}\"]")}),
        ] {
            let answer = client.patch(&path, &json!({"Operations": [patch]})).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        let shown = client.get(&path).await.json();
        assert_eq!(shown["groups"].as_array().unwrap().len(), 1);
        assert_eq!(shown["groups"][0]["value"], own.as_str());
    }

    async fn a_member_is_shown_as_written_and_his_name_on_request(store) {
        let client = Client::new(&store).await;
        let id = client.user("a@example.test").await;
        let group = client.group("g", &[&id]).await;
        let url = format!("{}/scim/v2/Users/{id}", super::client::PUBLIC_URL);
        let plain = json!([{"value": id, "$ref": url, "type": "User"}]);
        let path = format!("/Groups/{group}");
        assert_eq!(client.get(&path).await.json()["members"], plain);
        assert_eq!(client.get(&format!("{path}?attributes=members")).await.json()["members"], plain);
        let named = client.get(&format!("{path}?attributes=members.value,members.display")).await.json();
        assert_eq!(named["members"], json!([{"value": id, "display": "Mira Okafor"}]));
        let schema = client.get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group").await.json();
        let members = schema["attributes"].as_array().unwrap().iter().find(|attribute| attribute["name"] == "members");
        let display = members.unwrap()["subAttributes"].as_array().unwrap().iter().find(|sub| sub["name"] == "display").unwrap();
        assert_eq!((&display["returned"], &display["mutability"]), (&json!("request"), &json!("readOnly")));
    }
}
