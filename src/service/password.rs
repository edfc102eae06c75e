//! Passwords, where they are kept at all: argon2id hashes, made by few threads at a time.
//!
//! A hash takes 19 MiB and tens of milliseconds on purpose. Unbounded, a burst of pushes would take the memory and the
//! cores of everything else, and inside a transaction it would keep every other write waiting.

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Error, Service};
use crate::model::id::UserId;
use crate::store::{StoreError, person};

/// What is kept of a password: an argon2id hash in PHC form. Not shown, not logged.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PasswordHash(String);

impl PasswordHash {
    /// The hash with OWASP's minimum for argon2id (19 MiB, two passes, one lane), which are the crate's defaults.
    fn new(password: &SecretString, salt: [u8; 16]) -> Option<Self> {
        let hash: phc::PasswordHash = Argon2::default()
            .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
            .ok()?;
        Some(Self(hash.to_string()))
    }

    /// Whether this is the password's hash.
    fn is_of(&self, password: &SecretString) -> bool {
        phc::PasswordHash::new(&self.0).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.expose_secret().as_bytes(), &hash)
                .is_ok()
        })
    }

    /// As it is stored.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// What is to be stored of a password that was sent for this user (nobody yet: a new one); nothing where passwords are
/// dropped, and nothing where it is the one he has.
///
/// # Errors
/// The store's; [`StoreError::Busy`] where no thread could be had.
pub(super) async fn to_store(
    service: &Service,
    user: Option<&UserId>,
    sent: Option<SecretString>,
) -> Result<Option<PasswordHash>, Error> {
    let Some(sent) = sent.filter(|_| service.settings().password_sync) else {
        return Ok(None);
    };
    let mut salt = [0; 16];
    let mut tx = service.store.read().await?;
    tx.random().fill(&mut salt);
    let stored = match user {
        Some(user) => person::find_password(&mut tx, user).await?,
        None => None,
    };
    tx.rollback().await?;
    let _turn = service
        .hashing
        .acquire()
        .await
        .map_err(|_| StoreError::Busy)?;
    let work = move || {
        let known = stored.is_some_and(|stored| PasswordHash(stored).is_of(&sent));
        (!known).then(|| PasswordHash::new(&sent, salt))
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(None) => Ok(None),
        Ok(Some(Some(hash))) => Ok(Some(hash)),
        Ok(Some(None)) | Err(_) => Err(StoreError::Busy.into()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::PasswordHash;

    #[test]
    fn a_hash_is_argon2id_of_its_password_alone_and_not_shown() {
        let hash = PasswordHash::new(&"hT4k9QzP".into(), [7; 16]).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hash.is_of(&"hT4k9QzP".into()) && !hash.is_of(&"hT4k9QzQ".into()));
        assert_ne!(
            Some(hash.clone()),
            PasswordHash::new(&"hT4k9QzP".into(), [8; 16])
        );
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
    }
}
