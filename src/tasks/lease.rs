//! Keeps the lease, or waits for it: of several daemons on one store, one polls.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use crate::model::pulse::Pulse;
use crate::model::random::Random;
use crate::model::stop::StopListener;
use crate::service::Service;
use crate::service::sync;

/// How long the lease holds without being prolonged; a takeover waits at most this and one renewal.
const TTL: Duration = Duration::from_secs(15);

/// How often it is prolonged, or asked for.
const EVERY: Duration = Duration::from_secs(5);

/// How long a database that hangs is waited for. A write may wait ten seconds for its turn.
const ASK: Duration = Duration::from_secs(12);

/// How long the loop may be silent before it counts as stuck.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The epoch in which this daemon polls; `None`: another does, or nobody knows.
pub type Epoch = watch::Receiver<Option<i64>>;

/// A process's name in the lease: no two are alike, not even one and its successor on the same host, or two that are the
/// first of their containers.
pub fn holder(random: &dyn Random) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    format!(
        "{}:{}:{:08x}",
        host.trim(),
        std::process::id(),
        u32::from_le_bytes(bytes)
    )
}

/// Keeps the lease until the stop, then gives it back.
pub async fn run(
    service: Service,
    holder: String,
    epoch: watch::Sender<Option<i64>>,
    mut stop: StopListener,
    pulse: Pulse,
) {
    let ttl_ms = i64::try_from(TTL.as_millis()).unwrap_or(i64::MAX);
    let mut prolonged = Instant::now();
    loop {
        pulse.beat();
        let asked = Instant::now();
        let held = match timeout(ASK, sync::lead(&service, &holder, ttl_ms)).await {
            Ok(Ok(held)) => {
                prolonged = asked;
                held
            }
            failed => {
                let error = match failed {
                    Ok(Err(error)) => error.to_string(),
                    _ => "the database hangs".to_owned(),
                };
                tracing::warn!(error, "the lease could not be prolonged");
                // It holds until it expires; every write checks it anyway.
                epoch.borrow().filter(|_| prolonged.elapsed() < TTL)
            }
        };
        let changed = epoch.send_if_modified(|known| std::mem::replace(known, held) != held);
        if changed {
            if let Some(epoch) = held {
                tracing::info!(epoch, "this daemon polls Okta");
            } else {
                tracing::info!("another daemon polls Okta");
            }
        }
        tokio::select! {
            biased;
            () = stop.soft() => break,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    let last = *epoch.borrow();
    epoch.send_replace(None);
    if let Some(last) = last
        && let Err(error) = sync::resign(&service, &holder, last).await
    {
        tracing::debug!(%error, "the lease was not given back; it expires by itself");
    }
}

#[cfg(test)]
mod tests {
    use super::holder;
    use crate::model::random::SeededRandom;

    #[test]
    fn two_processes_of_one_id_are_two_holders() {
        let name = |seed| holder(&SeededRandom::new(seed));
        assert_ne!(name(1), name(2));
        assert!(name(1).contains(&format!(":{}:", std::process::id())));
    }
}
