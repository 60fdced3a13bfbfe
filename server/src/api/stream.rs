//! `WS /ws/{exchange}/{symbol}`

use std::sync::Arc;

use poem::web::websocket::{BoxWebSocketUpgraded, WebSocket};
use poem_openapi::OpenApi;

use super::Tag;
use super::params::{Base, ExchangeId, Path, PollInterval, Query, Quote, Symbol};
use super::problem::Problem;
use crate::service::Service;
use crate::ws::{Streams, TickerStream};

pub(super) struct StreamApi {
    pub(super) service: Arc<Service>,
    pub(super) streams: Streams,
}

#[OpenApi(tag = "Tag::Streams")]
impl StreamApi {
    /// The ticker of a market, again and again
    ///
    /// A WebSocket: a ticker (as `GET /price` answers it) comes at once and then after every interval. While the exchange
    /// fails, a problem comes as a message instead. A wrong exchange, symbol or interval refuses the upgrade.
    #[oai(path = "/ws/:exchange/:base/:quote", method = "get", operation_id = "stream")]
    async fn by_pair(
        &self,
        /// The exchange's id.
        exchange: Path<ExchangeId>,
        /// What stands before the slash of the symbol.
        base: Path<Base>,
        /// What stands after it: the quote currency, and for contracts what follows.
        quote: Path<Quote>,
        /// How many seconds pass between two messages.
        poll_interval: Query<PollInterval>,
        socket: poem::Result<WebSocket>,
    ) -> Result<BoxWebSocketUpgraded, Problem> {
        self.upgrade(exchange.0, Symbol::join(&base.0, &quote.0)?, poll_interval.0, socket).await
    }

    /// The ticker of a market by one name, again and again
    ///
    /// A WebSocket for the symbol with its slash written as `%2F`, or the exchange's own id of the market.
    #[oai(path = "/ws/:exchange/:symbol", method = "get", operation_id = "stream_by_name")]
    async fn by_name(
        &self,
        /// The exchange's id.
        exchange: Path<ExchangeId>,
        /// The symbol, or the exchange's own id of the market.
        symbol: Path<Symbol>,
        /// How many seconds pass between two messages.
        poll_interval: Query<PollInterval>,
        socket: poem::Result<WebSocket>,
    ) -> Result<BoxWebSocketUpgraded, Problem> {
        self.upgrade(exchange.0, symbol.0, poll_interval.0, socket).await
    }

    async fn upgrade(
        &self,
        exchange: ExchangeId,
        symbol: Symbol,
        interval: PollInterval,
        socket: poem::Result<WebSocket>,
    ) -> Result<BoxWebSocketUpgraded, Problem> {
        self.service.check_market(&exchange.0, &symbol.0).await?;
        let socket = socket.map_err(|_| Problem::no_upgrade())?;
        let service = Arc::clone(&self.service);
        let stream = TickerStream { service, exchange: exchange.0, symbol: symbol.0, interval: interval.0 };
        Ok(self.streams.serve(socket, stream))
    }
}
