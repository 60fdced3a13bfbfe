//! An exchange of a library, as the server asks it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use marketd_core::plugin::{AllMarkets, CandleTable, Description, Question, Reply, Table};
use marketd_core::{
    About, Candle, CandleQuery, Capability, Error, Exchange, Fetch, Kind, Market, Markets, Millis, OrderBook,
    OrderBookQuery, Response, Result, Ticker, TickersQuery, Trade, TradesQuery,
};
use serde::de::DeserializeOwned;

use super::LoadError;
use super::caller::Caller;

/// Bytes that a library may answer.
const LARGEST_ANSWER: usize = 64 << 20;

/// Bytes that the responses to one question may have together: they are kept until it is answered. (How many rounds and
/// requests there may be is for whoever runs the fetch to say.)
const LARGEST_COURSE: usize = 128 << 20;

/// Exchanges of one library.
const MOST_EXCHANGES: usize = 1_000;

/// The exchanges of a table, which errors call `plugin`; each of their calls may take so long.
///
/// # Errors
/// What the library says of itself is nonsense.
pub fn from_table(
    table: &'static Table,
    plugin: &str,
    limit: Duration,
) -> std::result::Result<Vec<Arc<dyn Exchange>>, LoadError> {
    let mut exchanges: Vec<Arc<dyn Exchange>> = Vec::new();
    for (number, mut about) in described(table)?.into_iter().enumerate() {
        if !About::is_id(&about.id) {
            return Err(LoadError::Id(about.id));
        }
        if exchanges.iter().any(|other| other.about().id == about.id) {
            return Err(LoadError::SameId(about.id));
        }
        if !about.can(Capability::Markets) {
            return Err(LoadError::NoMarkets(about.id));
        }
        about.kind = Kind::Plugin;
        let line = Line { table, number: number as u32, caller: Caller::new(plugin, limit) };
        exchanges.push(Arc::new(Proxy { about, line: Arc::new(line), last_markets: Mutex::default() }));
    }
    if exchanges.is_empty() { Err(LoadError::Empty) } else { Ok(exchanges) }
}

fn described(table: &Table) -> std::result::Result<Vec<About>, LoadError> {
    let answer = table.describe();
    let nonsense = |problem: String| Err(LoadError::Description(problem));
    if answer.bytes().len() > LARGEST_ANSWER {
        return nonsense(format!("{} bytes", answer.bytes().len()));
    }
    match serde_json::from_slice(answer.bytes()) {
        Ok(Reply::Done(Description { exchanges })) if exchanges.len() <= MOST_EXCHANGES => Ok(exchanges),
        Ok(Reply::Done(Description { exchanges })) => nonsense(format!("{} exchanges", exchanges.len())),
        Ok(Reply::Failed(failure)) => nonsense(failure.message),
        Ok(Reply::Panicked(message)) => Err(LoadError::Panicked(message)),
        Ok(Reply::Ask(_) | Reply::SendMarkets) => nonsense("a question in return".to_owned()),
        Err(error) => nonsense(error.to_string()),
    }
}

/// An exchange of a library.
struct Proxy {
    about: About,
    line: Arc<Line>,
    /// The last list of all markets that was asked with, and its number.
    last_markets: Mutex<(u64, Weak<Markets>)>,
}

/// The way to an exchange of a library.
struct Line {
    table: &'static Table,
    number: u32,
    caller: Caller,
}

impl Exchange for Proxy {
    fn about(&self) -> &About {
        &self.about
    }

    fn markets(&self, now: Millis) -> Fetch<Vec<Market>> {
        self.ask(&Question::Markets { now }, None)
    }

    fn ticker(&self, market: &Arc<Market>, now: Millis) -> Fetch<Ticker> {
        let exchange = self.about.id.clone();
        let asked = self.ask(&Question::Ticker { market: Cow::Borrowed(&**market), now }, None);
        asked.map(|ticker: Ticker| Ticker { exchange, ..ticker })
    }

    fn tickers(&self, query: &TickersQuery) -> Fetch<Vec<Ticker>> {
        let number = self.number_of(&query.markets);
        let exchange = self.about.id.clone();
        self.ask(&tickers(query, number, false), Some((query.clone(), number))).map(move |mut tickers: Vec<Ticker>| {
            tickers.iter_mut().for_each(|ticker| ticker.exchange.clone_from(&exchange));
            tickers
        })
    }

    fn candles(&self, market: &Arc<Market>, query: &CandleQuery) -> Fetch<Vec<Candle>> {
        let asked = self.ask(&Question::Candles { market: Cow::Borrowed(&**market), query: *query }, None);
        asked.map(|CandleTable(candles)| candles)
    }

    fn order_book(&self, market: &Arc<Market>, query: &OrderBookQuery) -> Fetch<OrderBook> {
        let exchange = self.about.id.clone();
        let asked = self.ask(&Question::OrderBook { market: Cow::Borrowed(&**market), query: *query }, None);
        asked.map(|book: OrderBook| OrderBook { exchange, ..book })
    }

    fn trades(&self, market: &Arc<Market>, query: &TradesQuery) -> Fetch<Vec<Trade>> {
        self.ask(&Question::Trades { market: Cow::Borrowed(&**market), query: *query }, None)
    }

    fn may_block(&self) -> bool {
        true
    }

    fn disabled(&self) -> Option<String> {
        self.line.caller.off()
    }
}

impl Proxy {
    /// Asks a question; `all` is what it is about when it names a market list that the library may not have.
    fn ask<T>(&self, question: &Question<'_>, all: Option<(TickersQuery, u64)>) -> Fetch<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let operation = question.capability();
        if !self.about.can(operation) {
            return self.about.not_supported(operation);
        }
        match json(question) {
            Ok(question) => {
                let course = Course { line: Arc::clone(&self.line), operation, question, all, rounds: Arc::default() };
                course.go_on()
            }
            Err(error) => Fetch::fail(error),
        }
    }

    /// The number of a market list: the same for the same list, and never again for another.
    fn number_of(&self, markets: &Arc<Markets>) -> u64 {
        // Across all exchanges, as a library that two of them come from may outlive both.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut last = self.last_markets.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::ptr::eq(last.1.as_ptr(), &raw const **markets) {
            *last = (NEXT.fetch_add(1, Ordering::Relaxed), Arc::downgrade(markets));
        }
        last.0
    }
}

fn tickers(query: &TickersQuery, number: u64, with_list: bool) -> Question<'_> {
    let list = with_list.then(|| query.markets.iter().map(|market| Cow::Borrowed(&**market)).collect());
    let wanted = query.wanted.as_ref().map(|wanted| wanted.iter().map(|market| Cow::Borrowed(&**market)).collect());
    Question::Tickers { markets: AllMarkets { number, list }, wanted, now: query.now }
}

fn json(question: &Question<'_>) -> Result<Arc<[u8]>> {
    let bytes = serde_json::to_vec(question)
        .map_err(|error| Error::bad_response("the question cannot be written as JSON").with_source(error))?;
    Ok(bytes.into())
}

/// A question on its way: what is asked, and all responses so far.
struct Course {
    line: Arc<Line>,
    operation: Capability,
    question: Arc<[u8]>,
    all: Option<(TickersQuery, u64)>,
    rounds: Arc<Vec<Vec<Response>>>,
}

impl Course {
    fn go_on<T: DeserializeOwned + Send + 'static>(mut self) -> Fetch<T> {
        match self.reply() {
            Ok(Reply::Done(answer)) => Fetch::Done(Ok(answer)),
            Ok(Reply::Ask(requests)) => Fetch::ask(requests, |responses| {
                Arc::make_mut(&mut self.rounds).push(responses);
                self.go_on()
            }),
            Ok(Reply::Failed(failure)) => Fetch::fail(failure.into()),
            Ok(Reply::Panicked(message)) => self.fail(format_args!("panicked in {}: {message:.300}", self.operation)),
            Ok(Reply::SendMarkets) => self.fail(format_args!("does not keep the markets that it was sent")),
            Err(error) => Fetch::fail(error),
        }
    }

    fn fail<T>(&self, problem: std::fmt::Arguments<'_>) -> Fetch<T> {
        Fetch::fail(Error::bad_response(format!("{} {problem}", self.line.caller.plugin())))
    }

    fn reply<T: DeserializeOwned>(&self) -> Result<Reply<T>> {
        let bodies = self.rounds.iter().flatten().map(|response| response.body.len());
        if bodies.sum::<usize>() > LARGEST_COURSE {
            return Err(Error::bad_response("the answers of the exchange are too large together"));
        }
        match (self.call(&self.question)?, &self.all) {
            (Reply::SendMarkets, Some((query, number))) => self.call(&json(&tickers(query, *number, true))?),
            (reply, _) => Ok(reply),
        }
    }

    fn call<T: DeserializeOwned>(&self, question: &Arc<[u8]>) -> Result<Reply<T>> {
        let (line, question, rounds) = (Arc::clone(&self.line), Arc::clone(question), Arc::clone(&self.rounds));
        let answer = self.line.caller.call(self.operation, move || {
            let answer = line.table.call(line.number, &question, &rounds);
            match answer.bytes() {
                bytes if bytes.len() <= LARGEST_ANSWER => Ok(bytes.to_vec()),
                _ => Err(Error::bad_response(format!(
                    "{} answered more than {} MiB",
                    line.caller.plugin(),
                    LARGEST_ANSWER >> 20
                ))),
            }
        })?;
        serde_json::from_slice(&answer).map_err(|error| {
            let (plugin, operation) = (self.line.caller.plugin(), self.operation);
            // serde quotes what it met, however long it is.
            let problem = format!("{:.200}", error.to_string());
            Error::bad_response(format!("{plugin} answered nonsense to {operation}: {problem}"))
        })
    }
}

#[cfg(test)]
mod tests;
