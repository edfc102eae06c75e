#![expect(clippy::unwrap_used, reason = "tests")]

use super::Plan;
use crate::config::Schedule;
use crate::model::run::RunKind;
use crate::model::time::Timestamp;

/// 2026-11-23T00:00:00Z.
const MIDNIGHT: Timestamp = Timestamp::from_millis(1_795_392_000_000);

fn plan(schedule: &str, seed: u64) -> Plan {
    Plan {
        full: Schedule::parse(schedule).unwrap(),
        delta: Schedule::parse(schedule).unwrap(),
        seed,
    }
}

#[test]
fn no_firing_runs_twice_or_not_at_all_however_unevenly_they_lie() {
    const HOUR_MS: i64 = 60 * 60 * 1000;
    for seed in [0, 1, 240_000, 299_999, 540_000, 599_999, u64::MAX] {
        for (schedule, a_day) in [
            ("0,5 * * * *", 48),
            ("0,59 * * * *", 48),
            ("0 9,10 * * *", 2),
            ("*/7 * * * *", 216),
        ] {
            let plan = plan(schedule, seed);
            let mut at = MIDNIGHT.plus_millis(HOUR_MS / 2);
            let end = at.plus_millis(24 * HOUR_MS);
            let mut count = 0;
            while let Some(next) = plan.next(RunKind::Full, at).filter(|next| *next <= end) {
                at = next;
                count += 1;
            }
            assert_eq!(count, a_day, "{schedule} with {seed}");
        }
    }
}

#[test]
fn what_was_due_while_a_run_was_in_flight_is_skipped_and_counted() {
    let plan = plan("* * * * *", 0);
    let due = plan.due(MIDNIGHT);
    let began = MIDNIGHT.plus_millis(60_000);
    assert_eq!(due.delta, Some(began));
    let (next, skipped) = plan.after(&due, Some(RunKind::Full), began, began.plus_millis(150_000));
    assert_eq!(
        skipped,
        2 + 2 + 1,
        "two of each kind, and the delta that was due together with the full run"
    );
    assert_eq!(next.full, Some(began.plus_millis(180_000)));
    assert_eq!(next.delta, next.full);
}

#[test]
fn what_was_due_before_somebody_s_run_began_still_has_its_turn() {
    let plan = plan("0 */6 * * *", 0);
    let due = plan.due(MIDNIGHT);
    let began = due.full.unwrap().plus_millis(10);
    let ended = began.plus_millis(1_000);
    for ran in [Some(RunKind::Delta), Some(RunKind::Hook), None] {
        assert_eq!(
            plan.after(&due, ran, began, ended).0.full,
            due.full,
            "{ran:?}"
        );
    }
    let (next, skipped) = plan.after(&due, Some(RunKind::Full), began, ended);
    assert!(next.full > due.full && skipped == 1, "{skipped}");
}
