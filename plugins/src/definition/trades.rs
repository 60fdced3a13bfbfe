//! `[trades]`: the latest public trades of one market.

use std::sync::Arc;

use marketd_core::{Fetch, Market, Trade, TradesQuery};

use super::context::Asked;
use super::limits::Limits;
use super::mapping::{Fields, Mapping, Tally};
use super::question::{Question, Shared};
use super::source::{Reader, Result};

const FIELDS: &[&str] = &["id", "timestamp", "side", "price", "amount", "cost"];

/// How trades are asked for and read.
#[derive(Debug)]
pub(crate) struct TradesQuestion {
    question: Arc<Question>,
    mapping: Mapping,
    limits: Limits,
}

impl TradesQuestion {
    /// Reads the table; `None` when it asks nothing.
    pub(crate) fn read(mut table: Reader, kinds: &[String], shared: &Shared) -> Result<Option<Self>> {
        let Some(question) = Question::read(&mut table, shared, kinds)? else { return Ok(None) };
        let limits = Limits::read(&mut table)?;
        let fields =
            Fields { names: FIELDS, required: &["price", "amount"], rows: "rows", default_rows: None, filtered: true };
        let mapping = Mapping::read(&mut table, &fields, &question.names())?;
        table.finish()?;
        Ok(Some(Self { question: Arc::new(question), mapping, limits }))
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

    /// Asks for trades. Requests know `{limit}`, `{now}`, and `{since}` where a beginning is asked for.
    pub(crate) fn fetch(self: &Arc<Self>, market: &Arc<Market>, query: &TradesQuery) -> Fetch<(Vec<Trade>, Tally)> {
        let asked = Asked::about(market)
            .with("limit", self.limits.fit(Some(query.limit)))
            .with("now", query.now)
            .with("since", query.since);
        let (this, symbol) = (self.clone(), market.symbol.clone());
        self.question.ask(asked).then(move |result| {
            Fetch::Done(result.and_then(|answers| {
                let mut trades = Vec::new();
                let tally = this.mapping.each(&answers.texts()?, &answers.asked, |row| {
                    let number = |field: usize| row.decimal(field);
                    let (Some(price), Some(amount)) = (number(3), number(4)) else { return false };
                    trades.push(Trade {
                        id: row.value(0).string(),
                        timestamp: row.value(1).millis(),
                        symbol: symbol.clone(),
                        side: row.value(2).side(),
                        price,
                        amount,
                        cost: number(5),
                    });
                    true
                })?;
                Ok((trades, tally.readable()?))
            }))
        })
    }
}
