//! What the server knows how to answer, below HTTP: a question in, the JSON bytes that are sent out.

mod bodies;
mod exchange;
mod filter;
mod swap;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use marketd_core::{
    About, Candle, CandleQuery, Capability, Error, Exchange, Fetch, Market, Millis, OrderBookQuery, Result, Ticker,
    TickersQuery, Trade, TradesQuery,
};

use crate::answer::{Answer, Source};
use crate::cache::{AnswerCache, Key, Question, Terms};
use crate::clock;
use crate::config::{self, Config};
use crate::health::Health;
use crate::registry::ExchangeSet;
use crate::upstream::{Http, Transport, client};
use bodies::{json, written};
use exchange::Served;
pub use filter::MarketFilter;
pub use swap::Changes;
use swap::Current;

/// Answers every question about every exchange. Cheap to clone.
///
/// Symbols are found in any case, by their unified name or the exchange's own id. Every error names the exchange and, where
/// one was asked for, the symbol.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    exchanges: Current,
    cache: AnswerCache,
    times: config::Cache,
}

/// An exchange and how it does.
#[derive(Clone, Debug)]
pub struct ExchangeStatus {
    /// Who it is and what it can do.
    pub about: About,
    /// How it does.
    pub health: Health,
    /// How many malformed rows its answers had so far.
    pub dropped_rows: u64,
    /// What is wrong with its file, if anything is, or why it is switched off. Unless its state is failed, what was read before is
    /// served all the same.
    pub reason: Option<String>,
}

impl Service {
    /// Serves those of the exchanges that the config enables.
    ///
    /// # Errors
    /// A system without certificates to trust.
    pub fn new(exchanges: ExchangeSet, config: &Config) -> Result<Self> {
        let client = client()?;
        Ok(Self::with_wires(exchanges, config, move |id, upstream| Arc::new(Http::new(client.clone(), id, upstream))))
    }

    /// The same over any wires.
    pub(crate) fn with_wires(
        exchanges: ExchangeSet,
        config: &Config,
        wires: impl Fn(&str, &config::Upstream) -> Arc<dyn Transport> + Send + Sync + 'static,
    ) -> Self {
        let current = Current::new(config.clone(), Box::new(wires));
        current.swap(exchanges);
        Self(Arc::new(Inner { exchanges: current, cache: AnswerCache::new(), times: config.cache.clone() }))
    }

    /// Serves another set of exchanges from now on; what is asked already ends on the one before. An exchange that is the same
    /// `Arc` in both keeps its markets, its health, its budget and its answers.
    pub fn swap(&self, exchanges: ExchangeSet) -> Changes {
        self.0.exchanges.swap(exchanges)
    }

    /// Every exchange, in the order of their ids.
    pub fn exchanges(&self) -> Vec<ExchangeStatus> {
        self.0.exchanges.statuses()
    }

    /// One exchange, by its id in any case.
    ///
    /// # Errors
    /// `ExchangeNotFound` with the nearest ids as suggestions.
    pub fn exchange(&self, id: &str) -> Result<ExchangeStatus> {
        self.0.exchanges.status(id)
    }

    /// The ticker of one market. One older than `max_age` is asked anew, however long it is kept for others.
    pub async fn ticker(&self, exchange: &str, symbol: &str, max_age: Option<Duration>) -> Result<Answer> {
        let served = self.0.exchanges.get(exchange)?;
        let question = |market: &Market| Question::Ticker { symbol: market.symbol.as_str().into() };
        self.of_market(&served, symbol, Capability::Ticker, max_age, question, |exchange, market| {
            written(exchange.ticker(market), |mut ticker| {
                ticker.derive();
                json(&ticker)
            })
        })
        .await
    }

    /// The tickers of these markets, or of all of them (also when none is named).
    pub async fn tickers(&self, exchange: &str, symbols: Option<&[String]>) -> Result<Answer> {
        let served = self.0.exchanges.get(exchange)?;
        self.all_tickers(&served, symbols.unwrap_or_default())
            .await
            .map_err(|error| error.with_exchange(&served.about().id))
    }

    async fn all_tickers(&self, served: &Served, symbols: &[String]) -> Result<Answer> {
        served.check(Capability::Tickers)?;
        let mut wanted = Vec::with_capacity(symbols.len());
        for symbol in symbols {
            wanted.push(served.markets.find(symbol).await?);
        }
        wanted.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        wanted.dedup_by(|a, b| a.symbol == b.symbol);
        let wanted = (!wanted.is_empty()).then_some(wanted);
        let symbols = wanted.as_ref().map(|wanted| {
            let symbols: Vec<_> = wanted.iter().map(|market| market.symbol.as_str()).collect();
            symbols.join(",").into()
        });
        let markets = Arc::clone(&served.markets.current().await?.0.markets);
        let query = TickersQuery { markets, wanted };
        self.answer(served, Capability::Tickers, Question::Tickers { symbols }, None, move |exchange| {
            let id = exchange.about().id.clone();
            written(exchange.tickers(&query), move |mut tickers| {
                if let Some(wanted) = &query.wanted {
                    tickers.retain(|ticker| wanted.binary_search_by(|w| w.symbol.cmp(&ticker.symbol)).is_ok());
                }
                tickers.sort_by(|a, b| a.symbol.cmp(&b.symbol));
                tickers.iter_mut().for_each(Ticker::derive);
                json(&bodies::Tickers { exchange: &id, tickers: &tickers })
            })
        })
        .await
    }

    /// Candles of one market.
    ///
    /// # Errors
    /// Besides those of the exchange: `BadRequest` for a timeframe that it does not have, with those that it has.
    pub async fn candles(
        &self,
        exchange: &str,
        symbol: &str,
        timeframe: &str,
        since: Option<Millis>,
        limit: usize,
    ) -> Result<Answer> {
        let served = self.0.exchanges.get(exchange)?;
        let checked = served.check(Capability::Candles).and_then(|()| served.timeframe(timeframe));
        let timeframe = checked.map_err(|error| locate(error, &served, symbol))?;
        let limit = limit.max(1);
        let question =
            |market: &Market| Question::Candles { symbol: market.symbol.as_str().into(), timeframe, since, limit };
        self.of_market(&served, symbol, Capability::Candles, None, question, move |exchange, market| {
            let query = CandleQuery { timeframe, since, limit, now: clock::now() };
            let (id, of) = (exchange.about().id.clone(), Arc::clone(market));
            written(exchange.candles(market, &query), move |mut candles| {
                Candle::arrange(&mut candles, &query);
                json(&bodies::Candles { exchange: &id, symbol: &of.symbol, timeframe, candles: &candles })
            })
        })
        .await
    }

    /// The order book of one market.
    pub async fn order_book(&self, exchange: &str, symbol: &str, limit: Option<usize>) -> Result<Answer> {
        let served = self.0.exchanges.get(exchange)?;
        let query = OrderBookQuery { limit: limit.map(|limit| limit.max(1)) };
        let question =
            |market: &Market| Question::OrderBook { symbol: market.symbol.as_str().into(), limit: query.limit };
        self.of_market(&served, symbol, Capability::OrderBook, None, question, move |exchange, market| {
            written(exchange.order_book(market, &query), move |mut book| {
                book.arrange(&query);
                json(&book)
            })
        })
        .await
    }

    /// The latest public trades of one market.
    pub async fn trades(&self, exchange: &str, symbol: &str, since: Option<Millis>, limit: usize) -> Result<Answer> {
        let served = self.0.exchanges.get(exchange)?;
        let limit = limit.max(1);
        let question = |market: &Market| Question::Trades { symbol: market.symbol.as_str().into(), since, limit };
        self.of_market(&served, symbol, Capability::Trades, None, question, move |exchange, market| {
            let query = TradesQuery { since, limit, now: clock::now() };
            let (id, of) = (exchange.about().id.clone(), Arc::clone(market));
            written(exchange.trades(market, &query), move |mut trades| {
                Trade::arrange(&mut trades, &of, &query);
                json(&bodies::Trades { exchange: &id, symbol: &of.symbol, trades: &trades })
            })
        })
        .await
    }

    /// The markets of an exchange that pass the filter.
    pub async fn markets(&self, exchange: &str, filter: &MarketFilter) -> Result<Answer> {
        let served = self.0.exchanges.get(exchange)?;
        let ttl = self.0.times.markets;
        let loaded = if ttl.is_zero() {
            served.markets.load().await.map(|loaded| (loaded, Source::Miss))
        } else {
            served.markets.current().await
        };
        let (loaded, source) = loaded.map_err(|error| error.with_exchange(&served.about().id))?;
        let body = match loaded.body.get() {
            Some(whole) if *filter == MarketFilter::default() => whole.clone(),
            _ => {
                let markets = loaded.markets.iter().map(|market| &**market).filter(|market| filter.lets(market));
                let body = json(&bodies::Markets { exchange: &served.about().id, markets: markets.collect() })?;
                if *filter == MarketFilter::default() { loaded.body.get_or_init(|| body).clone() } else { body }
            }
        };
        Ok(Answer { body, source, age: loaded.made.elapsed(), ttl })
    }

    /// Whether the exchange and its market exist and a ticker can be asked for, as the upgrade to a stream needs to know.
    ///
    /// # Errors
    /// Those that [`Service::ticker`] would give without asking for the ticker.
    pub async fn check_market(&self, exchange: &str, symbol: &str) -> Result<()> {
        let served = self.0.exchanges.get(exchange)?;
        let market = match served.check(Capability::Ticker) {
            Ok(()) => served.markets.find(symbol).await,
            Err(error) => Err(error),
        };
        market.map(drop).map_err(|error| locate(error, &served, symbol))
    }

    /// Answers a question about one market.
    async fn of_market(
        &self,
        served: &Served,
        symbol: &str,
        capability: Capability,
        max_age: Option<Duration>,
        question: impl FnOnce(&Market) -> Question,
        ask: impl FnOnce(&dyn Exchange, &Arc<Market>) -> Fetch<Bytes> + Send + 'static,
    ) -> Result<Answer> {
        served.check(capability).map_err(|error| locate(error, served, symbol))?;
        let market = served.markets.find(symbol).await.map_err(|error| locate(error, served, symbol))?;
        let (question, asked) = (question(&market), Arc::clone(&market));
        self.answer(served, capability, question, max_age, move |exchange| ask(exchange, &asked))
            .await
            .map_err(|error| locate(error, served, &market.symbol))
    }

    /// Answers from the cache, or by asking the exchange.
    async fn answer(
        &self,
        served: &Served,
        capability: Capability,
        question: Question,
        max_age: Option<Duration>,
        ask: impl FnOnce(&dyn Exchange) -> Fetch<Bytes> + Send + 'static,
    ) -> Result<Answer> {
        let times = &self.0.times;
        let terms = Terms { ttl: times.ttl(capability), stale_if_error: times.stale_if_error, max_age };
        self.0
            .cache
            .answer(Key { exchange: served.number, question }, terms, || {
                let (exchange, upstream) = (Arc::clone(&served.exchange), Arc::clone(&served.upstream));
                async move { upstream.run(capability, move || ask(&*exchange)).await }
            })
            .await
    }
}

/// Says where an error happened, unless it says so itself.
fn locate(error: Error, served: &Served, symbol: &str) -> Error {
    error.with_exchange(&served.about().id).with_symbol(&format!("{symbol:.60}"))
}

#[cfg(test)]
mod tests;
