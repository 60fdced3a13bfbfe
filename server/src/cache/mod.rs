//! Answers as they were sent, kept for a while and served again.
//!
//! A question is answered by, in this order: a kept answer that is fresh; the error that it met less than a second ago; the
//! exchange, once for everyone who asks at the same time. When the exchange fails, an answer that is not too old is served
//! instead of the error.

mod flight;
mod store;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use compact_str::CompactString;
use marketd_core::{Millis, Result, Timeframe};

use crate::answer::{Answer, Source};
pub(crate) use flight::{Flight, Flights};
use store::{Kept, Store};

/// A question that is answered alike whoever asks: the key of a kept answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The number of the exchange within the service.
    pub(crate) exchange: usize,
    /// What is asked.
    pub(crate) question: Question,
}

/// What is asked of one exchange. Symbols are unified ones, so that every spelling of a market shares one answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    Ticker {
        symbol: CompactString,
    },
    /// Of these markets (sorted, joined by commas), or of all.
    Tickers {
        symbols: Option<Arc<str>>,
    },
    Candles {
        symbol: CompactString,
        timeframe: Timeframe,
        since: Option<Millis>,
        limit: usize,
    },
    OrderBook {
        symbol: CompactString,
        limit: Option<usize>,
    },
    Trades {
        symbol: CompactString,
        since: Option<Millis>,
        limit: usize,
    },
}

/// How long an answer may be served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Fresh for so long after it was made; zero keeps nothing.
    pub(crate) ttl: Duration,
    /// And for so much longer while the exchange fails.
    pub(crate) stale_if_error: Duration,
    /// Whoever asks wants it younger than this, however long it is fresh.
    pub(crate) max_age: Option<Duration>,
}

/// The answers of all exchanges.
pub(crate) struct AnswerCache {
    store: Arc<Store>,
    flights: Flights<Key, (Kept, Source)>,
}

impl AnswerCache {
    pub(crate) fn new() -> Self {
        Self { store: Arc::new(Store::new(store::Bounds::DEFAULT)), flights: Flights::default() }
    }

    /// Answers from what is kept, else by `ask`, whose answer is kept.
    pub(crate) async fn answer<W>(&self, key: Key, terms: Terms, ask: impl FnOnce() -> W) -> Result<Answer>
    where
        W: Future<Output = Result<Bytes>> + Send + 'static,
    {
        if let Some(kept) = self.store.fresh(&key, terms) {
            return Ok(kept.answer(Source::Hit));
        }
        let result = match self.store.failure(&key) {
            Some(error) => Err(error),
            None => self.flights.join(&key, || self.fly(key.clone(), terms, ask())).await,
        };
        match result {
            Ok((kept, source)) => Ok(kept.answer(source)),
            Err(error) if error.code().is_exchange_failure() => {
                self.store.kept(&key).map(|kept| kept.answer(Source::Stale)).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    fn fly<W>(&self, key: Key, terms: Terms, ask: W) -> impl Future<Output = Result<(Kept, Source)>> + use<W>
    where
        W: Future<Output = Result<Bytes>>,
    {
        let store = Arc::clone(&self.store);
        async move {
            // Another flight may have landed between this caller's look and its take-off.
            if let Some(kept) = store.fresh(&key, terms) {
                return Ok((kept, Source::Hit));
            }
            match ask.await {
                Ok(body) => Ok((store.keep(key, body, terms), Source::Miss)),
                Err(error) => {
                    store.remember_failure(key, &error, terms);
                    Err(error)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
