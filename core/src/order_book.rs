//! Order books.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Decimal, Millis, OrderBookQuery, time};

/// One price level: the price and the amount that rests there; `[price, amount]` in JSON.
pub type Level = (Decimal, Decimal);

/// What rests in the book of one market.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OrderBook {
    /// The exchange's id.
    pub exchange: String,
    /// The unified symbol of the market.
    pub symbol: String,
    /// When the exchange made it.
    pub timestamp: Option<Millis>,
    /// The exchange's sequence number.
    pub nonce: Option<Decimal>,
    /// Who buys, best (highest) price first.
    pub bids: Vec<Level>,
    /// Who sells, best (lowest) price first.
    pub asks: Vec<Level>,
}

impl OrderBook {
    /// Brings both sides into order (best price first), joins levels of one price, drops empty ones, and cuts to `limit`.
    pub fn arrange(&mut self, query: &OrderBookQuery) {
        arrange(&mut self.bids, query.limit, |a, b| b.0.compare(&a.0));
        arrange(&mut self.asks, query.limit, |a, b| a.0.compare(&b.0));
    }
}

fn arrange(levels: &mut Vec<Level>, limit: Option<usize>, order: impl Fn(&Level, &Level) -> std::cmp::Ordering) {
    levels.retain(|(_, amount)| !amount.is_zero());
    if !levels.is_sorted_by(|a, b| order(a, b).is_le()) {
        levels.sort_by(&order);
    }
    // Some exchanges send orders rather than levels.
    levels.dedup_by(|next, kept| {
        let same = order(kept, next).is_eq();
        if same && let Some(sum) = kept.1.plus(&next.1) {
            kept.1 = sum;
        }
        same
    });
    levels.truncate(limit.unwrap_or(usize::MAX));
}

impl Serialize for OrderBook {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("OrderBook", 7)?;
        out.serialize_field("exchange", &self.exchange)?;
        out.serialize_field("symbol", &self.symbol)?;
        out.serialize_field("timestamp", &self.timestamp)?;
        out.serialize_field("datetime", &self.timestamp.and_then(time::to_iso))?;
        out.serialize_field("nonce", &self.nonce)?;
        out.serialize_field("bids", &self.bids)?;
        out.serialize_field("asks", &self.asks)?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: i64, amount: i64) -> Level {
        (Decimal::from(price), Decimal::from(amount))
    }

    #[test]
    fn both_sides_come_out_best_first_joined_without_empty_levels_and_cut() {
        let mut book = OrderBook {
            exchange: "x".into(),
            symbol: "A/B".into(),
            timestamp: None,
            nonce: None,
            bids: vec![level(9, 1), level(10, 1), level(8, 0), level(10, 2), level(7, 1)],
            asks: vec![level(12, 1), level(11, 1)],
        };
        book.arrange(&OrderBookQuery { limit: Some(2), now: 0 });
        assert_eq!(book.bids, [level(10, 3), level(9, 1)]);
        assert_eq!(book.asks, [level(11, 1), level(12, 1)]);
    }
}
