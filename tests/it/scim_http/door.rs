//! Who gets in: defects 2–6 and 16 that others shipped.

use axum::body::Body;
use base64::Engine as _;
use http::Request;
use http::header::{AUTHORIZATION, HeaderValue};
use rosterd::model::time::Timestamp;
use rosterd::service::tokens::{self, Scope};
use secrecy::ExposeSecret as _;

use super::client::{Client, host, issue};
use crate::support::stores::on_each_store;

const ROUTES: &[(&str, &str)] = &[
    ("GET", "/Users"),
    ("POST", "/Users"),
    ("GET", "/Users/1"),
    ("PUT", "/Users/1"),
    ("PATCH", "/Users/1"),
    ("DELETE", "/Users/1"),
    ("GET", "/Groups"),
    ("POST", "/Groups"),
    ("GET", "/Groups/1"),
    ("PUT", "/Groups/1"),
    ("PATCH", "/Groups/1"),
    ("DELETE", "/Groups/1"),
    ("POST", "/.search"),
    ("POST", "/Users/.search"),
    ("POST", "/Groups/.search"),
    ("POST", "/Bulk"),
    ("GET", "/Me"),
    ("GET", "/ResourceTypes"),
    ("GET", "/ResourceTypes/User"),
    ("GET", "/Schemas"),
    ("GET", "/Schemas/x"),
    ("GET", "/nothing"),
    ("GET", ""),
    ("GET", "/"),
    ("POST", "/ServiceProviderConfig"),
    ("HEAD", "/Users"),
    ("OPTIONS", "/Users"),
    ("TRACE", "/Users"),
];

async fn with(client: &Client, method: &str, path: &str, authorization: &[&str]) -> super::Answer {
    let mut request = Request::builder().method(method).uri(path);
    for value in authorization {
        request = request.header(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
    }
    client.send(request.body(Body::empty()).unwrap()).await
}

on_each_store! {
    async fn trust_2_no_disguise_of_a_path_gets_past_the_door(store) {
        let client = Client::new(&store).await;
        client.user("secret@example.test").await;
        for (method, route) in ROUTES {
            let mut paths: Vec<String> = ["", "/", "//", ";x", "%2F", "%2f", "/.", "/..", "/%2e%2e/Users", "?x=1", "%00"]
                .iter()
                .map(|tail| format!("/scim/v2{route}{tail}"))
                .collect();
            paths.extend([
                format!("/scim/v2/{route}"), format!("/scim/v2/.{route}"), format!("/scim/v2/x/..{route}"),
                format!("/scim/v2/%2e{route}"), format!("/scim//v2{route}"), format!("//scim/v2{route}"),
                format!("/SCIM/V2{route}"), format!("/%73cim/v2{route}"), format!("/scim%2fv2{route}"),
                format!("/scim/v2{}", route.to_uppercase()), format!("/scim/v2{}", route.to_lowercase()),
                format!("/scim/v2{}", route.replace('U', "%55").replace('G', "%47").replace('s', "%73")),
                format!("/livez/..{route}"), format!("/scim/v2/ServiceProviderConfig/..{route}"),
                format!("/scim/v2/ServiceProviderConfig{route}"),
                format!("http://rosterd.example.test/scim/v2{route}"),
            ]);
            for path in paths {
                if path.trim_end_matches('/').ends_with("/scim/v2/ServiceProviderConfig") && *method == "GET" {
                    continue;
                }
                let answer = with(&client, method, &path, &[]).await;
                assert!(matches!(answer.status, 401 | 404), "{method} {path}: {}", answer.status);
                assert!(!answer.text.contains("secret@"));
            }
        }
    }

    async fn trust_3_every_route_asks_for_a_scim_token(store) {
        let client = Client::new(&store).await;
        for scope in [Scope::Status, Scope::Manage] {
            let other = issue(&client.service, scope).await;
            for (method, route) in ROUTES {
                let path = format!("/scim/v2{route}");
                for authorization in [&[][..], &[format!("Bearer {other}").as_str()]] {
                    let answer = with(&client, method, &path, authorization).await;
                    if *method != "HEAD" {
                        answer.is_error(401);
                    }
                    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"rosterd\"");
                }
            }
        }
    }

    async fn trust_4_a_fresh_store_without_a_token_answers_401_to_everything(store) {
        let client = Client::without_token(&store);
        let well_formed = tokens_elsewhere();
        for (method, route) in ROUTES {
            for authorization in [&[][..], &["Bearer "], &[format!("Bearer {well_formed}").as_str()]] {
                let answer = with(&client, method, &format!("/scim/v2{route}"), authorization).await;
                assert_eq!(answer.status, 401, "{method} {route}");
            }
        }
    }

    async fn trust_5_empty_doubled_and_half_credentials_are_401(store) {
        let client = Client::new(&store).await;
        let good = format!("Bearer {}", client.token);
        let basic = |text: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
        for authorization in [
            &["Bearer"][..], &["Bearer "], &[""], &["Basic"], &["Basic "], &["Basic Og=="], &[&basic("okta:")],
            &[&basic("okta")], &[&good, &good], &[&good, "Bearer x"], &["non-token"], &["Bearer null"],
            &["Bearer undefined"], &[&format!("Digest {}", client.token)], &[&format!("{good}x")],
            &[&good[..good.len() - 1]], &[&good.to_uppercase()],
        ] {
            with(&client, "GET", "/scim/v2/Users", authorization).await.is_error(401);
        }
        for authorization in [
            good.clone(), good.replace("Bearer", "bearer"), good.replace("Bearer", "BEARER"), client.token.clone(),
            basic(&format!("okta:{}", client.token)), basic(&format!(":{}", client.token)),
        ] {
            assert_eq!(with(&client, "GET", "/scim/v2/Users", &[&authorization]).await.status, 200);
        }
    }

    async fn trust_6_only_the_hash_of_a_token_is_kept_and_no_error_shows_sql_or_paths(store) {
        let client = Client::new(&store).await;
        let kept = store.texts("SELECT id || scope || name || hash || created_by FROM tokens").await.concat();
        assert!(!kept.contains(&client.token) && !kept.contains(&client.token[9..40]));
        let logged = store.texts("SELECT COALESCE(before, '') || COALESCE(after, '') || actor FROM audit").await.concat();
        assert!(logged.contains("\"scope\":\"scim\"") && !logged.contains(&client.token));
        for path in ["/Users?filter='", "/Users/'--", "/Users?startIndex=99999999999999999999", "/Groups/%27", "/x"] {
            let text = client.get(path).await.text.to_lowercase();
            for word in ["select", "sqlite", "postgres", "sqlx", "src/", ".rs"] {
                assert!(!text.contains(word), "{path}: {text}");
            }
        }
    }

    async fn trust_16_kinds_of_tokens_are_not_interchangeable(store) {
        let client = Client::new(&store).await;
        let status = issue(&client.service, Scope::Status).await;
        let manage = issue(&client.service, Scope::Manage).await;
        for (path, token, expected) in [
            ("/status", &client.token, 403), ("/status", &status, 200), ("/status", &manage, 200),
            ("/metrics", &client.token, 403), ("/metrics", &status, 200), ("/metrics", &manage, 200),
            ("/api/v1/scim-requests", &client.token, 403), ("/api/v1/scim-requests", &status, 403),
            ("/api/v1/scim-requests", &manage, 200),
            ("/scim/v2/Users", &status, 401), ("/scim/v2/Users", &manage, 401), ("/scim/v2/Users", &client.token, 200),
        ] {
            let answer = with(&client, "GET", path, &[&format!("Bearer {token}")]).await;
            assert_eq!(answer.status, expected, "{path}: {}", answer.text);
        }
        assert_eq!(with(&client, "GET", "/status", &[]).await.status, 401);
    }

    async fn a_revoked_token_is_refused_within_a_second_and_an_expired_one_too(store) {
        let client = Client::new(&store).await;
        let listed = tokens::list(&client.service).await.unwrap();
        assert_eq!(client.get("/Users").await.status, 200);
        tokens::revoke(&client.service, &host(), &listed[0].id).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        client.get("/Users").await.is_error(401);

        let end = Timestamp::from_millis(1_800_000_010_000);
        let short = tokens::issue(&client.service, &host(), Scope::Scim, "short", Some(end)).await.unwrap();
        let bearer = format!("Bearer {}", short.secret.expose_secret());
        assert_eq!(with(&client, "GET", "/scim/v2/Users", &[&bearer]).await.status, 200);
        store.clock.advance(20_000);
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        with(&client, "GET", "/scim/v2/Users", &[&bearer]).await.is_error(401);
    }

    async fn r16_the_first_use_of_a_scim_token_is_noted_before_it_is_answered(store) {
        let client = Client::new(&store).await;
        let used = "SELECT COUNT(*) FROM organization WHERE scim_used_at IS NOT NULL";
        let manage = issue(&client.service, Scope::Manage).await;
        with(&client, "GET", "/status", &[&format!("Bearer {manage}")]).await;
        assert_eq!(store.number(used).await, 0);
        client.get("/Users").await;
        assert_eq!(store.number(used).await, 1);
        assert_eq!(store.number("SELECT COUNT(*) FROM tokens WHERE scope = 'scim' AND last_used_at IS NOT NULL").await, 1);
    }

    async fn the_last_use_of_a_token_is_written_at_most_once_a_minute(store) {
        let client = Client::new(&store).await;
        // The doors of a daemon that was just started believe nothing yet and look the token up.
        let another = || Client { token: client.token.clone(), ..Client::without_token(&store) };
        let used = "SELECT MAX(last_used_at) FROM tokens";
        client.get("/Users").await;
        let first = store.number(used).await;
        store.clock.advance(59_000);
        let first_daemon = another();
        assert_eq!(first_daemon.get("/Users").await.status, 200);
        store.clock.advance(2_000);
        assert_eq!(another().get("/Users").await.status, 200);
        // Written beside the request.
        let began = std::time::Instant::now();
        while store.number(used).await == first {
            assert!(began.elapsed() < std::time::Duration::from_secs(30), "the use was never written");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(store.number(used).await, first + 61_000, "not at 59 s");
    }

    async fn the_service_provider_config_is_open_and_the_same_for_everybody(store) {
        let client = Client::new(&store).await;
        let path = "/scim/v2/ServiceProviderConfig";
        let stranger = with(&client, "GET", path, &[]).await;
        let known = with(&client, "GET", path, &[&format!("Bearer {}", client.token)]).await;
        assert_eq!((stranger.status, &stranger.text), (200, &known.text));
        assert_eq!(stranger.json()["bulk"]["maxOperations"], 1_000);
    }
}

/// A token in every respect but that no store knows it.
fn tokens_elsewhere() -> String {
    let random = rosterd::model::random::SeededRandom::new(99);
    let token = rosterd::model::token::generate(Scope::Scim, &random);
    token.expose_secret().to_owned()
}
