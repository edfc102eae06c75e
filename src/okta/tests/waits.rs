//! Waiting: the rate limit, our share of it, backoff, patience and the circuit. No test waits for real.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::script::{Reply, START, Script};
use crate::model::id::OktaGroupId;
use crate::model::time::{Clock as _, Timestamp};
use crate::okta::{Error, Patience, Read, Settings, Share};

const GROUP: &str = r#"{"id":"00g1","type":"OKTA_GROUP","profile":{"name":"Ops"}}"#;

fn group() -> OktaGroupId {
    OktaGroupId::parse("00g1").unwrap()
}

fn why<T: std::fmt::Debug>(read: Read<T>) -> Error {
    match read {
        Read::Unknown { why } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_429_waits_until_reset_by_okta_s_clock_and_a_second() {
    // Okta's clock is 100 s ahead of ours; the bucket is full again 23 s after its Date.
    let date = "Mon, 23 Nov 2026 10:01:40 GMT";
    let script = Script::start(move |heard| match heard.number {
        0 => Reply::error(429, "E0000047")
            .rate(500, 0, START + 100 + 23)
            .with("date", date),
        _ => Reply::ok(GROUP),
    })
    .await;
    assert!(script.client().group(&group()).await.known().is_some());
    assert_eq!(script.waits(), [24_000]);
}

#[tokio::test]
async fn a_concurrency_429_backs_off_whatever_its_reset_says() {
    let script = Script::start(|heard| match heard.number {
        0 | 1 => Reply::error(429, "E0000047").rate(0, 0, START + 3_000),
        _ => Reply::ok(GROUP),
    })
    .await;
    let client = script.client();
    assert!(client.group(&group()).await.known().is_some());
    let waits = script.waits();
    assert!(
        waits.len() == 2 && waits[0] <= 1_000 && waits[1] <= 2_000,
        "{waits:?}"
    );
    assert!(
        client.status().buckets.is_empty(),
        "it says nothing of the bucket"
    );
}

#[tokio::test]
async fn our_share_is_kept_and_the_rest_left_for_others() {
    // A bucket of 10 a minute, of which others use nothing: with a share of 0.3, three are ours.
    let left = AtomicU32::new(10);
    let script = Script::start(move |_| {
        let left = left.fetch_sub(1, Ordering::SeqCst) - 1;
        Reply::ok(GROUP).rate(10, left, START + 60)
    })
    .await;
    let client = script.client_with(Settings {
        share: Share::new(0.3).unwrap(),
        ..script.settings()
    });
    for _ in 0..3 {
        assert!(client.group(&group()).await.known().is_some());
    }
    assert_eq!(script.waits(), [] as [i64; 0]);
    let room = client.status().buckets;
    assert_eq!(
        (room[0].name, room[0].limit, room[0].remaining),
        ("groups/{id}", 10, 7)
    );
    assert_eq!(
        room[0].resets_at,
        Timestamp::from_millis((START + 60) * 1000)
    );

    let impatient = client.with_patience(Patience {
        rate_waits: 0,
        ..Patience::default()
    });
    let error = why(impatient.group(&group()).await);
    assert_eq!(script.heard().len(), 3, "the fourth is not even sent");
    assert!(
        matches!(error, Error::RateLimited { until: at, .. } if at.as_millis() == (START + 61) * 1000),
        "{error}"
    );

    assert!(client.group(&group()).await.known().is_some());
    assert_eq!(script.waits(), [61_000]);
    assert_eq!(script.clock.now().as_millis(), (START + 61) * 1000);
    assert_eq!(client.status().waiting_until, Some(script.clock.now()));
}

#[tokio::test]
async fn never_more_requests_in_flight_than_allowed() {
    let script = Script::start(|_| Reply::ok(GROUP)).await;
    let client = script.client_with(Settings {
        max_concurrent: 2,
        ..script.settings()
    });
    let calls = (0..20).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.group(&group()).await.known().is_some() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert!(call.await.unwrap());
    }
    assert_eq!(script.most_in_flight(), 2);
}

#[tokio::test]
async fn a_5xx_is_tried_again_with_growing_jitter_and_then_unavailable() {
    let script = Script::start(|_| Reply::error(503, "E0000010")).await;
    let client = script.client();
    let error = why(client.group(&group()).await);
    assert!(
        matches!(&error, Error::Unavailable { why, .. } if why.contains("503 E0000010")),
        "{error}"
    );
    assert!(error.is_transient());
    let waits = script.waits();
    assert_eq!((script.heard().len(), waits.len()), (5, 4));
    for (wait, ceiling) in waits.iter().zip([1_000, 2_000, 4_000, 8_000]) {
        assert!(*wait <= ceiling, "{waits:?}");
    }
    let status = client.status();
    assert_eq!((status.consecutive_failures, status.last_answer), (5, None));
    assert_eq!(status.last_failure.unwrap().error, error);
}

#[tokio::test]
async fn a_deadline_ends_the_waiting() {
    let script = Script::start(|_| Reply::error(429, "E0000047").rate(500, 0, START + 60)).await;
    let until = Some(Timestamp::from_millis((START + 30) * 1000));
    let client = script.client().with_patience(Patience {
        until,
        ..Patience::default()
    });
    assert!(matches!(
        why(client.group(&group()).await),
        Error::RateLimited { .. }
    ));
    assert_eq!(script.waits(), [] as [i64; 0]);
}

#[tokio::test]
async fn when_okta_is_down_calls_stop_trying_repeatedly_until_it_answers() {
    let script = Script::start(|heard| {
        if heard.number < 12 {
            Reply::error(502, "")
        } else {
            Reply::ok(GROUP)
        }
    })
    .await;
    let client = script.client();
    why(client.group(&group()).await);
    why(client.group(&group()).await);
    assert_eq!(script.heard().len(), 10);
    assert!(client.status().is_open());
    why(client.group(&group()).await);
    assert_eq!(script.heard().len(), 11, "one attempt and no more");
    why(client.group(&group()).await);
    assert!(client.group(&group()).await.known().is_some());
    let status = client.status();
    assert_eq!((status.consecutive_failures, status.is_open()), (0, false));
    assert_eq!(status.last_answer.unwrap().at, script.clock.now());
}

#[tokio::test]
async fn a_timeout_is_unavailable_and_says_so() {
    let script = Script::start(|_| Reply::never()).await;
    let client = script.client_with(Settings {
        timeout: Duration::from_millis(100),
        ..script.settings()
    });
    let error = why(client.with_patience(Patience::once()).group(&group()).await);
    assert!(
        matches!(&error, Error::Unavailable { why, .. } if why.contains("timed out")),
        "{error}"
    );
    assert!(!error.to_string().contains("http://"), "{error}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_tried_again() {
    let script = Script::start(|heard| {
        if heard.number == 0 {
            Reply::ok(GROUP).broken_off()
        } else {
            Reply::ok(GROUP)
        }
    })
    .await;
    assert!(script.client().group(&group()).await.known().is_some());
    assert_eq!(script.heard().len(), 2);
}

#[tokio::test]
async fn no_connection_is_unavailable() {
    let script = Script::start(|_| Reply::ok("")).await;
    let org_url = crate::okta::OrgUrl::parse("http://127.0.0.1:9").unwrap();
    let client = script
        .client_with(Settings {
            org_url,
            ..script.settings()
        })
        .with_patience(Patience::once());
    let error = why(client.group(&group()).await);
    assert!(
        matches!(&error, Error::Unavailable { why, .. } if why.contains("no connection")),
        "{error}"
    );
}
