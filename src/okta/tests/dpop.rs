//! DPoP: the dance at the token endpoint, and a proof on every call.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::script::{Heard, Reply, START, Script};
use super::tools::{GROUP, app, assertion, client, ec_key, group, is_token, open, proof};
use crate::okta::{Algorithm, DpopMode, Error, GroupFilter, Identity, Read};

/// A token endpoint that requires DPoP with a nonce, and an API that checks what it is shown.
fn bound(heard: &Heard) -> Reply {
    if is_token(heard) {
        if heard.header("dpop").is_empty() {
            let body = r#"{"error":"invalid_dpop_proof","error_description":"The DPoP proof JWT header is missing."}"#;
            return Reply::new(400, body);
        }
        let claims = proof(heard);
        assert_eq!(claims["htm"], "POST");
        if claims["nonce"] != "nonce-1" {
            let body = r#"{"error":"use_dpop_nonce","error_description":"Authorization server requires nonce in DPoP proof."}"#;
            return Reply::new(400, body).with("dpop-nonce", "nonce-1");
        }
        let body = json!({"token_type": "DPoP", "expires_in": 3600, "access_token": "tokBound", "scope": "okta.groups.read"});
        return Reply::ok(body.to_string());
    }
    let next = format!("{}/api/v1/groups?after=x&limit=1", heard.base);
    let reply = Reply::ok(format!(
        r#"[{{"id":"00g{}","type":"OKTA_GROUP","profile":{{"name":"a"}}}}]"#,
        heard.number
    ));
    if heard.target.contains("after=") {
        reply
    } else {
        reply.next(next)
    }
}

#[tokio::test]
async fn dpop_is_danced_with_fresh_assertions_and_proved_on_every_page() {
    let script = Script::start(bound).await;
    let client = client(&script, app(ec_key().1, Algorithm::Es256, DpopMode::Auto));
    let listed = client.list_groups(GroupFilter::All).collect().await;
    assert_eq!(listed.items.len(), 2);
    let heard = script.heard();
    let (tokens, calls) = heard.split_at(3);
    assert!(
        tokens.iter().all(is_token),
        "without a proof, without the nonce, with it"
    );
    let jtis: Vec<Value> = tokens
        .iter()
        .map(|heard| open(&assertion(heard)).1["jti"].clone())
        .collect();
    assert!(
        jtis[0] != jtis[1] && jtis[1] != jtis[2] && jtis[0] != jtis[2],
        "each assertion is used once"
    );
    assert_eq!(
        proof(&tokens[2])["htu"],
        format!("{}/oauth2/v1/token", script.base)
    );
    let mut proofs = Vec::new();
    for call in calls {
        assert_eq!(call.header("authorization"), "DPoP tokBound");
        let claims = proof(call);
        assert_eq!(claims["htm"], "GET");
        assert_eq!(
            claims["htu"],
            format!("{}/api/v1/groups", script.base),
            "without the query"
        );
        let hash = digest::digest(&digest::SHA256, b"tokBound");
        assert_eq!(claims["ath"], URL_SAFE_NO_PAD.encode(hash));
        assert_eq!(claims["iat"], START);
        proofs.push(claims["jti"].clone());
    }
    assert_eq!(proofs.len(), 2);
    assert_ne!(proofs[0], proofs[1]);
    let (assertion_key, proof_key) = (
        open(&assertion(&tokens[2])).0,
        open(tokens[2].header("dpop")).0,
    );
    assert!(assertion_key.get("jwk").is_none() && proof_key.get("kid").is_none());

    // The nonce and the decision are kept: renewing needs one request.
    script.clock.advance(3_600_000);
    client.list_groups(GroupFilter::All).next_page().await;
    assert_eq!(
        script
            .heard()
            .iter()
            .skip(5)
            .filter(|heard| is_token(heard))
            .count(),
        1
    );
    let Identity::ServiceApp { scopes, dpop } = client.access().await.identity else {
        panic!("a service app")
    };
    assert_eq!(
        (scopes.unwrap(), dpop),
        (vec!["okta.groups.read".to_owned()], true)
    );
}

#[tokio::test]
async fn without_dpop_allowed_the_refusal_says_what_to_set() {
    let script = Script::start(bound).await;
    let client = client(&script, app(ec_key().1, Algorithm::Es256, DpopMode::Off));
    let Read::Unknown { why } = client.group(&group()).await else {
        panic!("unknown")
    };
    assert!(matches!(&why, Error::OAuth { error, .. } if error == "invalid_dpop_proof"));
    assert!(
        why.to_string().contains("set `dpop` to auto or on"),
        "{why}"
    );
    assert_eq!(script.heard().len(), 1);
}

#[tokio::test]
async fn an_api_that_wants_a_nonce_gets_one() {
    let script = Script::start(|heard| {
        if is_token(heard) {
            return bound(heard);
        }
        if proof(heard)["nonce"] == "api-nonce" {
            return Reply::ok(GROUP);
        }
        Reply::new(401, "")
            .with("dpop-nonce", "api-nonce")
            .with("www-authenticate", r#"DPoP error="use_dpop_nonce""#)
    })
    .await;
    let client = client(&script, app(ec_key().1, Algorithm::Es256, DpopMode::On));
    assert!(client.group(&group()).await.known().is_some());
    assert_eq!(
        script
            .targets()
            .iter()
            .filter(|target| target.contains("oauth2"))
            .count(),
        2
    );
}
