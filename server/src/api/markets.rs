//! `GET /markets/{exchange}`

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::Tag;
use super::params::{Currency, ExchangeId, Flag, MarketKind, Path, Query};
use super::problem::Problem;
use super::raw_json::RawJson;
use super::schema::Markets;
use crate::service::{MarketFilter, Service};

pub(super) struct MarketsApi(pub(super) Arc<Service>);

#[OpenApi(tag = "Tag::Markets")]
impl MarketsApi {
    /// The markets of an exchange
    ///
    /// Every market with its symbol, the exchange's own id, tick sizes and limits; the parameters narrow the list.
    #[oai(path = "/markets/:exchange", method = "get", operation_id = "markets")]
    async fn markets(
        &self,
        /// The exchange's id.
        exchange: Path<ExchangeId>,
        /// Only this kind.
        r#type: Query<MarketKind>,
        /// Only those that can, or cannot, be traded now.
        active: Query<Flag>,
        /// Only those of this base currency.
        base: Query<Currency>,
        /// Only those of this quote currency.
        quote: Query<Currency>,
    ) -> Result<RawJson<Markets>, Problem> {
        let filter = MarketFilter { kind: r#type.0.0, active: active.0.0, base: base.0.0, quote: quote.0.0 };
        Ok(self.0.markets(&exchange.0.0, &filter).await?.into())
    }
}
