//! The JSON that crosses.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// Answered by a list of [`CandleRow`].
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

/// A [`Candle`] without the names of its fields, which would be most of an answer: timestamp, open, high, low, close, volume.
#[derive(Debug, Serialize, Deserialize)]
pub struct CandleRow(Millis, Option<Decimal>, Option<Decimal>, Option<Decimal>, Option<Decimal>, Option<Decimal>);

impl From<Candle> for CandleRow {
    fn from(candle: Candle) -> Self {
        let Candle { timestamp, open, high, low, close, volume } = candle;
        Self(timestamp, open, high, low, close, volume)
    }
}

impl From<CandleRow> for Candle {
    fn from(CandleRow(timestamp, open, high, low, close, volume): CandleRow) -> Self {
        Self { timestamp, open, high, low, close, volume }
    }
}
