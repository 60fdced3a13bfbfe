//! `GET /historical/{exchange}/{symbol}`

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::Tag;
use super::params::{Base, ExchangeId, Limit, Path, Query, Quote, Since, Symbol, TimeframeName};
use super::problem::Problem;
use super::raw_json::RawJson;
use super::schema::Historical;
use crate::service::Service;

pub(super) struct HistoricalApi(pub(super) Arc<Service>);

#[OpenApi(tag = "Tag::Markets")]
impl HistoricalApi {
    /// Candles of a market
    ///
    /// Open, high, low, close and volume for each timeframe, oldest first.
    #[oai(path = "/historical/:exchange/:base/:quote", method = "get", operation_id = "historical")]
    async fn by_pair(
        &self,
        /// The exchange's id.
        exchange: Path<ExchangeId>,
        /// What stands before the slash of the symbol.
        base: Path<Base>,
        /// What stands after it: the quote currency, and for contracts what follows.
        quote: Path<Quote>,
        /// How long a candle is; `GET /exchanges/{exchange}` lists those of an exchange.
        timeframe: Query<TimeframeName>,
        /// Nothing before this moment, in milliseconds UTC; the newest when left out.
        since: Query<Since>,
        /// At most so many candles.
        limit: Query<Limit>,
    ) -> Result<RawJson<Historical>, Problem> {
        self.answer(&exchange.0, Symbol::join(&base.0, &quote.0)?, timeframe.0, since.0, limit.0).await
    }

    /// Candles of a market, by one name
    ///
    /// The symbol with its slash written as `%2F`, or the exchange's own id of the market, such as `BTCUSDT`.
    #[oai(path = "/historical/:exchange/:symbol", method = "get", operation_id = "historical_by_name")]
    async fn by_name(
        &self,
        /// The exchange's id.
        exchange: Path<ExchangeId>,
        /// The symbol, or the exchange's own id of the market.
        symbol: Path<Symbol>,
        /// How long a candle is; `GET /exchanges/{exchange}` lists those of an exchange.
        timeframe: Query<TimeframeName>,
        /// Nothing before this moment, in milliseconds UTC; the newest when left out.
        since: Query<Since>,
        /// At most so many candles.
        limit: Query<Limit>,
    ) -> Result<RawJson<Historical>, Problem> {
        self.answer(&exchange.0, symbol.0, timeframe.0, since.0, limit.0).await
    }

    async fn answer(
        &self,
        exchange: &ExchangeId,
        symbol: Symbol,
        timeframe: TimeframeName,
        since: Since,
        limit: Limit,
    ) -> Result<RawJson<Historical>, Problem> {
        Ok(self.0.candles(&exchange.0, &symbol.0, &timeframe.0, since.0, limit.0).await?.into())
    }
}
