//! The JSON of answers, in the shapes of the contract. A ticker and an order book are their own shape.

use bytes::Bytes;
use marketd_core::{Candle, Error, Fetch, Market, Result, Ticker, Timeframe, Trade};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Tickers<'a> {
    pub(super) exchange: &'a str,
    pub(super) tickers: &'a [Ticker],
}

#[derive(Serialize)]
pub(super) struct Candles<'a> {
    pub(super) exchange: &'a str,
    pub(super) symbol: &'a str,
    pub(super) timeframe: Timeframe,
    pub(super) candles: &'a [Candle],
}

#[derive(Serialize)]
pub(super) struct Trades<'a> {
    pub(super) exchange: &'a str,
    pub(super) symbol: &'a str,
    pub(super) trades: &'a [Trade],
}

#[derive(Serialize)]
pub(super) struct Markets<'a> {
    pub(super) exchange: &'a str,
    pub(super) markets: Vec<&'a Market>,
}

/// Goes on from what the adapter read to the bytes that are sent; part of the fetch, so that a long answer is completed and
/// written where it is read.
pub(super) fn written<T: Send + 'static>(
    fetch: Fetch<T>,
    write: impl FnOnce(T) -> Result<Bytes> + Send + 'static,
) -> Fetch<Bytes> {
    fetch.then(|answer| Fetch::Done(answer.and_then(write)))
}

/// The bytes that are sent and kept; exactly as many as there are, since they may stay for long.
pub(super) fn json<T: Serialize>(body: &T) -> Result<Bytes> {
    let bytes = serde_json::to_vec(body)
        .map_err(|error| Error::bad_response("the answer cannot be written as JSON").with_source(error))?;
    Ok(Bytes::from(bytes.into_boxed_slice()))
}
