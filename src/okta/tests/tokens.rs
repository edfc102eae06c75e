//! Access tokens of service apps: fetched once, renewed in time, refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::script::{Reply, START, Script, http_date};
use super::tools::{GROUP, app, assertion, bearer, client, ec_key, group, is_token, open};
use crate::model::time::Timestamp;
use crate::okta::{Algorithm, DpopMode, Error, Read};

#[tokio::test]
async fn a_token_is_fetched_once_for_all_and_renewed_before_it_expires() {
    let script = Script::start(|heard| {
        if is_token(heard) {
            bearer(heard.number)
        } else {
            Reply::ok(GROUP)
        }
    })
    .await;
    let client = client(&script, app(ec_key().1, Algorithm::Es256, DpopMode::Off));
    let calls = (0..8).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.group(&group()).await.known().is_some() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert!(call.await.unwrap());
    }
    let tokens = || {
        script
            .heard()
            .iter()
            .filter(|heard| is_token(heard))
            .count()
    };
    assert_eq!(tokens(), 1);
    script.clock.advance(54 * 60_000);
    client.group(&group()).await;
    assert_eq!(tokens(), 1);
    script.clock.advance(2 * 60_000);
    client.group(&group()).await;
    assert_eq!(tokens(), 2, "five minutes before its hour is over");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let script = Script::start(|heard| match heard.header("authorization") {
        "" => bearer(heard.number),
        "Bearer tokSecret0" => Reply::error(401, "E0000011"),
        _ => Reply::ok(GROUP),
    })
    .await;
    let client_ = client(&script, app(ec_key().1, Algorithm::Es256, DpopMode::Off));
    assert!(client_.group(&group()).await.known().is_some());
    assert_eq!(
        script
            .targets()
            .iter()
            .filter(|target| target.contains("oauth2"))
            .count(),
        2
    );

    let script = Script::start(|heard| {
        if is_token(heard) {
            bearer(0)
        } else {
            Reply::error(401, "E0000011")
        }
    })
    .await;
    let client_ = client(&script, app(ec_key().1, Algorithm::Es256, DpopMode::Off));
    assert!(matches!(
        client_.group(&group()).await,
        Read::Unknown {
            why: Error::Unauthorized { .. }
        }
    ));
    assert_eq!(script.heard().len(), 4, "token, call, token, call");
    assert!(!format!("{:?}", client_.status()).contains("tokSecret"));
}

#[tokio::test]
async fn a_clock_that_is_off_is_answered_with_okta_s_time() {
    let okta_now = START + 7_200;
    let refusals = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&refusals);
    let script = Script::start(move |heard| {
        let date = http_date(Timestamp::from_millis(okta_now * 1000));
        if !is_token(heard) {
            return Reply::ok(GROUP).with("date", date);
        }
        if open(&assertion(heard)).1["exp"].as_i64().unwrap() > okta_now {
            return bearer(0).with("date", date);
        }
        counted.fetch_add(1, Ordering::SeqCst);
        Reply::new(401, r#"{"error":"invalid_client","error_description":"The client_assertion token is expired."}"#).with("date", date)
    })
    .await;
    let client = client(&script, app(ec_key().1, Algorithm::Es256, DpopMode::Off));
    assert!(client.group(&group()).await.known().is_some());
    assert_eq!(refusals.load(Ordering::SeqCst), 1);
    assert_eq!(client.status().clock_skew_ms, Some(7_200_000));
}

#[tokio::test]
async fn a_refused_client_is_told_what_to_check_and_not_tried_again() {
    let script = Script::start(|_| {
        Reply::new(401, r#"{"error":"invalid_client","error_description":"A client_id must be provided\nin the request."}"#)
    })
    .await;
    let client = client(&script, app(ec_key().1, Algorithm::Es256, DpopMode::Off));
    let Read::Unknown { why } = client.group(&group()).await else {
        panic!("unknown")
    };
    assert_eq!(script.heard().len(), 1);
    let text = why.to_string();
    assert!(
        text.contains("invalid_client") && text.contains("check client_id") && !text.contains('\n'),
        "{text}"
    );
    assert_eq!(client.status().last_failure.unwrap().error, why);
}

#[tokio::test]
async fn a_token_endpoint_that_is_busy_is_waited_for() {
    let script = Script::start(|heard| match (is_token(heard), heard.number) {
        (true, 0) => Reply::error(429, "E0000047").rate(10, 0, START + 9),
        (true, 1) => Reply::error(503, ""),
        (true, _) => bearer(0),
        _ => Reply::ok(GROUP),
    })
    .await;
    let client = client(&script, app(ec_key().1, Algorithm::Es256, DpopMode::Off));
    assert!(client.group(&group()).await.known().is_some());
    assert_eq!(script.waits()[0], 10_000);
    assert_eq!(script.heard().len(), 4);
}
