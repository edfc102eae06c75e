//! The outbound client of the Okta Management API.
//!
//! Start at [`Client`]: `api/` gives it one method per thing that rosterd reads. Nothing here writes to Okta, knows
//! SQL or decides anything about users; what comes back says *when* it was read (R7) and whether it is *known* (R8).
//!
//! | file | one idea |
//! |---|---|
//! | `settings`, `org_url` | what a client is made from; the one host a token is ever sent to |
//! | `api/` | the calls: groups, users, app, org |
//! | `types/` | the fields we read of Okta's objects |
//! | `listing` | a listing as a stream of pages that ends whole, partial or gone (R8) |
//! | `paging` | the Link header, and which `next` is followed |
//! | `client` | one call: room, proof, request, verdict, again |
//! | `verdict` | what an answer means |
//! | `waits` | waiting for a turn, for the rate limit, after a failure |
//! | `transport` | one HTTP exchange |
//! | `rate` | whose turn it is: Okta's buckets, our share, requests in flight |
//! | `health` | what `/status` shows |
//! | `pause` | waiting as an argument, backoff, a caller's patience |
//! | `auth/` | SSWS, OAuth service app, DPoP |

mod api;
mod auth;
mod client;
mod error;
mod health;
mod listing;
mod org_url;
mod paging;
mod pause;
mod rate;
mod settings;
#[cfg(test)]
mod tests;
mod transport;
pub mod types;
mod verdict;
mod waits;

pub use api::{Access, GroupFilter, Identity, UserFilter};
pub use client::{Client, Surroundings};
pub use error::{Error, Place};
pub use health::{BucketRoom, LastAnswer, LastFailure, SKEW_LIMIT_MS, Snapshot};
pub use listing::{Collected, End, Listing, Page, Step};
pub use org_url::{OrgUrl, OrgUrlError};
pub use pause::{Patience, Pause, TokioPause};
pub use settings::{
    Algorithm, Auth, DpopMode, PageSizes, Proxy, ServiceApp, Settings, SettingsError, Share,
};

use crate::model::time::Timestamp;

/// When something was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadTime {
    /// By our clock, the moment **before** the request was sent: what was pushed here later is newer than what was read (R7).
    pub read_at: Timestamp,
    /// The same moment by Okta's clock (the answer's `Date` less the time it took), for watermarks; `None` when the answer
    /// had no `Date`.
    pub okta_at: Option<Timestamp>,
}

/// What one read by id told us (R8): three outcomes, so that "we do not know" is never taken for "it is not there".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read<T> {
    /// Okta gave the object.
    Known {
        /// The object.
        value: T,
        /// When it was read.
        at: ReadTime,
    },
    /// Okta says that there is no such object (404, `E0000007`).
    Gone {
        /// When it was asked.
        at: ReadTime,
    },
    /// Anything else: leave it as it is.
    Unknown {
        /// Why.
        why: Error,
    },
}

impl<T> Read<T> {
    /// The object with `change` applied.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Read<U> {
        match self {
            Self::Known { value, at } => Read::Known {
                value: change(value),
                at,
            },
            Self::Gone { at } => Read::Gone { at },
            Self::Unknown { why } => Read::Unknown { why },
        }
    }

    /// The object, where it is known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Gone { .. } | Self::Unknown { .. } => None,
        }
    }
}
