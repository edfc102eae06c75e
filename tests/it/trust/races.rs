//! Many at once, and one name in many spellings: defects 6 and 25.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::scim_http::Answer;
use crate::support::daemon::Daemon;
use crate::support::stores::on_each_store;

/// How many at once.
const MANY: usize = 64;

/// Sends these creates at the same moment, each on a connection of its own.
async fn at_once(
    daemon: &Arc<Daemon>,
    path: &'static str,
    bodies: impl Iterator<Item = Value>,
) -> Vec<Answer> {
    let mut calls = JoinSet::new();
    let start = Arc::new(tokio::sync::Barrier::new(MANY));
    for body in bodies {
        let (daemon, start) = (Arc::clone(daemon), Arc::clone(&start));
        calls.spawn(async move {
            start.wait().await;
            daemon.scim("POST", path, Some(&body)).await
        });
    }
    calls.join_all().await
}

#[track_caller]
fn one_won(answers: &[Answer]) {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert_eq!(statuses[1..], [409; MANY - 1]);
    for refused in answers.iter().filter(|answer| answer.status == 409) {
        assert_eq!(refused.json()["scimType"], "uniqueness");
    }
}

on_each_store! {
    async fn trust_6_of_64_creates_of_one_user_name_exactly_one_is_201(store) {
        let daemon = Arc::new(Daemon::alone(store).await);
        let spellings = ["same@example.test", "Same@Example.TEST", " same@example.test", "\u{ff53}ame@example.test "];
        let bodies = (0..MANY).map(|number| json!({"userName": spellings[number % 4], "title": number.to_string()}));
        one_won(&at_once(&daemon, "/Users", bodies).await);
        assert_eq!(daemon.store.number("SELECT COUNT(*) FROM users").await, 1);
        assert_eq!(daemon.store.number("SELECT COUNT(*) FROM audit WHERE action = 'user.created'").await, 1);
    }

    async fn trust_6_of_64_creates_of_one_okta_account_exactly_one_is_201(store) {
        let daemon = Arc::new(Daemon::alone(store).await);
        let bodies = (0..MANY).map(|number| json!({"userName": format!("u{number}@x"), "externalId": "00uq3v9m2LxExample69"}));
        one_won(&at_once(&daemon, "/Users", bodies).await);
        assert_eq!(daemon.store.number("SELECT COUNT(*) FROM users").await, 1);
    }

    async fn trust_6_of_64_creates_of_one_group_exactly_one_is_201(store) {
        let daemon = Arc::new(Daemon::alone(store).await);
        let bodies = (0..MANY).map(|number| json!({"displayName": if number % 2 == 0 { "Admins" } else { "ADMINS" }}));
        one_won(&at_once(&daemon, "/Groups", bodies).await);
        assert_eq!(daemon.store.number("SELECT COUNT(*) FROM idp_groups").await, 1);
    }

    async fn trust_25_one_name_in_many_spellings_is_one_user_to_every_verb(store) {
        let daemon = Daemon::alone(store).await;
        let made = daemon.scim("POST", "/Users", Some(&json!({"userName": "A@x"}))).await;
        assert_eq!((made.status, &made.json()["userName"]), (201, &json!("A@x")));
        let other = super::user(&daemon, "other@x").await;
        let spellings = ["A@x", "a@x", "a@X", "a@x ", " A@x", "\t a@x", "\u{ff21}\u{ff20}\u{ff58}", "\u{3000}a@x", "ａ@x"];
        for name in spellings {
            let refused = daemon.scim("POST", "/Users", Some(&json!({"userName": name}))).await;
            assert_eq!(refused.is_error(409)["scimType"], "uniqueness", "{name:?}");
            let renamed = daemon.scim("PUT", &format!("/Users/{other}"), Some(&json!({"userName": name}))).await;
            assert_eq!(renamed.is_error(409)["scimType"], "uniqueness", "{name:?}");
            let patched = super::patch(&daemon, &format!("/Users/{other}"), json!([{"op": "replace", "path": "userName", "value": name}])).await;
            assert_eq!(patched.is_error(409)["scimType"], "uniqueness", "{name:?}");
            let filter = format!("userName eq {}", json!(name));
            let filter = percent_encoding::utf8_percent_encode(&filter, percent_encoding::NON_ALPHANUMERIC);
            let found = daemon.get(&format!("/Users?filter={filter}")).await;
            assert_eq!((&found["totalResults"], &found["Resources"][0]["userName"]), (&json!(1), &json!("A@x")), "{name:?}");
        }
        // A dotless i is another letter than i, in every locale; the dotted capital folds to i and a dot above.
        for name in ["I@x", "ı@x", "İ@x"] {
            let made = daemon.scim("POST", "/Users", Some(&json!({"userName": name}))).await;
            assert_eq!(made.status, 201, "{name}: {}", made.text);
            assert_eq!(daemon.look_up(name).await.len(), 1, "{name}");
        }
        daemon.scim("POST", "/Users", Some(&json!({"userName": "i@x"}))).await.is_error(409);
        // A cut at U+0000 would make another name of it.
        daemon.scim("POST", "/Users", Some(&json!({"userName": "a@x\u{0}b"}))).await.is_error(400);
        assert_eq!(daemon.store.number("SELECT COUNT(*) FROM users").await, 5);
    }
}
