//! Who gets in, at every door: defects 2, 3, 4, 5 and 16.

use std::collections::BTreeSet;

use base64::Engine as _;
use rosterd::model::time::{Clock as _, SystemClock};
use rosterd::service::tokens::{self, Scope};
use secrecy::ExposeSecret as _;

use super::doors::{DOORS, disguises, routes};
use super::user;
use super::wire::{Http2, http1};
use crate::support::daemon::{Daemon, admin};
use crate::support::stores::on_each_store;

/// What a hook's caller shows.
const HOOK_SECRET: &str = "a-hook-secret-of-some-length";

const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
];

/// A daemon with every door there is.
async fn with_hooks(store: crate::support::stores::TestStore) -> (Daemon, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hook-secret");
    std::fs::write(&file, HOOK_SECRET).unwrap();
    let more = [
        ("ROSTERD__OKTA__HOOKS__ENABLED", "true".to_owned()),
        (
            "ROSTERD__OKTA__HOOKS__SECRET_FILE",
            file.display().to_string(),
        ),
    ];
    (Daemon::fresh(store, &more).await, folder)
}

/// A token of every scope that does not live any more.
async fn dead(daemon: &Daemon) -> Vec<String> {
    let mut dead = Vec::new();
    for scope in Scope::ALL {
        let revoked = tokens::issue(&daemon.service, &admin(), scope, "revoked", None)
            .await
            .unwrap();
        tokens::revoke(&daemon.service, &admin(), &revoked.token.id)
            .await
            .unwrap();
        dead.push(revoked.secret.expose_secret().to_owned());
        let end = SystemClock::default().now().plus_millis(3_600_000);
        let expired = tokens::issue(&daemon.service, &admin(), scope, "expired", Some(end))
            .await
            .unwrap();
        dead.push(expired.secret.expose_secret().to_owned());
    }
    daemon
        .store
        .arrange("UPDATE tokens SET expires_at = 1 WHERE name = 'expired'")
        .await;
    dead
}

/// A token in every respect but that no store knows it.
fn unknown(scope: Scope) -> String {
    let random = rosterd::model::random::SeededRandom::new(99);
    rosterd::model::token::generate(scope, &random)
        .expose_secret()
        .to_owned()
}

on_each_store! {
    async fn trust_3_and_16_every_route_and_method_answers_each_credential_as_the_table_says(store) {
        let written: BTreeSet<&str> = DOORS.iter().map(|door| door.route).filter(|route| !route.is_empty()).collect();
        assert_eq!(written, routes(), "the table has every route of the router, and no other");
        let (daemon, _folder) = with_hooks(store).await;
        let basic = |token: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("okta:{token}")));
        let mut nobody: Vec<Option<String>> = ["", "Bearer", "Bearer ", "Basic Og==", "Bearer null", "x"].map(|text| Some(text.to_owned())).to_vec();
        nobody.push(None);
        nobody.extend(Scope::ALL.map(|scope| Some(format!("Bearer {}", unknown(scope)))));
        nobody.extend(dead(&daemon).await.iter().map(|token| Some(format!("Bearer {token}"))));
        let mut credentials: Vec<(usize, Option<String>)> = nobody.into_iter().map(|shown| (0, shown)).collect();
        for (place, scope) in Scope::ALL.into_iter().enumerate() {
            let token = daemon.issue(scope).await;
            credentials.extend([(place + 1, Some(format!("Bearer {token}"))), (place + 1, Some(basic(&token)))]);
        }
        for door in DOORS {
            for method in METHODS {
                let row = door.answers.iter().find(|(named, _)| *named == method);
                let expected = row.map_or(door.others, |(_, answers)| *answers);
                for (place, shown) in &credentials {
                    let headers: Vec<(&str, &str)> = shown.iter().map(|shown| ("authorization", shown.as_str())).collect();
                    let answer = daemon.send(method, door.path, &headers, None).await;
                    // Okta's one-time verification may come without the secret: here without a challenge, too.
                    let verifies = door.path == "/okta/events" && matches!(method, "GET" | "HEAD") && shown.is_none();
                    let expected = if verifies { 400 } else { expected[*place] };
                    assert_eq!(answer.status, expected, "{method} {} with {shown:?}: {}", door.path, answer.text);
                    if answer.status == 401 {
                        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"rosterd\"", "{method} {}", door.path);
                    }
                }
            }
        }
    }

    async fn trust_2_a_disguised_path_never_skips_the_check(store) {
        let (daemon, _folder) = with_hooks(store).await;
        let mut scim = daemon;
        scim.token = scim.issue(Scope::Scim).await;
        let daemon = scim;
        user(&daemon, "secret@example.test").await;
        let status = daemon.issue(Scope::Status).await;
        let mut http2 = Http2::connect(&daemon).await;
        let mut asked = 0;
        for door in DOORS {
            // Open to everybody as they are, so nothing is skipped.
            if ["/livez", "/readyz", "/scim/v2/ServiceProviderConfig"].iter().any(|open| door.path.starts_with(open)) {
                continue;
            }
            let path = door.path;
            // A credential of another kind must not pass either: SCIM's at the API's doors, a status token at SCIM's.
            let wrong = if path.starts_with("/scim") { &status } else { &daemon.token };
            let method = door.answers.first().map_or("GET", |(method, _)| *method);
            for disguised in disguises(path) {
                // One more slash at the end is no disguise, and this path is open.
                if disguised.trim_end_matches('/') == "/scim/v2/ServiceProviderConfig" {
                    continue;
                }
                let absolute = format!("{}{disguised}", daemon.url);
                for bearer in [None, Some(wrong.as_str())] {
                    let mut said = vec![
                        http1(&daemon, method, &disguised, bearer).await,
                        http1(&daemon, method, &absolute, bearer).await,
                    ];
                    said.extend(http2.send(method, &disguised, bearer).await);
                    for (status, body) in said {
                        assert!(
                            matches!(status, 400 | 401 | 403 | 404 | 405),
                            "{method} {disguised} with {}: {status} {body}", bearer.is_some()
                        );
                        assert!(bearer.is_none() || status != 403 || !path.starts_with("/scim"));
                        assert!(!body.contains("secret@"), "{method} {disguised}: {body}");
                        asked += 1;
                    }
                }
            }
        }
        assert!(asked > 3_000, "{asked}");
        // What is disguised and does reach a resource has passed the check first.
        let token = Some(daemon.token.as_str());
        for same in ["/scim/v2/%55sers", "//scim/v2/Users", "/scim/v2//Users/", "/scim/v2/Use%72s"] {
            let (status, _) = http1(&daemon, "GET", same, token).await;
            assert!(matches!(status, 200 | 404), "{same}: {status}");
        }
    }

    async fn trust_4_a_new_installation_is_open_to_nobody(store) {
        let daemon = Daemon::fresh(store, &[]).await;
        for door in DOORS {
            for (method, answers) in door.answers {
                let answer = daemon.send(method, door.path, &[], None).await;
                assert_eq!((answer.header("cache-control"), answer.header("x-content-type-options")), ("no-store", "nosniff"));
                if door.path == "/okta/events" {
                    assert_eq!(answer.status, 404, "no secret, no route");
                    continue;
                }
                assert_eq!(answer.status, answers[0], "{method} {}: {}", door.path, answer.text);
            }
        }
    }

    async fn trust_5_where_no_secret_is_set_an_empty_one_opens_nothing(store) {
        let daemon = Daemon::fresh(store, &[]).await;
        for headers in [
            &[][..], &[("authorization", "")], &[("authorization", "Bearer")], &[("authorization", "Bearer ")],
            &[("authorization", "Bearer  ")], &[("authorization", "Basic")], &[("authorization", "Basic Og==")],
            &[("authorization", "Basic okta")], &[("authorization", "Bearer "), ("authorization", "Bearer ")],
            &[("authorization", "Bearer"), ("authorization", "Basic Og==")], &[("authorization", "Bearer undefined")],
        ] {
            for path in ["/scim/v2/Users", "/status", "/api/v1/runs"] {
                assert_eq!(daemon.send("GET", path, headers, None).await.status, 401, "{path} {headers:?}");
            }
            // With no secret for hooks the route is not there.
            assert_eq!(daemon.send("POST", "/okta/events", headers, None).await.status, 404, "{headers:?}");
        }
        // One good header and another: nobody can say which one counts.
        let good = format!("Bearer {}", daemon.issue(Scope::Scim).await);
        for second in ["", "Bearer x", good.as_str()] {
            let headers = [("authorization", good.as_str()), ("authorization", second)];
            assert_eq!(daemon.send("GET", "/scim/v2/Users", &headers, None).await.status, 401);
        }
        // A token in the URL is none.
        let path = format!("/scim/v2/Users?access_token={}", good.trim_start_matches("Bearer "));
        assert_eq!(daemon.send("GET", &path, &[], None).await.status, 401);
    }
}
