//! What systemd is told (sd_notify), and the watchdog, which is fed only while every loop beats.

use std::collections::HashMap;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Instant, interval};

use crate::model::pulse::Pulses;
use crate::model::stop::StopListener;

/// How often the watchdog looks where systemd did not ask for one: stuck loops are logged all the same.
const DEFAULT_PERIOD: Duration = Duration::from_secs(10);

/// Everything is up.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The start takes longer than systemd waits (`TimeoutStartSec=`): it is to wait this much longer, from now.
pub fn waiting(status: &str, more: Duration) {
    let more = u32::try_from(more.as_micros()).unwrap_or(u32::MAX);
    tell(&[
        NotifyState::Status(status),
        NotifyState::ExtendTimeoutUsec(more),
    ]);
}

/// The configuration is being read again; [`ready`] ends it. systemd wants the monotonic time with it
/// (`Type=notify-reload`).
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the monotonic clock cannot be read"),
    }
}

/// The daemon is on its way out.
pub fn stopping(status: &str) {
    tell(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

fn tell(state: &[NotifyState<'_>]) {
    // Without NOTIFY_SOCKET this does nothing.
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd could not be told");
    }
}

/// Feeds systemd's watchdog while every loop beats; says which one does not. Ends at the stop: while connections drain,
/// systemd's stop timeout watches instead.
pub async fn watchdog(pulses: Pulses, mut stop: StopListener) {
    let asked = sd_notify::watchdog_enabled();
    // sd_watchdog_enabled(3): notify at half the time.
    let mut ticks = interval(asked.map_or(DEFAULT_PERIOD, |period| period / 2));
    let mut seen = Seen::default();
    loop {
        tokio::select! {
            () = stop.soft() => return,
            _ = ticks.tick() => {}
        }
        let stuck = seen.stuck(&pulses, Instant::now());
        if stuck.is_empty() {
            if asked.is_some() {
                tell(&[NotifyState::Watchdog]);
            }
        } else {
            tracing::error!(
                loops = stuck.join(", "),
                "loops are stuck; the watchdog is not fed"
            );
        }
    }
}

/// When each loop's count was last seen to change.
#[derive(Default)]
struct Seen(HashMap<&'static str, (u64, Instant)>);

impl Seen {
    /// The loops that were silent for longer than their patience.
    fn stuck(&mut self, pulses: &Pulses, now: Instant) -> Vec<&'static str> {
        let silent = |pulse: &crate::model::pulse::Pulse| {
            let count = pulse.count();
            let last = self.0.entry(pulse.name()).or_insert((count, now));
            if last.0 != count {
                *last = (count, now);
            }
            now.duration_since(last.1) > pulse.patience()
        };
        let mut stuck = pulses.all();
        let mut silent = silent;
        stuck.retain(|pulse| silent(pulse));
        stuck.iter().map(crate::model::pulse::Pulse::name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;
    use crate::model::pulse::Pulses;
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn the_watchdog_is_fed_only_while_every_loop_beats() {
        let pulses = Pulses::default();
        let poller = pulses.add("poller", Duration::from_secs(5));
        let sweeper = pulses.add("sweeper", Duration::from_mins(1));
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut seen = Seen::default();
        assert!(seen.stuck(&pulses, start).is_empty());
        poller.beat();
        assert!(seen.stuck(&pulses, after(4)).is_empty());
        assert!(seen.stuck(&pulses, after(9)).is_empty());
        assert_eq!(seen.stuck(&pulses, after(10)), ["poller"]);
        poller.beat();
        assert!(seen.stuck(&pulses, after(11)).is_empty());
        assert_eq!(seen.stuck(&pulses, after(70)), ["poller", "sweeper"]);
        sweeper.beat();
        assert_eq!(seen.stuck(&pulses, after(71)), ["poller"]);
    }
}
