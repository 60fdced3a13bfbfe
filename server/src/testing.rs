//! An exchange and a wire for tests: every answer is made by the test, and every request is counted.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use marketd_core::{
    About, Candle, CandleQuery, Capability, Code, Decimal, Error, Exchange, Fetch, Kind, Links, Market, Millis,
    OrderBook, OrderBookQuery, Request, Response, Result, Ticker, TickersQuery, Trade, TradesQuery,
};
use tokio::time::sleep;

use crate::upstream::Transport;

/// How long the wire takes.
pub(crate) const LATENCY: Duration = Duration::from_millis(50);

type Answer = Box<dyn Fn(&str) -> Result<Response> + Send>;

/// A wire that answers each path as the test says.
pub(crate) struct Wire {
    answer: Mutex<Answer>,
    asked: Mutex<Vec<String>>,
}

impl Wire {
    pub(crate) fn new(answer: impl Fn(&str) -> Result<Response> + Send + 'static) -> Arc<Self> {
        Arc::new(Self { answer: Mutex::new(Box::new(answer)), asked: Mutex::default() })
    }

    /// Answers in another way from now on.
    pub(crate) fn now(&self, answer: impl Fn(&str) -> Result<Response> + Send + 'static) {
        *self.answer.lock().expect("unpoisoned") = Box::new(answer);
    }

    /// How often a path was asked that begins so.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.asked.lock().expect("unpoisoned").iter().filter(|asked| asked.starts_with(path)).count()
    }
}

impl Transport for Wire {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        async {
            let path = request.url.trim_start_matches("https://fake.test");
            self.asked.lock().expect("unpoisoned").push(path.to_owned());
            sleep(LATENCY).await;
            (self.answer.lock().expect("unpoisoned"))(path)
        }
        .boxed()
    }
}

/// Answers well: two markets, and `1.50` to every other question.
pub(crate) fn well(path: &str) -> Result<Response> {
    Ok(Response::ok(if path == "/markets" { "BTC/USDT ETH/USDT" } else { "1.50" }))
}

/// Answers market lists well and nothing else.
pub(crate) fn broken(path: &str) -> Result<Response> {
    if path == "/markets" { well(path) } else { down(path) }
}

/// Cannot be reached.
pub(crate) fn down(_: &str) -> Result<Response> {
    Err(Error::new(Code::ExchangeNotAvailable, "no connection"))
}

/// An exchange whose bodies are plain text: symbols for markets, a price for the rest, `panic` to make it panic.
pub(crate) struct Fake(About);

impl Fake {
    /// Can be asked everything.
    pub(crate) fn full(id: &str) -> Arc<dyn Exchange> {
        Self::with(id, &Capability::ALL)
    }

    pub(crate) fn with(id: &str, capabilities: &[Capability]) -> Arc<dyn Exchange> {
        Arc::new(Self(About {
            id: id.to_owned(),
            name: id.to_uppercase(),
            kind: Kind::Native,
            capabilities: capabilities.to_vec(),
            timeframes: ["1m", "1h"].iter().map(|text| text.parse().expect("a timeframe")).collect(),
            links: Links::default(),
            budget: None,
            synthetic: true,
        }))
    }

    fn price<T: Send + 'static>(&self, path: &str, make: impl FnOnce(Decimal) -> T + Send + 'static) -> Fetch<T> {
        Fetch::one(Request::get(format!("https://fake.test{path}")), |response| {
            let text = String::from_utf8_lossy(&response.body);
            assert!(text != "panic", "on purpose");
            Decimal::parse(text.trim()).map(make).ok_or_else(|| Error::bad_response("no price"))
        })
    }
}

impl Exchange for Fake {
    fn about(&self) -> &About {
        &self.0
    }

    fn markets(&self, _now: Millis) -> Fetch<Vec<Market>> {
        Fetch::one(Request::get("https://fake.test/markets"), |response| {
            let text = String::from_utf8_lossy(&response.body).into_owned();
            let symbols = text.split_whitespace().filter_map(|symbol| symbol.split_once('/'));
            Ok(symbols.map(|(base, quote)| Market::spot(format!("{base}{quote}"), base, quote)).collect())
        })
    }

    fn ticker(&self, market: &Arc<Market>, _now: Millis) -> Fetch<Ticker> {
        let ticker = Ticker::new(&self.0.id, &market.symbol);
        self.price(&format!("/ticker/{}", market.id), move |last| Ticker { last: Some(last), ..ticker })
    }

    fn tickers(&self, query: &TickersQuery) -> Fetch<Vec<Ticker>> {
        let id = self.0.id.clone();
        let symbols: Vec<_> = query.markets.iter().rev().map(|market| market.symbol.clone()).collect();
        self.price("/tickers", move |last| {
            symbols.iter().map(|symbol| Ticker { last: Some(last.clone()), ..Ticker::new(&id, symbol) }).collect()
        })
    }

    fn candles(&self, _: &Arc<Market>, query: &CandleQuery) -> Fetch<Vec<Candle>> {
        self.price(&format!("/candles/{}", query.limit), move |price| {
            let candle = |timestamp| {
                let price = Some(price.clone());
                Candle {
                    timestamp,
                    open: price.clone(),
                    high: price.clone(),
                    low: price.clone(),
                    close: price,
                    volume: None,
                }
            };
            vec![candle(2), candle(1)]
        })
    }

    fn order_book(&self, market: &Arc<Market>, _: &OrderBookQuery) -> Fetch<OrderBook> {
        let (exchange, symbol) = (self.0.id.clone(), market.symbol.clone());
        self.price("/book", move |price| {
            let bids = vec![(Decimal::from(1), price.clone()), (price.clone(), price)];
            OrderBook { exchange, symbol, timestamp: None, nonce: None, bids, asks: Vec::new() }
        })
    }

    fn trades(&self, market: &Arc<Market>, _: &TradesQuery) -> Fetch<Vec<Trade>> {
        let symbol = market.symbol.clone();
        self.price("/trades", move |price| {
            let (amount, timestamp) = (Decimal::from(2), Some(1_000));
            vec![Trade { id: None, timestamp, symbol, side: None, price, amount, cost: None }]
        })
    }
}
