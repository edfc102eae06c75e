//! The token endpoint and DPoP, played by a client that knows nothing of the server's code but its keys' shape.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{START, clock, org};
use crate::sim::access::jose::SigningKey;
use crate::sim::access::{Role, ServiceApp};
use crate::sim::{Sim, http_client};

const NOW: i64 = START.as_millis() / 1000;

/// An EC key, with its public half as a JWK.
struct Key(EcdsaKeyPair, Value);

impl Key {
    fn new(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        let jwk = json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": B64.encode(&point[1..33]),
                         "y": B64.encode(&point[33..])});
        Self(pair, jwk)
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!(
            "{}.{}",
            B64.encode(header.to_string()),
            B64.encode(claims.to_string())
        );
        let signature = self
            .0
            .sign(&SystemRandom::new(), signed.as_bytes())
            .unwrap();
        format!("{signed}.{}", B64.encode(signature.as_ref()))
    }

    fn proof(&self, claims: &Value) -> String {
        self.sign(
            &json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.1}),
            claims,
        )
    }
}

fn assertion(sim: &Sim, jti: &str) -> Value {
    json!({"iss": "0oaService", "sub": "0oaService", "aud": format!("{}/oauth2/v1/token", sim.base_url()),
           "iat": NOW, "exp": NOW + 300, "jti": jti})
}

async fn token(
    sim: &Sim,
    assertion: &str,
    proof: Option<&str>,
    scope: &str,
) -> (u16, Option<String>, Value) {
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", scope),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion),
    ];
    let mut request = http_client()
        .unwrap()
        .post(format!("{}/oauth2/v1/token", sim.base_url()))
        .form(&form);
    if let Some(proof) = proof {
        request = request.header("DPoP", proof);
    }
    let response = request.send().await.unwrap();
    let nonce = response
        .headers()
        .get("dpop-nonce")
        .map(|nonce| nonce.to_str().unwrap().to_owned());
    (
        response.status().as_u16(),
        nonce,
        response.json().await.unwrap(),
    )
}

async fn groups(sim: &Sim, authorization: &str, proof: Option<&str>) -> (u16, String) {
    let mut request = http_client()
        .unwrap()
        .get(format!("{}/api/v1/groups?limit=2", sim.base_url()))
        .header("authorization", authorization);
    if let Some(proof) = proof {
        request = request.header("DPoP", proof);
    }
    let response = request.send().await.unwrap();
    let challenge = response
        .headers()
        .get("www-authenticate")
        .map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), challenge.unwrap_or_default())
}

fn app(keys: Vec<Value>, dpop: bool) -> ServiceApp {
    let scopes = vec!["okta.groups.read".to_owned(), "okta.users.read".to_owned()];
    ServiceApp {
        keys,
        scopes,
        role: Role::ReadOnly,
        dpop,
    }
}

#[tokio::test]
async fn the_dpop_dance_ends_in_a_token_that_needs_a_fresh_proof_each_time() {
    let sim = org(&clock()).await;
    let (client, dpop) = (Key::new("client-1"), Key::new("unused"));
    sim.access()
        .add_service_app("0oaService", app(vec![client.1.clone()], true));
    let header = json!({"alg": "ES256", "kid": "client-1"});
    let sign = |jti: &str| client.sign(&header, &assertion(&sim, jti));
    let url = format!("{}/oauth2/v1/token", sim.base_url());

    let (status, _, body) = token(&sim, &sign("a"), None, "okta.groups.read").await;
    assert_eq!(
        (status, body["error"].as_str()),
        (400, Some("invalid_dpop_proof"))
    );
    let bare = dpop.proof(&json!({"htm": "POST", "htu": url, "iat": NOW}));
    let (status, nonce, body) = token(&sim, &sign("b"), Some(&bare), "okta.groups.read").await;
    assert_eq!(
        (status, body["error"].as_str()),
        (400, Some("use_dpop_nonce"))
    );
    let proof = |jti: &str| {
        dpop.proof(&json!({"htm": "POST", "htu": url, "iat": NOW, "jti": jti, "nonce": nonce.clone().unwrap()}))
    };
    let (status, _, body) = token(&sim, &sign("c"), Some(&proof("p1")), "okta.groups.read").await;
    assert_eq!(
        (
            status,
            body["token_type"].as_str(),
            body["expires_in"].as_i64()
        ),
        (200, Some("DPoP"), Some(3600))
    );
    let access_token = body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(
        token(&sim, &sign("d"), Some(&proof("p1")), "okta.groups.read")
            .await
            .0,
        400,
        "jti was used"
    );
    assert_eq!(
        token(&sim, &sign("c"), Some(&proof("p2")), "okta.groups.read")
            .await
            .0,
        401,
        "assertion was used"
    );
    sim.access().rotate_nonce("newer");
    assert_eq!(
        token(&sim, &sign("e"), Some(&proof("p3")), "okta.groups.read")
            .await
            .0,
        200,
        "the one before works"
    );
    sim.access().rotate_nonce("newest");
    assert_eq!(
        token(&sim, &sign("f"), Some(&proof("p4")), "okta.groups.read")
            .await
            .0,
        400
    );

    let api = format!("{}/api/v1/groups", sim.base_url());
    let ath = B64.encode(Sha256::digest(&access_token));
    let call_proof = |claims: Value| dpop.proof(&claims);
    let good = |jti: &str| json!({"htm": "GET", "htu": api, "iat": NOW, "jti": jti, "ath": ath});
    let authorization = format!("DPoP {access_token}");
    let first = call_proof(good("1"));
    assert_eq!(groups(&sim, &authorization, Some(&first)).await.0, 200);
    let (status, challenge) = groups(&sim, &authorization, Some(&first)).await;
    assert_eq!(status, 401);
    assert!(
        challenge.contains("invalid_dpop_proof"),
        "a proof works once: {challenge}"
    );
    assert_eq!(groups(&sim, &authorization, None).await.0, 401);
    assert_eq!(
        groups(
            &sim,
            &format!("Bearer {access_token}"),
            Some(&call_proof(good("2")))
        )
        .await
        .0,
        401
    );
    for (name, wrong) in [
        ("htm", json!("POST")),
        ("htu", json!(format!("{api}?limit=2"))),
        ("ath", json!("x")),
        ("iat", json!(NOW - 600)),
    ] {
        let mut claims = good(name);
        claims[name] = wrong;
        assert_eq!(
            groups(&sim, &authorization, Some(&call_proof(claims)))
                .await
                .0,
            401,
            "{name}"
        );
    }
    let stranger = Key::new("other").proof(&good("3"));
    assert_eq!(
        groups(&sim, &authorization, Some(&stranger)).await.0,
        401,
        "bound to the key of the dance"
    );
}

#[tokio::test]
async fn assertions_are_verified_and_scopes_bind() {
    let clock = clock();
    let sim = org(&clock).await;
    let rsa = SigningKey::generate("rsa-1".to_owned()).unwrap();
    let other = Key::new("rsa-1");
    sim.access()
        .add_service_app("0oaService", app(vec![rsa.jwk().unwrap()], false));
    let sign = |claims: &Value| rsa.sign(claims).unwrap();
    let (status, _, body) =
        token(&sim, &sign(&assertion(&sim, "1")), None, "okta.users.read").await;
    assert_eq!((status, body["token_type"].as_str()), (200, Some("Bearer")));
    let authorization = format!("Bearer {}", body["access_token"].as_str().unwrap());
    assert_eq!(
        groups(&sim, &authorization, None).await.0,
        403,
        "okta.users.read does not read groups"
    );
    let (_, _, body) = token(&sim, &sign(&assertion(&sim, "2")), None, "okta.groups.read").await;
    let authorization = format!("Bearer {}", body["access_token"].as_str().unwrap());
    assert_eq!(groups(&sim, &authorization, None).await.0, 200);
    clock.advance(3_600_000);
    assert_eq!(
        groups(&sim, &authorization, None).await.0,
        401,
        "it expired"
    );
    clock.advance(-3_600_000);

    let forged = other.sign(
        &json!({"alg": "ES256", "kid": "rsa-1"}),
        &assertion(&sim, "3"),
    );
    assert_eq!(token(&sim, &forged, None, "okta.groups.read").await.0, 401);
    for (name, wrong) in [
        ("aud", json!("https://elsewhere.example/oauth2/v1/token")),
        ("exp", json!(NOW - 1)),
        ("exp", json!(NOW + 7200)),
        ("iss", json!("somebody")),
    ] {
        let mut claims = assertion(&sim, name);
        claims[name] = wrong;
        let (status, _, body) = token(&sim, &sign(&claims), None, "okta.groups.read").await;
        assert_eq!(
            (status, body["error"].as_str()),
            (401, Some("invalid_client")),
            "{name}"
        );
    }
    let (status, _, body) = token(&sim, &sign(&assertion(&sim, "4")), None, "okta.logs.read").await;
    assert_eq!(
        (status, body["error"].as_str()),
        (400, Some("invalid_scope"))
    );
}

#[tokio::test]
async fn a_scope_without_a_role_is_forbidden() {
    let sim = org(&clock()).await;
    let rsa = SigningKey::generate("rsa-1".to_owned()).unwrap();
    let service = ServiceApp {
        role: Role::None,
        ..app(vec![rsa.jwk().unwrap()], false)
    };
    sim.access().add_service_app("0oaService", service);
    let signed = rsa.sign(&assertion(&sim, "1")).unwrap();
    let (_, _, body) = token(&sim, &signed, None, "okta.groups.read").await;
    let authorization = format!("Bearer {}", body["access_token"].as_str().unwrap());
    assert_eq!(groups(&sim, &authorization, None).await.0, 403);
}
