//! Service apps for tests: keys, and JWS taken apart and verified.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::script::{Heard, Reply, Script};
use crate::model::id::OktaGroupId;
use crate::okta::{Algorithm, Auth, Client, DpopMode, ServiceApp, Settings};

pub(super) const GROUP: &str = r#"{"id":"00g1","type":"OKTA_GROUP","profile":{"name":"Ops"}}"#;

pub(super) fn group() -> OktaGroupId {
    OktaGroupId::parse("00g1").unwrap()
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

pub(super) fn app(key: String, algorithm: Algorithm, dpop: DpopMode) -> ServiceApp {
    ServiceApp {
        client_id: "0oaClient".to_owned(),
        key: SecretString::from(key),
        key_id: Some("kid-1".to_owned()),
        algorithm,
        scopes: vec!["okta.groups.read".to_owned(), "okta.users.read".to_owned()],
        dpop,
    }
}

pub(super) fn client(script: &Script, app: ServiceApp) -> Client {
    script.client_with(Settings {
        auth: Auth::ServiceApp(app),
        ..script.settings()
    })
}

pub(super) fn ec_key() -> (EcdsaKeyPair, String) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let text = pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref());
    (pair, text)
}

/// A JWS's parts: header, claims, what was signed, the signature.
pub(super) fn open(jws: &str) -> (Value, Value, String, Vec<u8>) {
    let parts: Vec<&str> = jws.split('.').collect();
    let read = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let signed = format!("{}.{}", parts[0], parts[1]);
    (
        read(parts[0]),
        read(parts[1]),
        signed,
        URL_SAFE_NO_PAD.decode(parts[2]).unwrap(),
    )
}

pub(super) fn form(heard: &Heard) -> Vec<(String, String)> {
    url::form_urlencoded::parse(heard.body.as_bytes())
        .into_owned()
        .collect()
}

pub(super) fn assertion(heard: &Heard) -> String {
    form(heard)
        .into_iter()
        .find(|(name, _)| name == "client_assertion")
        .unwrap()
        .1
}

/// Verifies a proof against the key it carries; gives its claims.
pub(super) fn proof(heard: &Heard) -> Value {
    let (header, claims, signed, signature) = open(heard.header("dpop"));
    assert_eq!(
        (header["typ"].as_str(), header["alg"].as_str()),
        (Some("dpop+jwt"), Some("ES256"))
    );
    let jwk = header["jwk"].as_object().unwrap();
    let names: Vec<&str> = jwk.keys().map(String::as_str).collect();
    assert_eq!(names, ["kty", "crv", "x", "y"], "the public half alone");
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let point = [vec![4], part("x"), part("y")].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
        .verify(signed.as_bytes(), &signature)
        .unwrap();
    claims
}

pub(super) fn bearer(number: usize) -> Reply {
    let body = json!({"token_type": "Bearer", "expires_in": 3600, "access_token": format!("tokSecret{number}"),
        "scope": "okta.groups.read okta.users.read"});
    Reply::ok(body.to_string())
}

pub(super) fn is_token(heard: &Heard) -> bool {
    heard.path() == "/oauth2/v1/token"
}
