//! The market list of one exchange: loaded when first needed, refreshed in the background, kept while the exchange is down.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use marketd_core::{Capability, Error, Exchange, Fetch, Market, Markets, Result};
use tokio::time::Instant;

use crate::answer::Source;
use crate::cache::{Flight, Flights};
use crate::clock;
use crate::upstream::Upstream;

/// How long symbols are looked up in a list when the cache of market lists is off.
const DEFAULT_TTL: Duration = Duration::from_secs(3_600);

/// No list is asked for again sooner than this for an unknown symbol, or after it could not be loaded.
const BETWEEN_TRIES: Duration = Duration::from_secs(60);

/// How long it is remembered that the first list could not be loaded, at most.
const FAILURE_MEMORY: Duration = Duration::from_secs(1);

/// The market list of one exchange.
pub(crate) struct MarketStore {
    shared: Arc<Shared>,
    flights: Flights<(), Arc<Loaded>>,
    /// How old a list may get before it is refreshed.
    ttl: Duration,
    failure_memory: Duration,
}

struct Shared {
    exchange: Arc<dyn Exchange>,
    upstream: Arc<Upstream>,
    state: RwLock<State>,
}

#[derive(Clone, Default)]
struct State {
    loaded: Option<Arc<Loaded>>,
    /// When loading was last begun.
    tried: Option<Instant>,
    /// How and when loading last failed, if it did not succeed since.
    failed: Option<(Error, Instant)>,
}

/// A list as it was loaded.
pub(crate) struct Loaded {
    pub(crate) markets: Arc<Markets>,
    pub(crate) made: Instant,
    /// The whole list as it is sent, made when first asked for.
    pub(crate) body: OnceLock<Bytes>,
}

impl MarketStore {
    /// With the configured `ttl`; zero turns the cache of lists off, but not the lookup of symbols.
    pub(crate) fn new(exchange: Arc<dyn Exchange>, upstream: Arc<Upstream>, ttl: Duration) -> Self {
        Self {
            shared: Arc::new(Shared { exchange, upstream, state: RwLock::default() }),
            flights: Flights::default(),
            ttl: if ttl.is_zero() { DEFAULT_TTL } else { ttl },
            failure_memory: ttl.min(FAILURE_MEMORY),
        }
    }

    /// The list, as it is, or loaded if there is none yet; one that is past its time is refreshed in the background.
    pub(crate) async fn current(&self) -> Result<(Arc<Loaded>, Source)> {
        let state = self.shared.state();
        let Some(loaded) = state.loaded else {
            if let Some((error, _)) = state.failed.filter(|(_, when)| when.elapsed() < self.failure_memory) {
                return Err(error);
            }
            return Ok((self.load().await?, Source::Miss));
        };
        if loaded.made.elapsed() < self.ttl {
            return Ok((loaded, Source::Hit));
        }
        if state.tried.is_none_or(|tried| tried.elapsed() >= self.ttl.min(BETWEEN_TRIES)) {
            // The flight goes on without anybody waiting for it.
            drop(self.load());
        }
        Ok((loaded, if state.failed.is_some() { Source::Stale } else { Source::Hit }))
    }

    /// Asks for the list anew, together with whoever does so at the same time, and replaces the old one.
    pub(crate) fn load(&self) -> Flight<Arc<Loaded>> {
        let shared = Arc::clone(&self.shared);
        self.flights.join(&(), || async move { shared.load().await })
    }

    /// The market of that symbol or id; an unknown one is looked up in a new list, if the last try was a while ago.
    pub(crate) async fn find(&self, symbol: &str) -> Result<Arc<Market>> {
        let (loaded, _) = self.current().await?;
        let unknown = match loaded.markets.find(symbol) {
            Ok(market) => return Ok(Arc::clone(market)),
            Err(unknown) => unknown,
        };
        if self.shared.state().tried.is_some_and(|tried| tried.elapsed() < BETWEEN_TRIES) {
            return Err(unknown);
        }
        match self.load().await {
            Ok(loaded) => loaded.markets.find(symbol).cloned(),
            Err(_) => Err(unknown),
        }
    }
}

impl Shared {
    async fn load(&self) -> Result<Arc<Loaded>> {
        self.change(|state| state.tried = Some(Instant::now()));
        let exchange = Arc::clone(&self.exchange);
        // Indexing is part of the question, so that a long list is indexed where it is read.
        let question = move || exchange.markets(clock::now()).then(|list| Fetch::Done(list.and_then(index)));
        let result = self.upstream.run(Capability::Markets, question).await.map(|markets| {
            Arc::new(Loaded { markets: Arc::new(markets), made: Instant::now(), body: OnceLock::new() })
        });
        self.change(|state| match &result {
            Ok(loaded) => (state.loaded, state.failed) = (Some(Arc::clone(loaded)), None),
            Err(error) => state.failed = Some((error.clone(), Instant::now())),
        });
        result
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// An exchange without markets does not exist: what lists none is a failure that must not replace a good list.
fn index(list: Vec<Market>) -> Result<Markets> {
    if list.is_empty() {
        return Err(Error::bad_response("the exchange lists no markets"));
    }
    Ok(Markets::new(list))
}

#[cfg(test)]
mod tests;
