//! The demo exchange: synthetic data, plainly labelled, for whoever wants to see every route without a network.
//!
//! All of it is a function of the market and the moment. Asking twice gives the same digits, and what is told in different
//! ways agrees: the ticker is the last 1,440 candles of a minute, trades add up to candles, long candles are the short ones
//! joined.

mod listing;
mod noise;
mod path;
mod period;
mod view;

use std::sync::Arc;

use marketd_core::{
    About, Candle, CandleQuery, Capability, Code, Error, Exchange, Fetch, Kind, Links, Market, Millis, OrderBook,
    OrderBookQuery, Result, Ticker, TickersQuery, Trade, TradesQuery,
};

use listing::Listing;
use view::View;

/// The demo exchange. It asks nothing upstream.
pub struct Demo {
    about: About,
    listings: Vec<Listing>,
}

impl Default for Demo {
    fn default() -> Self {
        let about = About {
            id: "demo".to_owned(),
            name: "Demo (synthetic data)".to_owned(),
            kind: Kind::Native,
            capabilities: Capability::ALL.to_vec(),
            timeframes: period::timeframes(),
            links: Links::default(),
            budget: None,
            synthetic: true,
        };
        Self { about, listings: listing::all() }
    }
}

impl Demo {
    fn view(&self, market: &Market, now: Millis) -> Result<View<'_>> {
        let listing = self.listings.iter().find(|listing| listing.id() == market.id);
        let unknown = || Error::new(Code::BadSymbol, format!("there is no market `{}`", market.symbol));
        Ok(View::new(&self.about.id, listing.ok_or_else(unknown)?, now))
    }
}

impl Exchange for Demo {
    fn about(&self) -> &About {
        &self.about
    }

    fn markets(&self, now: Millis) -> Fetch<Vec<Market>> {
        Fetch::Done(Ok(self.listings.iter().map(|listing| listing.market(now)).collect()))
    }

    fn ticker(&self, market: &Arc<Market>, now: Millis) -> Fetch<Ticker> {
        Fetch::Done(self.view(market, now).map(|mut view| view.ticker()))
    }

    fn tickers(&self, query: &TickersQuery) -> Fetch<Vec<Ticker>> {
        let ticker = |market: &Arc<Market>| self.view(market, query.now).map(|mut view| view.ticker());
        let tickers = match &query.wanted {
            Some(wanted) => wanted.iter().map(ticker).collect(),
            None => query.markets.iter().filter(|market| market.active != Some(false)).map(ticker).collect(),
        };
        Fetch::Done(tickers)
    }

    fn candles(&self, market: &Arc<Market>, query: &CandleQuery) -> Fetch<Vec<Candle>> {
        Fetch::Done(self.view(market, query.now).map(|mut view| view.candles(query)))
    }

    fn order_book(&self, market: &Arc<Market>, query: &OrderBookQuery) -> Fetch<OrderBook> {
        Fetch::Done(self.view(market, query.now).map(|mut view| view.order_book(query)))
    }

    fn trades(&self, market: &Arc<Market>, query: &TradesQuery) -> Fetch<Vec<Trade>> {
        Fetch::Done(self.view(market, query.now).map(|mut view| view.trades(query)))
    }
}

#[cfg(test)]
mod tests;
