//! `[candles]`: open, high, low, close and volume of one market, timeframe by timeframe.

use std::sync::Arc;

use marketd_core::{Candle, CandleQuery, Error, Fetch, Market, Timeframe};

use super::context::Asked;
use super::expr::Value;
use super::limits::Limits;
use super::mapping::{Fields, Mapping, Tally};
use super::question::{Question, Shared};
use super::source::{Reader, Result};

const FIELDS: &[&str] = &["timestamp", "open", "high", "low", "close", "volume"];

/// How candles are asked for and read.
#[derive(Debug)]
pub(crate) struct CandleQuestion {
    question: Arc<Question>,
    mapping: Mapping,
    limits: Limits,
    /// What the exchange calls each timeframe.
    timeframes: Vec<(Timeframe, Value<'static>)>,
}

impl CandleQuestion {
    /// Reads the table; `None` when it asks nothing.
    pub(crate) fn read(mut table: Reader, kinds: &[String], shared: &Shared) -> Result<Option<Self>> {
        let Some(question) = Question::read(&mut table, shared, kinds)? else { return Ok(None) };
        let limits = Limits::read(&mut table)?;
        let mut timeframes = Vec::new();
        for (name, node) in table.required("timeframes")?.reader()?.rest() {
            let timeframe = name.parse::<Timeframe>().map_err(|error| node.place.error(error))?;
            // A timeframe that a kind of market has not is taken away with false.
            if !node.is_nothing() {
                timeframes.push((timeframe, Value::from_json(&node.to_json().to_string()).into_owned()));
            }
        }
        timeframes.sort_by_key(|(timeframe, _)| *timeframe);
        let fields = Fields {
            names: FIELDS,
            required: &["timestamp", "close"],
            rows: "rows",
            default_rows: None,
            filtered: true,
        };
        let mapping = Mapping::read(&mut table, &fields, &question.names())?;
        table.finish()?;
        Ok(Some(Self { question: Arc::new(question), mapping, limits, timeframes }))
    }

    /// The timeframes there are, shortest first.
    pub(crate) fn timeframes(&self) -> impl Iterator<Item = Timeframe> {
        self.timeframes.iter().map(|(timeframe, _)| *timeframe)
    }

    /// Whether it is answered without a key.
    pub(crate) fn is_open(&self) -> bool {
        self.question.needs_key().is_none()
    }

    /// Every expression and program in it.
    pub(crate) fn check(&self, check: &mut super::Check<'_>) {
        check.question(&self.question);
        check.mapping(&self.mapping);
    }

    /// Asks for candles. Requests know `{timeframe}`, `{seconds}` and `{millis}` (its length), `{limit}`, `{now}`, `{since}` and
    /// `{until}` (where a beginning is asked for), and `{start}` and `{end}` (always).
    pub(crate) fn fetch(self: &Arc<Self>, market: &Arc<Market>, query: &CandleQuery) -> Fetch<(Vec<Candle>, Tally)> {
        let Some((_, name)) = self.timeframes.iter().find(|(known, _)| *known == query.timeframe) else {
            let known: Vec<String> = self.timeframes().map(|timeframe| timeframe.to_string()).collect();
            let allowed = format!("one of {} for this market", known.join(", "));
            return Fetch::fail(Error::bad_parameter("timeframe", &query.timeframe.to_string(), allowed));
        };
        let (limit, millis) = (self.limits.fit(Some(query.limit)).unwrap_or(1), query.timeframe.millis());
        let length = limit.saturating_mul(millis);
        let until = query.since.map(|since| since.saturating_add(length));
        let asked = Asked::about(market)
            .with("timeframe", name.clone())
            .with("seconds", millis / 1_000)
            .with("millis", millis)
            .with("limit", limit)
            .with("now", query.now)
            .with("since", query.since)
            .with("until", until)
            .with("start", query.since.unwrap_or(query.now.saturating_sub(length)))
            .with("end", until.unwrap_or(query.now));
        let this = self.clone();
        self.question.ask(asked).then(move |result| {
            Fetch::Done(result.and_then(|answers| {
                let mut candles = Vec::with_capacity(128);
                let tally = this.mapping.each(&answers.texts()?, &answers.asked, |row| {
                    let number = |field: usize| row.decimal(field);
                    let Some(timestamp) = row.value(0).millis() else { return false };
                    let (open, high, low, close, volume) = (number(1), number(2), number(3), number(4), number(5));
                    let readable = close.is_some();
                    if readable {
                        candles.push(Candle { timestamp, open, high, low, close, volume });
                    }
                    readable
                })?;
                Ok((candles, tally.readable()?))
            }))
        })
    }
}
