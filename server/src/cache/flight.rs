//! One piece of work per question, however many ask it at the same time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use marketd_core::{Code, Error, Result};

/// Work that runs now, by the question that it answers.
///
/// The work is a task of its own: whoever waits may leave, the first one too, and the others get the answer all the same. What
/// is done is forgotten at once; keeping answers is the cache's business.
pub(crate) struct Flights<K, T> {
    running: Arc<Mutex<Running<K, T>>>,
}

/// What everyone who asked waits for.
pub(crate) type Flight<T> = Shared<BoxFuture<'static, Result<T>>>;

type Running<K, T> = HashMap<K, Flight<T>>;

/// Different questions that may be under way at once; more are refused, so that memory stays bounded.
const MOST_FLIGHTS: usize = 10_000;

impl<K, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self { running: Arc::default() }
    }
}

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Joins the work on this question, or starts it. It runs on even if nobody awaits what this returns.
    pub(crate) fn join<W>(&self, key: &K, work: impl FnOnce() -> W) -> Flight<T>
    where
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let mut running = lock(&self.running);
        if let Some(flight) = running.get(key) {
            return flight.clone();
        }
        if running.len() >= MOST_FLIGHTS {
            return std::future::ready(Err(too_many())).boxed().shared();
        }
        let landing = Landing { running: Arc::clone(&self.running), key: key.clone() };
        let work = work();
        let task = tokio::spawn(async move {
            let _landing = landing;
            work.await
        });
        let flight = task.map(|result| result.unwrap_or_else(|lost| Err(explain(&lost)))).boxed().shared();
        running.insert(key.clone(), flight.clone());
        flight
    }
}

/// Clears the flight when its task ends, in whatever way: done, panicked, or dropped with the runtime.
struct Landing<K: Eq + Hash, T> {
    running: Arc<Mutex<Running<K, T>>>,
    key: K,
}

impl<K: Eq + Hash, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        lock(&self.running).remove(&self.key);
    }
}

/// Nothing can panic while the map is locked, but a poisoned lock must not take the server down in any case.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn too_many() -> Error {
    Error::new(Code::RateLimitExceeded, "too many different questions are under way")
        .with_retry_after(Duration::from_secs(1))
}

fn explain(lost: &tokio::task::JoinError) -> Error {
    if lost.is_panic() {
        Error::bad_response("the answer could not be made: a fault of this server")
    } else {
        Error::new(Code::ExchangeNotAvailable, "the server is stopping")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::time::sleep;

    use super::*;

    const WHILE: Duration = Duration::from_millis(50);

    /// A thousand callers ask; tells what they got and how often the work was started.
    async fn thousand(work: fn() -> Result<u32>) -> (Vec<Result<u32>>, usize) {
        let (flights, started) = (Flights::<&str, u32>::default(), Arc::new(AtomicUsize::new(0)));
        let callers = (0..1_000).map(|_| {
            flights.join(&"key", || {
                started.fetch_add(1, Ordering::Relaxed);
                async move {
                    sleep(WHILE).await;
                    work()
                }
            })
        });
        let results = join_all(callers.collect::<Vec<_>>()).await;
        assert!(lock(&flights.running).is_empty());
        (results, started.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_callers_share_one_success() {
        let (results, started) = thousand(|| Ok(7)).await;
        assert_eq!(started, 1);
        assert!(results.into_iter().all(|result| result.is_ok_and(|value| value == 7)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_callers_share_one_failure() {
        let (results, started) = thousand(|| Err(Error::bad_response("broken"))).await;
        assert_eq!(started, 1);
        assert!(results.into_iter().all(|result| result.is_err_and(|error| error.message() == "broken")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_an_error_for_everyone_who_waits() {
        let (results, started) = thousand(|| panic!("on purpose")).await;
        assert_eq!(started, 1);
        assert!(results.into_iter().all(|result| result.is_err_and(|error| error.code() == Code::BadResponse)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_caller_may_leave_without_the_others_losing_the_answer() {
        let flights = Flights::<&str, u32>::default();
        let work = || async {
            sleep(WHILE).await;
            Ok(7)
        };
        let first = tokio::time::timeout(WHILE / 2, flights.join(&"key", work));
        let second = flights.join(&"key", || async { panic!("joined, not started") });
        let (first, second) = tokio::join!(first, second);
        assert!(first.is_err());
        assert_eq!(second.expect("an answer"), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_is_forgotten() {
        let flights = Flights::<&str, u32>::default();
        assert_eq!(flights.join(&"key", || async { Ok(1) }).await.expect("an answer"), 1);
        assert_eq!(flights.join(&"key", || async { Ok(2) }).await.expect("an answer"), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn more_flights_than_the_bound_are_refused() {
        let flights = Flights::<usize, u32>::default();
        let work = || async {
            sleep(WHILE).await;
            Ok(7)
        };
        let under_way: Vec<_> = (0..MOST_FLIGHTS).map(|key| flights.join(&key, work)).collect();
        let refused = flights.join(&MOST_FLIGHTS, work).await.expect_err("refused");
        assert_eq!(refused.code(), Code::RateLimitExceeded);
        assert!(join_all(under_way).await.iter().all(std::result::Result::is_ok));
    }
}
