//! The IdP groups known here.

use super::{Error, Service};
use crate::store::group_lines::{self, GroupLine};

/// A page of groups in order of creation: those numbered above `after`.
pub async fn list(service: &Service, after: i64, limit: i64) -> Result<Vec<GroupLine>, Error> {
    let mut tx = service.store.read().await?;
    let lines = group_lines::list(&mut tx, after, limit).await?;
    tx.rollback().await?;
    Ok(lines)
}
