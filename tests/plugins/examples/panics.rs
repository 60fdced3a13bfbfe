//! Panics when it is asked for a ticker.

use std::sync::Arc;

use marketd_core::{About, Capability, Exchange, Fetch, Kind, Links, Market, Millis, Ticker, export_exchange};

export_exchange!(Panics);

struct Panics(About);

impl Default for Panics {
    fn default() -> Self {
        Self(About {
            id: "panics".into(),
            name: "Panics".into(),
            kind: Kind::Plugin,
            capabilities: vec![Capability::Markets, Capability::Ticker],
            timeframes: Vec::new(),
            links: Links::default(),
            budget: None,
            synthetic: true,
        })
    }
}

impl Exchange for Panics {
    fn about(&self) -> &About {
        &self.0
    }

    fn markets(&self, _now: Millis) -> Fetch<Vec<Market>> {
        Fetch::Done(Ok(vec![Market::spot("ab", "A", "B")]))
    }

    fn ticker(&self, market: &Arc<Market>, _now: Millis) -> Fetch<Ticker> {
        panic!("no ticker of {}, on purpose", market.symbol)
    }
}
