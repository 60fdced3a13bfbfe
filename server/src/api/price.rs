//! `GET /price/{exchange}/{symbol}`

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::Tag;
use super::params::{Base, ExchangeId, Path, Quote, Symbol};
use super::problem::Problem;
use super::raw_json::RawJson;
use super::schema::Ticker;
use crate::service::Service;

pub(super) struct PriceApi(pub(super) Arc<Service>);

#[OpenApi(tag = "Tag::Markets")]
impl PriceApi {
    /// The ticker of a market
    ///
    /// The last price, the best bid and ask, and the last 24 hours. The symbol is a unified one, such as `BTC/USDT` or
    /// `BTC/USDT:USDT`.
    #[oai(path = "/price/:exchange/:base/:quote", method = "get", operation_id = "price")]
    async fn by_pair(
        &self,
        /// The exchange's id.
        exchange: Path<ExchangeId>,
        /// What stands before the slash of the symbol.
        base: Path<Base>,
        /// What stands after it: the quote currency, and for contracts what follows.
        quote: Path<Quote>,
    ) -> Result<RawJson<Ticker>, Problem> {
        self.answer(&exchange.0, Symbol::join(&base.0, &quote.0)?).await
    }

    /// The ticker of a market, by one name
    ///
    /// The symbol with its slash written as `%2F`, or the exchange's own id of the market, such as `BTCUSDT`.
    #[oai(path = "/price/:exchange/:symbol", method = "get", operation_id = "price_by_name")]
    async fn by_name(
        &self,
        /// The exchange's id.
        exchange: Path<ExchangeId>,
        /// The symbol, or the exchange's own id of the market.
        symbol: Path<Symbol>,
    ) -> Result<RawJson<Ticker>, Problem> {
        self.answer(&exchange.0, symbol.0).await
    }

    async fn answer(&self, exchange: &ExchangeId, symbol: Symbol) -> Result<RawJson<Ticker>, Problem> {
        Ok(self.0.ticker(&exchange.0, &symbol.0, None).await?.into())
    }
}
