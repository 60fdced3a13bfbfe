//! `[order-book]`: what rests in the book of one market.

use std::sync::Arc;

use marketd_core::{Fetch, Level, Market, OrderBook, OrderBookQuery, Side};

use super::context::Asked;
use super::limits::Limits;
use super::mapping::{Fields, Mapping, Tally};
use super::question::{Answers, Question, Shared};
use super::source::{Reader, Result};

const LEVEL: &[&str] = &["price", "amount", "side"];
const BOOK: &[&str] = &["timestamp", "nonce"];

/// How an order book is asked for and read.
#[derive(Debug)]
pub(crate) struct OrderBookQuestion {
    question: Arc<Question>,
    book: Mapping,
    levels: Levels,
    limits: Limits,
}

#[expect(clippy::large_enum_variant, reason = "there are a few for each definition, and they do not move")]
#[derive(Debug)]
enum Levels {
    /// `bids` and `asks` lead to the levels of either side.
    Apart { bids: Mapping, asks: Mapping },
    /// `rows` leads to the levels of both, and `side` says which is which.
    Together(Mapping),
}

impl OrderBookQuestion {
    /// Reads the table; `None` when it asks nothing.
    pub(crate) fn read(mut table: Reader, kinds: &[String], shared: &Shared) -> Result<Option<Self>> {
        let Some(question) = Question::read(&mut table, shared, kinds)? else { return Ok(None) };
        let limits = Limits::read(&mut table)?;
        let names = question.names();
        let book = Fields { names: BOOK, required: &[], rows: "book", default_rows: Some("."), filtered: false };
        let book = Mapping::read(&mut table, &book, &names)?;
        let levels = |rows: &'static str| Fields {
            names: LEVEL,
            required: &["price", "amount"],
            rows,
            default_rows: None,
            filtered: true,
        };
        // Both sides read the same fields, so the second one reads them from a copy.
        let mut copy = table.clone();
        let levels = if table.has("rows") {
            Levels::Together(Mapping::read(&mut table, &levels("rows"), &names)?)
        } else {
            let bids = Mapping::read(&mut copy, &levels("bids"), &names)?;
            let asks = Mapping::read(&mut table, &levels("asks"), &names)?;
            let _ = table.any("bids");
            Levels::Apart { bids, asks }
        };
        table.finish()?;
        Ok(Some(Self { question: Arc::new(question), book, levels, limits }))
    }

    /// Whether it is answered without a key.
    pub(crate) fn is_open(&self) -> bool {
        self.question.needs_key().is_none()
    }

    /// Every expression and program in it.
    pub(crate) fn check(&self, check: &mut super::Check<'_>) {
        check.question(&self.question);
        check.mapping(&self.book);
        match &self.levels {
            Levels::Apart { bids, asks } => {
                check.mapping(bids);
                check.mapping(asks);
            }
            Levels::Together(both) => check.mapping(both),
        }
    }

    /// Asks for the book. Requests know `{limit}`.
    pub(crate) fn fetch(
        self: &Arc<Self>,
        exchange: &Arc<str>,
        market: &Arc<Market>,
        query: &OrderBookQuery,
    ) -> Fetch<(OrderBook, Tally)> {
        let asked = Asked::about(market).with("limit", self.limits.fit(query.limit));
        let (this, exchange, symbol) = (self.clone(), exchange.to_string(), market.symbol.clone());
        self.question.ask(asked).then(move |result| {
            Fetch::Done(result.and_then(|answers| {
                let mut book =
                    OrderBook { exchange, symbol, timestamp: None, nonce: None, bids: Vec::new(), asks: Vec::new() };
                let tally = this.read_into(&mut book, &answers)?;
                Ok((book, tally))
            }))
        })
    }

    fn read_into(&self, book: &mut OrderBook, answers: &Answers) -> marketd_core::Result<Tally> {
        let (texts, asked) = (answers.texts()?, &answers.asked);
        self.book.each(&texts, asked, |row| {
            book.timestamp = row.value(0).millis();
            book.nonce = row.decimal(1);
            true
        })?;
        match &self.levels {
            Levels::Apart { bids, asks } => {
                let bought = read_levels(bids, &texts, answers, |_, level| book.bids.push(level));
                let sold = read_levels(asks, &texts, answers, |_, level| book.asks.push(level));
                match (bought, sold) {
                    (Ok(bought), Ok(sold)) => bought.and(sold).readable(),
                    // A side that nobody is on may be left out.
                    (Ok(one), Err(_)) | (Err(_), Ok(one)) if one.kept > 0 => Ok(one),
                    (Err(error), _) | (_, Err(error)) => Err(error),
                }
            }
            Levels::Together(both) => read_levels(both, &texts, answers, |side, level| match side {
                Some(Side::Buy) => book.bids.push(level),
                Some(Side::Sell) => book.asks.push(level),
                None => {}
            })?
            .readable(),
        }
    }
}

fn read_levels(
    mapping: &Mapping,
    texts: &[&str],
    answers: &Answers,
    mut push: impl FnMut(Option<Side>, Level),
) -> marketd_core::Result<Tally> {
    mapping.each(texts, &answers.asked, |row| match (row.decimal(0), row.decimal(1)) {
        (Some(price), Some(amount)) => {
            // A minus before an amount says whose side it is, which `side` has read.
            push(row.value(2).side(), (price, amount.abs()));
            true
        }
        _ => false,
    })
}
