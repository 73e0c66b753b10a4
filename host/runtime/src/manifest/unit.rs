//! Times, sizes and numbers as people write them: `"200 ms"`, `"64 MiB"`, `12`.

use super::section::Value;

/// How an amount is counted and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, as `"64 MiB"` or a number.
    Bytes,
    /// Milliseconds, as `"200 ms"` or `"2 s"`.
    Milliseconds,
    /// A number.
    Number,
}

impl Unit {
    /// Reads an amount above 0.
    pub fn read(self, value: &Value<'_>) -> Option<u64> {
        let none = |_: i64| None;
        let integer = |integer: i64| u64::try_from(integer).ok().filter(|integer| *integer > 0);
        match self {
            Self::Bytes => value.integer_or(self.wanted(), integer, |text| measured(text, &SIZES)),
            Self::Milliseconds => value.integer_or(self.wanted(), none, |text| measured(text, &TIMES)),
            Self::Number => value.integer_or(self.wanted(), integer, |_| None),
        }
    }

    /// The same from a plain text, as a command line or an environment has it.
    #[must_use]
    pub fn parse(self, text: &str) -> Option<u64> {
        let text = text.trim();
        let integer = || text.parse().ok().filter(|integer| *integer > 0);
        match self {
            Self::Bytes => measured(text, &SIZES).or_else(integer),
            Self::Milliseconds => measured(text, &TIMES),
            Self::Number => integer(),
        }
    }

    /// What it must be; goes on after "it must be".
    #[must_use]
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Bytes => "a size such as \"64 MiB\" (KiB, MiB or GiB), or a number of bytes above 0",
            Self::Milliseconds => "a time above 0 such as \"200 ms\" or \"2 s\"",
            Self::Number => "an integer above 0",
        }
    }

    /// As it would be written in TOML.
    #[must_use]
    pub fn toml(self, value: u64) -> String {
        let units: &[(&str, u64)] = match self {
            Self::Bytes => &SIZES,
            Self::Milliseconds => &TIMES,
            Self::Number => &[],
        };
        match units.iter().rev().find(|(_, one)| value > 0 && value.is_multiple_of(*one)) {
            Some((unit, one)) => format!("\"{} {unit}\"", value / one),
            None => value.to_string(),
        }
    }
}

const SIZES: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
const TIMES: [(&str, u64); 2] = [("ms", 1), ("s", 1_000)];

/// A number above 0 with one of these units.
fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|char: char| !char.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    let (_, one) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*one).filter(|value| *value > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_again() {
        assert_eq!(measured("96 MiB", &SIZES), Some(96 << 20));
        assert_eq!(measured("96MiB", &SIZES), Some(96 << 20));
        for wrong in ["", "96", "MiB", "96 MB", "0 MiB", "-1 MiB", "1.5 MiB", "99999999999999 GiB", "1 MiB 2", "９ MiB"]
        {
            assert_eq!(measured(wrong, &SIZES), None, "{wrong}");
        }
        assert_eq!(Unit::Bytes.toml(96 << 20), "\"96 MiB\"");
        assert_eq!(Unit::Bytes.toml(1_000), "1000");
        assert_eq!(Unit::Milliseconds.toml(1_500), "\"1500 ms\"");
        assert_eq!(Unit::Milliseconds.toml(2_000), "\"2 s\"");
        assert_eq!(Unit::Number.toml(7), "7");
    }

    #[test]
    fn a_plain_text_is_read_like_a_value() {
        assert_eq!((Unit::Bytes.parse(" 1 KiB "), Unit::Bytes.parse("7")), (Some(1_024), Some(7)));
        assert_eq!((Unit::Milliseconds.parse("2 s"), Unit::Milliseconds.parse("2")), (Some(2_000), None));
        assert_eq!(
            (Unit::Number.parse("12"), Unit::Number.parse("0"), Unit::Number.parse("-1")),
            (Some(12), None, None)
        );
    }
}
