//! TLS, with a certificate that can be replaced while the server runs.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds nothing of the kind.
    #[error("{path}: {error}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not go together, or are of a kind that is not supported.
    #[error("the certificate in {path} cannot be used: {error}")]
    Unusable {
        /// The certificate's file.
        path: PathBuf,
        /// The reason.
        error: rustls::Error,
    },
}

/// A certificate's files and what was last read from them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TlsReload(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<rustls::ServerConfig>>,
}

impl TlsReload {
    /// Reads the chain in `cert` and its key, both PEM.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn open(cert: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let current = RwLock::new(read(&cert, &key)?);
        Ok(Self(Arc::new(Inner { cert, key, current })))
    }

    /// Reads the files again; connections made from now on get what they hold.
    ///
    /// # Errors
    /// When they cannot be used; then everything stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = read(&self.0.cert, &self.0.key)?;
        let current = self.0.current.write();
        *current.unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.0.current.read();
        TlsAcceptor::from(Arc::clone(&current.unwrap_or_else(PoisonError::into_inner)))
    }
}

fn read(cert: &PathBuf, key: &PathBuf) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    let pem = |path: &PathBuf, error| TlsError::Pem {
        path: path.clone(),
        error,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(|error| pem(cert, error))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| pem(key, error))?;
    let unusable = |error| TlsError::Unusable {
        path: cert.clone(),
        error,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
