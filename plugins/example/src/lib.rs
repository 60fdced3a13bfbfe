//! The exchange of the Acme Corporation, which does not exist, as a plugin for marketd.

use std::sync::Arc;

use marketd_core::serde::{self, Deserialize};
use marketd_core::{
    About, Candle, CandleQuery, Capability, Code, Decimal, Error, Exchange, Fetch, Kind, Links, Market, Millis,
    OrderBook, OrderBookQuery, Request, Response, Result, Ticker, export_exchange,
};

export_exchange!(Acme);

const API: &str = "https://api.acme.example/v1";

struct Acme(About);

impl Default for Acme {
    fn default() -> Self {
        Self(About {
            id: "acme".into(),
            name: "Acme".into(),
            kind: Kind::Plugin,
            capabilities: vec![Capability::Markets, Capability::Ticker, Capability::Candles, Capability::OrderBook],
            timeframes: ["1m", "1h", "1d"].iter().filter_map(|text| text.parse().ok()).collect(),
            links: Links { www: None, doc: Some("https://acme.example/docs".into()) },
            budget: "600/m".parse().ok(),
            synthetic: false,
        })
    }
}

#[derive(Deserialize)]
#[serde(crate = "serde")]
struct Product {
    id: String,
    base: String,
    quote: String,
    tick: Decimal,
    open: bool,
}

#[derive(Deserialize)]
#[serde(crate = "serde")]
struct Day {
    time: Millis,
    bid: Option<Decimal>,
    ask: Option<Decimal>,
    last: Option<Decimal>,
    open: Option<Decimal>,
    volume: Option<Decimal>,
}

#[derive(Deserialize)]
#[serde(crate = "serde")]
struct Bar(Millis, Decimal, Decimal, Decimal, Decimal, Decimal);

#[derive(Deserialize)]
#[serde(crate = "serde")]
struct Book {
    time: Millis,
    buy: Vec<(Decimal, Decimal)>,
    sell: Vec<(Decimal, Decimal)>,
}

/// Reads an answer, or the error that it is.
fn read<T: for<'a> Deserialize<'a>>(response: &Response) -> Result<T> {
    match response.status {
        404 => Err(Error::new(Code::BadSymbol, "Acme does not know that product")),
        429 => Err(Error::new(Code::RateLimitExceeded, "Acme limits us")),
        500.. => Err(Error::new(Code::ExchangeNotAvailable, "Acme is down")),
        _ => response.json(),
    }
}

impl Exchange for Acme {
    fn about(&self) -> &About {
        &self.0
    }

    fn markets(&self, _now: Millis) -> Fetch<Vec<Market>> {
        Fetch::one(Request::get(format!("{API}/products")), |response| {
            let products: Vec<Product> = read(&response)?;
            let market = |product: Product| {
                let mut market = Market::spot(product.id, product.base, product.quote);
                market.active = Some(product.open);
                market.precision.price = Some(product.tick);
                market
            };
            Ok(products.into_iter().map(market).collect())
        })
    }

    fn ticker(&self, market: &Arc<Market>, _now: Millis) -> Fetch<Ticker> {
        let ticker = Ticker::new("acme", &market.symbol);
        Fetch::one(Request::get(format!("{API}/products/{}/day", market.id)), |response| {
            let Day { time, bid, ask, last, open, volume } = read(&response)?;
            Ok(Ticker { timestamp: Some(time), bid, ask, last, open, base_volume: volume, ..ticker })
        })
    }

    fn candles(&self, market: &Arc<Market>, query: &CandleQuery) -> Fetch<Vec<Candle>> {
        let (length, limit) = (query.timeframe.seconds(), query.limit.min(1_000));
        let begin = query.since.unwrap_or(query.now - limit as Millis * query.timeframe.millis());
        let url = format!("{API}/products/{}/bars?length={length}&from={begin}&count={limit}", market.id);
        Fetch::one(Request::get(url), |response| {
            let bars: Vec<Bar> = read(&response)?;
            let candle = |Bar(timestamp, open, high, low, close, volume)| {
                let [open, high, low, close, volume] = [open, high, low, close, volume].map(Some);
                Candle { timestamp, open, high, low, close, volume }
            };
            Ok(bars.into_iter().map(candle).collect())
        })
    }

    fn order_book(&self, market: &Arc<Market>, query: &OrderBookQuery) -> Fetch<OrderBook> {
        let symbol = market.symbol.clone();
        let url = format!("{API}/products/{}/book?depth={}", market.id, query.limit.unwrap_or(100));
        Fetch::one(Request::get(url), |response| {
            let Book { time, buy, sell } = read(&response)?;
            let (exchange, timestamp) = ("acme".into(), Some(time));
            Ok(OrderBook { exchange, symbol, timestamp, nonce: None, bids: buy, asks: sell })
        })
    }
}

#[cfg(test)]
mod tests;
