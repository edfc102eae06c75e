//! Private keys and the client assertions they sign.

use aws_lc_rs::encoding::{AsBigEndian as _, AsDer, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::script::{Reply, START, Script};
use super::tools::{
    GROUP, app, assertion, bearer, client, ec_key, form, group, is_token, open, pem,
};
use crate::okta::{Algorithm, Auth, Client, DpopMode, ServiceApp, Settings, SettingsError};

/// The contents of the elements of a DER sequence.
fn elements(der: &[u8]) -> Vec<&[u8]> {
    let header = |der: &[u8]| match der[1] {
        short @ 0..=127 => (2, usize::from(short)),
        long => {
            let bytes = usize::from(long & 127);
            (
                2 + bytes,
                der[2..2 + bytes]
                    .iter()
                    .fold(0, |length, b| length << 8 | usize::from(*b)),
            )
        }
    };
    let (start, length) = header(der);
    let mut rest = &der[start..start + length];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (start, length) = header(rest);
        found.push(&rest[start..start + length]);
        rest = &rest[start + length..];
    }
    found
}

#[tokio::test]
async fn an_es256_assertion_is_what_okta_asks_for() {
    let script = Script::start(|heard| {
        if is_token(heard) {
            bearer(0)
        } else {
            Reply::ok(GROUP)
        }
    })
    .await;
    let (pair, text) = ec_key();
    let client = client(&script, app(text, Algorithm::Es256, DpopMode::Auto));
    assert!(client.group(&group()).await.known().is_some());
    let heard = script.heard();
    assert_eq!(
        (heard[0].method.as_str(), heard[0].target.as_str()),
        ("POST", "/oauth2/v1/token")
    );
    assert_eq!(heard[0].header("authorization"), "");
    let form = form(&heard[0]);
    assert_eq!(
        form[0],
        ("grant_type".to_owned(), "client_credentials".to_owned())
    );
    assert_eq!(
        form[1],
        (
            "scope".to_owned(),
            "okta.groups.read okta.users.read".to_owned()
        )
    );
    assert_eq!(
        form[2].1,
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    let (header, claims, signed, signature) = open(&assertion(&heard[0]));
    assert_eq!(
        header,
        json!({"alg": "ES256", "typ": "JWT", "kid": "kid-1"})
    );
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
    key.verify(signed.as_bytes(), &signature).unwrap();
    assert_eq!(
        (claims["iss"].as_str(), claims["sub"].as_str()),
        (Some("0oaClient"), Some("0oaClient"))
    );
    assert_eq!(claims["aud"], format!("{}/oauth2/v1/token", script.base));
    assert_eq!(claims["iat"], START);
    assert!((1..=3600).contains(&(claims["exp"].as_i64().unwrap() - START)));
    assert!(claims["jti"].as_str().unwrap().len() >= 20);
    assert_eq!(heard[1].header("authorization"), "Bearer tokSecret0");
    assert_eq!(heard[1].header("dpop"), "");
}

#[tokio::test]
async fn an_rs256_key_is_read_from_pkcs8_pkcs1_and_jwk_and_signs_alike() {
    let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    let pkcs1 = elements(pkcs8.as_ref())[2];
    let numbers = elements(pkcs1);
    let number = |at: usize| {
        let bytes = numbers[at];
        URL_SAFE_NO_PAD.encode(bytes.strip_prefix(&[0]).unwrap_or(bytes))
    };
    let jwk = json!({"kty": "RSA", "kid": "kid-of-jwk", "n": number(1), "e": number(2), "d": number(3), "p": number(4),
        "q": number(5), "dp": number(6), "dq": number(7), "qi": number(8)});
    let texts = [
        pem("PRIVATE KEY", pkcs8.as_ref()),
        pem("RSA PRIVATE KEY", pkcs1),
        jwk.to_string(),
    ];
    for (at, text) in texts.into_iter().enumerate() {
        let script = Script::start(|heard| {
            if is_token(heard) {
                bearer(0)
            } else {
                Reply::ok(GROUP)
            }
        })
        .await;
        let app = ServiceApp {
            key_id: None,
            ..app(text, Algorithm::Rs256, DpopMode::Off)
        };
        assert!(client(&script, app).group(&group()).await.known().is_some());
        let (header, _, signed, signature) = open(&assertion(&script.heard()[0]));
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
        key.verify(signed.as_bytes(), &signature).unwrap();
        let kid = if at == 2 { Some("kid-of-jwk") } else { None };
        assert_eq!(
            (
                header["alg"].as_str(),
                header.get("kid").and_then(Value::as_str)
            ),
            (Some("RS256"), kid)
        );
    }
}

#[tokio::test]
async fn an_ec_key_is_read_from_sec1_and_jwk() {
    let (pair, _) = ec_key();
    let pkcs8 = pair.to_pkcs8v1().unwrap();
    let sec1 = elements(pkcs8.as_ref())[2];
    let point = pair.public_key().as_ref();
    let secret: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().unwrap();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]), "d": encode(secret.as_ref())});
    for text in [pem("EC PRIVATE KEY", sec1), jwk.to_string()] {
        let script = Script::start(|heard| {
            if is_token(heard) {
                bearer(0)
            } else {
                Reply::ok(GROUP)
            }
        })
        .await;
        assert!(
            client(&script, app(text, Algorithm::Es256, DpopMode::Off))
                .group(&group())
                .await
                .known()
                .is_some()
        );
        let (_, _, signed, signature) = open(&assertion(&script.heard()[0]));
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(signed.as_bytes(), &signature)
            .unwrap();
    }
}

#[tokio::test]
async fn a_key_that_cannot_work_is_refused_with_the_reason_and_without_the_key() {
    let script = Script::start(|_| Reply::ok("")).await;
    let (_, ec) = ec_key();
    let cases = [
        ("hunter2Secret".to_owned(), Algorithm::Es256, "neither PEM"),
        (ec.clone(), Algorithm::Rs256, "no RSA key"),
        (
            pem("ENCRYPTED PRIVATE KEY", b"hunter2Secret"),
            Algorithm::Rs256,
            "is encrypted",
        ),
        (pem("PUBLIC KEY", b"x"), Algorithm::Rs256, "public half"),
        (
            r#"{"kty":"EC","crv":"P-256","x":"hunter2SecretKey"}"#.to_owned(),
            Algorithm::Es256,
            "without all the private parts",
        ),
        (
            r#"{"kty":"RSA"}"#.to_owned(),
            Algorithm::Es256,
            "no P-256 key",
        ),
        ("{".to_owned(), Algorithm::Es256, "no JWK"),
    ];
    for (key, algorithm, expected) in cases {
        let settings = Settings {
            auth: Auth::ServiceApp(app(key, algorithm, DpopMode::Off)),
            ..script.settings()
        };
        assert!(!format!("{settings:?}").contains("hunter2"), "{expected}");
        let refused = Client::new(settings, script.surroundings())
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains(expected) && !refused.contains("hunter2"),
            "{refused}"
        );
    }
    let none = ServiceApp {
        scopes: Vec::new(),
        ..app(ec, Algorithm::Es256, DpopMode::Off)
    };
    let settings = Settings {
        auth: Auth::ServiceApp(none),
        ..script.settings()
    };
    assert_eq!(
        Client::new(settings, script.surroundings()).unwrap_err(),
        SettingsError::NoScopes
    );
}
