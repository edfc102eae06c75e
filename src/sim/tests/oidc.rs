//! The issuer, as a standard client library sees it.

use std::future::Future;
use std::pin::Pin;

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, IssuerUrl, Nonce, PkceCodeChallenge, RedirectUrl, Scope,
};
use serde_json::Value;

use crate::sim::oidc::{ClaimLimit, GroupsClaim, WebApp};
use crate::sim::org::{OktaId, Profile};
use crate::sim::{Sim, SimConfig, http_client};

const BYE: &str = "https://rosterd.example/bye";
const BACK: &str = "http://127.0.0.1:1/login/callback";

/// Our own client, in the shape the library asks for.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Self::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let response = self.0.execute(request.try_into()?).await?;
            let mut answer = http::Response::builder().status(response.status());
            for (name, value) in response.headers() {
                answer = answer.header(name, value);
            }
            Ok(answer.body(response.bytes().await?.to_vec()).unwrap())
        })
    }
}

async fn issuer() -> (Sim, OktaId) {
    let sim = Sim::start(SimConfig::default()).await.unwrap();
    let user = sim
        .org()
        .create_user(Profile::new("mira@example.test", "Mira", "Okafor"), true)
        .unwrap();
    sim.oidc().add_app(WebApp {
        client_id: "0oaSignIn".to_owned(),
        client_secret: "s3cret".to_owned(),
        redirect_uris: vec![BACK.to_owned()],
        post_logout_redirect_uris: vec![BYE.to_owned()],
    });
    sim.oidc().sign_in_as(user);
    (sim, user)
}

/// Signs in; the claims of the verified ID token, or the error.
async fn sign_in(sim: &Sim) -> Result<Value, String> {
    let http = Http(http_client().unwrap());
    let issuer = IssuerUrl::new(sim.base_url().to_owned()).unwrap();
    let metadata = CoreProviderMetadata::discover_async(issuer.clone(), &http)
        .await
        .unwrap();
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new("0oaSignIn".to_owned()),
        Some(ClientSecret::new("s3cret".to_owned())),
    )
    .set_redirect_uri(RedirectUrl::new(BACK.to_owned()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let (url, state, nonce) = client
        .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
        .add_scopes(["profile", "email", "groups"].map(|scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    let redirect = http.0.get(url).send().await.unwrap();
    let back = url::Url::parse(redirect.headers()["location"].to_str().unwrap()).unwrap();
    let field = |name: &str| {
        back.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    assert_eq!(field("state").as_deref(), Some(state.secret().as_str()));
    let code = field("code").ok_or_else(|| field("error").unwrap())?;
    let exchange = client
        .exchange_code(AuthorizationCode::new(code.clone()))
        .unwrap()
        .set_pkce_verifier(verifier);
    let tokens = exchange
        .request_async(&http)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let id_token = tokens.extra_fields().id_token().unwrap();
    let claims = id_token
        .claims(&client.id_token_verifier(), &nonce)
        .map_err(|error| error.to_string())?;
    let again = client
        .exchange_code(AuthorizationCode::new(code))
        .unwrap()
        .request_async(&http)
        .await;
    assert!(again.is_err(), "a code works once");
    let info: openidconnect::core::CoreUserInfoClaims = client
        .user_info(
            openidconnect::OAuth2TokenResponse::access_token(&tokens).clone(),
            None,
        )
        .unwrap()
        .request_async(&http)
        .await
        .unwrap();
    assert_eq!(info.subject(), claims.subject());
    // The groups claim is not a standard one; it is read from the token that was verified above.
    let payload = id_token.to_string().split('.').nth(1).unwrap().to_owned();
    let bytes =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).unwrap();
    Ok(serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn a_person_signs_in_with_code_and_pkce() {
    let (sim, user) = issuer().await;
    let claims = sign_in(&sim).await.unwrap();
    assert_eq!(claims["sub"], user.as_str(), "sub is the Okta user id");
    assert_eq!(
        (&claims["iss"], &claims["preferred_username"]),
        (&sim.base_url().into(), &"mira@example.test".into())
    );
    assert!(claims.get("groups").is_none(), "no claim is configured");
    sim.oidc().rotate_key("simulated-key-2");
    sign_in(&sim).await.unwrap();
    sim.org().suspend(user).unwrap();
    assert_eq!(sign_in(&sim).await, Err("access_denied".to_owned()));
}

#[tokio::test]
async fn the_groups_claim_is_names_and_ends_at_a_hundred() {
    let (sim, user) = issuer().await;
    sim.oidc()
        .set_groups_claim(GroupsClaim::Empty, ClaimLimit::Fails);
    assert_eq!(
        sign_in(&sim).await.unwrap()["groups"],
        serde_json::json!([])
    );
    for index in 0..101 {
        let group = sim.org().create_group(&format!("team-{index:03}"), "");
        sim.org().add_member(group, user).unwrap();
    }
    sim.oidc().set_groups_claim(
        GroupsClaim::StartsWith("team-00".to_owned()),
        ClaimLimit::Fails,
    );
    let mut names: Vec<String> =
        serde_json::from_value(sign_in(&sim).await.unwrap()["groups"].clone()).unwrap();
    names.sort();
    assert_eq!((names.len(), names[0].as_str()), (10, "team-000"));
    sim.oidc().set_groups_claim(
        GroupsClaim::StartsWith("team-".to_owned()),
        ClaimLimit::Fails,
    );
    assert!(sign_in(&sim).await.is_err());
    sim.oidc().set_groups_claim(
        GroupsClaim::StartsWith("team-".to_owned()),
        ClaimLimit::Lifted,
    );
    assert_eq!(
        sign_in(&sim).await.unwrap()["groups"]
            .as_array()
            .unwrap()
            .len(),
        101
    );
}

#[tokio::test]
async fn a_person_signs_out_with_a_token_of_ours_and_comes_back_where_the_app_says() {
    let (sim, _) = issuer().await;
    let http = http_client().unwrap();
    let form = |pairs: &[(&str, &str)]| {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    };
    let get = async |path: &str, pairs: &[(&str, &str)]| {
        let url = format!("{}/oauth2/v1/{path}?{}", sim.base_url(), form(pairs));
        http.get(url).send().await.unwrap()
    };
    let location = |response: &reqwest::Response| {
        url::Url::parse(response.headers()["location"].to_str().unwrap()).unwrap()
    };
    let asked = [
        ("client_id", "0oaSignIn"),
        ("response_type", "code"),
        ("scope", "openid"),
        ("redirect_uri", BACK),
        ("state", "x"),
    ];
    let back = location(&get("authorize", &asked).await);
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap();
    let body = form(&[
        ("grant_type", "authorization_code"),
        ("client_id", "0oaSignIn"),
        ("client_secret", "s3cret"),
        ("code", &code.1),
        ("redirect_uri", BACK),
    ]);
    let url = format!("{}/oauth2/v1/token", sim.base_url());
    let tokens: Value = http
        .post(url)
        .body(body)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let hint = tokens["id_token"].as_str().unwrap();
    let out = [
        ("id_token_hint", hint),
        ("post_logout_redirect_uri", BYE),
        ("state", "s"),
    ];
    let gone = get("logout", &out).await;
    assert_eq!(location(&gone).as_str(), format!("{BYE}?state=s"));
    let forged = format!("{}x", &hint[..hint.len() - 1]);
    for (hint, uri) in [(hint, BACK), (forged.as_str(), BYE), ("", BYE)] {
        let wrong = [("id_token_hint", hint), ("post_logout_redirect_uri", uri)];
        assert_eq!(get("logout", &wrong).await.status(), 400);
    }
}
