//! Stopping is a value with two stages: take no new work, then drop what is left.

use tokio::sync::watch;

/// Whether the daemon is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Go on.
    No,
    /// Take no new work and finish what was begun.
    Soft,
    /// Drop what is left.
    Hard,
}

/// The side that says stop.
#[derive(Debug)]
pub struct StopSwitch(watch::Sender<Stop>);

/// The side that is told. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StopListener(watch::Receiver<Stop>);

/// A switch and its first listener.
pub fn stop_channel() -> (StopSwitch, StopListener) {
    let (switch, listener) = watch::channel(Stop::No);
    (StopSwitch(switch), StopListener(listener))
}

impl StopSwitch {
    /// Raises the stage; it never goes back.
    pub fn raise(&self, to: Stop) {
        self.0.send_if_modified(|stage| {
            let higher = to > *stage;
            *stage = to.max(*stage);
            higher
        });
    }

    /// Another listener.
    pub fn listen(&self) -> StopListener {
        StopListener(self.0.subscribe())
    }
}

impl StopListener {
    /// Waits until no new work is to be taken. A switch that is gone counts as a stop.
    pub async fn soft(&mut self) {
        let _ = self.0.wait_for(|stage| *stage >= Stop::Soft).await;
    }

    /// Waits until what is left is to be dropped.
    pub async fn hard(&mut self) {
        let _ = self.0.wait_for(|stage| *stage >= Stop::Hard).await;
    }

    /// The stage now.
    pub fn stage(&self) -> Stop {
        *self.0.borrow()
    }

    /// Whether no new work is to be taken.
    pub fn is_stopping(&self) -> bool {
        self.stage() >= Stop::Soft
    }
}

#[cfg(test)]
mod tests {
    use super::{Stop, stop_channel};

    #[tokio::test]
    async fn a_stop_is_raised_and_never_taken_back() {
        let (switch, mut listener) = stop_channel();
        assert!(!listener.is_stopping());
        switch.raise(Stop::Hard);
        switch.raise(Stop::Soft);
        assert_eq!(listener.stage(), Stop::Hard);
        listener.soft().await;
        listener.hard().await;
    }

    #[tokio::test]
    async fn a_switch_that_is_gone_is_a_stop() {
        let (switch, mut listener) = stop_channel();
        drop(switch);
        listener.hard().await;
    }
}
