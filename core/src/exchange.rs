//! The trait that an exchange adapter implements.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Candle, Error, Fetch, Market, Markets, Millis, OrderBook, Ticker, Timeframe, Trade};

/// An exchange adapter: says what to ask, and reads the answers. It does no I/O, reads no clock, and keeps no state: every
/// question says when it is asked (`now`).
///
/// Only [`Exchange::about`] and [`Exchange::markets`] must be there; the rest answers `NotSupported` until implemented, and
/// what is implemented is named in [`About::capabilities`]. Answers may come in any order and untrimmed: whoever runs the
/// fetch arranges them ([`Candle::arrange`] and so on) and derives what can be derived ([`Ticker::derive`]).
pub trait Exchange: Send + Sync {
    /// Who the exchange is and what it can do.
    fn about(&self) -> &About;

    /// Every market, including inactive ones.
    fn markets(&self, now: Millis) -> Fetch<Vec<Market>>;

    /// The ticker of one market.
    fn ticker(&self, _market: &Arc<Market>, _now: Millis) -> Fetch<Ticker> {
        self.about().not_supported(Capability::Ticker)
    }

    /// The tickers of some or all markets.
    fn tickers(&self, _query: &TickersQuery) -> Fetch<Vec<Ticker>> {
        self.about().not_supported(Capability::Tickers)
    }

    /// Candles of one market.
    fn candles(&self, _market: &Arc<Market>, _query: &CandleQuery) -> Fetch<Vec<Candle>> {
        self.about().not_supported(Capability::Candles)
    }

    /// The order book of one market.
    fn order_book(&self, _market: &Arc<Market>, _query: &OrderBookQuery) -> Fetch<OrderBook> {
        self.about().not_supported(Capability::OrderBook)
    }

    /// How many malformed rows were left out of answers so far.
    fn dropped_rows(&self) -> u64 {
        0
    }

    /// Whether a step of a fetch may take long, or never return: then each, the question itself too, is run on a thread for such work.
    fn may_block(&self) -> bool {
        false
    }

    /// Why the adapter is switched off, if it is: it answers every question with `ExchangeNotAvailable` then.
    fn disabled(&self) -> Option<String> {
        None
    }

    /// The latest public trades of one market.
    fn trades(&self, _market: &Arc<Market>, _query: &TradesQuery) -> Fetch<Vec<Trade>> {
        self.about().not_supported(Capability::Trades)
    }
}

/// A question that an exchange can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// [`Exchange::markets`]
    Markets,
    /// [`Exchange::ticker`]
    Ticker,
    /// [`Exchange::tickers`]
    Tickers,
    /// [`Exchange::candles`]
    Candles,
    /// [`Exchange::order_book`]
    #[serde(rename = "orderbook")]
    OrderBook,
    /// [`Exchange::trades`]
    Trades,
}

impl Capability {
    /// Every question.
    pub const ALL: [Self; 6] =
        [Self::Markets, Self::Ticker, Self::Tickers, Self::Candles, Self::OrderBook, Self::Trades];

    /// The name, as in answers, logs, and the keys of `[cache]`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Markets => "markets",
            Self::Ticker => "ticker",
            Self::Tickers => "tickers",
            Self::Candles => "candles",
            Self::OrderBook => "orderbook",
            Self::Trades => "trades",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How an adapter came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A TOML definition.
    Definition,
    /// Rust in this workspace.
    Native,
    /// A dynamically loaded library.
    Plugin,
}

/// Who an exchange is and what it can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The id in paths: lower case letters and digits.
    pub id: String,
    /// The name that people use.
    pub name: String,
    /// How the adapter came to be.
    pub kind: Kind,
    /// What can be asked.
    pub capabilities: Vec<Capability>,
    /// The candles there are, shortest first.
    pub timeframes: Vec<Timeframe>,
    /// Where to read more.
    pub links: Links,
    /// The pace of requests that the exchange publishes.
    pub budget: Option<Budget>,
    /// Whether the data is made up.
    #[serde(default)]
    pub synthetic: bool,
}

impl About {
    /// The longest id.
    const LONGEST_ID: usize = 40;

    /// Whether a text can be the id of an exchange, which stands in paths: lower case letters and digits, at most 40.
    pub fn is_id(text: &str) -> bool {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        !text.is_empty() && text.len() <= Self::LONGEST_ID && text.bytes().all(fits)
    }

    /// Whether the exchange can be asked that.
    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// The answer to a question that the exchange cannot be asked.
    pub fn not_supported<T>(&self, capability: Capability) -> Fetch<T> {
        Fetch::fail(Error::not_supported(&self.id, capability))
    }
}

/// Where to read more about an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// Its site.
    pub www: Option<String>,
    /// The documentation of its API.
    pub doc: Option<String>,
}

/// How much may be asked in a time: `1200/m` is a weight of 1,200 a minute. Units are s, m and h, with a count before
/// (`20/2s`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Budget {
    /// The weight of all requests together.
    pub weight: u32,
    /// In this time.
    pub per: Duration,
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text:.30}` is no request budget: a weight, `/`, and a time in s, m or h, as in 1200/m or 20/2s")
        };
        let (weight, time) = text.split_once('/').ok_or_else(wrong)?;
        let unit = match time.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            _ => return Err(wrong()),
        };
        let count = match &time[..time.len() - 1] {
            "" => 1,
            digits => digits.parse::<u32>().ok().filter(|count| (1..=86_400).contains(count)).ok_or_else(wrong)?,
        };
        let weight = weight.trim().parse::<u32>().ok().filter(|weight| *weight > 0).ok_or_else(wrong)?;
        Ok(Self { weight, per: Duration::from_secs(u64::from(count) * unit) })
    }
}

impl TryFrom<String> for Budget {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Budget> for String {
    fn from(budget: Budget) -> Self {
        match budget.per.as_secs() {
            1 => format!("{}/s", budget.weight),
            60 => format!("{}/m", budget.weight),
            seconds => format!("{}/{seconds}s", budget.weight),
        }
    }
}

/// Which tickers are wanted.
#[derive(Clone, Debug)]
pub struct TickersQuery {
    /// All markets of the exchange, to tell the rows apart.
    pub markets: Arc<Markets>,
    /// The wanted ones; `None` is all of them.
    pub wanted: Option<Vec<Arc<Market>>>,
    /// The moment of the question.
    pub now: Millis,
}

/// Which candles are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandleQuery {
    /// How long a candle is; one of [`About::timeframes`].
    pub timeframe: Timeframe,
    /// None before this moment; the newest ones when left out.
    pub since: Option<Millis>,
    /// At most so many.
    pub limit: usize,
    /// The moment of the question.
    pub now: Millis,
}

/// How deep an order book is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderBookQuery {
    /// At most so many levels a side.
    pub limit: Option<usize>,
    /// The moment of the question.
    pub now: Millis,
}

/// Which trades are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradesQuery {
    /// None before this moment; the newest ones when left out.
    pub since: Option<Millis>,
    /// At most so many.
    pub limit: usize,
    /// The moment of the question.
    pub now: Millis,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1200/m", 1200, 60)]
    #[case("20/2s", 20, 2)]
    #[case("400/s", 400, 1)]
    fn a_budget_is_a_weight_in_a_time(#[case] text: &str, #[case] weight: u32, #[case] seconds: u64) {
        let budget: Budget = text.parse().expect("a budget");
        assert_eq!(budget, Budget { weight, per: Duration::from_secs(seconds) });
        assert_eq!(String::from(budget), text);
    }

    #[rstest]
    fn what_is_no_budget_says_what_is_allowed(#[values("", "10", "0/s", "10/d", "-1/s", "10/0s", "10/é")] text: &str) {
        assert!(text.parse::<Budget>().expect_err("refused").contains("1200/m"));
    }

    #[rstest]
    #[case("kraken", true)]
    #[case("p2b", true)]
    #[case("", false)]
    #[case("Kraken", false)]
    #[case("a-b", false)]
    #[case("../x", false)]
    fn an_id_is_lower_case_letters_and_digits(#[case] text: &str, #[case] is_id: bool) {
        assert_eq!(About::is_id(text), is_id);
        assert!(!About::is_id(&"a".repeat(41)));
    }

    #[test]
    fn what_an_adapter_does_not_implement_is_not_supported() {
        struct Bare(About);
        impl Exchange for Bare {
            fn about(&self) -> &About {
                &self.0
            }
            fn markets(&self, _now: Millis) -> Fetch<Vec<Market>> {
                Fetch::Done(Ok(Vec::new()))
            }
        }
        let bare = Bare(About {
            id: "bare".into(),
            name: "Bare".into(),
            kind: Kind::Native,
            capabilities: vec![Capability::Markets],
            timeframes: Vec::new(),
            links: Links::default(),
            budget: None,
            synthetic: true,
        });
        let exchange: &dyn Exchange = &bare;
        let Fetch::Done(Err(error)) = exchange.ticker(&Arc::new(Market::spot("AB", "A", "B")), 0) else {
            panic!("fails")
        };
        assert_eq!(error.code(), crate::Code::NotSupported);
        assert_eq!(error.exchange(), Some("bare"));
    }
}
