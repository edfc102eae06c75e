//! Signs of life: each loop of the daemon beats, and the watchdog is fed only while all of them do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A loop's heart. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pulse(Arc<Heart>);

#[derive(Debug)]
struct Heart {
    name: &'static str,
    patience: Duration,
    beats: AtomicU64,
}

impl Pulse {
    /// Says that the loop is alive: at every turn, and in long work at every step.
    pub fn beat(&self) {
        self.0.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// The loop's name.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// How long the loop may be silent before it counts as stuck.
    pub fn patience(&self) -> Duration {
        self.0.patience
    }

    /// How often it has beaten.
    pub fn count(&self) -> u64 {
        self.0.beats.load(Ordering::Relaxed)
    }
}

/// All loops that must be alive. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Pulses(Arc<Mutex<Vec<Pulse>>>);

impl Pulses {
    /// Adds a loop that beats at least once in `patience`.
    pub fn add(&self, name: &'static str, patience: Duration) -> Pulse {
        let pulse = Pulse(Arc::new(Heart {
            name,
            patience,
            beats: AtomicU64::new(0),
        }));
        self.lock().push(pulse.clone());
        pulse
    }

    /// All of them.
    pub fn all(&self) -> Vec<Pulse> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Pulse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
