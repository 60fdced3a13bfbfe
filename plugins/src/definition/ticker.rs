//! `[ticker]` and `[tickers]`: the last 24 hours of one market, or of many.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use marketd_core::{Code, Error, Fetch, Market, Request, Ticker, TickersQuery};

use super::context::{Asked, market_value};
use super::expr::Value;
use super::mapping::{Fields, Mapping, Row, Tally};
use super::question::{Answers, Question, Shared};
use super::source::{Content, Reader, Result};

/// The fields of a ticker, and of the row that tells whose it is. `[tickers]` has those of `[ticker]` unless it says otherwise.
pub(crate) const FIELDS: &[&str] = &[
    "id",
    "timestamp",
    "high",
    "low",
    "bid",
    "bid-volume",
    "ask",
    "ask-volume",
    "vwap",
    "open",
    "close",
    "last",
    "previous-close",
    "change",
    "percentage",
    "average",
    "base-volume",
    "quote-volume",
    "mark-price",
    "index-price",
];

/// How the ticker of one market, or of many, is asked for and read.
#[derive(Debug)]
pub(crate) struct TickerQuestion {
    question: Arc<Question>,
    mapping: Mapping,
    /// The attribute of a market that stands in the rows, where it is not the id.
    key: Option<String>,
    each: Each,
    /// `batch`: at most so many ids a request.
    batch: Option<usize>,
    /// `only-when-named`: not asked when all tickers are wanted.
    only_when_named: bool,
}

/// For what the question is asked again and again, as `{each}`.
#[derive(Debug)]
enum Each {
    Once,
    Of(Vec<Value<'static>>),
    /// Every different value of an attribute of the wanted markets: `each = "base"`.
    Attribute(String),
}

impl TickerQuestion {
    /// Reads the table of one (`[ticker]`) or of many (`[tickers]`); `None` when it asks nothing.
    pub(crate) fn read(mut table: Reader, many: bool, kinds: &[String], shared: &Shared) -> Result<Option<Self>> {
        let Some(question) = Question::read(&mut table, shared, kinds)? else { return Ok(None) };
        let required: &[&str] = if many { &["id"] } else { &[] };
        let default_rows = (!many).then_some(".");
        let fields = Fields { names: FIELDS, required, rows: "rows", default_rows, filtered: true };
        let mapping = Mapping::read(&mut table, &fields, &question.names())?;
        let key = table.optional("match").map(|node| node.text().map(str::to_owned)).transpose()?;
        let (mut each, mut batch, mut only_when_named) = (Each::Once, None, false);
        if many {
            if let Some(node) = table.optional("each") {
                each = match &node.content {
                    Content::List(list) => Each::Of(
                        list.iter().map(|item| Value::from_json(&item.to_json().to_string()).into_owned()).collect(),
                    ),
                    _ => Each::Attribute(node.text()?.to_owned()),
                };
            }
            batch = table.optional("batch").map(|node| node.count()).transpose()?.map(|count| count as usize);
            only_when_named = table.optional("only-when-named").is_some_and(|node| node.truth().unwrap_or(false));
        }
        table.finish()?;
        Ok(Some(Self { question: Arc::new(question), mapping, key, each, batch, only_when_named }))
    }

    /// Every expression and program in it.
    pub(crate) fn check(&self, check: &mut super::Check<'_>) {
        check.question(&self.question);
        check.mapping(&self.mapping);
    }

    /// Whether it is answered without a key.
    pub(crate) fn is_open(&self) -> bool {
        self.question.needs_key().is_none()
    }

    /// Asks for the ticker of one market.
    pub(crate) fn fetch_one(self: &Arc<Self>, exchange: &Arc<str>, market: &Arc<Market>) -> Fetch<(Ticker, Tally)> {
        let (this, exchange, market) = (self.clone(), exchange.clone(), market.clone());
        self.question.ask(Asked::about(&market)).then(move |result| {
            Fetch::Done(result.and_then(|answers| {
                // Where rows tell whose they are, the answer may be of many markets; one that does not tell is second best.
                let (mut own, mut nobodys) = (None, None);
                let tally = this.mapping.each(&answers.texts()?, &answers.asked, |row| {
                    let place = match row.value(0).string() {
                        Some(id) if this.key_of(&market).is_some_and(|key| key == id) => &mut own,
                        Some(_) => return true,
                        None => &mut nobodys,
                    };
                    if place.is_none() && row.is_present() {
                        *place = Some(ticker(row, &exchange, &market));
                    }
                    true
                })?;
                let found = own.or(nobodys);
                let missing = || Error::bad_response("the exchange answered without a ticker of this market");
                Ok((found.ok_or_else(missing)?, tally))
            }))
        })
    }

    fn read_many(
        &self,
        answers: &Answers,
        exchange: &Arc<str>,
        markets: &HashMap<String, &Arc<Market>>,
        tickers: &mut Vec<Ticker>,
    ) -> marketd_core::Result<Tally> {
        self.mapping.each(&answers.texts()?, &answers.asked, |row| {
            let Some(id) = row.value(0).string() else { return false };
            if let Some(market) = markets.get(&id).filter(|_| row.is_present()) {
                let asked = Asked::about(market);
                tickers.push(ticker(&row.about(&asked), exchange, market));
            }
            // A row of a market that is not listed, or of another kind, is no malformed one.
            true
        })
    }

    /// What is asked: once, once a value, or once a batch of ids.
    fn asked(&self, wanted: Option<&[Arc<Market>]>, all: &[Arc<Market>]) -> Vec<Asked> {
        let json = |list: serde_json::Value| Value::Json(list.to_string().into());
        let quotes_of = |markets: &[Arc<Market>]| {
            let quotes: BTreeSet<&str> = markets.iter().map(|market| market.quote.as_str()).collect();
            json(quotes.into_iter().collect())
        };
        let listed = |markets: &[Arc<Market>]| {
            let ids: Vec<&str> = markets.iter().map(|market| market.id.as_str()).collect();
            // A request that is for one kind of markets can name what they have in common: `{settle}`.
            let common = shared_facts(markets).into_iter();
            let asked = Asked::nothing().with("ids", json(ids.into())).with("quotes", quotes_of(markets));
            common.fold(asked, |asked, (name, value)| asked.with(name, value))
        };
        let targets = wanted.unwrap_or(all);
        let base = match (wanted, self.batch) {
            (_, Some(size)) => return targets.chunks(size).map(listed).collect(),
            (Some(wanted), None) => listed(wanted),
            (None, None) => Asked::nothing().with("quotes", quotes_of(all)),
        };
        match &self.each {
            Each::Once => vec![base],
            Each::Of(values) => values.iter().map(|value| base.clone().with("each", value.clone())).collect(),
            Each::Attribute(name) => {
                let values: BTreeSet<String> =
                    targets.iter().filter_map(|market| market_value(market, name).string()).collect();
                values.into_iter().map(|value| base.clone().with("each", value)).collect()
            }
        }
    }

    fn key_of(&self, market: &Market) -> Option<String> {
        match &self.key {
            Some(name) => market_value(market, name).string(),
            None => Some(market.id.clone()),
        }
    }
}

/// What is the same of all these markets, by name.
fn shared_facts(markets: &[Arc<Market>]) -> Vec<(String, Value<'static>)> {
    let Some((first, rest)) = markets.split_first() else { return Vec::new() };
    let names = ["base", "quote", "settle", "type"].into_iter().chain(first.attributes.keys().map(String::as_str));
    let same = names.filter(|name| rest.iter().all(|market| market_value(market, name) == market_value(first, name)));
    same.map(|name| (name.to_owned(), market_value(first, name).into_owned())).collect()
}

/// Markets whose tickers are asked for the same way.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) question: Arc<TickerQuestion>,
    /// The wanted ones; `None` is all of them.
    pub(crate) wanted: Option<Vec<Arc<Market>>>,
    /// All of them, to tell the rows apart.
    pub(crate) all: Vec<Arc<Market>>,
}

/// Splits the wanted markets, or all of them, by how they are asked for.
///
/// # Errors
/// `NotSupported` where a wanted market cannot be asked about, or nothing can be unless it is named.
pub(crate) fn groups<'q>(
    query: &TickersQuery,
    question_of: impl Fn(&Market) -> Option<&'q Arc<TickerQuestion>>,
) -> marketd_core::Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    for market in query.markets.iter() {
        let Some(question) = question_of(market) else { continue };
        match groups.iter_mut().find(|group| Arc::ptr_eq(&group.question, question)) {
            Some(group) => group.all.push(market.clone()),
            None => groups.push(Group {
                question: question.clone(),
                wanted: query.wanted.as_ref().map(|_| Vec::new()),
                all: vec![market.clone()],
            }),
        }
    }
    let Some(wanted) = &query.wanted else {
        groups.retain(|group| !group.question.only_when_named);
        let problem = "the exchange has no list of all tickers; name the symbols";
        return if groups.is_empty() { Err(Error::new(Code::NotSupported, problem)) } else { Ok(groups) };
    };
    for market in wanted {
        let question = question_of(market).ok_or_else(|| {
            Error::new(Code::NotSupported, format!("the exchange has no list of tickers with {}", market.symbol))
        })?;
        if let Some(group) = groups.iter_mut().find(|group| Arc::ptr_eq(&group.question, question)) {
            group.wanted.get_or_insert_default().push(market.clone());
        }
    }
    groups.retain(|group| group.wanted.as_ref().is_some_and(|wanted| !wanted.is_empty()));
    Ok(groups)
}

/// Asks for the tickers of all groups; those that ask the very same share the answer.
pub(crate) fn fetch_groups(exchange: &Arc<str>, groups: Vec<Group>) -> Fetch<(Vec<Ticker>, Tally)> {
    let mut asked: Vec<(Vec<Request>, Vec<Group>)> = Vec::new();
    let mut fetches = Vec::new();
    for group in groups {
        let all = group.question.asked(group.wanted.as_deref(), &group.all);
        let requests = match group.question.question.requests(&all) {
            Ok(requests) => requests,
            Err(error) => return Fetch::fail(error),
        };
        match asked.iter_mut().find(|(known, _)| *known == requests) {
            Some((_, sharing)) => sharing.push(group),
            None => {
                fetches.push(group.question.question.ask_all(all));
                asked.push((requests, vec![group]));
            }
        }
    }
    let exchange = exchange.clone();
    Fetch::all(fetches).then(move |result| {
        let read = |answers: Vec<marketd_core::Result<Vec<Answers>>>| {
            let (mut tickers, mut sum) = (Vec::new(), Tally::default());
            for (answers, (_, sharing)) in answers.into_iter().zip(&asked) {
                let answers = answers?;
                for group in sharing {
                    let tally = group.read(&answers, &exchange, &mut tickers)?;
                    sum = sum.and(tally);
                }
            }
            Ok((tickers, sum.readable()?))
        };
        Fetch::Done(result.and_then(read))
    })
}

impl Group {
    fn read(&self, all: &[Answers], exchange: &Arc<str>, tickers: &mut Vec<Ticker>) -> marketd_core::Result<Tally> {
        let keyed = self.all.iter().filter_map(|market| Some((self.question.key_of(market)?, market)));
        let by_key: HashMap<String, &Arc<Market>> = keyed.collect();
        let mut sum = Tally::default();
        for answers in all {
            let tally = self.question.read_many(answers, exchange, &by_key, tickers)?;
            sum = sum.and(tally);
        }
        Ok(sum)
    }
}

fn ticker(row: &Row<'_, '_>, exchange: &Arc<str>, market: &Market) -> Ticker {
    let number = |field: usize| row.decimal(field);
    Ticker {
        exchange: exchange.to_string(),
        symbol: market.symbol.clone(),
        timestamp: row.value(1).millis(),
        high: number(2),
        low: number(3),
        bid: number(4),
        bid_volume: number(5),
        ask: number(6),
        ask_volume: number(7),
        vwap: number(8),
        open: number(9),
        close: number(10),
        last: number(11),
        previous_close: number(12),
        change: number(13),
        percentage: number(14),
        average: number(15),
        base_volume: number(16),
        quote_volume: number(17),
        mark_price: number(18),
        index_price: number(19),
    }
}
