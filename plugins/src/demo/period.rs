//! Where candles begin.

use marketd_core::{Millis, Timeframe, time};

use super::path::DAY;

/// The candles of the demo, shortest first.
const TIMEFRAMES: [&str; 13] = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "1w", "1M"];

const WEEK: Millis = 7 * DAY;

/// 1970-01-05, the first Monday.
const MONDAY: Millis = 4 * DAY;

/// How a timeframe divides time: in UTC, weeks from Monday, months as the calendar has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    Fixed { length: Millis, from: Millis },
    Month,
}

pub(super) fn timeframes() -> Vec<Timeframe> {
    TIMEFRAMES.iter().filter_map(|text| text.parse().ok()).collect()
}

impl Period {
    pub(super) fn of(timeframe: Timeframe) -> Self {
        match timeframe.millis() {
            WEEK => Self::Fixed { length: WEEK, from: MONDAY },
            length if length > WEEK => Self::Month,
            length => Self::Fixed { length, from: 0 },
        }
    }

    /// The beginning of the period that a moment is in.
    pub(super) fn start(self, at: Millis) -> Millis {
        match self {
            Self::Fixed { length, from } => at - (at - from).rem_euclid(length),
            Self::Month => {
                let first = time::format(at, "%Y-%m-01").and_then(|date| time::from_iso(&date));
                // A moment that no calendar has is its own beginning.
                first.unwrap_or(at)
            }
        }
    }

    /// The beginning of the next period.
    pub(super) fn next(self, start: Millis) -> Millis {
        match self {
            Self::Fixed { length, .. } => start + length,
            Self::Month => self.start(start + 31 * DAY),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("15m", "2026-11-18T12:14:59Z", "2026-11-18T12:00:00Z", "2026-11-18T12:15:00Z")]
    #[case("4h", "2026-11-18T12:00:00Z", "2026-11-18T12:00:00Z", "2026-11-18T16:00:00Z")]
    #[case("1w", "2026-11-18T12:00:00Z", "2026-11-16", "2026-11-23")]
    #[case("1w", "2026-11-15T23:59:59Z", "2026-11-09", "2026-11-16")]
    #[case("1M", "2026-12-31T23:59:59Z", "2026-12-01", "2027-01-01")]
    #[case("1M", "2027-02-28T00:00:00Z", "2027-02-01", "2027-03-01")]
    fn periods_begin_at_round_moments(
        #[case] timeframe: &str,
        #[case] at: &str,
        #[case] start: &str,
        #[case] next: &str,
    ) {
        let period = Period::of(timeframe.parse().expect("a timeframe"));
        let moment = |text| time::from_iso(text).expect("a moment");
        assert_eq!(period.start(moment(at)), moment(start));
        assert_eq!(period.next(moment(start)), moment(next));
    }

    #[test]
    fn every_timeframe_is_one_shortest_first() {
        let timeframes = timeframes();
        assert_eq!(timeframes.len(), TIMEFRAMES.len());
        assert!(timeframes.is_sorted());
    }
}
