//! Where answers are kept: bounded in number and in bytes.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cached::{Expires, ShardedExpiringLruCache};
use marketd_core::Error;
use tokio::time::Instant;

use super::{Key, Question, Terms};
use crate::answer::{Answer, Source};

/// How long a failure is remembered at most: a thousand clients that ask a failing exchange cost it one request a second.
const FAILURE_MEMORY: Duration = Duration::from_secs(1);

/// What an entry takes beyond its body and its key.
const OVERHEAD: usize = 256;

/// How much is kept.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Answers in all.
    pub(super) answers: usize,
    /// Failures in all.
    pub(super) failures: usize,
    /// Bytes of all answers together.
    pub(super) bytes: usize,
    /// Bytes of one answer; a larger one is not kept.
    pub(super) largest: usize,
}

impl Bounds {
    pub(super) const DEFAULT: Self = Self { answers: 10_000, failures: 2_000, bytes: 256 << 20, largest: 16 << 20 };
}

/// Kept answers and remembered failures.
pub(super) struct Store {
    answers: ShardedExpiringLruCache<Key, Kept>,
    failures: ShardedExpiringLruCache<Key, Failure>,
    bytes: Arc<AtomicUsize>,
    /// Held by whoever makes room, so that others do not do it again at once.
    making_room: Mutex<()>,
    bounds: Bounds,
}

impl Store {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            answers: ShardedExpiringLruCache::new(bounds.answers),
            failures: ShardedExpiringLruCache::new(bounds.failures),
            bytes: Arc::default(),
            making_room: Mutex::default(),
            bounds,
        }
    }

    /// A kept answer that is as young as these terms want it.
    pub(super) fn fresh(&self, key: &Key, terms: Terms) -> Option<Kept> {
        let kept = self.kept(key)?;
        let age = kept.made.elapsed();
        (age < kept.ttl && terms.max_age.is_none_or(|most| age < most)).then_some(kept)
    }

    /// A kept answer, fresh or stale.
    pub(super) fn kept(&self, key: &Key) -> Option<Kept> {
        self.answers.get(key)
    }

    /// The error that this question met just now.
    pub(super) fn failure(&self, key: &Key) -> Option<Error> {
        self.failures.get(key).map(|failure| failure.error)
    }

    /// Keeps an answer that was made now, unless these terms or its size forbid it.
    pub(super) fn keep(&self, key: Key, body: Bytes, terms: Terms) -> Kept {
        let mut kept = Kept {
            body,
            made: Instant::now(),
            ttl: terms.ttl,
            usable: terms.ttl.saturating_add(terms.stale_if_error),
            _room: None,
        };
        let size = kept.body.len() + key.heap_bytes() + OVERHEAD;
        if terms.ttl.is_zero() || size > self.bounds.largest {
            return kept;
        }
        if self.bytes.load(Ordering::Relaxed) + size > self.bounds.bytes {
            self.make_room();
        }
        kept._room = Some(Arc::new(Room::take(size, &self.bytes)));
        self.answers.set(key, kept.clone());
        kept
    }

    /// Remembers a failure for a moment, where answers are kept at all.
    pub(super) fn remember_failure(&self, key: Key, error: &Error, terms: Terms) {
        let memory = terms.ttl.min(FAILURE_MEMORY);
        if !memory.is_zero() {
            self.failures.set(key, Failure { error: error.clone(), until: Instant::now() + memory });
        }
    }

    /// Drops what can be served no more, and the older half of the rest if that is not enough.
    ///
    /// Halving costs a walk over all entries, but comes only after half of all the room was filled anew.
    fn make_room(&self) {
        let Ok(_only) = self.making_room.try_lock() else { return };
        let mut made = Vec::new();
        // Dead entries are dropped by the walk itself and never shown to it.
        self.answers.retain(|_, kept| {
            made.push(kept.made);
            true
        });
        if made.is_empty() || self.bytes.load(Ordering::Relaxed) <= self.bounds.bytes / 2 {
            return;
        }
        let middle = made.len() / 2;
        let (_, cutoff, _) = made.select_nth_unstable(middle);
        self.answers.retain(|_, kept| kept.made > *cutoff);
    }
}

impl Key {
    /// What the key takes beyond its own size; short symbols stand in the key itself.
    fn heap_bytes(&self) -> usize {
        match &self.question {
            Question::Tickers { symbols } => symbols.as_ref().map_or(0, |symbols| symbols.len()),
            _ => 0,
        }
    }
}

/// An answer with its times.
#[derive(Clone)]
pub(super) struct Kept {
    body: Bytes,
    made: Instant,
    ttl: Duration,
    /// How long after it was made it can be served in all, be it as a stand-in.
    usable: Duration,
    _room: Option<Arc<Room>>,
}

impl Kept {
    pub(super) fn answer(&self, source: Source) -> Answer {
        Answer { body: self.body.clone(), source, age: self.made.elapsed(), ttl: self.ttl }
    }
}

impl Expires for Kept {
    fn is_expired(&self) -> bool {
        self.made.elapsed() > self.usable
    }
}

/// The bytes that an answer takes, given back when its last holder drops it.
struct Room {
    size: usize,
    all: Arc<AtomicUsize>,
}

impl Room {
    fn take(size: usize, all: &Arc<AtomicUsize>) -> Self {
        all.fetch_add(size, Ordering::Relaxed);
        Self { size, all: Arc::clone(all) }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// An error with the moment until which it is remembered.
#[derive(Clone)]
struct Failure {
    error: Error,
    until: Instant,
}

impl Expires for Failure {
    fn is_expired(&self) -> bool {
        Instant::now() >= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms { ttl: Duration::from_secs(10), stale_if_error: Duration::from_secs(60), max_age: None };

    fn key(limit: usize) -> Key {
        Key { exchange: 0, question: Question::OrderBook { symbol: "BTC/USDT".into(), limit: Some(limit) } }
    }

    fn store(bytes: usize) -> Store {
        Store::new(Bounds { answers: 1_000, failures: 100, bytes, largest: bytes / 4 })
    }

    fn body(size: usize) -> Bytes {
        Bytes::from(vec![b' '; size])
    }

    #[tokio::test(start_paused = true)]
    async fn all_answers_together_stay_within_the_bound_and_the_newest_are_there() {
        let store = store(100_000);
        for at in 0..200 {
            tokio::time::advance(Duration::from_millis(1)).await;
            store.keep(key(at), body(1_000), TERMS);
            assert!(store.bytes.load(Ordering::Relaxed) <= 100_000);
            assert!(store.kept(&key(at)).is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_oversized_answer_is_served_but_not_kept() {
        let store = store(10_000);
        assert_eq!(store.keep(key(1), body(5_000), TERMS).body.len(), 5_000);
        assert!(store.kept(&key(1)).is_none());
        assert_eq!(store.bytes.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_be_served_no_more_gives_its_room_back_first() {
        let store = store(10_000);
        (0..5).for_each(|at| drop(store.keep(key(at), body(1_000), TERMS)));
        tokio::time::advance(Duration::from_secs(71)).await;
        (5..12).for_each(|at| drop(store.keep(key(at), body(1_000), TERMS)));
        assert!((0..5).all(|at| store.kept(&key(at)).is_none()));
        assert!((5..12).all(|at| store.kept(&key(at)).is_some()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_replaces_another_takes_its_room() {
        let store = store(10_000);
        (0..100).for_each(|_| drop(store.keep(key(1), body(1_000), TERMS)));
        assert_eq!(store.bytes.load(Ordering::Relaxed), 1_000 + OVERHEAD);
    }
}
