//! Okta's SCIM 2.0 SPEC test: its 12 requests with their assertions, over HTTP.

use std::time::{Duration, Instant};

use rosterd::service::teams;
use rosterd::sim::org::Profile;
use rosterd::sim::scim_client::ScimHabits;
use rosterd::sim::{Sim, SimConfig};
use serde_json::{Value, json};

use crate::scim_http::Answer;
use crate::support::daemon::{Daemon, admin};
use crate::support::stores::on_each_store;

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

fn names(body: &Value, urn: &str) -> bool {
    body["schemas"]
        .as_array()
        .unwrap()
        .iter()
        .any(|schema| schema == urn)
}

fn filled(value: &Value) -> bool {
    !value.is_null() && value != &json!("") && value != &json!(false) && value != &json!([])
}

fn whole_user(user: &Value) {
    for value in [
        &user["id"],
        &user["name"]["familyName"],
        &user["name"]["givenName"],
        &user["userName"],
        &user["active"],
        &user["emails"][0]["value"],
    ] {
        assert!(filled(value), "{user}");
    }
}

/// The headers of the suite: also a Content-Type on GET, and the whole Authorization value as configured. The spaces and
/// quotes of a filter are raw in the suite; its HTTP library, as this one, encodes them.
async fn get(daemon: &Daemon, path: &str, authorization: &str) -> Answer {
    let headers = [
        ("accept", "application/scim+json"),
        ("accept-charset", "utf-8"),
        ("content-type", "application/scim+json; charset=utf-8"),
        ("user-agent", "OKTA SCIM Integration"),
        ("authorization", authorization),
    ];
    daemon
        .send("GET", &format!("/scim/v2{path}"), &headers, None)
        .await
}

on_each_store! {
    async fn b1_the_twelve_requests_of_the_spec_test(store) {
        let daemon = Daemon::alone(store).await;
        let auth = format!("Bearer {}", daemon.token);
        let first = json!({
            "userName": "first.user@example.test", "name": {"givenName": "First", "familyName": "User"},
            "emails": [{"value": "first.user@example.test", "primary": true, "type": "work"}], "active": true,
        });
        assert_eq!(daemon.scim("POST", "/Users", Some(&first)).await.status, 201);

        // 1: Required Test: Test Users endpoint
        let list = get(&daemon, "/Users?count=1&startIndex=1", &auth).await;
        assert_eq!(list.status, 200);
        let body = list.json();
        assert!(filled(&body["Resources"]) && names(&body, LIST));
        assert!(["itemsPerPage", "startIndex", "totalResults"].iter().all(|name| body[name].is_u64()));
        whole_user(&body["Resources"][0]);
        let known = body["Resources"][0]["id"].as_str().unwrap().to_owned();

        // 3: get Users/{{id}}
        let one = get(&daemon, &format!("/Users/{known}"), &auth).await;
        assert_eq!(one.status, 200);
        whole_user(&one.json());
        assert_eq!(one.json()["id"], known.as_str());

        // 5: invalid user by userName
        let path = "/Users?filter=userName eq \"abcdefgh@atko.com\"";
        let none = get(&daemon, path, &auth).await;
        assert_eq!((none.status, &none.json()["totalResults"]), (200, &json!(0)));
        assert!(names(&none.json(), LIST));

        // 7: invalid user by id
        let gone = get(&daemon, "/Users/010110001110101010101010101010", &auth).await;
        assert_eq!(gone.status, 404);
        assert!(filled(&gone.json()["detail"]) && names(&gone.json(), ERROR));

        // 9: the random user does not exist
        let name = "Runscope123Kqwertyui987@atko.com";
        let path = format!("/Users?filter=userName eq \"{name}\"");
        let absent = get(&daemon, &path, &auth).await;
        assert_eq!((absent.status, &absent.json()["totalResults"]), (200, &json!(0)));
        assert!(names(&absent.json(), LIST));

        // 11: create it
        let body = json!({
            "schemas": [USER], "userName": name, "active": true, "displayName": "Runscope123 Kqwertyui987",
            "name": {"givenName": "Runscope123", "familyName": "Kqwertyui987"},
            "emails": [{"primary": true, "value": name, "type": "work"}],
        });
        let headers = [
            ("accept", "application/scim+json; charset=utf-8"),
            ("accept-charset", "utf-8"),
            ("content-type", "application/json"),
            ("user-agent", "OKTA SCIM Integration"),
            ("authorization", auth.as_str()),
        ];
        let made = daemon.send("POST", "/scim/v2/Users", &headers, Some(&body)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json();
        assert_eq!(made["active"], true);
        assert!(filled(&made["id"]) && names(&made, USER));
        assert_eq!((&made["userName"], &made["name"]), (&body["userName"], &body["name"]));
        let id = made["id"].as_str().unwrap();

        // 13: read it back
        let back = get(&daemon, &format!("/Users/{id}"), &auth).await;
        assert_eq!((back.status, &back.json()["userName"], &back.json()["name"]), (200, &body["userName"], &body["name"]));

        // 15: expect failure when creating it again
        let twice = daemon.send("POST", "/scim/v2/Users", &headers, Some(&body)).await;
        assert_eq!(twice.status, 409);

        // 17: username case sensitivity check
        let path = format!("/Users?filter=userName eq \"{}\"", name.to_uppercase());
        let caps = get(&daemon, &path, &auth).await;
        assert_eq!((caps.status, &caps.json()["Resources"][0]["userName"]), (200, &body["userName"]));

        // 19: Groups endpoint
        let asked = Instant::now();
        let mut groups = get(&daemon, "/Groups", &auth).await;
        let mut took = asked.elapsed();
        for _ in 0..2 {
            // The suite's 600 ms are Okta's patience, not this machine's: other tests run beside this one.
            let asked = Instant::now();
            groups = get(&daemon, "/Groups", &auth).await;
            took = took.min(asked.elapsed());
        }
        assert!(took < Duration::from_millis(600), "{took:?}");
        assert_eq!((groups.status, &groups.json()["totalResults"]), (200, &json!(0)));

        // 21: 401 with a wrong header
        let denied = get(&daemon, &path, "non-token").await;
        assert_eq!((denied.status, &denied.json()["status"]), (401, &json!("401")));
        assert!(filled(&denied.json()["detail"]) && names(&denied.json(), ERROR));

        // 23: 404
        let gone = get(&daemon, "/Users/00919288221112222", &auth).await;
        assert_eq!((gone.status, &gone.json()["status"]), (404, &json!("404")));
        assert!(filled(&gone.json()["detail"]) && names(&gone.json(), ERROR));
    }

    async fn b1_the_first_listed_user_is_one_okta_made_and_whole(store) {
        // The trap is a bootstrap admin without names or e-mail. One made on the host is no business of SCIM's, and
        // somebody whom only the poll made is not, until Okta's client has made him too.
        let sim = Sim::start(SimConfig::default()).await.unwrap();
        let polled = {
            let mut org = sim.org();
            let polled = org.create_user(Profile::new("polled@example.test", "Polled", "Person"), true).unwrap();
            org.assign_user(polled).unwrap();
            polled
        };
        let daemon = Daemon::beside(store, &sim).await;
        teams::create_admin(&daemon.service, &admin(), "root@example.test", "Root").await.unwrap();
        assert_eq!(daemon.store.number("SELECT COUNT(*) FROM users").await, 2);
        let first = "/Users?count=1&startIndex=1";
        let none = get(&daemon, first, &daemon.token).await;
        assert_eq!((none.status, &none.json()["totalResults"]), (200, &json!(0)));
        daemon.connect(&sim, ScimHabits::default());
        sim.settle().await;
        assert_eq!(daemon.store.number("SELECT COUNT(*) FROM users").await, 2, "he is adopted");
        // Okta's header template sends the value as it is.
        for auth in [format!("Bearer {}", daemon.token), daemon.token.clone()] {
            let list = get(&daemon, first, &auth).await;
            assert_eq!((list.status, &list.json()["totalResults"]), (200, &json!(1)));
            let first = &list.json()["Resources"][0];
            whole_user(first);
            assert_eq!((&first["userName"], &first["externalId"]), (&json!("polled@example.test"), &json!(polled)));
            let one = get(&daemon, &format!("/Users/{}", first["id"].as_str().unwrap()), &auth).await;
            whole_user(&one.json());
        }
        // 19, with a group: Resources is an array of it.
        assert_eq!(daemon.scim("POST", "/Groups", Some(&json!({"displayName": "G"}))).await.status, 201);
        let groups = get(&daemon, "/Groups", &daemon.token).await.json();
        assert_eq!((&groups["totalResults"], groups["Resources"].as_array().unwrap().len()), (&json!(1), 1));
    }
}
