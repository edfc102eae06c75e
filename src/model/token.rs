//! Access tokens: their text, their scopes, and the row that stands for one.
//!
//! A token is `rst_` + scope + `_` + 43 random letters and digits + 6 letters and digits of checksum, for example
//! `rst_scim_` and 49 characters. 43 characters drawn evenly from 62 carry 256.03 bits. The checksum (the first 32 bits
//! of the SHA-256 of all that stands before it, in the same alphabet) lets a secret scanner, and the door, tell a token
//! from noise without asking the store. The alphabet has no `-` or `_`, so that a double click selects the whole token.

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use super::id::TokenId;
use super::random::Random;
use super::time::Timestamp;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;

/// What a token opens. Kinds are not interchangeable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `/scim/v2`, and nothing else.
    Scim,
    /// Reads `/status`, runs and `/metrics`.
    Status,
    /// Everything under `/api/v1`, and what [`Scope::Status`] reads.
    Manage,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Scim, Self::Status, Self::Manage];

    /// The scope's name, as stored, shown and written in tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Status => "status",
            Self::Manage => "manage",
        }
    }

    /// The scope of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Scim => "rst_scim_",
            Self::Status => "rst_status_",
            Self::Manage => "rst_manage_",
        }
    }
}

/// A token as stored: everything but the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Names the row, in logs and for revocation.
    pub id: TokenId,
    /// What it opens.
    pub scope: Scope,
    /// For people.
    pub name: String,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it is refused; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl Token {
    /// Whether it opens anything at this instant.
    pub fn live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A presented text that has the form of a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Presented {
    /// The scope its prefix claims; the store's row decides.
    pub scope: Scope,
    /// SHA-256 of the whole text, which is what the store knows.
    pub hash: [u8; 32],
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presented")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// A new token. Shown once; only its [`hash`] is kept.
pub fn generate(scope: Scope, random: &dyn Random) -> SecretString {
    let mut text = scope.prefix().to_owned();
    let mut buffer = [0; 64];
    let mut drawn = 0;
    while drawn < RANDOM_CHARS {
        random.fill(&mut buffer);
        // 248 is the largest multiple of 62 in a byte: what lies above would favour the first letters.
        let fair = buffer.iter().filter(|byte| **byte < 248);
        for byte in fair.take(RANDOM_CHARS - drawn) {
            text.push(char::from(ALPHABET[usize::from(byte % 62)]));
            drawn += 1;
        }
    }
    let check = checksum(&text);
    text.push_str(&check);
    SecretString::from(text)
}

/// Reads a presented text; `None` when it cannot be a token.
pub fn read(text: &str) -> Option<Presented> {
    let scope = Scope::ALL
        .into_iter()
        .find(|scope| text.starts_with(scope.prefix()))?;
    let tail = &text.as_bytes()[scope.prefix().len()..];
    if tail.len() != RANDOM_CHARS + CHECK_CHARS || !tail.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let (body, check) = text.split_at(text.len() - CHECK_CHARS);
    (checksum(body) == check).then(|| Presented {
        scope,
        hash: hash(text),
    })
}

/// What the store keeps of a token.
pub fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn checksum(text: &str) -> String {
    let digest = hash(text);
    let mut number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    let mut out = [b'0'; CHECK_CHARS];
    for place in out.iter_mut().rev() {
        *place = ALPHABET[(number % 62) as usize];
        number /= 62;
    }
    out.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::{Scope, generate, hash, read};
    use crate::model::random::SeededRandom;

    #[test]
    fn a_token_is_read_back_with_its_scope() {
        let random = SeededRandom::new(1);
        for scope in Scope::ALL {
            let token = generate(scope, &random);
            let text = token.expose_secret();
            assert_eq!(text.len(), format!("rst_{}_", scope.as_str()).len() + 49);
            let presented = read(text);
            assert_eq!(
                presented.as_ref().map(|p| (p.scope, p.hash)),
                Some((scope, hash(text)))
            );
        }
    }

    #[test]
    fn two_tokens_differ_and_debug_shows_neither_text_nor_hash() {
        let random = SeededRandom::new(2);
        let (one, two) = (
            generate(Scope::Scim, &random),
            generate(Scope::Scim, &random),
        );
        assert_ne!(one.expose_secret(), two.expose_secret());
        let shown = format!("{one:?} {:?}", read(one.expose_secret()));
        assert!(!shown.contains(one.expose_secret()), "{shown}");
        assert!(shown.contains("Presented { scope: Scim, .. }"), "{shown}");
    }

    #[test]
    fn one_wrong_character_is_no_token() {
        let token = generate(Scope::Scim, &SeededRandom::new(3));
        let text = token.expose_secret();
        for place in 0..text.len() {
            let mut other = text.as_bytes().to_vec();
            other[place] = if other[place] == b'a' { b'b' } else { b'a' };
            let other = String::from_utf8_lossy(&other).into_owned();
            assert_eq!(read(&other), None, "{place}");
        }
        for other in [
            "",
            "rst_scim_",
            "non-token",
            "Bearer",
            &text[1..],
            &format!("{text} "),
        ] {
            assert_eq!(read(other), None);
        }
    }
}
