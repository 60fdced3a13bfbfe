//! What whole-system tests share: a server on a port of its own, and an exchange that does as it is told.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use marketd_core::{
    About, Candle, CandleQuery, Capability, Code, Decimal, Error, Exchange, Fetch, Kind, Links, Market, MarketType,
    Millis, OrderBook, OrderBookQuery, Side, Ticker, TickersQuery, Trade, TradesQuery,
};

mod server;
mod upstream;

pub use server::{Reply, Socket, TestServer};
pub use upstream::{Fault, Upstream};

/// What a test server is configured as: a port that the system chooses, and no caches, so that every request is asked.
pub fn config() -> marketd::config::Config {
    let mut config = marketd::config::Config::default();
    config.server.port = 0;
    let cache = &mut config.cache;
    for lifetime in [&mut cache.ticker, &mut cache.tickers, &mut cache.candles, &mut cache.orderbook, &mut cache.trades]
    {
        *lifetime = Duration::ZERO;
    }
    cache.stale_if_error = Duration::ZERO;
    config
}

/// An exchange that answers at once, without any request, and fails when it is told to.
pub struct FakeExchange {
    about: About,
    failure: Mutex<Option<Error>>,
    tickers_asked: AtomicUsize,
}

/// The moment of everything that the fake exchange answers.
pub const NOW: i64 = 1_749_774_034_567;

impl FakeExchange {
    /// One that can be asked everything.
    pub fn new(id: &str) -> Arc<Self> {
        Self::with_capabilities(id, &Capability::ALL)
    }

    /// One that can be asked so much.
    pub fn with_capabilities(id: &str, capabilities: &[Capability]) -> Arc<Self> {
        let timeframes = ["1m", "1h", "1d"].iter().filter_map(|text| text.parse().ok()).collect();
        let about = About {
            id: id.to_owned(),
            name: format!("The {id} exchange"),
            kind: Kind::Native,
            capabilities: capabilities.to_vec(),
            timeframes,
            links: Links { www: Some("https://fake.example".to_owned()), doc: None },
            budget: "1200/m".parse().ok(),
            synthetic: true,
        };
        Arc::new(Self { about, failure: Mutex::new(None), tickers_asked: AtomicUsize::new(0) })
    }

    /// From now on every question but that for markets fails like this, or succeeds again.
    pub fn fail_with(&self, failure: Option<Error>) {
        *self.failure.lock().expect("a lock") = failure;
    }

    /// How often a ticker was asked for.
    pub fn tickers_asked(&self) -> usize {
        self.tickers_asked.load(Ordering::SeqCst)
    }

    fn answer<T>(&self, capability: Capability, answer: T) -> Fetch<T> {
        if !self.about.can(capability) {
            return self.about.not_supported(capability);
        }
        let failure = self.failure.lock().expect("a lock").clone();
        Fetch::Done(failure.map_or(Ok(answer), Err))
    }

    fn ticker_of(&self, market: &Market) -> Ticker {
        Ticker {
            timestamp: Some(NOW),
            last: Some(decimal("64000.10")),
            open: Some(decimal("64000.00")),
            bid: Some(decimal("64000.0500")),
            ..Ticker::new(&self.about.id, &market.symbol)
        }
    }
}

/// A number.
pub fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).expect("a number")
}

/// A failure as adapters report it.
pub fn failure(code: Code) -> Error {
    Error::new(code, format!("{code}, on purpose"))
}

impl Exchange for FakeExchange {
    fn about(&self) -> &About {
        &self.about
    }

    fn markets(&self, _now: Millis) -> Fetch<Vec<Market>> {
        let mut swap = Market::spot("BTCUSDT_PERP", "BTC", "USDT");
        swap.kind = MarketType::Swap;
        swap.settle = Some("USDT".to_owned());
        swap.complete();
        let mut closed = Market::spot("OLDUSDT", "OLD", "USDT");
        closed.active = Some(false);
        let mut open = Market::spot("BTCUSDT", "BTC", "USDT");
        open.active = Some(true);
        Fetch::Done(Ok(vec![open, swap, closed, Market::spot("ETHBTC", "ETH", "BTC")]))
    }

    fn ticker(&self, market: &Arc<Market>, _now: Millis) -> Fetch<Ticker> {
        // Each ticker tells which one it is.
        let number = self.tickers_asked.fetch_add(1, Ordering::SeqCst) + 1;
        let bid_volume = Some(Decimal::from(number as i64));
        self.answer(Capability::Ticker, Ticker { bid_volume, ..self.ticker_of(market) })
    }

    fn tickers(&self, query: &TickersQuery) -> Fetch<Vec<Ticker>> {
        let all: Vec<&Arc<Market>> =
            query.wanted.as_ref().map_or(query.markets.iter().collect(), |some| some.iter().collect());
        self.answer(Capability::Tickers, all.into_iter().map(|market| self.ticker_of(market)).collect())
    }

    fn candles(&self, _market: &Arc<Market>, query: &CandleQuery) -> Fetch<Vec<Candle>> {
        let candle = |back: i64| Candle {
            timestamp: (NOW / query.timeframe.millis() - back) * query.timeframe.millis(),
            open: Some(decimal("1.10")),
            high: Some(decimal("2.0")),
            low: Some(decimal("1.00")),
            close: None,
            volume: Some(decimal("0")),
        };
        self.answer(Capability::Candles, (0..10).map(candle).collect())
    }

    fn order_book(&self, market: &Arc<Market>, _query: &OrderBookQuery) -> Fetch<OrderBook> {
        let book = OrderBook {
            exchange: self.about.id.clone(),
            symbol: market.symbol.clone(),
            timestamp: Some(NOW),
            nonce: None,
            bids: vec![(decimal("1.10"), decimal("5")), (decimal("1.00"), decimal("7.50"))],
            asks: vec![(decimal("1.20"), decimal("1")), (decimal("1.30"), decimal("2"))],
        };
        self.answer(Capability::OrderBook, book)
    }

    fn trades(&self, market: &Arc<Market>, _query: &TradesQuery) -> Fetch<Vec<Trade>> {
        let trade = |n: i64| Trade {
            id: Some(n.to_string()),
            timestamp: Some(NOW + n),
            symbol: market.symbol.clone(),
            side: Some(Side::Buy),
            price: decimal("2.50"),
            amount: decimal("2"),
            cost: None,
        };
        self.answer(Capability::Trades, (1..=3).map(trade).collect())
    }
}
