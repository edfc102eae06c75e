//! TLS: a private CA is trusted when the settings name it, and only then.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use super::script::{Reply, Script};
use crate::okta::{Error, OrgUrl, Patience, Read, Settings};

/// Serves one organization on TLS with a certificate of a CA of its own; gives the org URL and the CA's PEM.
async fn private_org() -> (OrgUrl, String) {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let leaf = CertificateParams::new(names).unwrap();
    let leaf = leaf.signed_by(&key, &ca).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut tls) = acceptor.accept(tcp).await else {
                continue;
            };
            let mut head = [0; 4096];
            let _read = tls.read(&mut head).await;
            let body = r#"{"id":"00oOrg1"}"#;
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _written = tls.write_all(answer.as_bytes()).await;
            let _closed = tls.shutdown().await;
        }
    });
    let url = OrgUrl::parse(&format!("https://localhost:{port}")).unwrap();
    (url, ca.pem())
}

#[tokio::test]
async fn a_private_ca_is_trusted_only_when_it_is_configured() {
    let script = Script::start(|_| Reply::ok("")).await;
    let (org_url, pem) = private_org().await;
    let settings = Settings {
        org_url,
        ..script.settings()
    };
    let stranger = script.client_with(settings.clone());
    let read = stranger
        .with_patience(Patience::once())
        .organization()
        .await;
    let Read::Unknown {
        why: Error::Unavailable { why, .. },
    } = read
    else {
        panic!("{read:?}")
    };
    assert!(why.to_lowercase().contains("certificate"), "{why}");
    let friend = script.client_with(Settings {
        extra_roots: Some(pem),
        ..settings
    });
    assert_eq!(
        friend.organization().await.known().unwrap().id.as_str(),
        "00oOrg1"
    );
}
