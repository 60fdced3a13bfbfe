//! Exchanges as data: what a TOML file says about an exchange, compiled into an adapter.
//!
//! A definition names the requests of each question, the way to the rows of the answer, and where each field stands in a row.
//! It is read strictly: an unknown key, a bad path or a missing field is an error with file, line and key.

mod candles;
mod check;
mod context;
#[cfg(test)]
mod equality;
mod errors;
mod expr;
mod limits;
mod mapping;
mod markets;
mod order_book;
mod question;
mod request;
mod rows;
mod source;
mod template;
mod ticker;
mod trades;
mod variants;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use marketd_core::{
    About, Budget, Candle, CandleQuery, Capability, Exchange, Fetch, Kind, Links, Market, Millis, OrderBook,
    OrderBookQuery, Ticker, TickersQuery, Trade, TradesQuery,
};

pub use source::DefinitionError;

use candles::CandleQuestion;
use check::Check;
use errors::ErrorRules;
use mapping::Tally;
use markets::{Currencies, MarketList};
use order_book::OrderBookQuestion;
use question::Shared;
use request::{Hosts, read_texts};
use source::{Content, Node, Reader, Result};
use ticker::TickerQuestion;
use trades::TradesQuestion;
use variants::{INNER_TABLES, NAMED, SINCE, Section, Variants};

/// An exchange that a TOML file defines.
#[derive(Debug)]
pub struct Definition {
    about: About,
    id: Arc<str>,
    currencies: Arc<Currencies>,
    markets: Vec<Arc<MarketList>>,
    ticker: Variants<TickerQuestion>,
    tickers: Variants<TickerQuestion>,
    candles: Variants<CandleQuestion>,
    order_book: Variants<OrderBookQuestion>,
    trades: Variants<TradesQuestion>,
    errors: Arc<ErrorRules>,
    dropped: Arc<AtomicU64>,
}

impl Definition {
    /// Reads a definition. `file` names it in errors; `text_of` finds the text of another one that it extends.
    ///
    /// # Errors
    /// The first thing that is wrong, with file, line and key.
    pub fn parse(
        file: &str,
        text: &str,
        text_of: &dyn Fn(&str) -> Option<String>,
    ) -> std::result::Result<Self, DefinitionError> {
        let node = whole(Node::parse(file, text)?, text_of, 0)?;
        Self::read(node.reader()?)
    }

    fn read(mut top: Reader) -> Result<Self> {
        let text = |node: Node| node.text().map(str::to_owned);
        let id_node = top.required("id")?;
        let id = text(id_node.clone())?;
        if !About::is_id(&id) {
            return Err(id_node.place.error("must be lower case letters and digits, at most 40"));
        }
        let name = text(top.required("name")?)?;
        let doc = text(top.required("doc")?)?;
        let www = top.optional("www").map(text).transpose()?;
        let budget = top.optional("budget");
        let budget = budget
            .map(|node| node.text()?.parse::<Budget>().map_err(|problem| node.place.error(problem)))
            .transpose()?;
        let hosts = Hosts {
            base: top.optional("base-url").map(text).transpose()?,
            named: read_texts(top.optional("hosts"))?,
            headers: read_texts(top.optional("headers"))?,
        };
        let errors = Arc::new(ErrorRules::read(top.optional("errors"))?);
        let shared = Shared { hosts: Arc::new(hosts), errors: errors.clone() };
        let currencies = Arc::new(Currencies::read(top.optional("currencies"))?);

        let (markets, groups) = read_markets(top.required("markets")?, &shared)?;
        let mut section = |key: &'static str| -> Result<Option<Section>> {
            let Some(node) = top.optional(key) else { return Ok(None) };
            match node.content {
                Content::Table(table) => Section::read(
                    table,
                    node.place,
                    &groups,
                    shared.host_names(),
                    if key == "tickers" { NAMED } else { SINCE },
                )
                .map(Some),
                _ => Err(node.place.error("must be a table")),
            }
        };
        let (one, many) = (section("ticker")?, section("tickers")?);
        let many = match (&one, many) {
            (Some(one), Some(many)) => Some(one.clone().only(&inherited_by_tickers()).overlay(many)),
            (_, many) => many,
        };
        let ticker = compile(one, &groups, |table, kinds| TickerQuestion::read(table, false, kinds, &shared))?;
        let tickers = compile(many, &groups, |table, kinds| TickerQuestion::read(table, true, kinds, &shared))?;
        let candles =
            compile(section("candles")?, &groups, |table, kinds| CandleQuestion::read(table, kinds, &shared))?;
        let order_book =
            compile(section("order-book")?, &groups, |table, kinds| OrderBookQuestion::read(table, kinds, &shared))?;
        let trades = compile(section("trades")?, &groups, |table, kinds| TradesQuestion::read(table, kinds, &shared))?;
        top.finish()?;

        let mut timeframes: Vec<_> =
            candles.iter().filter(|question| question.is_open()).flat_map(|question| question.timeframes()).collect();
        timeframes.sort_unstable();
        timeframes.dedup();
        let has_many = tickers.iter().any(|question| question.is_open());
        let can = |capability: &Capability| match capability {
            Capability::Markets => true,
            Capability::Ticker => has_many || ticker.iter().any(|question| question.is_open()),
            Capability::Tickers => has_many,
            Capability::Candles => candles.iter().any(|question| question.is_open()),
            Capability::OrderBook => order_book.iter().any(|question| question.is_open()),
            Capability::Trades => trades.iter().any(|question| question.is_open()),
        };
        let about = About {
            id: id.clone(),
            name,
            kind: Kind::Definition,
            capabilities: Capability::ALL.into_iter().filter(can).collect(),
            timeframes,
            links: Links { www, doc: Some(doc) },
            budget,
            synthetic: false,
        };
        let dropped = Arc::new(AtomicU64::new(0));
        Ok(Self {
            about,
            id: id.into(),
            currencies,
            markets,
            ticker,
            tickers,
            candles,
            order_book,
            trades,
            errors,
            dropped,
        })
    }

    /// Counts the rows that could not be read, and hands on the rest.
    fn counted<T: Send + 'static>(&self, fetch: Fetch<(T, Tally)>) -> Fetch<T> {
        let dropped = self.dropped.clone();
        fetch.map(move |(answer, tally)| {
            dropped.fetch_add(tally.dropped as u64, Ordering::Relaxed);
            answer
        })
    }
}

/// How many definitions may extend one another in a row.
const MAX_ANCESTORS: usize = 4;

/// A definition laid over the one that it extends.
fn whole(node: Node, text_of: &dyn Fn(&str) -> Option<String>, depth: usize) -> Result<Node> {
    let Content::Table(mut table) = node.content else { return Ok(node) };
    let Some(extends) = table.take("extends") else { return Ok(Node { content: Content::Table(table), ..node }) };
    let parent = extends.text()?;
    if depth >= MAX_ANCESTORS {
        return Err(extends.place.error(format_args!("more than {MAX_ANCESTORS} definitions extend one another")));
    }
    let text = text_of(parent).ok_or_else(|| extends.place.error(format_args!("there is no definition `{parent}`")))?;
    let parent = whole(Node::parse(&format!("{parent}.toml"), &text)?, text_of, depth + 1)?;
    let Content::Table(mut inherited) = parent.content else { return Ok(parent) };
    inherited.overlay(table);
    Ok(Node { content: Content::Table(inherited), place: node.place })
}

/// Reads the market lists, and their names where there are several.
fn read_markets(node: Node, shared: &Shared) -> Result<(Vec<Arc<MarketList>>, Vec<String>)> {
    let place = node.place.clone();
    let Content::Table(mut table) = node.content else { return Err(place.error("must be a table")) };
    let lists = table.split(|key, node| matches!(node.content, Content::Table(_)) && !INNER_TABLES.contains(&key));
    let lists = lists.into_entries();
    if lists.is_empty() {
        let list = MarketList::read(Reader::new(table, place), None, shared)?;
        let group = list.group().map(str::to_owned);
        return Ok((vec![Arc::new(list)], group.into_iter().collect()));
    }
    let (mut read, mut groups) = (Vec::new(), Vec::new());
    for (name, node) in lists {
        let mut own = table.clone();
        if let Content::Table(inner) = node.content {
            own.overlay(inner);
        }
        let list = MarketList::read(Reader::new(own, node.place), Some(&name), shared)?;
        groups.extend(list.group().map(str::to_owned));
        read.push(Arc::new(list));
    }
    groups.sort_unstable();
    groups.dedup();
    Ok((read, groups))
}

fn inherited_by_tickers() -> Vec<&'static str> {
    ticker::FIELDS.iter().copied().chain(["match"]).collect()
}

fn compile<T>(
    section: Option<Section>,
    groups: &[String],
    read: impl Fn(Reader, &[String]) -> Result<Option<T>>,
) -> Result<Variants<T>> {
    let section = match section {
        Some(section) => section,
        None => Section::empty(),
    };
    Variants::compile(&section, groups, read)
}

impl Exchange for Definition {
    fn about(&self) -> &About {
        &self.about
    }

    fn dropped_rows(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn markets(&self, now: Millis) -> Fetch<Vec<Market>> {
        let lists = self.markets.iter().map(|list| list.fetch(&self.currencies, now)).collect();
        self.counted(Fetch::all(lists).then(|result| {
            Fetch::Done(result.and_then(|lists| {
                let (mut markets, mut sum) = (Vec::new(), Tally::default());
                for list in lists {
                    let (more, tally) = list?;
                    markets.extend(more);
                    sum = sum.and(tally);
                }
                Ok((markets, sum.readable()?))
            }))
        }))
    }

    fn ticker(&self, market: &Arc<Market>, now: Millis) -> Fetch<Ticker> {
        if let Some(question) = self.ticker.of(market, false) {
            return self.counted(question.fetch_one(&self.id, market, now));
        }
        match self.tickers.of(market, true) {
            Some(question) => {
                // The exchange has no ticker of one market: it is picked from many.
                let own = vec![market.clone()];
                let group = ticker::Group { question: question.clone(), wanted: Some(own.clone()), all: own };
                let many = self.counted(ticker::fetch_groups(&self.id, vec![group], now));
                many.then(|result| {
                    let missing =
                        || marketd_core::Error::bad_response("the exchange answered without a ticker of this market");
                    Fetch::Done(result.and_then(|tickers| tickers.into_iter().next().ok_or_else(missing)))
                })
            }
            None => self.about.not_supported(Capability::Ticker),
        }
    }

    fn tickers(&self, query: &TickersQuery) -> Fetch<Vec<Ticker>> {
        let named = query.wanted.is_some();
        match ticker::groups(query, |market| self.tickers.of(market, named)) {
            Ok(groups) => self.counted(ticker::fetch_groups(&self.id, groups, query.now)),
            Err(error) => Fetch::fail(error),
        }
    }

    fn candles(&self, market: &Arc<Market>, query: &CandleQuery) -> Fetch<Vec<Candle>> {
        match self.candles.of(market, query.since.is_some()) {
            Some(question) => self.counted(question.fetch(market, query)),
            None => self.about.not_supported(Capability::Candles),
        }
    }

    fn order_book(&self, market: &Arc<Market>, query: &OrderBookQuery) -> Fetch<OrderBook> {
        match self.order_book.of(market, false) {
            Some(question) => self.counted(question.fetch(&self.id, market, query)),
            None => self.about.not_supported(Capability::OrderBook),
        }
    }

    fn trades(&self, market: &Arc<Market>, query: &TradesQuery) -> Fetch<Vec<Trade>> {
        match self.trades.of(market, query.since.is_some()) {
            Some(question) => self.counted(question.fetch(market, query)),
            None => self.about.not_supported(Capability::Trades),
        }
    }
}
