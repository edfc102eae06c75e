//! Event hooks: verification, delivery, retries, and weather.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::{call, clock, org};
use crate::sim::lock;
use crate::sim::org::Profile;
use crate::sim::weather::Fate;

type Heard = Arc<Mutex<(Vec<(HeaderMap, Value)>, Vec<u16>)>>;

/// A receiver that answers challenges, and events with the scripted statuses, then 204.
async fn receiver() -> (String, Heard) {
    let heard = Heard::default();
    let kept = heard.clone();
    let answer = move |method: Method, headers: HeaderMap, body: Bytes| {
        let kept = kept.clone();
        async move {
            if method == Method::GET {
                let challenge = headers["x-okta-verification-challenge"]
                    .to_str()
                    .unwrap()
                    .to_owned();
                return axum::Json(json!({"verification": challenge})).into_response();
            }
            let mut kept = lock(&kept);
            kept.0
                .push((headers, serde_json::from_slice(&body).unwrap()));
            let status = if kept.1.is_empty() {
                204
            } else {
                kept.1.remove(0)
            };
            let answer: Response = StatusCode::from_u16(status).unwrap().into_response();
            answer
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/okta/events", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/okta/events", any(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (uri, heard)
}

#[tokio::test]
async fn a_hook_is_verified_hears_its_events_and_is_retried_once() {
    let sim = org(&clock()).await;
    let (uri, heard) = receiver().await;
    let scheme = json!({"type": "HEADER", "key": "Authorization", "value": "shh"});
    let registration = json!({"name": "rosterd",
        "events": {"type": "EVENT_TYPE", "items": ["group.user_membership.add", "user.lifecycle.delete.completed"]},
        "channel": {"type": "HTTP", "version": "1.0.0", "config": {"uri": uri, "authScheme": scheme}}});
    let created = call(&sim, Method::POST, "/api/v1/eventHooks", Some(registration)).await;
    let id = created.body["id"].as_str().unwrap().to_owned();
    assert!(
        !created.body.to_string().contains("shh"),
        "the secret is not shown"
    );

    let join = |login: &str| {
        let mut org = sim.org();
        let user = org
            .create_user(Profile::new(login, "A", "B"), true)
            .unwrap();
        let group = org.create_group(login, "");
        org.add_member(group, user).unwrap();
        (user, group)
    };
    join("unheard@x.test");
    assert_eq!(sim.deliver_events().await, [], "not verified yet");
    let verified = call(
        &sim,
        Method::POST,
        &format!("/api/v1/eventHooks/{id}/lifecycle/verify"),
        None,
    )
    .await;
    assert_eq!(verified.body["verificationStatus"], "VERIFIED");

    let (user, group) = join("a@x.test");
    lock(&heard).1 = vec![500];
    let delivered = sim.deliver_events().await;
    assert_eq!(delivered.len(), 1, "only the types it asked for");
    assert_eq!(delivered[0].answers, [Some(500), Some(204)]);
    let (headers, body) = lock(&heard).0.pop().unwrap();
    assert_eq!(headers["authorization"], "shh");
    assert_eq!(body["eventType"], "com.okta.event_hook");
    let event = &body["data"]["events"][0];
    assert_eq!(event["uuid"], delivered[0].uuid);
    let target = |kind: &str| {
        let targets = event["target"].as_array().unwrap();
        targets
            .iter()
            .find(|target| target["type"] == kind)
            .unwrap()["id"]
            .clone()
    };
    assert_eq!(
        (target("User"), target("UserGroup")),
        (json!(user), json!(group))
    );

    lock(&heard).1 = vec![400];
    join("b@x.test");
    assert_eq!(
        sim.deliver_events().await[0].answers,
        [Some(400)],
        "a 4xx is never retried"
    );
    lock(&heard).1 = vec![500, 502];
    join("c@x.test");
    assert_eq!(
        sim.deliver_events().await[0].answers,
        [Some(500), Some(502)]
    );
    assert_eq!(sim.deliver_events().await, [], "then it is lost");

    sim.org().deactivate(user).unwrap();
    sim.org().delete_user(user).unwrap();
    assert_eq!(
        sim.deliver_events().await,
        [],
        "delete.completed is not hook-eligible"
    );
}

#[tokio::test]
async fn events_are_lost_late_and_doubled() {
    let clock = clock();
    let sim = org(&clock).await;
    let (uri, _heard) = receiver().await;
    let registration = json!({"name": "r", "events": {"type": "EVENT_TYPE", "items": ["group.lifecycle.create"]},
        "channel": {"config": {"uri": uri}}});
    let created = call(&sim, Method::POST, "/api/v1/eventHooks", Some(registration)).await;
    let id = created.body["id"].as_str().unwrap().to_owned();
    call(
        &sim,
        Method::POST,
        &format!("/api/v1/eventHooks/{id}/lifecycle/verify"),
        None,
    )
    .await;
    for fate in [Fate::Lost, Fate::Late(1000), Fate::Twice] {
        sim.hooks().weather.next(fate);
    }
    for name in ["lost", "late", "twice"] {
        sim.org().create_group(name, "");
    }
    let delivered = sim.deliver_events().await;
    assert_eq!(delivered.len(), 2);
    assert_eq!(
        delivered[0].uuid, delivered[1].uuid,
        "the same event, to be de-duplicated"
    );
    assert_eq!(sim.hooks().waiting(), 1);
    clock.advance(1000);
    assert_eq!(sim.deliver_events().await.len(), 1);
}

#[tokio::test]
async fn several_events_may_come_in_one_delivery() {
    let sim = org(&clock()).await;
    let (uri, heard) = receiver().await;
    assert!(sim.register_hook(&uri, "shh").await);
    sim.hooks().set_batch(3);
    for name in ["a", "b", "c", "d"] {
        sim.org().create_group(name, "");
    }
    lock(&heard).1 = vec![500];
    let delivered = sim.deliver_events().await;
    let answers: Vec<_> = delivered.iter().map(|one| one.answers.clone()).collect();
    let (twice, once) = (vec![Some(500), Some(204)], vec![Some(204)]);
    assert_eq!(answers, [twice.clone(), twice.clone(), twice, once]);
    let bodies = std::mem::take(&mut lock(&heard).0);
    let counts: Vec<usize> = bodies
        .iter()
        .map(|(_, body)| body["data"]["events"].as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [3, 3, 1], "the first was sent again as a whole");
    assert_eq!(
        bodies[0].1["eventId"],
        bodies[0].1["data"]["events"][0]["uuid"]
    );
}
