//! `GET /orderbook/{exchange}/{symbol}`

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::Tag;
use super::params::{Base, Depth, ExchangeId, Path, Query, Quote, Symbol};
use super::problem::Problem;
use super::raw_json::RawJson;
use super::schema::OrderBook;
use crate::service::Service;

pub(super) struct OrderBookApi(pub(super) Arc<Service>);

#[OpenApi(tag = "Tag::Markets")]
impl OrderBookApi {
    /// The order book of a market
    ///
    /// Bids and asks, best price first.
    #[oai(path = "/orderbook/:exchange/:base/:quote", method = "get", operation_id = "orderbook")]
    async fn by_pair(
        &self,
        /// The exchange's id.
        exchange: Path<ExchangeId>,
        /// What stands before the slash of the symbol.
        base: Path<Base>,
        /// What stands after it: the quote currency, and for contracts what follows.
        quote: Path<Quote>,
        /// At most so many levels of each side; as many as the exchange sends when left out.
        limit: Query<Depth>,
    ) -> Result<RawJson<OrderBook>, Problem> {
        self.answer(&exchange.0, Symbol::join(&base.0, &quote.0)?, limit.0).await
    }

    /// The order book of a market, by one name
    ///
    /// The symbol with its slash written as `%2F`, or the exchange's own id of the market, such as `BTCUSDT`.
    #[oai(path = "/orderbook/:exchange/:symbol", method = "get", operation_id = "orderbook_by_name")]
    async fn by_name(
        &self,
        /// The exchange's id.
        exchange: Path<ExchangeId>,
        /// The symbol, or the exchange's own id of the market.
        symbol: Path<Symbol>,
        /// At most so many levels of each side; as many as the exchange sends when left out.
        limit: Query<Depth>,
    ) -> Result<RawJson<OrderBook>, Problem> {
        self.answer(&exchange.0, symbol.0, limit.0).await
    }

    async fn answer(&self, exchange: &ExchangeId, symbol: Symbol, limit: Depth) -> Result<RawJson<OrderBook>, Problem> {
        Ok(self.0.order_book(&exchange.0, &symbol.0, limit.0).await?.into())
    }
}
