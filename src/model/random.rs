//! Where randomness comes from.

use std::sync::Mutex;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

/// A source of random bytes; an argument everywhere, so that a history can be replayed from its seed.
pub trait Random: Send + Sync + 'static {
    /// Fills `out` with random bytes.
    fn fill(&self, out: &mut [u8]);

    /// A number below `bound` (0 when `bound` is 0), for jitter.
    fn below(&self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes).checked_rem(bound).unwrap_or(0)
    }
}

/// The operating system's generator, seeded once per process: fit for tokens.
pub struct SystemRandom(Mutex<ChaCha20Rng>);

impl SystemRandom {
    /// A generator seeded with 256 bits from the operating system.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Self(Mutex::new(ChaCha20Rng::from_seed(seed))))
    }
}

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) {
        fill_locked(&self.0, out);
    }
}

/// A generator that gives the same bytes for the same seed, for tests, histories and the demo's cast.
pub struct SeededRandom(Mutex<ChaCha20Rng>);

impl SeededRandom {
    /// The generator of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Random for SeededRandom {
    fn fill(&self, out: &mut [u8]) {
        fill_locked(&self.0, out);
    }
}

fn fill_locked(rng: &Mutex<ChaCha20Rng>, out: &mut [u8]) {
    // A thread that panicked while it held the lock left a generator that is as good as before.
    rng.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .fill_bytes(out);
}
