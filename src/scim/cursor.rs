//! Cursors (RFC 9865): a place in a list, opaque to the client and bound to the query it came from.
//!
//! Base64url of a version byte, eight bytes of the query's hash, and the position as the store writes it. A cursor is not
//! signed: whoever makes one up reaches a place in a list he may read anyway. So the store treats the position as
//! untrusted text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::error::ScimError;

const VERSION: u8 = 1;

/// The longest cursor looked at. The longest made is half as long: a sort key of 512 characters, each escaped.
const MAX_LENGTH: usize = 8 * 1024;

/// What a cursor is bound to: everything that decides which resources are listed, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    /// The fingerprint of a query written as texts; their order counts.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut first = [0; 8];
        for (to, from) in first.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        Self(first)
    }
}

/// Makes a cursor of a position.
pub fn encode(position: &str, query: Fingerprint) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend(query.0);
    bytes.extend(position.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position in a cursor.
///
/// # Errors
/// 400 `invalidCursor`: not one of ours, or of another query (RFC 9865 section 2.1).
pub fn decode(cursor: &str, query: Fingerprint) -> Result<String, ScimError> {
    let invalid = || {
        ScimError::invalid_cursor("The cursor is not one of this service; start again without one.")
    };
    if cursor.len() > MAX_LENGTH {
        return Err(invalid());
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
    let Some(([VERSION], rest)) = bytes.split_first_chunk::<1>() else {
        return Err(invalid());
    };
    let Some((made_for, position)) = rest.split_first_chunk::<8>() else {
        return Err(invalid());
    };
    if *made_for != query.0 {
        let detail =
            "The cursor belongs to a query with another filter or order; start again without one.";
        return Err(ScimError::invalid_cursor(detail));
    }
    String::from_utf8(position.to_vec()).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::scim::ScimType;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_serves_its_own_query_only() {
        let (one, two) = (
            Fingerprint::of(&["Users", "a pr"]),
            Fingerprint::of(&["Users", "b pr"]),
        );
        let cursor = encode("1700000000000,abc", one);
        assert_eq!(decode(&cursor, one).unwrap(), "1700000000000,abc");
        assert_eq!(
            decode(&cursor, two).unwrap_err().scim_type,
            Some(ScimType::InvalidCursor)
        );
        assert_ne!(Fingerprint::of(&["ab", "c"]), Fingerprint::of(&["a", "bc"]));
    }

    #[test]
    fn a_cursor_needs_no_escaping_in_a_url() {
        let cursor = encode("??>>\u{ff}~~", Fingerprint::of(&[]));
        assert!(
            cursor
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        );
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in [
            "",
            "!",
            "AA",
            "AQ",
            "AQEBAQEBAQEB_w",
            &"A".repeat(1_000_000),
        ] {
            assert_eq!(
                decode(text, Fingerprint::of(&[])).unwrap_err().scim_type,
                Some(ScimType::InvalidCursor)
            );
        }
    }

    proptest! {
        #[test]
        fn every_position_comes_back(position in ".*") {
            let query = Fingerprint::of(&["q"]);
            prop_assert_eq!(decode(&encode(&position, query), query).unwrap(), position);
        }

        #[test]
        fn never_panics(text in ".*", like in "[A-Za-z0-9_-]{0,40}") {
            let _ = (decode(&text, Fingerprint::of(&[])), decode(&like, Fingerprint::of(&[])));
        }
    }
}
