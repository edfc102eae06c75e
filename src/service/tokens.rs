//! Access tokens: made, listed, revoked, and looked at when shown.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use super::{Error, Service};
use crate::model::actor::Cx;
use crate::model::id::TokenId;
use crate::model::time::Timestamp;
use crate::model::token::{self, Presented};
pub use crate::model::token::{Scope, Token};
use crate::store::audit::{self, Entry};
use crate::store::{in_write, organization, tokens};

/// How long the door believes what the store said of a token. A revocation by another process holds within a second.
const BELIEVED: Duration = Duration::from_millis(500);

/// How many tokens the door remembers. More are simply looked up again.
const REMEMBERED: usize = 1_000;

/// A token just made.
#[derive(Debug)]
pub struct Issued {
    /// The row.
    pub token: Token,
    /// The token itself, for once. `Debug` does not show it.
    pub secret: SecretString,
}

/// Makes a token. Any number may live at the same time, so that a new one can be rolled out before the old one goes.
///
/// # Errors
/// [`Error::Invalid`] for a name that is empty or over 200 characters, or an end that is past.
pub async fn issue(
    service: &Service,
    cx: &Cx,
    scope: Scope,
    name: &str,
    expires_at: Option<Timestamp>,
) -> Result<Issued, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(Error::Invalid(
            "a token's name has 1 to 200 printable characters".to_owned(),
        ));
    }
    in_write!(service.store, |tx| {
        let now = tx.now();
        if expires_at.is_some_and(|end| end <= now) {
            return Err(Error::Invalid("this expiry is in the past".to_owned()));
        }
        let secret = token::generate(scope, tx.random());
        let token = Token {
            id: TokenId::new(now, tx.random()),
            scope,
            name: name.to_owned(),
            created_by: cx.actor.clone(),
            created_at: now,
            expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        tokens::insert(tx, &token, &hex(&token::hash(secret.expose_secret()))).await?;
        audit::insert(tx, cx, &[entry("token.issued", &token)]).await?;
        Ok(Issued { token, secret })
    })
}

/// Every token, live or not, the oldest first.
///
/// # Errors
/// [`Error::Store`].
pub async fn list(service: &Service) -> Result<Vec<Token>, Error> {
    let mut tx = service.store.read().await?;
    let found = tokens::list(&mut tx).await?;
    tx.rollback().await?;
    Ok(found)
}

/// Revokes a token, for good. Revoking twice changes nothing.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn revoke(service: &Service, cx: &Cx, id: &TokenId) -> Result<Token, Error> {
    in_write!(service.store, |tx| {
        if tokens::update_revoked(tx, id).await? {
            let token = tokens::find(tx, id)
                .await?
                .ok_or(Error::NotFound("token"))?;
            audit::insert(tx, cx, &[entry("token.revoked", &token)]).await?;
            return Ok(token);
        }
        tokens::find(tx, id).await?.ok_or(Error::NotFound("token"))
    })
}

fn entry(action: &'static str, token: &Token) -> Entry {
    Entry {
        action,
        object_kind: "token",
        object_id: token.id.to_string(),
        before: None,
        after: Some(serde_json::json!({
            "scope": token.scope.as_str(),
            "name": token.name,
            "expires_at": token.expires_at,
            "revoked_at": token.revoked_at,
        })),
    }
}

/// Looks at the tokens that requests show. One for the whole process.
pub struct Verifier {
    service: Service,
    known: RwLock<HashMap<[u8; 32], Known>>,
    scim_noted: AtomicBool,
}

#[derive(Clone)]
struct Known {
    token: Arc<Token>,
    until: Instant,
}

impl Verifier {
    /// A verifier that remembers nothing yet.
    pub fn new(service: Service) -> Self {
        Self {
            service,
            known: RwLock::default(),
            scim_noted: AtomicBool::new(false),
        }
    }

    /// The live token with this text, if there is one. Its use is noted beside the request, which does not wait for it;
    /// only the very first use of any SCIM token is written before the request goes on, because a poll may look at it
    /// next (R16).
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be asked: then nobody knows, and nobody is let in.
    pub async fn verify(&self, text: &str) -> Result<Option<Arc<Token>>, Error> {
        let Some(presented) = token::read(text) else {
            return Ok(None);
        };
        if let Some(token) = self.remembered(&presented) {
            return Ok(Some(token));
        }
        // From before it was looked up: what is revoked while its use is noted must not be believed the longer.
        let until = Instant::now() + BELIEVED;
        let Some((token, scim_used)) = self.look_up(&presented).await? else {
            return Ok(None);
        };
        let token = Arc::new(token);
        self.note_use(&token, scim_used).await;
        self.remember(presented.hash, &token, until);
        Ok(Some(token))
    }

    fn remembered(&self, presented: &Presented) -> Option<Arc<Token>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(&presented.hash)?;
        (Instant::now() < found.until).then(|| Arc::clone(&found.token))
    }

    fn remember(&self, hash: [u8; 32], token: &Arc<Token>, until: Instant) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(
            hash,
            Known {
                token: Arc::clone(token),
                until,
            },
        );
    }

    async fn look_up(&self, presented: &Presented) -> Result<Option<(Token, bool)>, Error> {
        let hash = hex(&presented.hash);
        let mut tx = self.service.store.read().await?;
        let found = tokens::find_by_hash(&mut tx, &hash).await?;
        let now = tx.now();
        tx.rollback().await?;
        let Some(found) = found else { return Ok(None) };
        let same: bool = found.hash.as_bytes().ct_eq(hash.as_bytes()).into();
        if !same || found.token.scope != presented.scope || !found.token.live(now) {
            return Ok(None);
        }
        Ok(Some((found.token, found.scim_used_at.is_some())))
    }

    async fn note_use(&self, token: &Arc<Token>, scim_used: bool) {
        let first_scim = token.scope == Scope::Scim
            && !scim_used
            && !self.scim_noted.swap(true, Ordering::SeqCst);
        if first_scim {
            if !note(&self.service, token, true).await {
                self.scim_noted.store(false, Ordering::SeqCst);
            }
            return;
        }
        let (service, token) = (self.service.clone(), Arc::clone(token));
        // A lookup happens at most twice a second; whether a minute has passed is decided here first, so that a
        // busy writer is asked once a minute and not at each lookup.
        let fresh = self.service.store.now().await.is_ok_and(|now| {
            token
                .last_used_at
                .is_some_and(|used| now.since(used) < tokens::LAST_USED_EVERY_MS)
        });
        if !fresh {
            tokio::spawn(async move { note(&service, &token, false).await });
        }
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

/// Last use is no part of any request (R6): when it cannot be written, the request goes on.
async fn note(service: &Service, token: &Token, first_scim: bool) -> bool {
    let done: Result<(), Error> = in_write!(service.store, |tx| {
        tokens::update_last_used(tx, &token.id).await?;
        if first_scim {
            organization::update_scim_used(tx).await?;
        }
        Ok(())
    });
    if let Err(error) = &done {
        tracing::warn!(token = %token.id, %error, "the use of a token could not be noted");
    }
    done.is_ok()
}

fn hex(bytes: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(64), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}
