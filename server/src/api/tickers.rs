//! `GET /tickers/{exchange}`

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::Tag;
use super::params::{ExchangeId, Path, Query, Symbols};
use super::problem::Problem;
use super::raw_json::RawJson;
use super::schema::Tickers;
use crate::service::Service;

pub(super) struct TickersApi(pub(super) Arc<Service>);

#[OpenApi(tag = "Tag::Markets")]
impl TickersApi {
    /// The tickers of many markets
    ///
    /// Of all markets of an exchange, or of those that are named.
    #[oai(path = "/tickers/:exchange", method = "get", operation_id = "tickers")]
    async fn tickers(
        &self,
        /// The exchange's id.
        exchange: Path<ExchangeId>,
        /// Symbols with commas between them; all when left out.
        symbols: Query<Symbols>,
    ) -> Result<RawJson<Tickers>, Problem> {
        Ok(self.0.tickers(&exchange.0.0, symbols.0.0.as_deref()).await?.into())
    }
}
