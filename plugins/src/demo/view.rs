//! What is to be seen of one market at one moment.

use std::iter::successors;

use marketd_core::{
    Candle, CandleQuery, Decimal, Level, Millis, OrderBook, OrderBookQuery, Side, Ticker, Trade, TradesQuery,
};

use super::listing::Listing;
use super::noise::{Salt, draw};
use super::path::{Bar, DAY, MINUTE, Print, SECOND, Walk};
use super::period::Period;

/// When everything was listed, 2020-01-01: there is nothing before.
const LISTED: Millis = 1_577_836_800_000;

/// The most candles or trades of one answer.
pub(super) const MAX_ROWS: usize = 1_500;

/// The levels on each side of an order book.
const DEPTH: usize = 50;

/// One market at one moment.
pub(super) struct View<'a> {
    exchange: &'a str,
    listing: &'a Listing,
    walk: Walk<'a>,
    now: Millis,
}

impl<'a> View<'a> {
    pub(super) fn new(exchange: &'a str, listing: &'a Listing, now: Millis) -> Self {
        Self { exchange, listing, walk: Walk::new(&listing.path), now: listing.moment(now) }
    }

    /// The last 24 hours, which are the last 1,440 candles of a minute, the unfinished one included.
    pub(super) fn ticker(&mut self) -> Ticker {
        let listing = self.listing;
        let mut ticker = Ticker::new(self.exchange, listing.symbol());
        let minute = (self.now - 1).div_euclid(MINUTE) + 1;
        let bars = self.bars(minute * MINUTE - DAY, self.now);
        let coin = self.walk.price(self.now);
        let turnover = listing.turnover(&bars);
        if let Some(bar) = Bar::joined(bars) {
            ticker.open = listing.price(bar.open);
            ticker.high = listing.price(bar.high);
            ticker.low = listing.price(bar.low);
            ticker.last = listing.price(bar.close);
            let average = listing.average(&turnover);
            // Rounded amounts can lead just outside.
            ticker.vwap = average.and_then(|average| listing.price(average.clamp(bar.low, bar.high)));
            ticker.base_volume = turnover.base();
            ticker.quote_volume = turnover.quote();
        }
        let before = self.walk.price(self.now.div_euclid(DAY) * DAY);
        ticker.previous_close = listing.price(listing.ticks(before));
        if listing.is_contract() {
            ticker.mark_price = listing.price(listing.ticks(coin));
            ticker.index_price = listing.index_price(coin);
        }
        let best = |levels: Vec<Level>| levels.into_iter().next().unzip();
        (ticker.bid, ticker.bid_volume) = best(self.levels(Side::Buy, 1));
        (ticker.ask, ticker.ask_volume) = best(self.levels(Side::Sell, 1));
        ticker.timestamp = Some(self.now);
        ticker
    }

    pub(super) fn candles(&mut self, query: &CandleQuery) -> Vec<Candle> {
        let period = Period::of(query.timeframe);
        let starts = self.starts(period, query.since, query.limit.min(MAX_ROWS));
        starts.into_iter().filter_map(|start| self.candle(start, period.next(start))).collect()
    }

    fn candle(&mut self, start: Millis, end: Millis) -> Option<Candle> {
        let (bar, listing) = (Bar::joined(self.bars(start, end.min(self.now)))?, self.listing);
        Some(Candle {
            timestamp: start,
            open: listing.price(bar.open),
            high: listing.price(bar.high),
            low: listing.price(bar.low),
            close: listing.price(bar.close),
            volume: listing.amount(bar.lots),
        })
    }

    /// When the wanted candles begin: the first ones after `since`, else the newest.
    fn starts(&self, period: Period, since: Option<Millis>, limit: usize) -> Vec<Millis> {
        let (earliest, latest) = (since.unwrap_or(LISTED).max(LISTED), self.now - 1);
        if earliest > latest {
            return Vec::new();
        }
        let wanted = |start: Millis| Some(start).filter(|start| (earliest..=latest).contains(start));
        if since.is_some() {
            let begun = period.start(earliest);
            let first = if begun == earliest { begun } else { period.next(begun) };
            return successors(wanted(first), |start| wanted(period.next(*start))).take(limit).collect();
        }
        let newest_first = successors(wanted(period.start(latest)), |start| wanted(period.start(start - 1)));
        let mut starts: Vec<Millis> = newest_first.take(limit).collect();
        starts.reverse();
        starts
    }

    /// What happened from the beginning of a minute until a moment, in bars of the market.
    fn bars(&mut self, from: Millis, until: Millis) -> Vec<Bar> {
        self.walk.bars(from, until).iter().map(|bar| self.listing.bar(bar)).collect()
    }

    pub(super) fn trades(&mut self, query: &TradesQuery) -> Vec<Trade> {
        let limit = query.limit.min(MAX_ROWS);
        let earliest = query.since.unwrap_or(LISTED).max(LISTED);
        let mut trades = Vec::new();
        if query.since.is_some() {
            let mut minute = earliest.div_euclid(MINUTE);
            while minute * MINUTE < self.now && trades.len() < limit {
                trades.extend(self.trades_of(minute, earliest));
                minute += 1;
            }
            trades.truncate(limit);
        } else {
            let mut minute = self.now.div_euclid(MINUTE);
            while (minute + 1) * MINUTE > earliest && trades.len() < limit {
                trades.extend(self.trades_of(minute, earliest).into_iter().rev());
                minute -= 1;
            }
            trades.truncate(limit);
            trades.reverse();
        }
        trades
    }

    fn trades_of(&mut self, minute: i64, earliest: Millis) -> Vec<Trade> {
        let (listing, known) = (self.listing, earliest..self.now);
        let trade = |print: Print| {
            Some(Trade {
                id: Some(print.number.to_string()),
                timestamp: Some(print.at),
                symbol: listing.symbol().to_owned(),
                side: Some(if print.is_buy { Side::Buy } else { Side::Sell }),
                price: listing.price(listing.ticks(print.price))?,
                amount: listing.amount(print.lots)?,
                cost: None,
            })
        };
        let prints = self.walk.prints(minute).into_iter();
        prints.filter(|print| known.contains(&print.at) && print.lots > 0).filter_map(trade).collect()
    }

    pub(super) fn order_book(&mut self, query: &OrderBookQuery) -> OrderBook {
        let depth = query.limit.map_or(DEPTH, |limit| limit.min(DEPTH));
        OrderBook {
            exchange: self.exchange.to_owned(),
            symbol: self.listing.symbol().to_owned(),
            timestamp: Some(self.now),
            nonce: Some(Decimal::from(self.now)),
            bids: self.levels(Side::Buy, depth),
            asks: self.levels(Side::Sell, depth),
        }
    }

    /// One side of the book, best price first: its amounts change every second.
    fn levels(&mut self, side: Side, depth: usize) -> Vec<Level> {
        let (listing, coin) = (self.listing, self.walk.price(self.now));
        let (gap, volume, away) = match side {
            Side::Buy => (Salt::BidGap, Salt::BidVolume, -1),
            Side::Sell => (Salt::AskGap, Salt::AskVolume, 1),
        };
        let last = listing.ticks(coin);
        // Half a basis point between levels, or a tick where that is more.
        let widest = last / 20_000 + 1;
        let most = listing.path.lots_per_day / 2_000 + 1;
        let first = self.now.div_euclid(SECOND) * DEPTH as i64;
        let mut price = last;
        let levels = (first..).take(depth).map_while(|number| {
            price += away * (1 + draw(listing.seed, gap, number, widest));
            let lots = 1 + draw(listing.seed, volume, number, most);
            Some((listing.price(price).filter(|_| price > 0)?, listing.amount(lots)?))
        });
        levels.collect()
    }
}
