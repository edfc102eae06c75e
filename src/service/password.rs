//! Passwords, where they are kept at all: argon2id hashes, made by few threads at a time.
//!
//! A hash takes 19 MiB and tens of milliseconds on purpose. Unbounded, a burst of pushes would take the memory and the
//! cores of everything else, and inside a transaction it would keep every other write waiting.

use std::fmt;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Error, Service};
use crate::model::id::UserId;
use crate::store::{StoreError, Tx, person};

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

/// A password that was sent, hashed before the transaction that takes it.
pub(super) struct Sent {
    hash: PasswordHash,
    /// The hash he had, where it is of the same password.
    equal: Option<PasswordHash>,
}

impl Sent {
    /// What is to be stored for this user: nothing, if it is the password he has. Asked in the transaction that stores
    /// it, because the row may have been given to another person by then (R11).
    pub(super) async fn news(
        &self,
        tx: &mut Tx,
        user: &UserId,
    ) -> Result<Option<&PasswordHash>, Error> {
        let stored = person::find_password(tx, user).await?.map(PasswordHash);
        Ok((stored.is_none() || stored != self.equal).then_some(&self.hash))
    }

    /// What is stored for a user who is new.
    pub(super) fn hash(&self) -> &PasswordHash {
        &self.hash
    }
}

/// Hashes a password that was sent for this user (nobody yet: a new one); nothing where passwords are dropped.
///
/// # Errors
/// The store's; [`StoreError::Busy`] where no thread could be had.
pub(super) async fn hashed(
    service: &Service,
    user: Option<&UserId>,
    sent: Option<SecretString>,
) -> Result<Option<Sent>, Error> {
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
    let turn = Arc::clone(&service.hashing)
        .acquire_owned()
        .await
        .map_err(|_| StoreError::Busy)?;
    let work = move || {
        // Held here: the work goes on when its request is given up.
        let _turn = turn;
        let equal = stored.map(PasswordHash).filter(|known| known.is_of(&sent));
        PasswordHash::new(&sent, salt).map(|hash| Sent { hash, equal })
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Some(sent)) => Ok(Some(sent)),
        Ok(None) | Err(_) => Err(StoreError::Busy.into()),
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
