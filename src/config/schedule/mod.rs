//! When something is due: cron's five fields (six with seconds in front), always in UTC.
//!
//! The `cron` crate does the calendar; around it stands what crontab(5) promises and the crate does not: five fields,
//! weekday numbers from 0 (Sunday; 7 is Sunday too), and a day that matches *either* of day-of-month and day-of-week
//! where both are restricted. In UTC no hour is missing and none comes twice.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use chrono::{DateTime, Utc};

const SHORTHANDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Wide enough that daemons do not ask Okta all at once, narrow enough that a schedule means what it says.
const WIDEST_OFFSET_MS: u64 = 10 * 60 * 1000;

/// Longer than any schedule; keeps a mistaken value from costing anything.
const LONGEST: usize = 500;

/// A cron schedule that fires.
#[derive(Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    /// A moment is due when one of these fires.
    any: Vec<cron::Schedule>,
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not five or six fields.
    #[error(
        "expected 5 fields (minute hour day month weekday), or 6 with seconds first; found {found}"
    )]
    Fields {
        /// How many there are.
        found: usize,
    },
    /// A weekday that is none.
    #[error("{0:?} is no weekday: 0-7 (0 and 7 are Sunday) or SUN-SAT, with - , and /")]
    Weekday(String),
    /// Something else is wrong.
    #[error("{0}")]
    Syntax(String),
    /// It names a day that never comes.
    #[error("never fires: there is no such day")]
    Never,
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// When it is none, or would never fire.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        if text.len() > LONGEST {
            return Err(ScheduleError::Syntax(format!(
                "is longer than {LONGEST} bytes"
            )));
        }
        let shorthand = SHORTHANDS.iter().find(|(name, _)| *name == text.trim());
        let written = shorthand.map_or(text, |(_, fields)| fields);
        let fields: Vec<&str> = written.split_whitespace().collect();
        let (seconds, [minute, hour, day, month, weekday]) = match *fields.as_slice() {
            [minute, hour, day, month, weekday] => ("0", [minute, hour, day, month, weekday]),
            [seconds, minute, hour, day, month, weekday] => {
                (seconds, [minute, hour, day, month, weekday])
            }
            _ => {
                return Err(ScheduleError::Fields {
                    found: fields.len(),
                });
            }
        };
        let weekdays = weekday_names(weekday)?;
        // The crate takes it for another *, so that `0 0 ? * 1` would be due every day and not on Mondays.
        if written.contains('?') {
            return Err(ScheduleError::Syntax(
                "? is not supported: write * for a field that restricts nothing".to_owned(),
            ));
        }
        let compile = |day: &str, weekdays: &str| {
            let text = format!("{seconds} {minute} {hour} {day} {month} {weekdays}");
            cron::Schedule::from_str(&text).map_err(|error| syntax(&error, &fields))
        };
        // crontab(5): a field that begins with * restricts nothing by itself, and only two restricted ones are ORed.
        let any = if day.starts_with('*') || weekday.starts_with('*') {
            vec![compile(day, &weekdays)?]
        } else {
            vec![compile(day, "*")?, compile("*", &weekdays)?]
        };
        let schedule = Self {
            text: text.to_owned(),
            any,
        };
        match schedule.next_after(0, Duration::ZERO) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never),
        }
    }

    /// A schedule that is never due: what stands in a configuration that was refused.
    pub(super) fn never() -> Self {
        Self {
            text: String::new(),
            any: Vec::new(),
        }
    }

    /// The first instant after `after` at which this is due when every firing is moved by `offset`; milliseconds since
    /// the epoch. Always later than `after`, so that one firing is never answered twice.
    pub fn next_after(&self, after: i64, offset: Duration) -> Option<i64> {
        let offset = i64::try_from(offset.as_millis()).ok()?;
        let base = after.checked_sub(offset)?.div_euclid(1000);
        let base: DateTime<Utc> = DateTime::from_timestamp(base, 0)?;
        let next = self.any.iter().filter_map(|part| part.after(&base).next());
        let next = next.min()?.timestamp_millis();
        next.checked_add(offset)
    }

    /// The next `count` instants after `after` at which this is due.
    pub fn upcoming(&self, after: i64, offset: Duration, count: usize) -> Vec<i64> {
        let next = |at: &i64| self.next_after(*at, offset);
        std::iter::successors(next(&after), next)
            .take(count)
            .collect()
    }

    /// What no store's offset goes past.
    pub const fn widest_offset() -> Duration {
        Duration::from_millis(WIDEST_OFFSET_MS)
    }

    /// The offset of the store that drew `seed`: within the time between two firings and at most ten minutes, so that
    /// not every daemon in the world asks Okta in the same second. It is the same at every moment: an offset that followed
    /// uneven gaps would answer one firing twice and another not at all.
    pub fn spread(&self, seed: u64) -> Duration {
        // Within an hour of minutes and seconds, whatever days they are due on.
        let firings = self.upcoming(0, Duration::ZERO, 61);
        let gaps = firings.iter().zip(firings.iter().skip(1));
        let gap = gaps.map(|(first, second)| second - first).min();
        let widest = gap
            .and_then(|gap| u64::try_from(gap).ok())
            .unwrap_or(0)
            .min(WIDEST_OFFSET_MS);
        Duration::from_millis(seed.checked_rem(widest).unwrap_or(0))
    }
}

/// The text as it was written.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({:?})", self.text)
    }
}

fn syntax(error: &cron::error::Error, fields: &[&str]) -> ScheduleError {
    // The crate's words are about a text with seconds and weekday names that nobody wrote.
    let extra = fields.iter().any(|field| field.contains(['L', 'W', '#']));
    let hint = if extra {
        "; L, W and # are not supported"
    } else {
        ""
    };
    let first = error.to_string();
    let first = first.lines().next().unwrap_or_default().to_owned();
    ScheduleError::Syntax(format!("{first}{hint}"))
}

/// A weekday field as names, which mean the same everywhere: the crate's numbers count from 1 (Sunday).
fn weekday_names(field: &str) -> Result<String, ScheduleError> {
    let wrong = || ScheduleError::Weekday(field.to_owned());
    let mut days = BTreeSet::new();
    for item in field.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().map_err(|_| wrong())?),
            None => (item, 1),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (0, 6),
            Some((first, last)) => {
                let first = weekday(first).ok_or_else(wrong)?;
                let last = weekday(last).ok_or_else(wrong)?;
                // FRI-SUN: a range may end with Sunday as the seventh day.
                (first, if last == 0 && first > 0 { 7 } else { last })
            }
            None => {
                let first = weekday(range).ok_or_else(wrong)?;
                (first, if item.contains('/') { 6 } else { first })
            }
        };
        if step == 0 || first > last {
            return Err(wrong());
        }
        days.extend((first..=last).step_by(step).map(|day| day % 7));
    }
    if days.len() == 7 {
        return Ok("*".to_owned());
    }
    let names: Vec<&str> = days
        .iter()
        .filter_map(|day| WEEKDAYS.get(*day).copied())
        .collect();
    Ok(names.join(","))
}

fn weekday(text: &str) -> Option<usize> {
    if let Ok(number) = text.parse::<usize>() {
        return (number <= 7 && text.len() == 1).then_some(number);
    }
    WEEKDAYS
        .iter()
        .position(|name| name.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests;
