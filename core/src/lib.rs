//! What an exchange adapter is.
//!
//! The unified market data model ([`Ticker`], [`Candle`], [`OrderBook`], [`Trade`], [`Market`]), one [`Error`], and the
//! sans-IO [`Exchange`] trait: an adapter says what to ask upstream and how to read the answer, as a [`Fetch`].
//! Nothing here does I/O, reads a clock, or depends on a runtime or an HTTP library.

mod candle;
mod decimal;
mod error;
mod exchange;
mod fetch;
mod market;
mod markets;
mod nearest;
mod order_book;
pub mod plugin;
mod ticker;
pub mod time;
mod timeframe;
mod trade;

pub use candle::Candle;
pub use decimal::Decimal;
pub use error::{Code, Error, Result};
pub use exchange::{
    About, Budget, CandleQuery, Capability, Exchange, Kind, Links, OrderBookQuery, TickersQuery, TradesQuery,
};
pub use fetch::{Ask, Fetch, Method, Request, Response};
pub use market::{Limits, Market, MarketType, OptionType, Precision, Range};
pub use markets::Markets;
pub use nearest::nearest;
pub use order_book::{Level, OrderBook};
pub use ticker::Ticker;
pub use time::Millis;
pub use timeframe::Timeframe;
pub use trade::{Side, Trade};

// For plugins, whose one dependency is this crate: `#[serde(crate = "marketd_core::serde")]`.
pub use serde;
