//! `GET /trades/{exchange}/{symbol}`

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::Tag;
use super::params::{Base, ExchangeId, Limit, Path, Query, Quote, Since, Symbol};
use super::problem::Problem;
use super::raw_json::RawJson;
use super::schema::Trades;
use crate::service::Service;

pub(super) struct TradesApi(pub(super) Arc<Service>);

#[OpenApi(tag = "Tag::Markets")]
impl TradesApi {
    /// Public trades of a market
    ///
    /// The latest trades between strangers, oldest first; the side is the taker's.
    #[oai(path = "/trades/:exchange/:base/:quote", method = "get", operation_id = "trades")]
    async fn by_pair(
        &self,
        /// The exchange's id.
        exchange: Path<ExchangeId>,
        /// What stands before the slash of the symbol.
        base: Path<Base>,
        /// What stands after it: the quote currency, and for contracts what follows.
        quote: Path<Quote>,
        /// Nothing before this moment, in milliseconds UTC; the newest when left out.
        since: Query<Since>,
        /// At most so many trades.
        limit: Query<Limit>,
    ) -> Result<RawJson<Trades>, Problem> {
        self.answer(&exchange.0, Symbol::join(&base.0, &quote.0)?, since.0, limit.0).await
    }

    /// Public trades of a market, by one name
    ///
    /// The symbol with its slash written as `%2F`, or the exchange's own id of the market, such as `BTCUSDT`.
    #[oai(path = "/trades/:exchange/:symbol", method = "get", operation_id = "trades_by_name")]
    async fn by_name(
        &self,
        /// The exchange's id.
        exchange: Path<ExchangeId>,
        /// The symbol, or the exchange's own id of the market.
        symbol: Path<Symbol>,
        /// Nothing before this moment, in milliseconds UTC; the newest when left out.
        since: Query<Since>,
        /// At most so many trades.
        limit: Query<Limit>,
    ) -> Result<RawJson<Trades>, Problem> {
        self.answer(&exchange.0, symbol.0, since.0, limit.0).await
    }

    async fn answer(
        &self,
        exchange: &ExchangeId,
        symbol: Symbol,
        since: Since,
        limit: Limit,
    ) -> Result<RawJson<Trades>, Problem> {
        Ok(self.0.trades(&exchange.0, &symbol.0, since.0, limit.0).await?.into())
    }
}
