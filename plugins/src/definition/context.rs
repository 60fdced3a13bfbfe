//! What requests and expressions know beside the answer: the market that is asked about, and the question.

use std::borrow::Cow;
use std::sync::Arc;

use marketd_core::Market;
use serde_json::Map;

use super::expr::{Context, ContextScope, Value};

/// The market (`$market`) and the question (`$query`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    market: Option<Arc<Market>>,
    query: Vec<(Cow<'static, str>, Value<'static>)>,
}

impl Asked {
    /// About no market in particular.
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// About one market.
    pub(crate) fn about(market: &Arc<Market>) -> Self {
        Self { market: Some(market.clone()), query: Vec::new() }
    }

    /// With one more fact about the question; a null says nothing.
    pub(crate) fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value<'static>>) -> Self {
        let name = name.into();
        self.query.retain(|(known, _)| *known != name);
        self.query.push((name, value.into()));
        self
    }

    /// The market that is asked about.
    pub(crate) fn market(&self) -> Option<&Arc<Market>> {
        self.market.as_ref()
    }

    fn query(&self, name: &str) -> Option<Value<'_>> {
        self.query.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }
}

impl Context for Asked {
    fn get(&self, scope: ContextScope, name: &str) -> Value<'_> {
        let of_market = || self.market.as_ref().map_or(Value::Null, |market| market_value(market, name));
        match scope {
            ContextScope::Market => of_market(),
            ContextScope::Query => self.query(name).unwrap_or(Value::Null),
            ContextScope::Either => self.query(name).unwrap_or_else(of_market),
        }
    }

    fn json(&self, scope: ContextScope) -> String {
        let mut all = Map::new();
        if scope != ContextScope::Query
            && let Some(market) = &self.market
        {
            for name in MARKET_FIELDS {
                all.insert((*name).to_owned(), json(&market_value(market, name)));
            }
            for (name, text) in &market.attributes {
                all.insert(name.clone(), text.as_str().into());
            }
        }
        if scope != ContextScope::Market {
            all.extend(self.query.iter().map(|(name, value)| (name.clone().into_owned(), json(value))));
        }
        serde_json::Value::Object(all).to_string()
    }
}

/// What `$market` has beside the attributes that a definition keeps.
const MARKET_FIELDS: &[&str] = &[
    "id",
    "symbol",
    "base",
    "quote",
    "settle",
    "type",
    "contract",
    "linear",
    "inverse",
    "contractSize",
    "expiry",
    "strike",
];

/// The value of `$market.name`: a field of the market, or an attribute that its definition keeps.
pub(crate) fn market_value<'m>(market: &'m Market, name: &str) -> Value<'m> {
    let text = |text: &'m str| Value::Text(text.into());
    let number = |number: &'m Option<marketd_core::Decimal>| {
        number.as_ref().map_or(Value::Null, |number| Value::Number(number.as_str().into()))
    };
    if let Some(kept) = market.attributes.get(name) {
        return text(kept);
    }
    match name {
        "id" => text(&market.id),
        "symbol" => text(&market.symbol),
        "base" => text(&market.base),
        "quote" => text(&market.quote),
        "settle" => market.settle.as_deref().map_or(Value::Null, text),
        "type" => text(market.kind.name()),
        "contract" => market.contract.into(),
        "linear" => market.linear.map_or(Value::Null, Value::Bool),
        "inverse" => market.inverse.map_or(Value::Null, Value::Bool),
        "contractSize" => number(&market.contract_size),
        "expiry" => market.expiry.into(),
        "strike" => number(&market.strike),
        _ => Value::Null,
    }
}

fn json(value: &Value<'_>) -> serde_json::Value {
    serde_json::from_str(&value.to_json()).unwrap_or_default()
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}
