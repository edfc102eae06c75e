//! Compact JWS: reading, verifying RS256 and ES256, signing RS256. JWK thumbprints (RFC 7638).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// A JWS that was taken apart, not yet verified.
pub(in crate::sim) struct Jws {
    pub(in crate::sim) header: Map<String, Value>,
    pub(in crate::sim) claims: Map<String, Value>,
    signed: String,
    signature: Vec<u8>,
}

impl Jws {
    pub(in crate::sim) fn read(compact: &str) -> Option<Self> {
        let (signed, signature) = compact.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        Some(Self {
            header: part(header)?,
            claims: part(claims)?,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether the key signed it, by the algorithm both the header and the key are for.
    pub(in crate::sim) fn is_signed_by(&self, jwk: &Value) -> bool {
        let bytes = |name: &str| {
            jwk.get(name)
                .and_then(Value::as_str)
                .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        };
        let kind = jwk.get("kty").and_then(Value::as_str).unwrap_or_default();
        match (self.header("alg"), kind) {
            ("RS256", "RSA") => {
                let (Some(n), Some(e)) = (bytes("n"), bytes("e")) else {
                    return false;
                };
                let key = PublicKeyComponents { n, e };
                key.verify(
                    &RSA_PKCS1_2048_8192_SHA256,
                    self.signed.as_bytes(),
                    &self.signature,
                )
                .is_ok()
            }
            ("ES256", "EC") => {
                let (Some(x), Some(y)) = (bytes("x"), bytes("y")) else {
                    return false;
                };
                let point = [&[4u8][..], &x, &y].concat();
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                key.verify(self.signed.as_bytes(), &self.signature).is_ok()
            }
            _ => false,
        }
    }

    pub(in crate::sim) fn header(&self, name: &str) -> &str {
        self.header
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(in crate::sim) fn claim(&self, name: &str) -> &str {
        self.claims
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A time claim, in epoch seconds.
    pub(in crate::sim) fn seconds(&self, name: &str) -> Option<i64> {
        self.claims.get(name).and_then(Value::as_i64)
    }
}

/// The thumbprint of a public key, by which a token is bound to it.
pub(in crate::sim) fn thumbprint(jwk: &Value) -> Option<String> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    // RFC 7638 section 3: the required members only, in lexicographic order, without blanks.
    let canonical = match text("kty")? {
        "RSA" => format!(
            r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
            text("e")?,
            text("n")?
        ),
        "EC" => format!(
            r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
            text("crv")?,
            text("x")?,
            text("y")?
        ),
        _ => return None,
    };
    Some(digest(canonical.as_bytes()))
}

/// base64url(SHA-256(bytes)).
pub(in crate::sim) fn digest(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}

/// A key that signs tokens.
pub(in crate::sim) struct SigningKey {
    pub(in crate::sim) kid: String,
    pair: KeyPair,
}

impl SigningKey {
    /// A new RSA key of 2048 bits; `None` if the machine cannot make one.
    pub(in crate::sim) fn generate(kid: String) -> Option<Self> {
        Some(Self {
            kid,
            pair: KeyPair::generate(KeySize::Rsa2048).ok()?,
        })
    }

    /// The public half as a JWK.
    pub(in crate::sim) fn jwk(&self) -> Option<Value> {
        let (n, e) = rsa_numbers(self.pair.public_key().as_ref())?;
        Some(
            json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid,
                    "n": URL_SAFE_NO_PAD.encode(n), "e": URL_SAFE_NO_PAD.encode(e)}),
        )
    }

    /// Signs claims as a compact JWS.
    pub(in crate::sim) fn sign(&self, claims: &Value) -> Option<String> {
        let header = json!({"kid": self.kid, "alg": "RS256"});
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 A.1.1): a DER sequence of two integers.
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = der_value(der, 0x30)?;
    let (n, rest) = der_value(sequence, 0x02)?;
    let (e, _) = der_value(rest, 0x02)?;
    Some((
        n.strip_prefix(&[0]).unwrap_or(n),
        e.strip_prefix(&[0]).unwrap_or(e),
    ))
}

/// The content of the first DER value, which must have this tag, and what follows it.
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        (
            length
                .iter()
                .fold(0usize, |sum, byte| sum << 8 | usize::from(*byte)),
            rest,
        )
    };
    rest.split_at_checked(length)
}
