//! Tickers: the last 24 hours of one market in one row.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Decimal, Millis, time};

/// The last 24 hours of one market. Prices are in units of the quote currency; what the exchange does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticker {
    /// The exchange's id.
    pub exchange: String,
    /// The unified symbol of the market.
    pub symbol: String,
    /// When the exchange made it.
    pub timestamp: Option<Millis>,
    /// The highest price.
    pub high: Option<Decimal>,
    /// The lowest price.
    pub low: Option<Decimal>,
    /// The best price that someone buys for.
    pub bid: Option<Decimal>,
    /// How much rests at the best bid.
    pub bid_volume: Option<Decimal>,
    /// The best price that someone sells for.
    pub ask: Option<Decimal>,
    /// How much rests at the best ask.
    pub ask_volume: Option<Decimal>,
    /// The average price, weighted by volume.
    pub vwap: Option<Decimal>,
    /// The price 24 hours ago.
    pub open: Option<Decimal>,
    /// The last price.
    pub close: Option<Decimal>,
    /// The last price.
    pub last: Option<Decimal>,
    /// The closing price of the day before.
    pub previous_close: Option<Decimal>,
    /// `last − open`.
    pub change: Option<Decimal>,
    /// `change / open × 100`.
    pub percentage: Option<Decimal>,
    /// `(open + last) / 2`.
    pub average: Option<Decimal>,
    /// How much was traded, in units of the base currency (or contracts).
    pub base_volume: Option<Decimal>,
    /// How much was traded, in units of the quote currency.
    pub quote_volume: Option<Decimal>,
    /// The price that contracts are marked to.
    pub mark_price: Option<Decimal>,
    /// The price of the index beneath a contract.
    pub index_price: Option<Decimal>,
}

impl Ticker {
    /// A ticker of which nothing is known yet.
    pub fn new(exchange: impl Into<String>, symbol: impl Into<String>) -> Self {
        Self { exchange: exchange.into(), symbol: symbol.into(), ..Self::default() }
    }

    /// Derives what the exchange left out from what it said, as ccxt's `safe_ticker` does.
    ///
    /// Of open, close, change, percentage and average, any two that do not say the same tell the others.
    pub fn derive(&mut self) {
        // A price of 0 means that there is none: nothing was traded, or nobody bids. A change of 0 is one, but a percentage of
        // 0 is a placeholder more often than not, and stands only where nothing else tells.
        let said = self.percentage.clone();
        let Self { open, last, close, high, low, bid, ask, percentage, average, .. } = self;
        for value in [open, last, close, high, low, bid, ask, percentage, average] {
            *value = value.take().filter(|value| !value.is_zero());
        }
        fill(&mut self.vwap, || nonzero(self.quote_volume.as_ref())?.over(self.base_volume.as_ref()?));
        fill(&mut self.close, || self.last.clone());
        let (hundred, two) = (Decimal::from(100), Decimal::from(2));
        // How many times the open price the close is.
        let growth = self.percentage.as_ref().filter(|_| self.change.is_none());
        let growth = growth.and_then(|percentage| percentage.over(&hundred)?.plus(&Decimal::from(1)));
        fill(&mut self.close, || match (&self.change, &growth) {
            (Some(change), _) => self.average.as_ref()?.plus(&change.over(&two)?),
            (None, Some(growth)) => {
                let average = self.average.as_ref()?;
                let halved = || average.times(&two)?.over(&growth.plus(&Decimal::from(1))?);
                self.open.clone().or_else(halved)?.times(growth)
            }
            (None, None) => None,
        });
        fill(&mut self.open, || match (&self.change, &growth) {
            (Some(change), _) => self.close.as_ref()?.minus(change),
            (None, Some(growth)) => self.close.as_ref()?.over(growth),
            (None, None) => None,
        });
        fill(&mut self.change, || self.close.as_ref()?.minus(self.open.as_ref()?));
        fill(&mut self.change, || self.open.as_ref()?.times(&self.percentage.as_ref()?.over(&hundred)?));
        fill(&mut self.percentage, || self.change.as_ref()?.over(self.open.as_ref()?)?.times(&hundred));
        fill(&mut self.close, || self.open.as_ref()?.plus(self.change.as_ref()?));
        fill(&mut self.close, || self.average.as_ref()?.times(&two)?.minus(self.open.as_ref()?));
        fill(&mut self.average, || self.open.as_ref()?.plus(self.close.as_ref()?)?.over(&two));
        fill(&mut self.last, || self.close.clone());
        fill(&mut self.percentage, || said);
    }
}

fn nonzero(number: Option<&Decimal>) -> Option<&Decimal> {
    number.filter(|number| !number.is_zero())
}

fn fill(field: &mut Option<Decimal>, derive: impl FnOnce() -> Option<Decimal>) {
    if field.is_none() {
        *field = derive();
    }
}

impl Serialize for Ticker {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Ticker", 22)?;
        out.serialize_field("exchange", &self.exchange)?;
        out.serialize_field("symbol", &self.symbol)?;
        out.serialize_field("timestamp", &self.timestamp)?;
        out.serialize_field("datetime", &self.timestamp.and_then(time::to_iso))?;
        out.serialize_field("high", &self.high)?;
        out.serialize_field("low", &self.low)?;
        out.serialize_field("bid", &self.bid)?;
        out.serialize_field("bidVolume", &self.bid_volume)?;
        out.serialize_field("ask", &self.ask)?;
        out.serialize_field("askVolume", &self.ask_volume)?;
        out.serialize_field("vwap", &self.vwap)?;
        out.serialize_field("open", &self.open)?;
        out.serialize_field("close", &self.close)?;
        out.serialize_field("last", &self.last)?;
        out.serialize_field("previousClose", &self.previous_close)?;
        out.serialize_field("change", &self.change)?;
        out.serialize_field("percentage", &self.percentage)?;
        out.serialize_field("average", &self.average)?;
        out.serialize_field("baseVolume", &self.base_volume)?;
        out.serialize_field("quoteVolume", &self.quote_volume)?;
        out.serialize_field("markPrice", &self.mark_price)?;
        out.serialize_field("indexPrice", &self.index_price)?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Option<Decimal> {
        Some(Decimal::parse(text).expect("a number"))
    }

    #[test]
    fn what_follows_from_open_and_last_is_derived() {
        let mut ticker = Ticker { open: decimal("80"), last: decimal("100.0"), ..Ticker::new("x", "A/B") };
        ticker.derive();
        assert_eq!(ticker.close, decimal("100.0"));
        assert_eq!(ticker.change, decimal("20"));
        assert_eq!(ticker.percentage, decimal("25"));
        assert_eq!(ticker.average, decimal("90"));
    }

    #[test]
    fn open_follows_from_last_and_change_or_percentage() {
        let mut by_change = Ticker { last: decimal("100"), change: decimal("-25"), ..Ticker::default() };
        by_change.derive();
        assert_eq!(by_change.open, decimal("125"));
        let mut by_percentage = Ticker { last: decimal("100"), percentage: decimal("-20"), ..Ticker::default() };
        by_percentage.derive();
        assert_eq!(by_percentage.open, decimal("125"));
        assert_eq!(by_percentage.change, decimal("-25"));
    }

    #[test]
    fn close_follows_from_open_and_change_or_from_the_average() {
        let mut by_change = Ticker { open: decimal("80"), change: decimal("20"), ..Ticker::default() };
        by_change.derive();
        assert_eq!((&by_change.last, &by_change.percentage), (&decimal("100"), &decimal("25")));
        let mut by_percentage = Ticker { open: decimal("80"), percentage: decimal("25"), ..Ticker::default() };
        by_percentage.derive();
        assert_eq!((&by_percentage.last, &by_percentage.change), (&decimal("100"), &decimal("20")));
        let mut by_average = Ticker { open: decimal("80"), average: decimal("90"), ..Ticker::default() };
        by_average.derive();
        assert_eq!(by_average.close, decimal("100"));
        let mut without_open = Ticker { average: decimal("90"), percentage: decimal("25"), ..Ticker::default() };
        without_open.derive();
        assert_eq!((&without_open.open, &without_open.close), (&decimal("80"), &decimal("100")));
    }

    #[test]
    fn a_percentage_of_zero_counts_only_where_nothing_else_tells() {
        let mut flat =
            Ticker { open: decimal("80"), last: decimal("80"), percentage: decimal("0.00"), ..Ticker::default() };
        flat.derive();
        assert_eq!((&flat.change, &flat.percentage), (&decimal("0"), &decimal("0")));
    }

    #[test]
    fn a_price_of_zero_is_none() {
        let mut ticker =
            Ticker { bid: decimal("0.00"), high: decimal("0"), base_volume: decimal("0"), ..Ticker::default() };
        ticker.derive();
        assert_eq!((&ticker.bid, &ticker.high, &ticker.base_volume), (&None, &None, &decimal("0")));
    }

    #[test]
    fn what_the_exchange_said_is_never_replaced() {
        let mut ticker = Ticker { open: decimal("1"), last: decimal("2"), change: decimal("7"), ..Ticker::default() };
        ticker.derive();
        assert_eq!(ticker.change, decimal("7"));
    }

    #[test]
    fn vwap_is_quote_volume_over_base_volume_and_nothing_when_nothing_was_traded() {
        let mut ticker = Ticker { base_volume: decimal("4"), quote_volume: decimal("10"), ..Ticker::default() };
        ticker.derive();
        assert_eq!(ticker.vwap, decimal("2.5"));
        let mut idle = Ticker { base_volume: decimal("0"), quote_volume: decimal("0"), ..Ticker::default() };
        idle.derive();
        assert_eq!(idle.vwap, None);
    }

    #[test]
    fn every_key_is_always_there() {
        let json = serde_json::to_value(Ticker::new("x", "A/B")).expect("serializes");
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(22));
        assert!(json["markPrice"].is_null());
    }
}
