//! One exchange with everything that is needed to ask it.

use std::sync::Arc;

use marketd_core::{About, Capability, Code, Error, Exchange, Result, Timeframe, nearest};

use crate::config::Config;
use crate::markets::MarketStore;
use crate::upstream::{Transport, Upstream};

/// One exchange.
pub(super) struct Served {
    /// Of all exchanges that there ever were, replaced ones too: what is kept for one is never served for another.
    pub(super) number: usize,
    pub(super) exchange: Arc<dyn Exchange>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) markets: MarketStore,
}

impl Served {
    pub(super) fn new(
        number: usize,
        exchange: Arc<dyn Exchange>,
        config: &Config,
        transport: Arc<dyn Transport>,
        before: Option<&Self>,
    ) -> Self {
        let upstream = Upstream::new(&*exchange, config.upstream(&exchange.about().id), transport);
        let upstream = match before {
            Some(before) => upstream.succeed(&before.upstream),
            None => upstream,
        };
        let upstream = Arc::new(upstream);
        let markets = MarketStore::new(Arc::clone(&exchange), Arc::clone(&upstream), config.cache.markets);
        Self { number, exchange, upstream, markets }
    }

    pub(super) fn about(&self) -> &About {
        self.exchange.about()
    }

    /// Fails where the exchange cannot be asked that.
    pub(super) fn check(&self, capability: Capability) -> Result<()> {
        if self.about().can(capability) {
            return Ok(());
        }
        Err(Error::not_supported(&self.about().id, capability))
    }

    /// Reads a timeframe that the exchange has.
    pub(super) fn timeframe(&self, text: &str) -> Result<Timeframe> {
        let timeframes = &self.about().timeframes;
        text.parse().ok().filter(|timeframe| timeframes.contains(timeframe)).ok_or_else(|| {
            let names: Vec<_> = timeframes.iter().map(Timeframe::to_string).collect();
            Error::bad_parameter("timeframe", text, format_args!("one of {}", names.join(", ")))
        })
    }
}

/// No exchange has that id; these are the nearest that there are.
pub(super) fn unknown<'a>(id: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let suggestions = nearest(&id.to_lowercase(), known.map(|known| (known, known)));
    Error::new(Code::ExchangeNotFound, format!("there is no exchange `{id:.60}`"))
        .with_exchange(&format!("{id:.60}"))
        .with_suggestions(suggestions.into_iter().map(str::to_owned).collect())
}
