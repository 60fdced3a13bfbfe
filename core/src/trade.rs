//! Public trades.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::candle::cut;
use crate::{Decimal, Market, Millis, TradesQuery, time};

/// The side of the taker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The taker bought.
    Buy,
    /// The taker sold.
    Sell,
}

/// One trade between two strangers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Trade {
    /// The exchange's id of the trade.
    pub id: Option<String>,
    /// When it happened.
    pub timestamp: Option<Millis>,
    /// The unified symbol of the market.
    pub symbol: String,
    /// What the taker did.
    pub side: Option<Side>,
    /// In units of the quote currency.
    pub price: Decimal,
    /// In units of the base currency, or contracts.
    pub amount: Decimal,
    /// What was paid, in units of the quote currency (of the settle currency for inverse contracts).
    #[serde(default)]
    pub cost: Option<Decimal>,
}

impl Trade {
    fn number(&self) -> Option<u128> {
        self.id.as_deref()?.parse().ok()
    }

    /// Brings trades into the order and bounds that were asked for (oldest first, none before `since`, at most `limit`) and
    /// derives the cost that the exchange left out.
    pub fn arrange(trades: &mut Vec<Self>, market: &Market, query: &TradesQuery) {
        // Where the newest comes first, trades of one moment do too, which a stable sort would keep. Without ids nothing depends
        // on their order; where all are of one moment, ids that count tell it.
        let newest_first = match (trades.first(), trades.last()) {
            (Some(first), Some(last)) if first.timestamp == last.timestamp => first.number() > last.number(),
            (first, last) => first.map(|trade| trade.timestamp) > last.map(|trade| trade.timestamp),
        };
        if newest_first && trades.iter().all(|trade| trade.id.is_some()) {
            trades.reverse();
        }
        if !trades.is_sorted_by_key(|trade| trade.timestamp) {
            trades.sort_by_key(|trade| trade.timestamp);
        }
        cut(trades, query.since, query.limit, |trade| trade.timestamp);
        for trade in trades {
            trade.cost = trade.cost.take().or_else(|| market.cost(&trade.price, &trade.amount));
        }
    }
}

impl Serialize for Trade {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Trade", 8)?;
        out.serialize_field("id", &self.id)?;
        out.serialize_field("timestamp", &self.timestamp)?;
        out.serialize_field("datetime", &self.timestamp.and_then(time::to_iso))?;
        out.serialize_field("symbol", &self.symbol)?;
        out.serialize_field("side", &self.side)?;
        out.serialize_field("price", &self.price)?;
        out.serialize_field("amount", &self.amount)?;
        out.serialize_field("cost", &self.cost)?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trade(id: &str, timestamp: Millis) -> Trade {
        let one = Decimal::from(2);
        let id = Some(id.to_owned());
        Trade {
            id,
            timestamp: Some(timestamp),
            symbol: "A/B".into(),
            side: None,
            price: one.clone(),
            amount: one,
            cost: None,
        }
    }

    #[test]
    fn trades_of_one_moment_come_out_in_the_order_of_their_numbers() {
        let mut trades = vec![trade("12", 10), trade("11", 10), trade("9", 10)];
        Trade::arrange(&mut trades, &Market::spot("AB", "A", "B"), &TradesQuery { since: None, limit: 9, now: 0 });
        let ids: Vec<_> = trades.iter().filter_map(|trade| trade.id.as_deref()).collect();
        assert_eq!(ids, ["9", "11", "12"]);
    }

    #[test]
    fn trades_come_out_oldest_first_with_their_cost() {
        let mut trades = vec![trade("3", 20), trade("2", 10), trade("1", 10)];
        Trade::arrange(&mut trades, &Market::spot("AB", "A", "B"), &TradesQuery { since: None, limit: 2, now: 0 });
        let ids: Vec<_> = trades.iter().filter_map(|trade| trade.id.as_deref()).collect();
        assert_eq!(ids, ["2", "3"]);
        assert_eq!(trades[0].cost, Some(Decimal::from(4)));
    }
}
