//! Durations as people write them: `90d`, `24h`, `1h30m`, `10s`, `500ms`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds of each unit, the longest first.
const UNITS: [(&str, u64); 5] = [
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

/// A duration with its written form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span(pub(super) Duration);

/// Reads a duration: whole numbers, each with its unit (`d h m s ms`), added up.
///
/// # Errors
/// What a duration looks like.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("{text:?} is not a duration; write it like \"90d\", \"24h\" or \"1h30m\"");
    let mut total: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.len()
            - tail
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .len();
        let (unit, tail) = tail.split_at(letters);
        let unit = UNITS.iter().find(|(name, _)| *name == unit);
        let (_, ms) = unit.ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let part = number.checked_mul(*ms).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = tail.trim_start();
    }
    Ok(Duration::from_millis(total))
}

/// The shortest written form that means this duration, in whole milliseconds.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        // A day is written as 24h, as the thresholds of a guard are talked about; longer times in days.
        let day = UNITS[0].1;
        let units = if rest <= day { &UNITS[1..] } else { &UNITS[..] };
        for (name, ms) in units {
            let count = rest / ms;
            rest %= ms;
            if count > 0 {
                write!(f, "{count}{name}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Span, parse};
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn reads_what_people_write_and_prints_it_back() {
        for (text, ms) in [
            ("24h", 86_400_000),
            ("90d", 7_776_000_000),
            ("1h30m", 5_400_000),
            ("10s", 10_000),
            ("500ms", 500),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
            assert_eq!(Span(Duration::from_millis(ms)).to_string(), text);
        }
        assert_eq!(parse(" 1h 30m "), Ok(Duration::from_mins(90)));
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in [
            "",
            "24",
            "h",
            "24 hours",
            "-1h",
            "1.5h",
            "1h30",
            "ten",
            "1y",
            "1M",
            "٣h",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_printed_duration_reads_back_as_itself(ms in any::<u64>()) {
            let span = Span(Duration::from_millis(ms));
            prop_assert_eq!(parse(&span.to_string()), Ok(span.0));
        }

        #[test]
        fn no_text_makes_the_parser_fall_over(text in ".{0,40}") {
            let _ = parse(&text);
        }
    }
}
