//! What crontab(5) promises, and every trap of the `cron` crate behind it.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{Schedule, ScheduleError};

const NONE: Duration = Duration::ZERO;

fn ms(at: &str) -> i64 {
    at.parse::<Timestamp>().unwrap().as_millisecond()
}

fn show(at: i64) -> String {
    Timestamp::from_millisecond(at).unwrap().to_string()
}

/// The firings after an instant, as text.
fn firings(schedule: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(schedule).unwrap();
    let times = schedule.upcoming(ms(after), NONE, count);
    times.into_iter().map(show).collect()
}

/// 2026-11-23 is a Monday.
const MONDAY: &str = "2026-11-23T10:07:30Z";

#[test]
fn five_fields_begin_with_the_minute_and_six_with_the_second() {
    assert_eq!(
        firings("*/15 * * * *", MONDAY, 2),
        ["2026-11-23T10:15:00Z", "2026-11-23T10:30:00Z"]
    );
    assert_eq!(
        firings("*/20 * * * * *", MONDAY, 2),
        ["2026-11-23T10:07:40Z", "2026-11-23T10:08:00Z"]
    );
    assert_eq!(firings("@hourly", MONDAY, 1), ["2026-11-23T11:00:00Z"]);
    assert_eq!(firings("@weekly", MONDAY, 1), ["2026-11-29T00:00:00Z"]);
}

#[test]
fn weekday_numbers_are_unix_ones() {
    let next = |weekday: &str| firings(&format!("0 0 * * {weekday}"), MONDAY, 1).remove(0);
    assert_eq!(next("1"), "2026-11-30T00:00:00Z", "1 is Monday, not Sunday");
    assert_eq!(next("0"), "2026-11-29T00:00:00Z", "0 is Sunday");
    assert_eq!(next("7"), "2026-11-29T00:00:00Z", "7 is Sunday too");
    assert_eq!(next("6"), "2026-11-28T00:00:00Z", "6 is Saturday");
    assert_eq!(next("SAT"), next("sat"));
}

#[test]
fn weekday_ranges_lists_and_steps() {
    let days = |weekday: &str, count| {
        let all = firings(&format!("0 0 * * {weekday}"), MONDAY, count);
        all.into_iter()
            .map(|at| at[8..10].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(days("1-5", 6), ["24", "25", "26", "27", "30", "01"]);
    assert_eq!(days("MON-FRI", 6), days("1-5", 6));
    assert_eq!(days("5-7", 4), ["27", "28", "29", "04"], "Friday to Sunday");
    assert_eq!(days("FRI-SUN", 4), days("5-7", 4));
    assert_eq!(days("0-2", 4), ["24", "29", "30", "01"]);
    assert_eq!(days("*/2", 4), ["24", "26", "28", "29"], "0, 2, 4 and 6");
    assert_eq!(days("1,3,SAT", 3), ["25", "28", "30"]);
    assert_eq!(days("0-7", 3), ["24", "25", "26"]);
}

#[test]
fn day_and_weekday_both_restricted_mean_either() {
    assert_eq!(
        firings("0 0 13 * 5", "2026-11-01T00:00:00Z", 5),
        [
            "2026-11-06T00:00:00Z",
            "2026-11-13T00:00:00Z",
            "2026-11-20T00:00:00Z",
            "2026-11-27T00:00:00Z",
            "2026-12-04T00:00:00Z",
        ]
    );
    assert_eq!(
        firings("0 0 1 * 1", "2026-11-28T00:00:00Z", 3),
        [
            "2026-11-30T00:00:00Z",
            "2026-12-01T00:00:00Z",
            "2026-12-07T00:00:00Z"
        ]
    );
    // One field with a star restricts nothing by itself: the odd days that are Mondays.
    assert_eq!(
        firings("0 0 */2 * 1", "2026-11-01T00:00:00Z", 2),
        ["2026-11-09T00:00:00Z", "2026-11-23T00:00:00Z"]
    );
}

#[test]
fn a_schedule_that_never_fires_is_refused() {
    assert_eq!(Schedule::parse("0 0 30 2 *"), Err(ScheduleError::Never));
    assert_eq!(
        Schedule::parse("0 0 31 4,6,9,11 *"),
        Err(ScheduleError::Never)
    );
    assert!(Schedule::parse("0 0 29 2 *").is_ok(), "every leap year");
    assert!(
        Schedule::parse("0 0 30 2 1").is_ok(),
        "every Monday of February"
    );
}

#[test]
fn what_is_no_schedule_is_refused_in_words_of_its_own() {
    for text in [
        "",
        "* * * *",
        "* * * * * * *",
        "0 0 * * 8",
        "0 0 * * 5-1",
        "0 0 * * MO",
        "0 0 * * 1-",
        "0 0 * * */0",
        "0 0 * * ,",
        "60 * * * *",
        "* 24 * * *",
        "0 0 0 * *",
        "0 0 32 * *",
        "0 0 * 13 *",
        "*/0 * * * *",
        "0 0 L * *",
        "0 0 * * 5#2",
        "0 0 15W * *",
        "@every 5m",
        "@reboot",
        "every minute",
        "-1 * * * *",
        "5-1 * * * *",
        "1.5 * * * *",
        "\0 * * * *",
    ] {
        let error = Schedule::parse(text).unwrap_err();
        assert!(!error.to_string().contains('\n'), "{text}: {error}");
    }
    let error = Schedule::parse("* * * *").unwrap_err().to_string();
    assert!(error.contains("found 4"), "{error}");
    assert!(Schedule::parse(&"1,".repeat(100_000)).is_err());
}

#[test]
fn a_question_mark_is_refused_in_every_field() {
    for text in [
        "0 0 ? * 1",
        "0 0 ? * *",
        "0 0 1 ? *",
        "? * * * *",
        "0 ? * * *",
        "? 0 0 1 * *",
    ] {
        let error = Schedule::parse(text).unwrap_err().to_string();
        assert!(error.contains("? is not supported"), "{text}: {error}");
    }
    let error = Schedule::parse("0 0 1 * ?").unwrap_err();
    assert_eq!(error, ScheduleError::Weekday("?".to_owned()));
}

#[test]
fn no_hour_comes_twice_or_not_at_all_where_clocks_change() {
    // Europe's and America's clocks go back on 2026-10-25 and 2026-11-01, and forward on 2026-03-29 and 2026-03-08.
    for day in ["2026-10-25", "2026-11-01", "2026-03-29", "2026-03-08"] {
        let times = firings("*/30 * * * *", &format!("{day}T00:00:00Z"), 48);
        for (index, at) in times.iter().enumerate() {
            let expected =
                ms(&format!("{day}T00:00:00Z")) + (i64::try_from(index).unwrap() + 1) * 30 * 60_000;
            assert_eq!(*at, show(expected));
        }
        let spring = firings("30 2 * * *", &format!("{day}T00:00:00Z"), 1);
        assert_eq!(spring, [format!("{day}T02:30:00Z")]);
    }
}

#[test]
fn an_offset_moves_every_firing_and_loses_none() {
    let schedule = Schedule::parse("* * * * *").unwrap();
    let offset = Duration::from_millis(17_250);
    let times = schedule.upcoming(ms("2026-11-23T10:00:17.249Z"), offset, 3);
    let shown: Vec<String> = times.into_iter().map(show).collect();
    assert_eq!(
        shown,
        [
            "2026-11-23T10:00:17.25Z",
            "2026-11-23T10:01:17.25Z",
            "2026-11-23T10:02:17.25Z"
        ]
    );
    // At the very instant of a firing the next one is due, not the same again.
    let again = schedule.next_after(ms("2026-11-23T10:00:17.250Z"), offset);
    assert_eq!(again.map(show).unwrap(), "2026-11-23T10:01:17.25Z");
}

#[test]
fn the_spread_stays_within_one_interval_and_ten_minutes() {
    let minute = Schedule::parse("* * * * *").unwrap();
    let six_hours = Schedule::parse("0 */6 * * *").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..1000_u64 {
        let seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        assert!(minute.spread(seed) < Duration::from_mins(1));
        let offset = six_hours.spread(seed);
        assert!(offset < Duration::from_mins(10));
        seen.insert(offset);
    }
    assert!(seen.len() > 900, "{} offsets", seen.len());
}

proptest! {
    #[test]
    fn firings_only_go_forward(
        minute in prop_oneof![Just("*".to_owned()), (1..60u8).prop_map(|step| format!("*/{step}")), (0..60u8).prop_map(|at| at.to_string())],
        hour in prop_oneof![Just("*".to_owned()), (0..24u8).prop_map(|at| at.to_string())],
        day in prop_oneof![Just("*".to_owned()), (1..29u8).prop_map(|at| at.to_string())],
        weekday in prop_oneof![Just("*".to_owned()), (0..8u8).prop_map(|at| at.to_string())],
        after in 1_700_000_000_000..1_900_000_000_000_i64,
        offset in 0..600_000_u64,
    ) {
        let schedule = Schedule::parse(&format!("{minute} {hour} {day} * {weekday}")).unwrap();
        let times = schedule.upcoming(after, Duration::from_millis(offset), 20);
        prop_assert_eq!(times.len(), 20);
        prop_assert!(times[0] > after);
        prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn no_text_makes_the_parser_fall_over(text in "[-0-9*/,A-Z@? ]{0,30}") {
        let _ = Schedule::parse(&text);
    }
}
