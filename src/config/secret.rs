//! Secrets: where they are, never what they are.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

/// What starts the name of a systemd credential.
pub(super) const CREDENTIAL: &str = "credential:";

/// Longer than any token or key; a wrong path (a log, a device) is noticed instead of read whole.
const LONGEST: u64 = 64 * 1024;

/// Where a secret is: a file, read anew each time it is needed so that it can be rotated in place.
///
/// A systemd credential is a file too, but one that stays what it was until the service restarts, and that nobody but the
/// service sees: a command at the terminal knows its name only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSource {
    /// Empty for a credential outside the service.
    path: PathBuf,
    credential: Option<String>,
}

/// Why a secret could not be read. Never says what is in the file.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: std::io::Error,
    },
    /// A systemd credential, asked for outside the service it is for.
    #[error(
        "credential {name:?} is not there: systemd's LoadCredential= did not set CREDENTIALS_DIRECTORY"
    )]
    OutOfReach {
        /// Its name.
        name: String,
    },
    /// The file is empty, too long or not text.
    #[error("{path} {what}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is the matter with it.
        what: &'static str,
    },
}

impl SecretSource {
    /// The secret in the file at `path`.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            credential: None,
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the secret; white space around it (the newline an editor leaves) is no part of it.
    ///
    /// # Errors
    /// When there is nothing usable to read.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        if let Some(name) = self.out_of_reach() {
            return Err(SecretError::OutOfReach {
                name: name.to_owned(),
            });
        }
        let unreadable = |error| SecretError::Unreadable {
            path: self.path.clone(),
            error,
        };
        let unusable = |what| SecretError::Unusable {
            path: self.path.clone(),
            what,
        };
        let meta = std::fs::metadata(&self.path).map_err(unreadable)?;
        if !meta.is_file() {
            return Err(unusable("is not a plain file"));
        }
        if meta.len() > LONGEST {
            return Err(unusable("is too long to be a secret"));
        }
        let bytes = std::fs::read(&self.path).map_err(unreadable)?;
        let text = String::from_utf8(bytes).map_err(|_| unusable("is not text"))?;
        match text.trim() {
            "" => Err(unusable("is empty")),
            secret => Ok(SecretString::from(secret)),
        }
    }

    /// The credential's name, where this process is not the service it is for.
    pub fn out_of_reach(&self) -> Option<&str> {
        self.credential
            .as_deref()
            .filter(|_| self.path.as_os_str().is_empty())
    }

    /// Whether everybody on this host may read the file. systemd keeps its credentials to itself.
    pub(super) fn is_world_readable(&self) -> bool {
        self.credential.is_none() && is_world_readable(&self.path)
    }

    /// The secret a key names: a path, or `credential:NAME` in the folder systemd made.
    pub(super) fn named(text: &str, credentials: Option<&Path>) -> Result<Self, String> {
        let Some(name) = text.strip_prefix(CREDENTIAL) else {
            return Ok(Self::file(text));
        };
        if name.is_empty() || name.contains('/') || name == "." || name == ".." {
            return Err(format!("{name:?} is not the name of a credential"));
        }
        Ok(Self {
            path: credentials
                .map(|folder| folder.join(name))
                .unwrap_or_default(),
            credential: Some(name.to_owned()),
        })
    }
}

/// Whether everybody on this host may read the file at `path`.
pub(super) fn is_world_readable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0)
}

/// A URL that may hold a password; printed without it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl {
    text: String,
    scheme: String,
    shown: String,
}

impl SecretUrl {
    /// The whole URL as it was written, password included.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The URL's scheme.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether a password is in it.
    pub(super) fn has_password(&self) -> bool {
        url::Url::parse(&self.text).is_ok_and(|url| {
            url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
        })
    }

    /// The URL of an SQLite file.
    pub(super) fn sqlite(path: &Path) -> Self {
        let text = format!("sqlite://{}", path.display());
        Self {
            shown: text.clone(),
            scheme: "sqlite".to_owned(),
            text,
        }
    }

    /// Reads a URL; the error never repeats the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut url = url::Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
        let scheme = url.scheme().to_owned();
        let shown = if scheme == "sqlite" {
            text.to_owned()
        } else if breaks_off(&url) {
            format!("{scheme}://…")
        } else {
            // Fails only for a URL without a host, which holds none. A query may hold a password too.
            let _ = url.set_password(None);
            url.set_query(None);
            url.into()
        };
        Ok(Self {
            shown,
            scheme,
            text: text.to_owned(),
        })
    }
}

/// Whether what stands before the host may have ended too early: a `/`, `?` or `#` in a password that should have been
/// percent-encoded makes its beginning a port and its rest a path, a query or a fragment.
fn breaks_off(url: &url::Url) -> bool {
    url.cannot_be_a_base()
        || url.path().contains('@')
        || url.query().is_some_and(|query| query.contains('@'))
        || url.fragment().is_some()
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUrl({self})")
    }
}

impl<'de> Deserialize<'de> for SecretUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)
            .map_err(|_| serde::de::Error::custom("must be a text"))?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
