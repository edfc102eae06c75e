//! Deletes what has been kept long enough.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;

use crate::service::Service;
use crate::service::retention::{self, Retention};

/// How often is swept. Stamps and mutes are small and read with an index, so that nothing is urgent.
const EVERY: Duration = Duration::from_mins(10);

/// Sweeps every ten minutes until `stop` resolves. Several daemons may sweep one store: what is gone is gone.
pub async fn run(
    service: Service,
    retention: watch::Receiver<Retention>,
    stop: impl Future<Output = ()> + Send,
) {
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let retention = *retention.borrow();
        tokio::select! {
            biased;
            () = &mut stop => return,
            swept = retention::sweep(&service, retention) => match swept {
                Ok(0) => {}
                Ok(rows) => tracing::debug!(rows, "swept"),
                Err(error) => tracing::warn!(%error, "sweeping stopped; it goes on next time"),
            }
        }
    }
}
