//! `[scim]`: how SCIM answers, and how much it takes.

use super::keys::Keys;
use super::size::Size;

/// How SCIM answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scim {
    /// Whether `password` is kept (hashed) instead of dropped.
    pub password_sync: bool,
    /// Most resources on one page; Okta asks for 100 and loses rows where it gets fewer.
    pub max_results: u32,
    /// Longest request body, in bytes. A push of 100,000 members is 8.3 MB.
    pub body_limit: usize,
    /// Limits of `/Bulk`, advertised in `/ServiceProviderConfig`.
    pub bulk: BulkLimits,
}

/// Limits of `/Bulk` (RFC 7644 3.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkLimits {
    /// `maxOperations`.
    pub max_operations: usize,
    /// `maxPayloadSize`, in bytes.
    pub max_payload: usize,
}

pub(super) fn read(keys: &mut Keys<'_>) -> Scim {
    let scim = Scim {
        password_sync: keys.take("scim.password_sync", false),
        max_results: keys.ranged("scim.max_results", 1000, 100..=10_000),
        body_limit: size(keys, "scim.body_limit", Size::mib(16)),
        bulk: BulkLimits {
            max_operations: keys.ranged("scim.bulk.max_operations", 1000, 1..=10_000),
            max_payload: size(keys, "scim.bulk.max_payload", Size::mib(4)),
        },
    };
    if scim.bulk.max_payload > scim.body_limit {
        keys.problem(
            "scim.bulk.max_payload",
            "is over scim.body_limit, so that no bulk request could use it",
        );
    }
    scim
}

fn size(keys: &mut Keys<'_>, path: &'static str, default: Size) -> usize {
    keys.ranged(path, default, Size::mib(1)..=Size::mib(256))
        .bytes()
}
