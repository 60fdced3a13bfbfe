//! Markets: what can be traded, and how its symbol is spelled.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::{Decimal, Millis, time};

/// The kind of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MarketType {
    /// One currency for another, now.
    Spot,
    /// A perpetual contract.
    Swap,
    /// A contract with an expiry.
    Future,
    /// A right to buy or sell at a strike price.
    Option,
    /// A price that is published but cannot be traded at, such as the one beneath contracts.
    Index,
}

impl MarketType {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Spot, Self::Swap, Self::Future, Self::Option, Self::Index];

    /// The name, as it stands in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::Swap => "swap",
            Self::Future => "future",
            Self::Option => "option",
            Self::Index => "index",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The right that an option gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptionType {
    /// To buy.
    Call,
    /// To sell.
    Put,
}

/// The smallest steps, as tick sizes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precision {
    /// The step of an amount.
    pub amount: Option<Decimal>,
    /// The step of a price.
    pub price: Option<Decimal>,
}

/// What the exchange accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Of the amount, in units of the base currency or contracts.
    pub amount: Range,
    /// Of the price.
    pub price: Range,
    /// Of price times amount.
    pub cost: Range,
}

/// A lower and an upper bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// At least.
    pub min: Option<Decimal>,
    /// At most.
    pub max: Option<Decimal>,
}

/// One market of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Market {
    /// The exchange's own id.
    pub id: String,
    /// The unified symbol: `BTC/USDT`, `BTC/USDT:USDT`, `BTC/USD:BTC-260327`, `BTC/USD:BTC-260327-100000-C`.
    pub symbol: String,
    /// The currency that is traded.
    pub base: String,
    /// The currency that prices are in.
    pub quote: String,
    /// The currency that a contract is settled in.
    pub settle: Option<String>,
    /// The kind.
    #[serde(rename = "type")]
    pub kind: MarketType,
    /// Whether it can be traded now.
    pub active: Option<bool>,
    /// Whether it is a contract rather than spot.
    pub contract: bool,
    /// Whether it is a contract that is settled in the quote currency.
    pub linear: Option<bool>,
    /// Whether it is a contract that is settled in the base currency.
    pub inverse: Option<bool>,
    /// How much one contract is of the base currency (of the quote currency for inverse ones).
    pub contract_size: Option<Decimal>,
    /// When a future or an option ends.
    pub expiry: Option<Millis>,
    /// The strike price of an option.
    pub strike: Option<Decimal>,
    /// The right that an option gives.
    pub option_type: Option<OptionType>,
    /// The smallest steps.
    pub precision: Precision,
    /// What is accepted.
    pub limits: Limits,
    /// What else the adapter needs to ask about the market and to read the answers: other ids, scales, its group.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

impl Market {
    /// A spot market of which nothing else is known.
    pub fn spot(id: impl Into<String>, base: impl Into<String>, quote: impl Into<String>) -> Self {
        let mut market = Self {
            id: id.into(),
            symbol: String::new(),
            base: base.into(),
            quote: quote.into(),
            settle: None,
            kind: MarketType::Spot,
            active: None,
            contract: false,
            linear: None,
            inverse: None,
            contract_size: None,
            expiry: None,
            strike: None,
            option_type: None,
            precision: Precision::default(),
            limits: Limits::default(),
            attributes: BTreeMap::new(),
        };
        market.complete();
        market
    }

    /// Derives what follows from the other fields: the symbol, and whether it is a contract, linear, or inverse.
    pub fn complete(&mut self) {
        self.contract = self.kind != MarketType::Spot;
        if self.contract && (self.linear, self.inverse) == (None, None) {
            let settle = self.settle.as_deref();
            // A contract settled in a third currency (a quanto) is neither.
            self.linear = settle.map(|settle| settle == self.quote);
            self.inverse = settle.map(|settle| settle == self.base && settle != self.quote);
        }
        self.symbol = self.unified_symbol();
    }

    fn unified_symbol(&self) -> String {
        let mut symbol = format!("{}/{}", self.base, self.quote);
        // Some exchanges give spot and perpetual markets an end in a far year.
        let has_end = matches!(self.kind, MarketType::Future | MarketType::Option);
        // Writing to a String cannot fail.
        if let Some(settle) = self.settle.as_ref().filter(|_| self.contract) {
            let _ = write!(symbol, ":{settle}");
        }
        if let Some(date) = self.expiry.filter(|end| has_end && *end > 0).and_then(time::to_yymmdd) {
            let _ = write!(symbol, "-{date}");
        }
        if let Some(strike) = &self.strike {
            let plain = strike.shifted(0);
            let _ = write!(symbol, "-{}", plain.as_ref().unwrap_or(strike));
        }
        match self.option_type {
            Some(OptionType::Call) => symbol.push_str("-C"),
            Some(OptionType::Put) => symbol.push_str("-P"),
            None => {}
        }
        symbol
    }

    /// What `amount` at `price` costs, in units of the quote currency (of the settle currency for inverse contracts); `None`
    /// where the size of a contract is not known.
    pub fn cost(&self, price: &Decimal, amount: &Decimal) -> Option<Decimal> {
        if !self.contract {
            return price.times(amount);
        }
        let units = amount.times(self.contract_size.as_ref()?)?;
        if self.inverse == Some(true) { units.over(price) } else { units.times(price) }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn contract(kind: MarketType, settle: &str, strike: Option<&str>) -> Market {
        let mut market = Market::spot("id", "BTC", "USD");
        market.kind = kind;
        market.settle = Some(settle.into());
        market.expiry = time::from_iso("2026-03-27T08:00:00Z");
        market.strike = strike.and_then(Decimal::parse);
        market.option_type = strike.map(|_| OptionType::Call);
        market.complete();
        market
    }

    #[rstest]
    #[case(MarketType::Spot, None, "BTC/USD")]
    #[case(MarketType::Swap, None, "BTC/USD:BTC")]
    #[case(MarketType::Future, None, "BTC/USD:BTC-260327")]
    #[case(MarketType::Option, Some("100000.0"), "BTC/USD:BTC-260327-100000-C")]
    #[case(MarketType::Option, Some("0.5"), "BTC/USD:BTC-260327-0.5-C")]
    fn a_symbol_names_what_tells_the_market_apart(
        #[case] kind: MarketType,
        #[case] strike: Option<&str>,
        #[case] symbol: &str,
    ) {
        let mut market = contract(kind, "BTC", strike);
        if kind == MarketType::Spot {
            market = Market::spot("id", "BTC", "USD");
        }
        assert_eq!(market.symbol, symbol);
    }

    #[rstest]
    #[case("USD", Some(true), Some(false))]
    #[case("BTC", Some(false), Some(true))]
    #[case("ETH", Some(false), Some(false))]
    fn the_settle_currency_says_linear_or_inverse(
        #[case] settle: &str,
        #[case] linear: Option<bool>,
        #[case] inverse: Option<bool>,
    ) {
        let market = contract(MarketType::Swap, settle, None);
        assert_eq!((market.linear, market.inverse), (linear, inverse));
    }

    #[test]
    fn the_cost_of_contracts_counts_their_size() {
        let mut market = contract(MarketType::Swap, "BTC", None);
        assert_eq!(market.cost(&Decimal::from(50_000), &Decimal::from(5)), None);
        market.contract_size = Some(Decimal::from(100));
        assert_eq!(market.cost(&Decimal::from(50_000), &Decimal::from(5)), Decimal::parse("0.01"));
    }
}
