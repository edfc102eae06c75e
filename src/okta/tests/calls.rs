//! Reads by id: what an answer is taken for, and what is sent along.

use std::time::Duration;

use secrecy::SecretString;

use super::script::{Reply, START, Script};
use crate::model::id::{OktaGroupId, OktaUserId};
use crate::model::time::{Clock as _, Timestamp};
use crate::okta::types::{AppId, GroupKind, UserStatus};
use crate::okta::{
    Auth, Client, End, Error, Identity, OrgUrl, Patience, Proxy, Read, Settings, SettingsError,
    Step,
};

const GROUP: &str = r#"{"id":"00g1","type":"OKTA_GROUP","profile":{"name":"Ops"}}"#;
const USER: &str = r#"{"id":"00u1","status":"SUSPENDED","profile":{"login":"M@x"}}"#;

fn group() -> OktaGroupId {
    OktaGroupId::parse("00g1").unwrap()
}

fn user() -> OktaUserId {
    OktaUserId::parse("00u1").unwrap()
}

fn app() -> AppId {
    AppId::parse("0oa1").unwrap()
}

fn why<T: std::fmt::Debug>(read: Read<T>) -> Error {
    match read {
        Read::Unknown { why } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn r7_a_read_is_dated_before_its_request_and_by_okta_s_clock() {
    let script = Script::start(|_| {
        Reply::ok(GROUP)
            .with("date", "Mon, 23 Nov 2026 10:00:07 GMT")
            .taking(3_000)
    })
    .await;
    let client = script.client();
    let Read::Known { value, at } = client.group(&group()).await else {
        panic!("known")
    };
    assert_eq!(
        (value.name.as_str(), value.kind),
        ("Ops", GroupKind::OktaGroup)
    );
    assert_eq!(at.read_at, Timestamp::from_millis(START * 1000));
    let asked = Timestamp::from_millis((START + 4) * 1000);
    assert_eq!(
        at.okta_at,
        Some(asked),
        "Date less the time the answer took"
    );
    let status = client.status();
    assert_eq!(status.last_answer.unwrap().at, script.clock.now());
    assert_eq!(status.clock_skew_ms, Some(4_000));
    assert_eq!(status.skewed_since, None);
}

#[tokio::test]
async fn clocks_that_differ_too_much_are_known_since_the_first_answer_that_said_so() {
    let script = Script::start(|heard| {
        let date = ["10:02:00", "10:03:00", "10:00:10"][heard.number];
        Reply::ok(GROUP).with("date", format!("Mon, 23 Nov 2026 {date} GMT"))
    })
    .await;
    let client = script.client();
    let first = script.clock.now();
    let mut seen = Vec::new();
    for _ in 0..3 {
        client.group(&group()).await;
        seen.push(client.status().skewed_since);
        script.clock.advance(5_000);
    }
    assert_eq!(seen, [Some(first), Some(first), None]);
}

#[tokio::test]
async fn r7_each_page_is_dated_by_its_own_request_and_absence_by_the_first() {
    let script = Script::start(|heard| {
        let row = format!(r#"[{{"id":"00u{}","status":"ACTIVE"}}]"#, heard.number);
        let reply = Reply::ok(row).taking(3_000);
        match heard.number {
            0 => reply.next(format!("{}/api/v1/groups/00g1/users?after=1", heard.base)),
            _ => reply,
        }
    })
    .await;
    let client = script.client();
    // Spawned, because the poller's tasks are.
    let (pages, end) = tokio::spawn(async move {
        let (mut listing, mut pages) = (client.group_members(&group()), Vec::new());
        loop {
            match listing.next_page().await {
                Step::Page(page) => pages.push(page.at.read_at.as_millis() - START * 1000),
                Step::Restart => pages.clear(),
                Step::End(end) => return (pages, end),
            }
        }
    })
    .await
    .unwrap();
    assert_eq!(pages, [0, 3_000]);
    assert!(
        matches!(end, End::Whole { since, pages: 2 } if since.read_at.as_millis() == START * 1000)
    );
}

#[tokio::test]
async fn r7_a_read_that_was_repeated_is_dated_by_its_last_request() {
    let script = Script::start(|heard| {
        if heard.number == 0 {
            Reply::error(503, "")
        } else {
            Reply::ok(GROUP)
        }
    })
    .await;
    let Read::Known { at, .. } = script.client().group(&group()).await else {
        panic!("known")
    };
    assert_eq!(at.read_at, script.clock.now());
    assert_eq!(at.read_at.as_millis(), START * 1000 + script.waits()[0]);
}

#[tokio::test]
async fn a_call_carries_the_token_our_name_and_okta_s_omit_option() {
    let script = Script::start(|_| Reply::ok(USER)).await;
    let Read::Known { value, .. } = script.client().user(&user()).await else {
        panic!("known")
    };
    assert_eq!(value.status, UserStatus::Suspended);
    let heard = &script.heard()[0];
    assert_eq!(
        (heard.method.as_str(), heard.target.as_str()),
        ("GET", "/api/v1/users/00u1")
    );
    assert_eq!(heard.header("authorization"), "SSWS 00SecretApiToken");
    assert_eq!(heard.header("accept"), "application/json");
    assert!(heard.header("user-agent").starts_with("rosterd/"));
    assert!(heard.header("content-type").contains("omitCredentials"));
}

#[tokio::test]
async fn r8_404_is_gone_and_everything_else_is_unknown() {
    let script = Script::start(|_| Reply::error(404, "E0000007")).await;
    let read = script.client().group(&group()).await;
    assert!(
        matches!(read, Read::Gone { at } if at.read_at.as_millis() == START * 1000),
        "{read:?}"
    );

    let script = Script::start(|_| Reply::new(404, "<html>")).await;
    assert!(matches!(
        why(script.client().group(&group()).await),
        Error::NotFound { .. }
    ));

    let script = Script::start(|_| Reply::error(403, "E0000006")).await;
    let error = why(script.client().group(&group()).await);
    assert!(matches!(error, Error::Forbidden { .. }));
    let text = error.to_string();
    assert!(
        text.contains("reqId1") && text.contains("okta.groups.read") && !text.contains("oaeHidden"),
        "{text}"
    );

    let script = Script::start(|_| Reply::ok(r#"{"id":"00g1","type":"OKTA_GROUP"}"#)).await;
    let error = why(script.client().group(&group()).await);
    assert!(
        error.to_string().contains("missing field `profile`"),
        "{error}"
    );

    let script = Script::start(|_| Reply::ok("<html>sign in to the hotel</html>")).await;
    assert!(matches!(
        why(script.client().group(&group()).await),
        Error::Malformed { .. }
    ));
}

#[tokio::test]
async fn a_refused_token_is_not_tried_again_and_never_shown() {
    let script = Script::start(|_| Reply::error(401, "E0000011")).await;
    let client = script.client();
    let error = why(client.group(&group()).await);
    assert!(
        matches!(&error, Error::Unauthorized { code, .. } if code == "E0000011"),
        "{error}"
    );
    assert_eq!(script.heard().len(), 1);
    let shown = format!(
        "{error} {error:?} {client:?} {:?} {:?}",
        client.status(),
        script.settings()
    );
    assert!(!shown.contains("SecretApiToken"), "{shown}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let script = Script::start(|heard| {
        Reply::new(302, "").with("location", format!("{}/elsewhere", heard.base))
    })
    .await;
    assert!(matches!(
        why(script.client().group(&group()).await),
        Error::ForeignHost { .. }
    ));
    assert_eq!(script.targets(), ["/api/v1/groups/00g1"]);
}

#[tokio::test]
async fn r16_a_404_of_an_app_user_counts_only_while_the_app_is_there() {
    let script = Script::start(|heard| match heard.path() {
        "/api/v1/apps/0oa1/users" => Reply::ok("[]"),
        _ => Reply::error(404, "E0000007"),
    })
    .await;
    assert!(matches!(
        script.client().app_user(&app(), &user()).await,
        Read::Gone { .. }
    ));

    let script = Script::start(|_| Reply::error(404, "E0000007")).await;
    assert!(matches!(
        why(script.client().app_user(&app(), &user()).await),
        Error::NotFound { .. }
    ));
}

#[tokio::test]
async fn r7_a_login_is_found_by_path_and_never_another_s() {
    let script = Script::start(|heard| match heard.path() {
        "/api/v1/users/M%2B1@x" | "/api/v1/users/M+1@x" => {
            Reply::ok(r#"{"id":"00u1","status":"ACTIVE","profile":{"login":"m+1@X"}}"#)
        }
        // Okta's short name.
        "/api/v1/users/mira" => {
            Reply::ok(r#"{"id":"00u2","status":"ACTIVE","profile":{"login":"mira@x"}}"#)
        }
        "/api/v1/users" => Reply::ok(
            r#"[{"id":"00u3","status":"DEPROVISIONED","profile":{"login":"a/B"}},{"id":"00u4","status":"ACTIVE","profile":{"login":"a/BC"}}]"#,
        ),
        _ => Reply::error(404, "E0000007"),
    })
    .await;
    let client = script.client();
    let found = async |login| {
        let read = client.user_by_login(login).await;
        read.known().map(|user| user.id.to_string())
    };
    assert_eq!(found("M+1@x").await.as_deref(), Some("00u1"));
    assert_eq!(found("mira").await, None, "a short name is no login");
    assert_eq!(found("a/b").await.as_deref(), Some("00u3"));
    assert!(matches!(
        client.user_by_login("nobody@x").await,
        Read::Gone { .. }
    ));
    let filters: Vec<String> = script.targets();
    assert!(
        filters[2].contains("filter=profile.login%20eq%20%22mira%22"),
        "{filters:?}"
    );
    assert!(filters[3].contains("%22a%2Fb%22"), "{filters:?}");
}

#[tokio::test]
async fn r7_an_app_user_is_found_by_the_name_he_has_in_the_app() {
    let script = Script::start(|_| {
        Reply::ok(
            r#"[{"id":"00u1","status":"ACTIVE","credentials":{"userName":"mira"}},
                {"id":"00u2","status":"ACTIVE","credentials":{"userName":"Mira@x"}},{"id":"00u3","status":"ACTIVE"}]"#,
        )
    })
    .await;
    let client = script.client();
    assert_eq!(
        client
            .app_user_by_name(&app(), "mira@x")
            .await
            .known()
            .unwrap()
            .id
            .as_str(),
        "00u2"
    );
    assert!(matches!(
        client.app_user_by_name(&app(), "mir").await,
        Read::Gone { .. }
    ));
}

#[tokio::test]
async fn the_org_s_id_needs_no_token() {
    let script =
        Script::start(|_| Reply::ok(r#"{"id":"00oOrg1","_links":{},"pipeline":"idx"}"#)).await;
    let org = script.client().organization().await.known().unwrap();
    assert_eq!(
        (org.id.as_str(), org.pipeline.as_deref()),
        ("00oOrg1", Some("idx"))
    );
    assert_eq!(script.heard()[0].header("authorization"), "");
    assert_eq!(script.targets(), ["/.well-known/okta-organization"]);
}

#[tokio::test]
async fn check_online_tries_each_right_by_itself() {
    let script = Script::start(|heard| match heard.path() {
        "/.well-known/okta-organization" => Reply::ok(r#"{"id":"00oOrg1"}"#),
        "/api/v1/users/me" => Reply::ok(USER),
        "/api/v1/users/00u1/roles" => {
            Reply::ok(r#"[{"id":"x","type":"READ_ONLY_ADMIN","label":"Read Only Administrator"}]"#)
        }
        "/api/v1/apps/0oa1" => Reply::ok(r#"{"id":"0oa1","label":"rosterd","status":"ACTIVE"}"#),
        "/api/v1/apps/0oa1/group-push/mappings" => Reply::error(403, "E0000006"),
        _ => Reply::ok("[]").with("date", "Mon, 23 Nov 2026 10:00:40 GMT"),
    })
    .await;
    let access = script
        .client_with(Settings {
            app_id: Some(app()),
            ..script.settings()
        })
        .access()
        .await;
    assert!(access.groups.is_ok() && access.users.is_ok() && access.app_users.unwrap().is_ok());
    assert!(matches!(
        access.push_mappings,
        Some(Err(Error::Forbidden { .. }))
    ));
    assert_eq!(
        access.app.unwrap().known().unwrap().label.as_deref(),
        Some("rosterd")
    );
    let Identity::Admin { roles, .. } = access.identity else {
        panic!("an admin")
    };
    assert_eq!(roles.unwrap(), ["Read Only Administrator"]);
}

#[tokio::test]
async fn stopping_ends_a_request_that_okta_does_not_answer() {
    let script = Script::start(|_| Reply::never()).await;
    let patience = Patience::default();
    let client = script.client().with_patience(patience.clone());
    let call =
        tokio::spawn(async move { client.group(&OktaGroupId::parse("00g1").unwrap()).await });
    while script.heard().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    patience.cancel.cancel();
    assert_eq!(why(call.await.unwrap()), Error::Cancelled);
}

#[tokio::test]
async fn no_environment_proxy_is_used_and_the_configured_one_is() {
    // A proxy hears plain http requests in absolute form, with our credentials for it.
    let proxy = Script::start(|_| Reply::ok(GROUP)).await;
    let through = Proxy {
        url: proxy.base.clone(),
        credentials: Some(("u".to_owned(), SecretString::from("pSecret"))),
    };
    let token = SecretString::from("00SecretApiToken");
    let nowhere = OrgUrl::parse("http://127.0.0.1:9").unwrap();
    let settings = Settings {
        proxy: Some(through),
        ..Settings::new(nowhere, Auth::Ssws { token })
    };
    assert!(!format!("{settings:?}").contains("pSecret"));
    assert!(
        proxy
            .client_with(settings)
            .group(&group())
            .await
            .known()
            .is_some()
    );
    assert_eq!(
        proxy.heard()[0].header("proxy-authorization"),
        "Basic dTpwU2VjcmV0"
    );
}

#[tokio::test]
async fn kept_headers_show_in_the_status() {
    let script = Script::start(|_| Reply::ok(GROUP).with("via", "1.1 gate")).await;
    let client = script.client_with(Settings {
        keep_headers: vec!["Via".to_owned()],
        ..script.settings()
    });
    client.group(&group()).await;
    assert_eq!(
        client.status().kept_headers.get("via").map(String::as_str),
        Some("1.1 gate")
    );
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let script = Script::start(|_| Reply::ok("")).await;
    let refusal = |settings| Client::new(settings, script.surroundings()).unwrap_err();
    let ssws = |token: &str| Auth::Ssws {
        token: SecretString::from(token),
    };
    for token in ["", "a b", "a\nb", "ä"] {
        assert_eq!(
            refusal(Settings {
                auth: ssws(token),
                ..script.settings()
            }),
            SettingsError::Token,
            "{token:?}"
        );
    }
    let roots = Some("no certificate".to_owned());
    assert_eq!(
        refusal(Settings {
            extra_roots: roots,
            ..script.settings()
        }),
        SettingsError::Roots
    );
    for url in ["proxy:3128", "http://u:p@proxy.example.test:3128"] {
        let proxy = Some(Proxy {
            url: url.to_owned(),
            credentials: None,
        });
        assert_eq!(
            refusal(Settings {
                proxy,
                ..script.settings()
            }),
            SettingsError::Proxy,
            "{url}"
        );
    }
    let agent = "a\nb".to_owned();
    assert!(matches!(
        refusal(Settings {
            user_agent: agent,
            ..script.settings()
        }),
        SettingsError::Header(_)
    ));
    assert!(script.heard().is_empty());
}
