//! Tables that differ by market: `[candles]` says what holds for all, `[candles.inverse]` what is different for some.

use std::sync::Arc;

use marketd_core::{Market, MarketType};

use super::source::{Content, Place, Reader, Result, Table};

/// Tables within a question's table that are no variants of it.
pub(crate) const INNER_TABLES: [&str; 7] = ["with", "page", "body", "timeframes", "keep", "each", "weight"];

/// The variant of candles and trades for questions that have a beginning.
pub(crate) const SINCE: &str = "since";

/// The variant of tickers for questions that name them.
pub(crate) const NAMED: &str = "named";

/// The attribute that names the market list a market comes from.
pub(crate) const GROUP: &str = "group";

/// What holds for every market, and what is different for some.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    base: Table,
    variants: Vec<(String, Table)>,
    /// Kinds of markets that differ only by the host of their requests.
    hosts: Vec<String>,
    /// The variant for questions that name more: a beginning, or which tickers.
    flag: &'static str,
    place: Place,
}

impl Section {
    /// Takes a table apart. `groups` are the names of the definition's market lists.
    pub(crate) fn read(
        mut table: Table,
        place: Place,
        groups: &[String],
        hosts: Vec<String>,
        flag: &'static str,
    ) -> Result<Self> {
        let variants =
            table.split(|key, node| matches!(node.content, Content::Table(_)) && !INNER_TABLES.contains(&key));
        let mut read = Vec::new();
        for (name, node) in variants.into_entries() {
            if !groups.contains(&name) && !is_selector(&name) && name != flag {
                let words = format!("contract, linear, inverse, spot, swap, future, option, index, {flag}");
                let lists = if groups.is_empty() {
                    String::new()
                } else {
                    format!(", or a market list: {}", groups.join(", "))
                };
                return Err(node.place.error(format_args!("is no kind of market: {words}{lists}")));
            }
            if let Content::Table(inner) = node.content {
                read.push((name, inner));
            }
        }
        // `false` takes the request of a parent away; a slip of the pen must not.
        let asks = |table: &Table| table.get("get").or_else(|| table.get("post")).is_some();
        if !asks(&table) && !read.iter().any(|(_, variant)| asks(variant)) {
            return Err(place.inner("get").error("is missing"));
        }
        Ok(Self { base: table, variants: read, hosts, flag, place })
    }

    /// A section that says nothing.
    pub(crate) fn empty() -> Self {
        Self { base: Table::default(), variants: Vec::new(), hosts: Vec::new(), flag: SINCE, place: Place::nowhere() }
    }

    /// Keeps only these keys, here and in the variants.
    pub(crate) fn only(mut self, keys: &[&str]) -> Self {
        self.base = self.base.split(|key, _| keys.contains(&key));
        for (_, table) in &mut self.variants {
            *table = table.split(|key, _| keys.contains(&key));
        }
        self
    }

    /// Lays another section over this one, variant over variant.
    pub(crate) fn overlay(mut self, over: Self) -> Self {
        self.base.overlay(over.base);
        for (name, table) in over.variants {
            match self.variants.iter_mut().find(|(known, _)| *known == name) {
                Some((_, inner)) => inner.overlay(table),
                None => self.variants.push((name, table)),
            }
        }
        (self.place, self.flag) = (over.place, over.flag);
        self
    }

    /// The table for markets that these variants are meant for, from general to particular.
    fn resolve(&self, selected: &[String]) -> Reader {
        let mut table = self.base.clone();
        for name in selected {
            if let Some((_, variant)) = self.variants.iter().find(|(known, _)| known == name) {
                table.overlay(variant.clone());
            }
        }
        Reader::new(table, self.place.clone())
    }

    /// The kinds of markets that make a difference here.
    fn differences(&self) -> Vec<String> {
        self.variants.iter().map(|(name, _)| name).chain(&self.hosts).cloned().collect()
    }
}

/// Something compiled for each kind of market that it differs for.
#[derive(Debug)]
pub(crate) struct Variants<T> {
    /// The kinds of markets that make a difference.
    differences: Vec<String>,
    flag: &'static str,
    compiled: Vec<(Vec<String>, Option<Arc<T>>)>,
}

impl<T> Variants<T> {
    /// Compiles a section for every kind of market there can be; `None` where a kind cannot be asked about.
    pub(crate) fn compile(
        section: &Section,
        groups: &[String],
        compile: impl Fn(Reader, &[String]) -> Result<Option<T>>,
    ) -> Result<Self> {
        let differences = section.differences();
        let mut compiled: Vec<(Vec<String>, Option<Arc<T>>)> = Vec::new();
        let groups = groups.iter().map(|group| Some(group.as_str())).chain([None]);
        for group in groups {
            for kind in MarketType::ALL {
                for settled in ["linear", "inverse", ""] {
                    for flag in [None, Some(section.flag)] {
                        let selectors = selectors(kind, settled, group, flag);
                        let selected: Vec<String> = among(&selectors, &differences).map(str::to_owned).collect();
                        if compiled.iter().all(|(known, _)| *known != selected) {
                            let made = compile(section.resolve(&selected), &selected)?;
                            compiled.push((selected, made.map(Arc::new)));
                        }
                    }
                }
            }
        }
        Ok(Self { differences, flag: section.flag, compiled })
    }

    /// What is meant for this market; `flagged` where the question has a beginning, or names its tickers.
    pub(crate) fn of(&self, market: &Market, flagged: bool) -> Option<&Arc<T>> {
        let settled = match (market.linear, market.inverse) {
            (Some(true), _) => "linear",
            (_, Some(true)) => "inverse",
            _ => "",
        };
        let group = market.attributes.get(GROUP).map(String::as_str);
        let selectors = selectors(market.kind, settled, group, flagged.then_some(self.flag));
        let fits = |known: &Vec<String>| among(&selectors, &self.differences).eq(known.iter().map(String::as_str));
        self.compiled.iter().find(|(known, _)| fits(known)).and_then(|(_, made)| made.as_ref())
    }

    /// Everything that was compiled.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.compiled.iter().filter_map(|(_, made)| made.as_ref())
    }
}

/// Those of the selectors that make a difference.
fn among<'s>(selectors: &'s [&'s str], differences: &'s [String]) -> impl Iterator<Item = &'s str> {
    selectors.iter().copied().filter(|name| differences.iter().any(|known| known == name))
}

fn is_selector(name: &str) -> bool {
    matches!(name, "contract" | "linear" | "inverse") || MarketType::from_name(name).is_some()
}

/// The variants that are meant for a market, from general to particular.
fn selectors<'g>(kind: MarketType, settled: &'g str, group: Option<&'g str>, flag: Option<&'g str>) -> Vec<&'g str> {
    let contract = kind != MarketType::Spot;
    let mut all = Vec::with_capacity(5);
    if contract {
        all.push("contract");
        if !settled.is_empty() {
            all.push(settled);
        }
    }
    all.push(kind.name());
    // A market list may be named like a kind of market.
    if let Some(group) = group.filter(|group| !all.contains(group)) {
        all.push(group);
    }
    all.extend(flag);
    all
}
