//! Candles (OHLCV).

use serde::{Deserialize, Serialize};

use crate::{CandleQuery, Decimal, Millis};

/// What was traded in one timeframe, in units of the quote and base currency (contracts, where a market counts in contracts).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candle {
    /// When the timeframe begins.
    pub timestamp: Millis,
    /// The first price.
    pub open: Option<Decimal>,
    /// The highest price.
    pub high: Option<Decimal>,
    /// The lowest price.
    pub low: Option<Decimal>,
    /// The last price.
    pub close: Option<Decimal>,
    /// How much was traded.
    pub volume: Option<Decimal>,
}

impl Candle {
    /// Brings candles into the order and bounds that were asked for: oldest first, each moment once, none before `since`, at
    /// most `limit` (the first ones after `since`, else the newest).
    pub fn arrange(candles: &mut Vec<Self>, query: &CandleQuery) {
        if !candles.is_sorted_by_key(|candle| candle.timestamp) {
            candles.sort_by_key(|candle| candle.timestamp);
        }
        candles.dedup_by_key(|candle| candle.timestamp);
        cut(candles, query.since, query.limit, |candle| Some(candle.timestamp));
    }
}

/// Drops what is before `since` and more than `limit`, of rows that are sorted, oldest first.
pub(crate) fn cut<T>(rows: &mut Vec<T>, since: Option<Millis>, limit: usize, timestamp: impl Fn(&T) -> Option<Millis>) {
    match since {
        Some(since) => {
            rows.retain(|row| timestamp(row).is_none_or(|at| at >= since));
            rows.truncate(limit);
        }
        None => drop(rows.drain(..rows.len().saturating_sub(limit))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candles(moments: &[Millis]) -> Vec<Candle> {
        moments
            .iter()
            .map(|&timestamp| Candle { timestamp, open: None, high: None, low: None, close: None, volume: None })
            .collect()
    }

    fn arranged(moments: &[Millis], since: Option<Millis>, limit: usize) -> Vec<Millis> {
        let mut candles = candles(moments);
        let timeframe = "1m".parse().expect("a timeframe");
        Candle::arrange(&mut candles, &CandleQuery { timeframe, since, limit, now: 0 });
        candles.iter().map(|candle| candle.timestamp).collect()
    }

    #[test]
    fn newest_first_and_doubled_candles_come_out_oldest_first_and_once() {
        assert_eq!(arranged(&[3, 2, 2, 1], None, 10), [1, 2, 3]);
    }

    #[test]
    fn without_since_the_newest_are_kept_and_with_it_the_first_after_it() {
        assert_eq!(arranged(&[1, 2, 3, 4], None, 2), [3, 4]);
        assert_eq!(arranged(&[1, 2, 3, 4], Some(2), 2), [2, 3]);
    }
}
