//! The length of a candle.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Code, Error, Millis};

/// The length of a candle, as in `1m`, `4h`, `1d`, `1w`, `1M` (a month) or `1y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timeframe {
    count: u16,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    const ALL: [(char, Self, u64); 7] = [
        ('s', Self::Second, 1),
        ('m', Self::Minute, 60),
        ('h', Self::Hour, 3_600),
        ('d', Self::Day, 86_400),
        ('w', Self::Week, 604_800),
        ('M', Self::Month, 2_592_000),
        ('y', Self::Year, 31_536_000),
    ];
}

impl Timeframe {
    /// Its length in seconds, with 30 days to a month and 365 to a year.
    pub fn seconds(self) -> u64 {
        let length = Unit::ALL.iter().find(|(_, unit, _)| *unit == self.unit).map_or(1, |(_, _, seconds)| *seconds);
        length * u64::from(self.count)
    }

    /// Its length in milliseconds.
    pub fn millis(self) -> Millis {
        self.seconds() as Millis * 1_000
    }
}

impl FromStr for Timeframe {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::new(
                Code::BadRequest,
                format!("`{text:.20}` is no timeframe: a count and one of s, m, h, d, w, M, y, as in 15m"),
            )
        };
        let letter = text.chars().last().ok_or_else(wrong)?;
        let (_, unit, _) = Unit::ALL.iter().find(|(known, _, _)| *known == letter).ok_or_else(wrong)?;
        let digits = &text[..text.len() - 1];
        match digits.parse::<u16>() {
            Ok(count) if count > 0 && count < 1_000 && !digits.starts_with(['0', '+']) => {
                Ok(Self { count, unit: *unit })
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Timeframe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = Unit::ALL.iter().find(|(_, unit, _)| *unit == self.unit).map_or('s', |(letter, _, _)| *letter);
        write!(f, "{}{letter}", self.count)
    }
}

impl TryFrom<String> for Timeframe {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Timeframe> for String {
    fn from(timeframe: Timeframe) -> Self {
        timeframe.to_string()
    }
}

impl PartialOrd for Timeframe {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timeframe {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.seconds().cmp(&other.seconds())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1s", 1)]
    #[case("15m", 900)]
    #[case("4h", 14_400)]
    #[case("1w", 604_800)]
    #[case("1M", 2_592_000)]
    fn a_timeframe_reads_writes_and_has_a_length(#[case] text: &str, #[case] seconds: u64) {
        let timeframe: Timeframe = text.parse().expect("a timeframe");
        assert_eq!((timeframe.to_string().as_str(), timeframe.seconds()), (text, seconds));
    }

    #[rstest]
    fn what_is_no_timeframe_says_what_is_allowed(
        #[values("", "h", "0m", "01m", "1x", "-1d", "1é", "99999d", "1d ")] text: &str,
    ) {
        let error = text.parse::<Timeframe>().expect_err("refused");
        assert_eq!(error.code(), Code::BadRequest);
        assert!(error.to_string().contains("15m"), "{error}");
    }
}
