//! Private keys and JWS signatures (RFC 7515, 7518), by aws-lc-rs.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;

use crate::okta::error::Error;
use crate::okta::settings::{Algorithm, SettingsError};

/// A key that signs.
pub(super) enum Signer {
    Rs256(Box<RsaKeyPair>),
    Es256(Box<EcdsaKeyPair>),
}

/// A private JWK (RFC 7517, 7518 section 6).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<String>,
    n: Option<String>,
    e: Option<String>,
    p: Option<String>,
    q: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    qi: Option<String>,
}

impl Signer {
    /// Reads a private key: PEM (PKCS#8, PKCS#1 or SEC1) or one private JWK. Gives the JWK's `kid` along.
    pub(super) fn read(
        text: &str,
        algorithm: Algorithm,
    ) -> Result<(Self, Option<String>), SettingsError> {
        let text = text.trim();
        let read = if text.starts_with('{') {
            from_jwk(text, algorithm)
        } else {
            from_pem(text, algorithm).map(|key| (key, None))
        };
        read.map_err(|why| SettingsError::Key(why.to_owned()))
    }

    /// A fresh P-256 key.
    pub(super) fn generate() -> Result<EcdsaKeyPair, SettingsError> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| SettingsError::Key("none can be made".to_owned()))
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rs256(_) => Algorithm::Rs256,
            Self::Es256(_) => Algorithm::Es256,
        }
    }

    /// A compact JWS over `header` and `claims`.
    pub(super) fn jws(
        &self,
        header: &serde_json::Value,
        claims: &serde_json::Value,
    ) -> Result<String, Error> {
        let input = signing_input(header, claims);
        let signature = match self {
            Self::Rs256(key) => {
                let mut out = vec![0; key.public_modulus_len()];
                let signed = key.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    input.as_bytes(),
                    &mut out,
                );
                signed.map(|()| out)
            }
            Self::Es256(key) => key
                .sign(&SystemRandom::new(), input.as_bytes())
                .map(|signature| signature.as_ref().to_vec()),
        };
        let signature = signature.map_err(|_| Error::Signing("RS256 or ES256"))?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn signing_input(header: &serde_json::Value, claims: &serde_json::Value) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// The coordinates of a P-256 public key, base64url.
pub(super) fn coordinates(key: &EcdsaKeyPair) -> Option<(String, String)> {
    // An uncompressed point: 4, x, y (SEC 1 section 2.3.3).
    let point = key.public_key().as_ref().strip_prefix(&[4])?;
    let (x, y) = point.split_at_checked(32)?;
    Some((URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y)))
}

const WRONG_RSA: &str = "is no RSA key of 2048 bits or more, which RS256 needs";
const WRONG_EC: &str = "is no P-256 key, which ES256 needs";

fn from_pem(text: &str, algorithm: Algorithm) -> Result<Signer, &'static str> {
    if text.contains("BEGIN ENCRYPTED") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(
            "is encrypted; give it without a passphrase (`openssl pkey -in key.pem -out plain.pem`)",
        );
    }
    if text.contains("BEGIN PUBLIC KEY") || text.contains("BEGIN CERTIFICATE") {
        return Err("is the public half; the private one is needed");
    }
    let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(
        |_| "is neither PEM (BEGIN PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY) nor a JWK",
    )?;
    match algorithm {
        Algorithm::Rs256 => match &der {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(WRONG_RSA),
        }
        .map_err(|_| WRONG_RSA)
        .and_then(rs256),
        Algorithm::Es256 => match &der {
            PrivateKeyDer::Pkcs8(der) => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der())
            }
            PrivateKeyDer::Sec1(der) => EcdsaKeyPair::from_private_key_der(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                der.secret_sec1_der(),
            ),
            _ => return Err(WRONG_EC),
        }
        .map(|key| Signer::Es256(Box::new(key)))
        .map_err(|_| WRONG_EC),
    }
}

fn rs256(key: RsaKeyPair) -> Result<Signer, &'static str> {
    if key.public_modulus_len() < 256 {
        Err(WRONG_RSA)
    } else {
        Ok(Signer::Rs256(Box::new(key)))
    }
}

fn from_jwk(text: &str, algorithm: Algorithm) -> Result<(Signer, Option<String>), &'static str> {
    let jwk: Jwk = serde_json::from_str(text).map_err(|_| "is no JWK (a JSON object with kty)")?;
    let part = |value: &Option<String>| {
        let text = value
            .as_deref()
            .ok_or("is a JWK without all the private parts")?;
        URL_SAFE_NO_PAD
            .decode(text.trim_end_matches('='))
            .map_err(|_| "is a JWK whose parts are not base64url")
    };
    let signer = match (algorithm, jwk.kty.as_str()) {
        (Algorithm::Es256, "EC") if jwk.crv.as_deref() == Some("P-256") => {
            let public = [vec![4], part(&jwk.x)?, part(&jwk.y)?].concat();
            let key = EcdsaKeyPair::from_private_key_and_public_key(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                &part(&jwk.d)?,
                &public,
            );
            Signer::Es256(Box::new(
                key.map_err(|_| "is a JWK whose parts do not belong together")?,
            ))
        }
        (Algorithm::Rs256, "RSA") => {
            let key = RsaKeyPair::from_components(&rsa::KeyPairComponents {
                public_key: rsa::PublicKeyComponents {
                    n: part(&jwk.n)?,
                    e: part(&jwk.e)?,
                },
                d: part(&jwk.d)?,
                p: part(&jwk.p)?,
                q: part(&jwk.q)?,
                dP: part(&jwk.dp)?,
                dQ: part(&jwk.dq)?,
                qInv: part(&jwk.qi)?,
            });
            rs256(key.map_err(|_| "is a JWK whose parts do not belong together")?)?
        }
        (Algorithm::Rs256, _) => return Err(WRONG_RSA),
        (Algorithm::Es256, _) => return Err(WRONG_EC),
    };
    Ok((signer, jwk.kid))
}
