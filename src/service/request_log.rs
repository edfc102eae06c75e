//! The SCIM request log: what Okta asked, and what it was shown.

use tokio::sync::mpsc;

use super::{Error, Service};
use crate::model::id::AuditId;
pub use crate::store::scim_requests::{Query, ScimRequest};
use crate::store::{in_write, scim_requests};

/// Keeps answered requests.
///
/// # Errors
/// [`Error::Store`]; then none of them is kept.
pub async fn append(service: &Service, requests: &[ScimRequest]) -> Result<(), Error> {
    in_write!(service.store, |tx| {
        Ok(scim_requests::insert(tx, requests).await?)
    })
}

/// The last requests, the latest first.
///
/// # Errors
/// [`Error::Store`].
pub async fn list(service: &Service, query: &Query) -> Result<Vec<(AuditId, ScimRequest)>, Error> {
    let mut tx = service.store.read().await?;
    let found = scim_requests::list(&mut tx, query).await?;
    tx.rollback().await?;
    Ok(found)
}

/// How many answered requests may wait to be kept. Past it the log loses requests, never a request its answer.
const WAITING: usize = 10_000;

/// The sending end: where the door notes what it answered. Cheap to clone; never waits.
#[derive(Debug, Clone)]
pub struct RequestLog(mpsc::Sender<ScimRequest>);

/// The receiving end, for the task that keeps the requests.
#[derive(Debug)]
pub struct Queue(mpsc::Receiver<ScimRequest>);

/// The two ends of the log.
pub fn queue() -> (RequestLog, Queue) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (RequestLog(sender), Queue(receiver))
}

impl RequestLog {
    /// Notes an answered request; false when there is no room, or nobody keeps the log.
    #[must_use]
    pub fn note(&self, request: ScimRequest) -> bool {
        self.0.try_send(request).is_ok()
    }
}

impl Queue {
    /// Waits for requests and takes at most `most` of them; empty when no more will come.
    pub async fn take(&mut self, most: usize) -> Vec<ScimRequest> {
        let mut taken = Vec::new();
        self.0.recv_many(&mut taken, most).await;
        taken
    }

    /// What is there now, at most `most`.
    pub fn take_now(&mut self, most: usize) -> Vec<ScimRequest> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Ok(request) = self.0.try_recv()
        {
            taken.push(request);
        }
        taken
    }
}
