//! Which markets of a list are wanted.

use marketd_core::{Market, MarketType};

/// Which markets are wanted; what is left out does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarketFilter {
    /// Of this kind.
    pub kind: Option<MarketType>,
    /// That the exchange says can be traded now, or cannot.
    pub active: Option<bool>,
    /// That trade this currency, in any case.
    pub base: Option<String>,
    /// With prices in this currency, in any case.
    pub quote: Option<String>,
}

impl MarketFilter {
    /// Whether the market is wanted.
    pub(super) fn lets(&self, market: &Market) -> bool {
        let same = |wanted: &Option<String>, currency: &str| {
            wanted.as_ref().is_none_or(|wanted| {
                let wanted = if wanted.eq_ignore_ascii_case("XBT") { "BTC" } else { wanted };
                wanted.eq_ignore_ascii_case(currency)
            })
        };
        self.kind.is_none_or(|kind| kind == market.kind)
            && self.active.is_none_or(|active| Some(active) == market.active)
            && same(&self.base, &market.base)
            && same(&self.quote, &market.quote)
    }
}
