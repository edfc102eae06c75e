//! Why a use case refused.

use crate::model::mapping::Mapping;
use crate::scim::ScimError;
use crate::store::{Conflict, StoreError};

/// A use case's refusal. Mapped to HTTP once, in `http`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing (404).
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The request contradicts what is stored (409); the text says what to do.
    #[error("{0}")]
    Conflict(String),
    /// The request makes no sense (400); the text says what to do.
    #[error("{0}")]
    Invalid(String),
    /// Okta manages membership (403, R2).
    #[error("{detail}")]
    ManagedByOkta {
        /// Names the mappings that lead to the team, or says that none does.
        detail: String,
        /// Those mappings.
        mappings: Vec<Mapping>,
    },
    /// Nobody would be left in Organization Admin (409, R5).
    #[error("this would leave nobody active in Organization Admin")]
    LastAdmin,
    /// What a SCIM client is told, whole.
    #[error(transparent)]
    Scim(#[from] ScimError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Conflict for Error {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_conflict())
    }
}
