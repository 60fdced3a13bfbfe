//! `[markets]`: the lists of what can be traded.

use std::collections::HashMap;
use std::sync::Arc;

use marketd_core::{Fetch, Market, MarketType, OptionType, Range};

use super::context::Asked;
use super::expr::Value;
use super::mapping::{Fields, Mapping, Row, Tally};
use super::question::{Answers, Question, Shared};
use super::source::{Content, Node, Reader, Result};
use super::variants::GROUP;

const FIELDS: &[&str] = &[
    "id",
    "base",
    "quote",
    "settle",
    "type",
    "active",
    "contract-size",
    "expiry",
    "strike",
    "option-type",
    "linear",
    "inverse",
    "amount-tick",
    "price-tick",
    "min-amount",
    "max-amount",
    "min-price",
    "max-price",
    "min-cost",
    "max-cost",
    "symbol",
];

/// One list of markets.
#[derive(Debug)]
pub(crate) struct MarketList {
    group: Option<String>,
    source: Source,
    mapping: Mapping,
}

#[expect(clippy::large_enum_variant, reason = "there are a few for each definition, and they do not move")]
#[derive(Debug)]
enum Source {
    /// Asked once, or once for each of these.
    Asked { question: Arc<Question>, each: Each },
    /// `list`: the markets stand in the definition.
    Fixed,
}

/// For what a list is asked again and again, as `{each}`.
#[expect(clippy::large_enum_variant, reason = "there are a few for each definition, and they do not move")]
#[derive(Debug)]
enum Each {
    Once,
    Of(Vec<Value<'static>>),
    /// What another answer names.
    Named {
        question: Arc<Question>,
        values: Mapping,
    },
}

/// The currency codes that every exchange's aliases are laid over, as ccxt has them.
const COMMON_ALIASES: [(&str, &str); 2] = [("XBT", "BTC"), ("BCHSV", "BSV")];

/// How the exchange's names of currencies become the common ones.
#[derive(Debug)]
pub(crate) struct Currencies(HashMap<String, String>);

impl Currencies {
    /// Reads `[currencies]`: `XBT = "BTC"`.
    pub(crate) fn read(node: Option<Node>) -> Result<Self> {
        let mut aliases: HashMap<_, _> =
            COMMON_ALIASES.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        for (from, to) in super::request::read_texts(node)? {
            aliases.insert(from, to);
        }
        Ok(Self(aliases))
    }

    /// The common code.
    pub(crate) fn code(&self, name: &str) -> String {
        if let Some(code) = self.0.get(name) {
            return code.clone();
        }
        let upper = name.to_uppercase();
        self.0.get(&upper).cloned().unwrap_or(upper)
    }
}

impl MarketList {
    /// Reads a list; `group` is its name where a definition has several.
    pub(crate) fn read(mut table: Reader, group: Option<&str>, shared: &Shared) -> Result<Self> {
        let group = table
            .optional("group")
            .map(|node| node.text().map(str::to_owned))
            .transpose()?
            .or(group.map(str::to_owned));
        let each = table.optional("each");
        let kinds: Vec<String> = group.iter().cloned().collect();
        let question = Question::read(&mut table, shared, &kinds)?;
        let fixed = table.optional("list");
        let names = question.as_ref().map(Question::names).unwrap_or_default();
        let fields = Fields {
            names: FIELDS,
            required: &["id", "base", "quote", "type"],
            rows: "rows",
            default_rows: fixed.as_ref().map(|_| "."),
            filtered: true,
        };
        let mut mapping = Mapping::read(&mut table, &fields, &names)?;
        let source = match (question, fixed) {
            (Some(question), None) => {
                Source::Asked { question: Arc::new(question), each: Each::read(each, shared, &kinds)? }
            }
            (None, Some(list)) => {
                let rows = list.list()?.iter().map(|row| row.to_json().to_string()).collect();
                mapping = mapping.with_fixed_rows(rows);
                Source::Fixed
            }
            (Some(_), Some(list)) => return Err(list.place.error("the list is asked for already; one of them only")),
            (None, None) => return Err(table.place().inner("get").error("is missing")),
        };
        table.finish()?;
        Ok(Self { group, source, mapping })
    }

    /// The name under which the tables of questions know its markets.
    pub(crate) fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// Asks for the markets; with them, how many rows were read and dropped.
    pub(crate) fn fetch(self: &Arc<Self>, currencies: &Arc<Currencies>) -> Fetch<(Vec<Market>, Tally)> {
        let (list, currencies) = (self.clone(), currencies.clone());
        let answers = match &self.source {
            Source::Fixed => Fetch::Done(Ok(vec![Answers::none(Asked::nothing())])),
            Source::Asked { question, each } => each.fetch(self, question),
        };
        answers.then(move |result| Fetch::Done(result.and_then(|answers| list.markets(&answers, &currencies))))
    }

    /// Every expression and program in it.
    pub(crate) fn check(&self, check: &mut super::Check<'_>) {
        check.mapping(&self.mapping);
        if let Source::Asked { question, each } = &self.source {
            check.question(question);
            if let Each::Named { question, values } = each {
                check.question(question);
                check.mapping(values);
            }
        }
    }

    /// The different values that another answer names.
    fn named_values(&self, answers: &Answers) -> marketd_core::Result<Vec<Value<'static>>> {
        let mut found = Vec::new();
        if let Source::Asked { each: Each::Named { values, .. }, .. } = &self.source {
            values.each(&answers.texts()?, &answers.asked, |row| {
                let value = row.whole().into_owned();
                if value.is_truthy() && value != Value::text("") && !found.contains(&value) {
                    found.push(value);
                }
                true
            })?;
        }
        Ok(found)
    }

    fn markets(&self, all: &[Answers], currencies: &Currencies) -> marketd_core::Result<(Vec<Market>, Tally)> {
        let mut markets = Vec::new();
        let mut sum = Tally::default();
        for answers in all {
            let tally = self.mapping.each(&answers.texts()?, &answers.asked, |row| {
                let market = self.market(row, currencies);
                let made = market.is_some();
                markets.extend(market);
                made
            })?;
            sum = sum.and(tally);
        }
        Ok((markets, sum))
    }

    fn market(&self, row: &Row<'_, '_>, currencies: &Currencies) -> Option<Market> {
        let mut fields = (0..FIELDS.len()).map(|field| row.value(field));
        let mut next = || fields.next().unwrap_or(Value::Null);
        let id = next().string()?;
        let mut market = Market::spot(id, currencies.code(&next().string()?), currencies.code(&next().string()?));
        let settle = next().string();
        market.kind = MarketType::from_name(&next().string()?)?;
        market.settle = settle.filter(|_| market.kind != MarketType::Spot).map(|settle| currencies.code(&settle));
        market.active = next().truth();
        market.contract_size = next().decimal();
        // Mostly a 0 says that there is no end; of an option it says that it is a perpetual one.
        market.expiry = next().integer().filter(|end| *end != 0 || market.kind == MarketType::Option);
        let is_option = market.kind == MarketType::Option;
        market.strike = next().decimal().filter(|_| is_option);
        market.option_type =
            next().string().filter(|_| is_option).and_then(|word| match word.to_ascii_lowercase().as_str() {
                "call" | "c" => Some(OptionType::Call),
                "put" | "p" => Some(OptionType::Put),
                _ => None,
            });
        (market.linear, market.inverse) = (next().truth(), next().truth());
        market.precision.amount = next().decimal().filter(|tick| !tick.is_zero());
        market.precision.price = next().decimal().filter(|tick| !tick.is_zero());
        let mut range = || Range { min: next().decimal(), max: next().decimal() };
        (market.limits.amount, market.limits.price, market.limits.cost) = (range(), range(), range());
        for (name, value) in row.kept() {
            market.attributes.extend(value.string().map(|text| (name.to_owned(), text)));
        }
        if let Some(group) = &self.group {
            market.attributes.insert(GROUP.to_owned(), group.clone());
        }
        market.complete();
        if let Some(symbol) = next().string() {
            market.symbol = symbol;
        }
        Some(market)
    }
}

impl Each {
    fn read(node: Option<Node>, shared: &Shared, kinds: &[String]) -> Result<Self> {
        let Some(node) = node else { return Ok(Self::Once) };
        match node.content {
            Content::List(list) => {
                let values = list.iter().map(|item| Ok(Value::from_json(&item.to_json().to_string()).into_owned()));
                Ok(Self::Of(values.collect::<Result<_>>()?))
            }
            _ => {
                let mut table = node.reader()?;
                let question = Question::read(&mut table, shared, kinds)?
                    .ok_or_else(|| table.place().inner("get").error("is missing"))?;
                let fields = Fields { names: &[], required: &[], rows: "values", default_rows: None, filtered: true };
                let values = Mapping::read(&mut table, &fields, &question.names())?;
                table.finish()?;
                Ok(Self::Named { question: Arc::new(question), values })
            }
        }
    }

    fn fetch(&self, list: &Arc<MarketList>, question: &Arc<Question>) -> Fetch<Vec<Answers>> {
        let for_each = |values: Vec<Value<'static>>| {
            values.into_iter().map(|value| Asked::nothing().with("each", value)).collect()
        };
        match self {
            Self::Once => question.ask_all(vec![Asked::nothing()]),
            Self::Of(values) => question.ask_all(for_each(values.clone())),
            Self::Named { question: names, .. } => {
                let (question, list) = (question.clone(), list.clone());
                names.ask(Asked::nothing()).then(move |result| {
                    match result.and_then(|answers| list.named_values(&answers)) {
                        Ok(values) => question.ask_all(for_each(values)),
                        Err(error) => Fetch::fail(error),
                    }
                })
            }
        }
    }
}
