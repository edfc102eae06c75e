//! How large a resource may be.
//!
//! Lists read a hundred resources at once and a PATCH looks at all of one, so that one of many megabytes would be paid
//! for by everybody.

use serde::Serialize;

use super::error::ScimError;
use super::json::Object;

/// The largest resource that is stored, in bytes of JSON; of a group without its members.
pub const MAX_RESOURCE_BYTES: usize = 256 * 1024;

/// Refuses attributes that are too large. Those of a stored resource that does not grow are let through, so that whoever
/// has them can still be deactivated.
///
/// # Errors
/// 413.
pub fn bounded(before: &Object, after: &Object) -> Result<(), ScimError> {
    let size = bytes(after);
    if size <= MAX_RESOURCE_BYTES || size <= bytes(before) {
        return Ok(());
    }
    Err(ScimError::payload_too_large(format!(
        "A resource may have at most {MAX_RESOURCE_BYTES} bytes of JSON, members not counted."
    )))
}

/// The length of a value as JSON.
pub(in crate::scim) fn bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |text| text.len())
}
