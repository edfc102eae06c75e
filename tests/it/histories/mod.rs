//! Seeded random histories: whatever happens to a daemon and the org it follows, one clean full run brings it to where
//! the [`model`] says it must be, and rules R1, R5, R7, R8 and R9 hold at every step on the way.
//!
//! `ROSTERD_HISTORIES` says how many on each store (few, else), `ROSTERD_SEED` where to begin, `ROSTERD_STEPS` how long
//! (200), `ROSTERD_PARALLEL` how many at a time (3), `ROSTERD_NOTES` how many of the last notes are shown (40).
//! A failure prints its seed and the last steps; `ROSTERD_SEED=n ROSTERD_HISTORIES=1` replays it.

mod admins;
mod checks;
mod daemon;
mod eyes;
mod heirs;
mod held;
mod history;
mod last;
mod model;
mod races;
mod said;
mod steps;
mod trouble;
mod window;

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use history::{History, Notes, Place};

use crate::support::postgres::{drop_database, new_database};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Plays one history; how many steps it had.
async fn play(place: Place, seed: u64, notes: Notes) -> u64 {
    let steps = number("ROSTERD_STEPS", 200);
    let mut history = History::begin(place, seed, notes).await;
    for _ in 0..steps {
        Box::pin(history.step()).await;
    }
    history.end().await;
    for daemon in history.daemons {
        daemon.crash().await;
    }
    history.sim.stop().await;
    steps
}

/// Plays the history of one seed on a store of its own.
async fn one(shared: bool, seed: u64, notes: Notes) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let url = if shared {
        new_database().await.expect("a database")
    } else {
        format!("sqlite://{}", folder.path().join("rosterd.db").display())
    };
    let place = Place {
        url: url.clone(),
        shared,
    };
    let steps = play(place, seed, notes).await;
    if shared {
        drop_database(&url).await;
    }
    steps
}

/// One history on a thread and a runtime of its own: its steps, or what is told of its failure.
fn alone(shared: bool, seed: u64) -> Result<u64, String> {
    let notes = Notes::default();
    let kept = Arc::clone(&notes);
    let played = std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(one(shared, seed, kept))
    });
    played.join().map_err(|_| {
        let notes = notes.lock().unwrap();
        let shown = usize::try_from(number("ROSTERD_NOTES", 40)).unwrap();
        let from = notes.len().saturating_sub(shown);
        format!(
            "seed {seed} failed after {} notes:\n{}",
            notes.len(),
            notes[from..].join("\n")
        )
    })
}

fn many(shared: bool) {
    let first = number("ROSTERD_SEED", 1);
    let count = number("ROSTERD_HISTORIES", if shared { 3 } else { 6 });
    let next = AtomicU64::new(first);
    let (steps, failures) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..number("ROSTERD_PARALLEL", 3).min(count) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + count {
                        return;
                    }
                    match alone(shared, seed) {
                        Ok(played) => {
                            steps.fetch_add(played, Ordering::SeqCst);
                        }
                        Err(failure) => {
                            eprintln!("{failure}");
                            failures.lock().unwrap().push(seed);
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let engine = if shared { "PostgreSQL" } else { "SQLite" };
    // Past the test harness, which keeps what a passing test prints to itself.
    let told = writeln!(
        std::io::stderr(),
        "{engine}: {count} histories, seeds {first} to {}, {} steps in those that passed, failed: {failures:?}",
        first + count - 1,
        steps.into_inner()
    );
    drop(told);
    assert!(failures.is_empty(), "seeds {failures:?}");
}

mod r10_every_history_ends_where_the_model_ends {
    #[test]
    fn sqlite() {
        super::many(false);
    }

    #[test]
    fn postgres() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        if runtime
            .block_on(crate::support::postgres::new_database())
            .is_some()
        {
            super::many(true);
        }
    }
}
