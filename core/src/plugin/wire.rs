//! The JSON that crosses.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::{
    About, Candle, CandleQuery, Capability, Code, Decimal, Error, Market, Millis, OrderBookQuery, Request, TradesQuery,
};

/// What a library brings.
#[derive(Debug, Serialize, Deserialize)]
pub struct Description {
    /// Its exchanges, in the order of the numbers by which they are called.
    pub exchanges: Vec<About>,
}

/// A question: each is a method of [`Exchange`](crate::Exchange) and its arguments.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question<'a> {
    /// Answered by a list of [`Market`].
    Markets {
        /// The moment of the question.
        now: Millis,
    },
    /// Answered by a [`Ticker`](crate::Ticker).
    Ticker {
        /// Of this market.
        market: Cow<'a, Market>,
        /// The moment of the question.
        now: Millis,
    },
    /// Answered by a list of [`Ticker`](crate::Ticker).
    Tickers {
        /// All there are.
        markets: AllMarkets<'a>,
        /// Those that are wanted; all, if left out.
        wanted: Option<Vec<Cow<'a, Market>>>,
        /// The moment of the question.
        now: Millis,
    },
    /// Answered by a [`CandleTable`].
    Candles {
        /// Of this market.
        market: Cow<'a, Market>,
        /// Which.
        query: CandleQuery,
    },
    /// Answered by an [`OrderBook`](crate::OrderBook).
    OrderBook {
        /// Of this market.
        market: Cow<'a, Market>,
        /// How much of it.
        query: OrderBookQuery,
    },
    /// Answered by a list of [`Trade`](crate::Trade).
    Trades {
        /// Of this market.
        market: Cow<'a, Market>,
        /// Which.
        query: TradesQuery,
    },
}

impl Question<'_> {
    /// What is asked.
    pub fn capability(&self) -> Capability {
        match self {
            Self::Markets { .. } => Capability::Markets,
            Self::Ticker { .. } => Capability::Ticker,
            Self::Tickers { .. } => Capability::Tickers,
            Self::Candles { .. } => Capability::Candles,
            Self::OrderBook { .. } => Capability::OrderBook,
            Self::Trades { .. } => Capability::Trades,
        }
    }
}

/// All markets of an exchange, which may be thousands: named by a number that stands for one list for as long as the process
/// lives. A library that does not have that list answers [`Reply::SendMarkets`] and is asked again with it, once for each list.
#[derive(Debug, Serialize, Deserialize)]
pub struct AllMarkets<'a> {
    /// Which list.
    pub number: u64,
    /// The list itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<Vec<Cow<'a, Market>>>,
}

/// What a library replies.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply<T> {
    /// These are to be requested first, together.
    Ask(Vec<Request>),
    /// The answer.
    Done(T),
    /// There is no answer.
    Failed(Failure),
    /// The adapter panicked, with this message.
    Panicked(String),
    /// The market list of that number is not known here.
    SendMarkets,
}

/// An [`Error`], without what the server knows better: the exchange, the symbol, and the causes.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong.
    pub code: Code,
    /// In a sentence.
    pub message: String,
    /// When asking again makes sense, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl Failure {
    /// How much of a message is kept, in characters: it may quote the exchange.
    const LONGEST: usize = 500;
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let wait = error.retry_after().and_then(|wait| u64::try_from(wait.as_millis()).ok());
        Self { code: error.code(), message: error.message().to_owned(), retry_after_ms: wait }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        const LONGEST: usize = Failure::LONGEST;
        let error = Self::new(failure.code, format!("{:.LONGEST$}", failure.message));
        match failure.retry_after_ms {
            Some(wait) => error.with_retry_after(Duration::from_millis(wait)),
            None => error,
        }
    }
}

/// Candles as one text, as in `1795471200000 63900.00 64100.5 63800 64000.0 _;`: timestamp, open, high, low, close and volume of
/// each, `_` for what is not known. Thousands of them are the longest answers there are, and reading them as JSON would take
/// longer than most adapters take to make them.
#[derive(Debug, PartialEq)]
pub struct CandleTable(pub Vec<Candle>);

impl CandleTable {
    /// Room for one candle of long numbers.
    const ROOM: usize = 100;

    /// The text, between the quotes of JSON: nothing in it has to be escaped.
    fn quoted(&self) -> String {
        let mut text = String::with_capacity(2 + self.0.len() * Self::ROOM);
        text.push('"');
        for Candle { timestamp, open, high, low, close, volume } in &self.0 {
            text.push_str(&timestamp.to_string());
            for number in [open, high, low, close, volume] {
                text.push(' ');
                text.push_str(number.as_ref().map_or("_", Decimal::as_str));
            }
            text.push(';');
        }
        text.push('"');
        text
    }

    /// Reads the candle that a text begins with.
    fn candle(text: &str) -> Option<(Candle, &str)> {
        let (timestamp, mut rest) = text.split_once(' ')?;
        let mut next = |end: &str| {
            let (number, behind) = match rest.strip_prefix('_') {
                Some(behind) => (None, behind),
                None => Decimal::read_from(rest).map(|(number, behind)| (Some(number), behind))?,
            };
            rest = behind.strip_prefix(end)?;
            Some(number)
        };
        let (open, high, low, close, volume) = (next(" ")?, next(" ")?, next(" ")?, next(" ")?, next(";")?);
        Some((Candle { timestamp: timestamp.parse().ok()?, open, high, low, close, volume }, rest))
    }
}

impl Serialize for CandleTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.quoted()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CandleTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut rest = <&str>::deserialize(deserializer)?;
        let mut candles = Vec::with_capacity(rest.len() / Self::ROOM);
        while !rest.is_empty() {
            let (candle, behind) = Self::candle(rest)
                .ok_or_else(|| serde::de::Error::custom(format_args!("`{rest:.40}` is no candle")))?;
            candles.push(candle);
            rest = behind;
        }
        Ok(Self(candles))
    }
}
