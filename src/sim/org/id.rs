//! Okta's ids: three letters of kind and 17 of base 62.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::model::random::Random;

/// An id as Okta makes them: 20 characters, `00u…` a user, `00g…` a group, `0oa…` an app, `00o…` an org.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OktaId([u8; 20]);

const BASE62: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl OktaId {
    /// A new id of the kind `prefix` names; only its first three bytes count.
    pub fn new(prefix: &str, random: &dyn Random) -> Self {
        let mut bytes = [b'0'; 20];
        for (place, byte) in bytes.iter_mut().zip(prefix.bytes().take(3)) {
            *place = byte;
        }
        let mut noise = [0u8; 17];
        random.fill(&mut noise);
        for (place, noise) in bytes.iter_mut().skip(3).zip(noise) {
            *place = BASE62[usize::from(noise) % BASE62.len()];
        }
        Self(bytes)
    }

    /// Reads an id: `None` unless it is 20 letters and digits.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 20] = text.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(u8::is_ascii_alphanumeric)
            .then_some(Self(bytes))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        // Only ASCII letters and digits are ever put in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for OktaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for OktaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for OktaId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// `length` random letters and digits, for tokens, cursors and placeholders.
pub(in crate::sim) fn letters(length: usize, random: &dyn Random) -> String {
    let mut noise = vec![0u8; length];
    random.fill(&mut noise);
    noise
        .into_iter()
        .map(|byte| char::from(BASE62[usize::from(byte) % BASE62.len()]))
        .collect()
}
