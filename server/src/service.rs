//! A stand-in that asks adapters directly: no cache, no HTTP. Replaced by the real one.
#![allow(missing_docs, clippy::unused_async)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use marketd_core::{
    About, Candle, CandleQuery, Capability, Code, Error, Exchange, Fetch, Market, MarketType, Markets, Millis,
    OrderBookQuery, Result, TickersQuery, Trade, TradesQuery,
};
use serde::Serialize;
use serde_json::json;

use crate::answer::{Answer, Source};
use crate::config::Config;

pub struct Service {
    exchanges: BTreeMap<String, Arc<dyn Exchange>>,
    config: Config,
}

#[derive(Clone, Debug, Default)]
pub struct MarketFilter {
    pub kind: Option<MarketType>,
    pub active: Option<bool>,
    pub base: Option<String>,
    pub quote: Option<String>,
}

#[derive(Clone, Debug)]
pub struct ExchangeStatus {
    pub about: About,
    pub health: Health,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    #[default]
    Unknown,
    Up,
    Degraded,
    Down,
}

#[derive(Clone, Debug, Default)]
pub struct Health {
    pub state: State,
    pub last_success: Option<Millis>,
    pub last_failure: Option<Millis>,
    pub last_error: Option<Error>,
    pub consecutive_failures: u32,
    pub paused_until: Option<Millis>,
}

fn run<T>(fetch: Fetch<T>) -> Result<T> {
    match fetch {
        Fetch::Done(result) => result,
        Fetch::Ask(_) => Err(Error::new(Code::ExchangeNotAvailable, "the stand-in makes no requests")),
    }
}

impl Service {
    pub fn new(exchanges: Vec<Arc<dyn Exchange>>, config: &Config) -> Result<Self> {
        let enabled = |id: &String| config.exchanges.enabled.as_ref().is_none_or(|ids| ids.contains(id));
        let exchanges = exchanges.into_iter().map(|exchange| (exchange.about().id.clone(), exchange));
        Ok(Self { exchanges: exchanges.filter(|(id, _)| enabled(id)).collect(), config: config.clone() })
    }

    pub fn exchanges(&self) -> Vec<ExchangeStatus> {
        self.exchanges.values().map(status).collect()
    }

    pub fn exchange(&self, id: &str) -> Result<ExchangeStatus> {
        self.find(id).map(status)
    }

    fn find(&self, id: &str) -> Result<&Arc<dyn Exchange>> {
        self.exchanges.get(id).ok_or_else(|| {
            Error::new(Code::ExchangeNotFound, format!("there is no exchange `{id:.60}`"))
                .with_exchange(id)
                .with_suggestions(self.exchanges.keys().take(3).cloned().collect())
        })
    }

    fn markets_of(&self, exchange: &str) -> Result<(&Arc<dyn Exchange>, Markets)> {
        let exchange = self.find(exchange)?;
        let id = &exchange.about().id;
        run(exchange.markets())
            .map(|markets| (exchange, Markets::new(markets)))
            .map_err(|error| error.with_exchange(id))
    }

    fn market(&self, exchange: &str, symbol: &str) -> Result<(&Arc<dyn Exchange>, Arc<Market>)> {
        let (found, markets) = self.markets_of(exchange)?;
        let market = markets.find(symbol).map_err(|error| error.with_exchange(exchange))?;
        Ok((found, Arc::clone(market)))
    }

    fn answer(&self, question: Capability, body: &impl Serialize) -> Result<Answer> {
        let body = serde_json::to_vec(body).map_err(|error| Error::bad_response(error.to_string()))?;
        Ok(Answer {
            body: body.into(),
            source: Source::Miss,
            age: Duration::ZERO,
            ttl: self.config.cache.ttl(question),
        })
    }

    pub async fn ticker(&self, exchange: &str, symbol: &str, _max_age: Option<Duration>) -> Result<Answer> {
        let (found, market) = self.market(exchange, symbol)?;
        let mut ticker =
            run(found.ticker(&market)).map_err(|error| error.with_exchange(exchange).with_symbol(&market.symbol))?;
        ticker.derive();
        self.answer(Capability::Ticker, &ticker)
    }

    pub async fn tickers(&self, exchange: &str, symbols: Option<&[String]>) -> Result<Answer> {
        let (found, markets) = self.markets_of(exchange)?;
        let wanted = symbols
            .map(|symbols| symbols.iter().map(|symbol| markets.find(symbol).cloned()).collect::<Result<Vec<_>>>())
            .transpose()?;
        let tickers = run(found.tickers(&TickersQuery { markets: Arc::new(markets), wanted }))?;
        self.answer(Capability::Tickers, &json!({"exchange": exchange, "tickers": tickers}))
    }

    pub async fn candles(
        &self,
        exchange: &str,
        symbol: &str,
        timeframe: &str,
        since: Option<i64>,
        limit: usize,
    ) -> Result<Answer> {
        let (found, market) = self.market(exchange, symbol)?;
        let query = CandleQuery { timeframe: timeframe.parse()?, since, limit, now: 0 };
        let mut candles = run(found.candles(&market, &query))?;
        Candle::arrange(&mut candles, &query);
        let body = json!({"exchange": exchange, "symbol": market.symbol, "timeframe": timeframe, "candles": candles});
        self.answer(Capability::Candles, &body)
    }

    pub async fn order_book(&self, exchange: &str, symbol: &str, limit: Option<usize>) -> Result<Answer> {
        let (found, market) = self.market(exchange, symbol)?;
        let query = OrderBookQuery { limit };
        let mut book = run(found.order_book(&market, &query))?;
        book.arrange(&query);
        self.answer(Capability::OrderBook, &book)
    }

    pub async fn trades(&self, exchange: &str, symbol: &str, since: Option<i64>, limit: usize) -> Result<Answer> {
        let (found, market) = self.market(exchange, symbol)?;
        let query = TradesQuery { since, limit, now: 0 };
        let mut trades = run(found.trades(&market, &query))?;
        Trade::arrange(&mut trades, &market, &query);
        self.answer(Capability::Trades, &json!({"exchange": exchange, "symbol": market.symbol, "trades": trades}))
    }

    pub async fn markets(&self, exchange: &str, filter: &MarketFilter) -> Result<Answer> {
        let (_, markets) = self.markets_of(exchange)?;
        let kept: Vec<&Arc<Market>> = markets
            .iter()
            .filter(|market| filter.kind.is_none_or(|kind| market.kind == kind))
            .filter(|market| filter.active.is_none_or(|active| market.active == Some(active)))
            .filter(|market| filter.base.as_ref().is_none_or(|base| market.base.eq_ignore_ascii_case(base)))
            .filter(|market| filter.quote.as_ref().is_none_or(|quote| market.quote.eq_ignore_ascii_case(quote)))
            .collect();
        let kept: Vec<&Market> = kept.into_iter().map(|market| &**market).collect();
        self.answer(Capability::Markets, &json!({"exchange": exchange, "markets": kept}))
    }

    pub async fn check_market(&self, exchange: &str, symbol: &str) -> Result<()> {
        let (found, _) = self.market(exchange, symbol)?;
        if found.about().can(Capability::Ticker) { Ok(()) } else { Err(Error::not_supported(exchange, "ticker")) }
    }
}

fn status(exchange: &Arc<dyn Exchange>) -> ExchangeStatus {
    ExchangeStatus { about: exchange.about().clone(), health: Health::default() }
}
