//! What happens to pushes and events between Okta and us: some are lost, late, doubled, out of order, or their answers
//! never arrive.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::model::random::{Random, SeededRandom};

/// The fate of one push or event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It goes its way.
    Plain,
    /// It never leaves.
    Lost,
    /// It leaves this many milliseconds later.
    Late(i64),
    /// It goes twice.
    Twice,
    /// It arrives and is carried out; the answer is lost, and Okta believes that it failed.
    AnswerLost,
}

/// Chances in a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chances {
    /// Of being lost.
    pub lost: u16,
    /// Of being late.
    pub late: u16,
    /// Of going twice.
    pub twice: u16,
    /// Of the answer being lost.
    pub answer_lost: u16,
    /// The longest delay in milliseconds.
    pub max_delay_ms: u32,
    /// Whether what waits is shuffled.
    pub shuffled: bool,
}

/// The weather in force: fair, unless told otherwise.
pub struct Weather {
    random: SeededRandom,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: VecDeque<Fate>,
    chances: Chances,
}

impl Weather {
    /// Fair weather; chances are drawn from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            random: SeededRandom::new(seed),
            state: Mutex::default(),
        }
    }

    /// The next one meets this fate. Fates given so are used up in order, before chances are drawn.
    pub fn next(&self, fate: Fate) {
        self.lock().next.push_back(fate);
    }

    /// Sets the chances.
    pub fn set(&self, chances: Chances) {
        self.lock().chances = chances;
    }

    /// Fair weather again.
    pub fn clear(&self) {
        *self.lock() = State::default();
    }

    /// Draws the fate of one.
    pub(super) fn fate(&self) -> Fate {
        let mut state = self.lock();
        if let Some(fate) = state.next.pop_front() {
            return fate;
        }
        let chances = state.chances;
        let total = [
            chances.lost,
            chances.late,
            chances.twice,
            chances.answer_lost,
        ];
        if total.iter().all(|chance| *chance == 0) {
            return Fate::Plain;
        }
        let drawn = self.random.below(1000);
        let mut edge = 0;
        for (index, chance) in total.iter().enumerate() {
            edge += u64::from(*chance);
            if drawn < edge {
                return match index {
                    0 => Fate::Lost,
                    1 => Fate::Late(
                        i64::try_from(self.random.below(u64::from(chances.max_delay_ms).max(1)))
                            .unwrap_or(0),
                    ),
                    2 => Fate::Twice,
                    _ => Fate::AnswerLost,
                };
            }
        }
        Fate::Plain
    }

    /// Puts what waits in another order, if the weather says so.
    pub(super) fn shuffle<T>(&self, waiting: &mut [T]) {
        if !self.lock().chances.shuffled {
            return;
        }
        for index in (1..waiting.len()).rev() {
            let other = usize::try_from(self.random.below(index as u64 + 1)).unwrap_or(0);
            waiting.swap(index, other);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
