//! A newcomer with the README alone: a daemon of his own, connected to a simulated Okta by that org's admin API.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::host::Host;
use super::process::{PATIENCE, Running, client, said, until};
use crate::support::postgres::free_port;

/// The org, as its admin reaches it.
struct Okta {
    _running: Running,
    http: reqwest::Client,
    url: String,
    token: String,
    app: String,
}

impl Okta {
    fn start(host: &Host) -> Self {
        let words = ["demo", "--okta-only", "--people", "8", "--json"];
        let (running, keys) = Running::talking(host, &words);
        let text = |name: &str| keys[name].as_str().unwrap().to_owned();
        Self {
            _running: running,
            http: client(),
            url: text("okta_url"),
            token: text("okta_token"),
            app: text("okta_app_id"),
        }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = http::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .header("authorization", format!("SSWS {}", self.token))
            .header("content-type", "application/json");
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// The same, done.
    async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(method, path, body).await;
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }

    async fn group(&self, name: &str) -> String {
        let name = name.replace(' ', "%20");
        let found = self
            .done("GET", &format!("/api/v1/groups?q={name}"), Value::Null)
            .await;
        found[0]["id"].as_str().unwrap().to_owned()
    }
}

/// A private key as PEM, and its public half as the JWK that is pasted into Okta.
fn key(kid: &str) -> (String, Value) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    // An uncompressed point: 0x04, x, y.
    let point = pair.public_key_raw();
    let part = |from: usize| URL_SAFE_NO_PAD.encode(&point[from..from + 32]);
    let jwk = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": part(1), "y": part(33)});
    (pair.serialize_pem(), jwk)
}

async fn ready(host: &Host, url: &str) {
    let http = client();
    let give_up = Instant::now() + PATIENCE;
    let asked = || http.get(format!("{url}/readyz")).send();
    while asked()
        .await
        .map_or(true, |answer| !answer.status().is_success())
    {
        assert!(
            Instant::now() < give_up,
            "the daemon is not ready: {}",
            said(host)
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

fn members(host: &Host, team: &str) -> u64 {
    let teams = host.json(&["teams", "list"]);
    let found = teams
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == team);
    found.unwrap()["members"].as_u64().unwrap()
}

async fn connects(mut host: Host) {
    let okta = Okta::start(&host);
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    host.set("ROSTERD__SERVER__LISTEN", &format!("127.0.0.1:{port}"));

    // 1. Run the daemon.
    let daemon = Running::start(&host, &["serve"]);
    let issued = |host: &Host| host.run(&["tokens", "issue", "--scope", "scim", "--name", "okta"]);
    until("a store", || issued(&host).code == 0);
    let token = issued(&host).out.trim().to_owned();

    // 2. Let Okta push. A wrong token is told to the admin.
    let connection = format!("/api/v1/apps/{}/connections/default", okta.app);
    let save = |token: &str| json!({"baseUrl": format!("{url}/scim/v2"), "profile": {"authScheme": "TOKEN", "token": token}});
    ready(&host, &url).await;
    let (status, refused) = okta.call("POST", &connection, save("rst_scim_wrong")).await;
    assert_eq!(status, 400, "{refused}");
    assert!(refused.to_string().contains("live SCIM token"), "{refused}");
    assert_eq!(
        okta.done("POST", &connection, save(&token)).await["status"],
        "ENABLED"
    );

    // 3. Let rosterd poll: a key, an app, scopes, a role.
    let (pem, jwk) = key("rosterd-1");
    std::fs::write(host.path("key.pem"), pem).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(host.path("key.pem"), mode).unwrap();
    let service = json!({
        "name": "oidc_client", "label": "rosterd poller", "signOnMode": "OPENID_CONNECT",
        "credentials": {"oauthClient": {"token_endpoint_auth_method": "private_key_jwt"}},
        "settings": {"oauthClient": {"application_type": "service", "grant_types": ["client_credentials"], "jwks": {"keys": [jwk]}}},
    });
    let service = okta.done("POST", "/api/v1/apps", service).await;
    let client_id = service["credentials"]["oauthClient"]["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let config = format!(
        "[okta]\norg_url = \"{}\"\napp_id = \"{}\"\nclient_id = \"{client_id}\"\nprivate_key_file = \"{}\"\nkey_id = \"rosterd-1\"\n\
         algorithm = \"ES256\"\n[okta.hooks]\nenabled = true\nsecret_file = \"{}\"\n",
        okta.url,
        okta.app,
        host.path("key.pem").display(),
        host.path("hook").display(),
    );
    std::fs::write(host.path("hook"), "a random text").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(host.path("hook"), mode).unwrap();
    std::fs::write(host.path("rosterd.toml"), config).unwrap();
    host.set(
        "ROSTERD_CONFIG",
        &host.path("rosterd.toml").display().to_string(),
    );
    let early = host.run(&["check", "--online"]);
    assert_eq!(early.code, 6, "no scope was granted yet: {early:?}");
    for scope in ["okta.groups.read", "okta.users.read", "okta.apps.read"] {
        let grants = format!("/api/v1/apps/{client_id}/grants");
        okta.done(
            "POST",
            &grants,
            json!({"scopeId": scope, "issuer": okta.url}),
        )
        .await;
    }
    let roleless = host.run(&["check", "--online"]);
    assert_eq!(
        roleless.code, 6,
        "a scope without a role is 403: {roleless:?}"
    );
    assert!(roleless.out.contains("role"), "{roleless:?}");
    okta.done(
        "POST",
        &format!("/oauth2/v1/clients/{client_id}/roles"),
        json!({"type": "READ_ONLY_ADMIN"}),
    )
    .await;
    let online = host.run(&["check", "--online"]);
    assert_eq!(online.code, 0, "{online:?}");
    assert!(
        online.out.contains("DPoP") && !online.out.contains("FAIL"),
        "{online:?}"
    );
    daemon.stop();
    let daemon = Running::start(&host, &["serve"]);
    // Okta tries no user a second time whose push met a closed door.
    ready(&host, &url).await;

    // 2.6 and 2.7: assign people through one group, push another.
    let everybody = okta.group("rosterd users").await;
    okta.done(
        "PUT",
        &format!("/api/v1/apps/{}/groups/{everybody}", okta.app),
        json!({}),
    )
    .await;
    let admins = okta.group("Platform Admins").await;
    let anybody = okta
        .done(
            "GET",
            &format!("/api/v1/groups/{everybody}/users?limit=1"),
            Value::Null,
        )
        .await;
    let anybody = anybody[0]["id"].as_str().unwrap().to_owned();
    okta.done(
        "PUT",
        &format!("/api/v1/groups/{admins}/users/{anybody}"),
        Value::Null,
    )
    .await;
    okta.done(
        "POST",
        &format!("/api/v1/apps/{}/group-push/mappings", okta.app),
        json!({"sourceGroupId": admins}),
    )
    .await;
    until("everybody is pushed", || {
        host.json(&["users", "list"]).as_array().unwrap().len() == 8
    });
    let pushed = || {
        let groups = host.json(&["groups", "list"]);
        groups.as_array().unwrap().iter().any(|row| {
            row["scim_name"] == "Platform Admins"
                    && row["okta_id"].is_string()
                    // Okta makes the group first and fills it then.
                    && row["members"].as_u64() > Some(0)
        })
    };
    until("the group has both sides and a member", || {
        assert_eq!(host.run(&["sync", "--full"]).code, 0);
        pushed()
    });

    // 4. Event hooks.
    let hook = json!({
        "name": "rosterd", "events": {"type": "EVENT_TYPE", "items": ["group.user_membership.add", "group.user_membership.remove"]},
        "channel": {"type": "HTTP", "version": "1.0.0", "config": {
            "uri": format!("{url}/okta/events"), "authScheme": {"type": "HEADER", "key": "Authorization", "value": "a random text"}}},
    });
    let hook = okta.done("POST", "/api/v1/eventHooks", hook).await;
    let verify = format!(
        "/api/v1/eventHooks/{}/lifecycle/verify",
        hook["id"].as_str().unwrap()
    );
    assert_eq!(
        okta.done("POST", &verify, Value::Null).await["verificationStatus"],
        "VERIFIED"
    );

    // 5. Map, enable; from now on the team follows.
    let mapped = host.json(&["mappings", "add", "Platform Admins", "organization-admin"]);
    assert_eq!(mapped["state"], "bound", "{mapped}");
    let enabled = host.json(&["okta", "enable", "--yes"]);
    assert!(
        !enabled["gains"].as_array().unwrap().is_empty(),
        "{enabled}"
    );
    let before = members(&host, "organization-admin");
    let outsider = {
        let inside = okta
            .done(
                "GET",
                &format!("/api/v1/groups/{admins}/users"),
                Value::Null,
            )
            .await;
        let all = okta
            .done(
                "GET",
                &format!("/api/v1/groups/{everybody}/users"),
                Value::Null,
            )
            .await;
        let found = all
            .as_array()
            .unwrap()
            .iter()
            .find(|user| !inside.as_array().unwrap().contains(user));
        found.unwrap()["id"].as_str().unwrap().to_owned()
    };
    okta.done(
        "PUT",
        &format!("/api/v1/groups/{admins}/users/{outsider}"),
        Value::Null,
    )
    .await;
    until("the newcomer is in the team", || {
        members(&host, "organization-admin") == before + 1
    });
    okta.done(
        "DELETE",
        &format!("/api/v1/groups/{admins}/users/{outsider}"),
        Value::Null,
    )
    .await;
    until("he is out again", || {
        members(&host, "organization-admin") == before
    });
    assert_eq!(host.json(&["status"])["problems"], json!([]));
    if host.url.starts_with("sqlite:") {
        // A copy of what a running daemon writes to is whole.
        let file = host.path("copy.db");
        assert_eq!(host.run(&["backup", &file.display().to_string()]).code, 0);
        let copy = Host {
            url: format!("sqlite://{}", file.display()),
            ..Host::bare()
        };
        assert_eq!(copy.json(&["users", "list"]).as_array().unwrap().len(), 8);
    }
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_connects_a_daemon_to_okta_by_the_readme_alone() {
    connects(Host::bare()).await;
    if let Some(host) = Host::postgres().await {
        connects(host).await;
    }
}
