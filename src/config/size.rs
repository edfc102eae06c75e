//! Sizes in bytes as people write them: `16MiB`, `64KiB`, or a plain number of bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

const KIB: u64 = 1024;
const UNITS: [(&str, u64); 3] = [("GiB", KIB * KIB * KIB), ("MiB", KIB * KIB), ("KiB", KIB)];

/// A number of bytes with its written form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size(pub(super) u64);

impl Size {
    /// This many MiB.
    pub(super) const fn mib(count: u64) -> Self {
        Self(count * KIB * KIB)
    }

    /// This many bytes as memory is counted.
    pub(super) fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS
            .iter()
            .find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size));
        match unit {
            Some((name, size)) => write!(f, "{}{name}", self.0 / size),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "a size is a number of bytes or a text like \"16MiB\""
        )]
        enum Written {
            Bytes(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Bytes(bytes) => Ok(Self(bytes)),
            Written::Text(text) => parse(&text).ok_or_else(|| {
                serde::de::Error::custom(format!("{text:?} is not a size; write it like \"16MiB\""))
            }),
        }
    }
}

fn parse(text: &str) -> Option<Size> {
    let text = text.trim();
    let unit = UNITS
        .iter()
        .find_map(|(name, size)| Some((text.strip_suffix(name)?, *size)));
    let (number, size) = unit.unwrap_or((text, 1));
    let number: u64 = number.trim_end().parse().ok()?;
    number.checked_mul(size).map(Size)
}

#[cfg(test)]
mod tests {
    use super::{Size, parse};

    #[test]
    fn reads_what_people_write_and_prints_it_back() {
        for (text, bytes) in [("16MiB", 16_777_216), ("64KiB", 65_536), ("1000", 1000)] {
            assert_eq!(parse(text), Some(Size(bytes)), "{text}");
            assert_eq!(Size(bytes).to_string(), text);
        }
        for text in ["", "MiB", "16MB", "-1", "1.5MiB", "18446744073709551615GiB"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
