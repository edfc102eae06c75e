//! Keeps the SCIM request log, a batch about every second.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use crate::service::Service;
use crate::service::request_log::{self, Queue, ScimRequest};

/// How long requests gather before they are written.
const GATHER: Duration = Duration::from_secs(1);

/// At most so many requests go into one statement.
const BATCH: usize = 1_000;

/// Keeps what the door notes until `stop` resolves, and then what is still in the queue. Ends early only when every
/// sending end is gone.
pub async fn run(service: Service, mut queue: Queue, stop: impl Future<Output = ()> + Send) {
    let mut stop = pin!(stop);
    loop {
        let batch = tokio::select! {
            biased;
            () = &mut stop => break,
            batch = queue.take(BATCH) => batch,
        };
        if batch.is_empty() {
            return;
        }
        let stopping = tokio::select! {
            biased;
            () = &mut stop => true,
            () = tokio::time::sleep(GATHER) => false,
        };
        keep(&service, batch).await;
        drain(&service, &mut queue).await;
        if stopping {
            return;
        }
    }
    drain(&service, &mut queue).await;
}

async fn drain(service: &Service, queue: &mut Queue) {
    loop {
        let batch = queue.take_now(BATCH);
        if batch.is_empty() {
            return;
        }
        keep(service, batch).await;
    }
}

/// The log is no part of any answer (R6): a batch that cannot be written is dropped, and said so.
async fn keep(service: &Service, batch: Vec<ScimRequest>) {
    if let Err(error) = request_log::append(service, &batch).await {
        tracing::warn!(requests = batch.len(), %error, "SCIM requests could not be logged");
    }
}
