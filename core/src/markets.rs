//! All markets of one exchange, found by symbol or by the exchange's own id.

use std::collections::HashMap;
use std::sync::Arc;

use compact_str::CompactString;

use crate::{Code, Error, Market, Result, nearest};

/// All markets of one exchange, in the order of their symbols.
#[derive(Debug, Default)]
pub struct Markets {
    list: Vec<Arc<Market>>,
    by_symbol: HashMap<CompactString, usize>,
    by_id: HashMap<CompactString, Vec<usize>>,
}

impl Markets {
    /// Indexes markets; of several with one symbol the first active one is kept.
    pub fn new(mut markets: Vec<Market>) -> Self {
        markets.sort_by(|a, b| {
            a.symbol.cmp(&b.symbol).then_with(|| (a.active == Some(false)).cmp(&(b.active == Some(false))))
        });
        markets.dedup_by(|next, kept| next.symbol == kept.symbol);
        let mut all = Self { list: markets.into_iter().map(Arc::new).collect(), ..Self::default() };
        for (at, market) in all.list.iter().enumerate() {
            all.by_symbol.insert(fold(&market.symbol), at);
            all.by_id.entry(CompactString::new(&market.id)).or_default().push(at);
        }
        for places in all.by_id.values_mut() {
            places.sort_by_key(|&at| all.list[at].kind);
        }
        all
    }

    /// Every market.
    pub fn iter(&self) -> std::slice::Iter<'_, Arc<Market>> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The markets with this id of the exchange, spot before contracts: spot and contracts can share ids.
    pub fn with_id<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Arc<Market>> + use<'a> {
        self.by_id.get(id).into_iter().flatten().map(|&at| &self.list[at])
    }

    /// Finds a market by its unified symbol (upper and lower case alike, `XBT` for `BTC`) or by the exchange's own id.
    ///
    /// # Errors
    /// `BadSymbol` with the nearest symbols as suggestions.
    pub fn find(&self, text: &str) -> Result<&Arc<Market>> {
        let folded = fold(text);
        self.by_symbol
            .get(&folded)
            .map(|&at| &self.list[at])
            .or_else(|| self.with_id(text).next())
            .or_else(|| {
                self.list.iter().filter(|market| market.id.eq_ignore_ascii_case(text)).min_by_key(|market| market.kind)
            })
            .ok_or_else(|| {
                Error::new(Code::BadSymbol, format!("there is no market `{text:.60}`"))
                    .with_symbol(&format!("{text:.60}"))
                    .with_suggestions(self.nearest(&folded))
            })
    }

    /// The symbols that someone who wrote `folded` most likely meant.
    fn nearest(&self, folded: &str) -> Vec<String> {
        // Slashes and dashes are what is left out most.
        let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
        let known = self.list.iter().map(|market| {
            let symbol = plain(&fold(&market.symbol));
            let rank = (market.kind, symbol.len(), market.symbol.as_str());
            (symbol, rank)
        });
        nearest(&plain(folded), known).into_iter().map(|(.., symbol)| symbol.to_owned()).collect()
    }
}

/// Upper case, and `XBT` as `BTC` wherever a currency stands.
fn fold(symbol: &str) -> CompactString {
    let upper = symbol.to_uppercase();
    if !upper.contains("XBT") {
        return upper.into();
    }
    upper
        .split_inclusive(['/', ':', '-'])
        .map(|part| match part.strip_prefix("XBT") {
            Some(rest) if rest.len() <= 1 && !rest.chars().any(char::is_alphanumeric) => format!("BTC{rest}"),
            _ => part.to_owned(),
        })
        .collect::<String>()
        .into()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::MarketType;

    fn markets() -> Markets {
        let mut swap = Market::spot("BTCUSDT", "BTC", "USDT");
        swap.kind = MarketType::Swap;
        swap.settle = Some("USDT".into());
        swap.complete();
        Markets::new(vec![
            swap,
            Market::spot("BTCUSDT", "BTC", "USDT"),
            Market::spot("eth_btc", "ETH", "BTC"),
            Market::spot("SOLUSDT", "SOL", "USDT"),
        ])
    }

    #[rstest]
    #[case("BTC/USDT", "BTC/USDT")]
    #[case("btc/usdt", "BTC/USDT")]
    #[case("xbt/usdt", "BTC/USDT")]
    #[case("ETH/XBT", "ETH/BTC")]
    #[case("XBT/USDT:USDT", "BTC/USDT:USDT")]
    #[case("BTCUSDT", "BTC/USDT")]
    #[case("ETH_BTC", "ETH/BTC")]
    fn a_market_is_found_by_symbol_or_id_in_any_case(#[case] text: &str, #[case] symbol: &str) {
        assert_eq!(markets().find(text).expect("found").symbol, symbol);
    }

    #[test]
    fn an_unknown_symbol_names_the_nearest_ones() {
        let markets = markets();
        let error = markets.find("BTC/USTD").expect_err("unknown");
        assert_eq!(error.code(), Code::BadSymbol);
        assert_eq!(error.suggestions().first().map(String::as_str), Some("BTC/USDT"));
    }

    #[test]
    fn of_two_markets_with_one_symbol_the_active_one_stays() {
        let mut old = Market::spot("OLD", "A", "B");
        old.active = Some(false);
        let markets = Markets::new(vec![old, Market::spot("NEW", "A", "B")]);
        assert_eq!(markets.find("A/B").expect("found").id, "NEW");
        assert_eq!(markets.len(), 1);
    }
}
