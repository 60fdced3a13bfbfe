//! How fast one exchange may be asked: the pace that it publishes, and the pauses that it orders.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex as Lock, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use marketd_core::{Budget as Published, Code, Error, Response, Result};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// A wait that is simply waited, be it for the end of a pause or before a retry; what takes longer is refused at once.
pub(super) const SHORT_WAIT: Duration = Duration::from_secs(2);

/// The pause after a 418 or 429 that names none.
const DEFAULT_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause that a header can order: a typing error must not switch an exchange off for a year.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// What one exchange may be asked.
pub(super) struct Budget {
    /// Whether any of this is kept.
    on: bool,
    pace: Option<Pace>,
    /// Whose turn it is. First come, first served: without it, light requests would pass heavy ones for ever.
    turn: Mutex<()>,
    /// Weight that was spent without waiting for it, to be waited for by whoever comes next.
    owed: AtomicU32,
    paused_until: Lock<Option<Instant>>,
    /// How long a request waits at most.
    patience: Duration,
}

struct Pace {
    limiter: RateLimiter<NotKeyed, InMemoryState, SinceStart, NoOpMiddleware<Duration>>,
    clock: SinceStart,
    burst: NonZeroU32,
}

/// tokio's clock for governor, so that tests can pause it.
#[derive(Clone)]
struct SinceStart(Instant);

impl Clock for SinceStart {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Pace {
    /// A quarter of the published weight at once and the rest evenly over the time, so that no window of that time ever sees
    /// more than was published. (A quota with the whole weight as its burst lets twice that through in the first window.)
    fn new(published: Published) -> Option<Self> {
        let burst = NonZeroU32::new(published.weight / 4).unwrap_or(NonZeroU32::MIN);
        let rate = (published.weight - burst.get().min(published.weight)).max(1);
        let quota = Quota::with_period(published.per / rate)?.allow_burst(burst);
        let clock = SinceStart(Instant::now());
        Some(Self { limiter: RateLimiter::direct_with_clock(quota, clock.clone()), clock, burst })
    }

    /// Waits for this much, at most the burst.
    async fn take(&self, weight: NonZeroU32, deadline: Instant) -> Result<()> {
        while let Ok(Err(not_yet)) = self.limiter.check_n(weight.min(self.burst)) {
            let wait = not_yet.wait_time_from(self.clock.now());
            if Instant::now() + wait > deadline {
                return Err(spent(wait));
            }
            sleep(wait).await;
        }
        Ok(())
    }
}

impl Budget {
    pub(super) fn new(published: Option<Published>, on: bool, patience: Duration) -> Self {
        Self {
            on,
            pace: published.and_then(Pace::new),
            turn: Mutex::default(),
            owed: AtomicU32::new(0),
            paused_until: Lock::default(),
            // A configured time limit has no bound of its own, and moments do.
            patience: patience.min(LONGEST_PAUSE),
        }
    }

    /// Waits until a request of this weight may be made.
    ///
    /// # Errors
    /// `RateLimitExceeded` when that would take longer than the exchange's time limit, or than a short pause.
    pub(super) async fn admit(&self, weight: u32) -> Result<()> {
        if !self.on {
            return Ok(());
        }
        let deadline = Instant::now() + self.patience;
        self.sit_out_pause(deadline).await?;
        let Some(pace) = &self.pace else { return Ok(()) };
        let _turn = timeout_at(deadline, self.turn.lock()).await.map_err(|_| spent(SHORT_WAIT))?;
        self.sit_out_pause(deadline).await?;
        self.settle(pace, deadline).await?;
        let Some(weight) = NonZeroU32::new(weight) else { return Ok(()) };
        pace.take(weight, deadline).await?;
        // A request heavier than the burst goes when the burst is there; the rest is waited for afterwards.
        self.charge(weight.get().saturating_sub(pace.burst.get()));
        Ok(())
    }

    /// Counts weight that was spent without waiting for it, by a retry.
    pub(super) fn charge(&self, weight: u32) {
        if self.on && self.pace.is_some() {
            let _ = self.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |owed| owed.checked_add(weight));
        }
    }

    async fn settle(&self, pace: &Pace, deadline: Instant) -> Result<()> {
        while let Some(owed) = NonZeroU32::new(self.owed.load(Ordering::Relaxed)) {
            let part = owed.min(pace.burst);
            pace.take(part, deadline).await?;
            self.owed.fetch_sub(part.get(), Ordering::Relaxed);
        }
        Ok(())
    }

    async fn sit_out_pause(&self, deadline: Instant) -> Result<()> {
        while let Some(wait) = self.paused_for() {
            let end = Instant::now() + wait;
            if wait > SHORT_WAIT || end > deadline {
                let message = "the exchange told us to wait before we ask again";
                return Err(Error::new(Code::RateLimitExceeded, message).with_retry_after(wait));
            }
            sleep_until(end).await;
        }
        Ok(())
    }

    /// Begins a pause when the exchange orders one.
    pub(super) fn heed(&self, response: &Response) {
        let limited = matches!(response.status, 418 | 429);
        if !self.on || response.is_success() || !(limited || response.retry_after.is_some()) {
            return;
        }
        let end = Instant::now() + response.retry_after.unwrap_or(DEFAULT_PAUSE).min(LONGEST_PAUSE);
        let mut until = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = Some(until.map_or(end, |until| until.max(end)));
    }

    /// How long from now the exchange is not to be asked.
    pub(super) fn paused_for(&self) -> Option<Duration> {
        let until = (*self.paused_until.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(until.saturating_duration_since(Instant::now())).filter(|wait| !wait.is_zero())
    }
}

fn spent(wait: Duration) -> Error {
    Error::new(Code::RateLimitExceeded, "the request budget of the exchange is spent").with_retry_after(wait)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rstest::rstest;
    use tokio::time::advance;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn budget(published: &str, patience: Duration) -> Arc<Budget> {
        Arc::new(Budget::new(Some(published.parse().expect("a budget")), true, patience))
    }

    fn limited(status: u16, retry_after: Option<u64>) -> Response {
        Response { status, retry_after: retry_after.map(Duration::from_secs), ..Response::default() }
    }

    #[rstest]
    #[case("120/m")]
    #[case("10/s")]
    #[case("20/2s")]
    #[case("1/s")]
    #[case("3/s")]
    #[tokio::test(start_paused = true)]
    async fn no_window_sees_more_than_the_exchange_published(#[case] published: &str) {
        let limit: Published = published.parse().expect("a budget");
        let budget = budget(published, 100 * MINUTE);
        let mut admitted = Vec::new();
        for _ in 0..limit.weight * 4 {
            budget.admit(1).await.expect("in time");
            admitted.push(Instant::now());
        }
        for (at, begin) in admitted.iter().enumerate() {
            let within = admitted[at..].iter().take_while(|moment| **moment < *begin + limit.per).count();
            assert!(within <= limit.weight as usize, "{within} in one window");
        }
        // And it is used: three quarters of it, less what tokio's millisecond timer rounds up.
        let windows = admitted[0].elapsed().as_secs_f64() / limit.per.as_secs_f64();
        assert!(windows < 4.0 / 0.6, "{windows} windows");
    }

    #[tokio::test(start_paused = true)]
    async fn a_heavy_request_has_its_turn_before_the_light_ones_behind_it() {
        let budget = budget("40/s", MINUTE);
        budget.admit(10).await.expect("the burst");
        let order = Arc::new(Lock::new(Vec::new()));
        let tasks = [10, 1, 1, 1].map(|weight| {
            let (budget, order) = (Arc::clone(&budget), Arc::clone(&order));
            tokio::spawn(async move {
                budget.admit(weight).await.expect("in time");
                order.lock().expect("unpoisoned").push(weight);
            })
        });
        futures_util::future::join_all(tasks).await;
        assert_eq!(*order.lock().expect("unpoisoned"), [10, 1, 1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_weight_above_the_burst_is_admitted_and_waited_for_afterwards() {
        let budget = budget("40/s", MINUTE);
        let begin = Instant::now();
        budget.admit(100).await.expect("the burst is there");
        assert_eq!(begin.elapsed(), Duration::ZERO);
        budget.admit(1).await.expect("in time");
        // 90 owed and 1 more, at 30 a second.
        assert!((2.9..3.2).contains(&begin.elapsed().as_secs_f64()), "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_longer_than_the_patience_is_refused_at_once_and_says_when_to_come_back() {
        let budget = budget("1/m", Duration::from_secs(10));
        budget.admit(1).await.expect("the first");
        let begin = Instant::now();
        let error = budget.admit(1).await.expect_err("too long");
        assert_eq!((error.code(), error.retry_after()), (Code::RateLimitExceeded, Some(MINUTE)));
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_their_turn_longer_than_the_patience() {
        let budget = budget("10/s", Duration::from_secs(10));
        let waits = (0..1_000).map(|_| async {
            let begin = Instant::now();
            (budget.admit(1).await.is_ok(), begin.elapsed())
        });
        let waits = futures_util::future::join_all(waits).await;
        assert!(waits.iter().all(|(_, wait)| *wait <= Duration::from_millis(10_001)));
        assert!((70..=90).contains(&waits.iter().filter(|(admitted, _)| *admitted).count()));
    }

    #[rstest]
    #[case(limited(429, Some(30)), 30)]
    #[case(limited(418, Some(100_000)), 3_600)]
    #[case(limited(429, None), 5)]
    #[case(limited(503, Some(20)), 20)]
    #[case(limited(503, None), 0)]
    #[case(limited(200, Some(20)), 0)]
    #[tokio::test(start_paused = true)]
    async fn a_pause_that_the_exchange_orders_refuses_everything_until_it_is_over(
        #[case] response: Response,
        #[case] seconds: u64,
    ) {
        let budget = Budget::new(None, true, MINUTE);
        budget.heed(&response);
        let wait = (seconds > 0).then_some(Duration::from_secs(seconds));
        assert_eq!(budget.admit(1).await.err().and_then(|error| error.retry_after()), wait);
        advance(Duration::from_secs(seconds)).await;
        budget.admit(1).await.expect("over");
    }

    #[tokio::test(start_paused = true)]
    async fn the_short_end_of_a_pause_is_waited() {
        let budget = Budget::new(None, true, MINUTE);
        budget.heed(&limited(429, Some(1)));
        let begin = Instant::now();
        budget.admit(1).await.expect("waited");
        assert_eq!(begin.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_answer_does_not_shorten_a_pause() {
        let budget = Budget::new(None, true, MINUTE);
        budget.heed(&limited(429, Some(60)));
        budget.heed(&limited(429, Some(1)));
        assert_eq!(budget.paused_for(), Some(MINUTE));
    }

    #[tokio::test(start_paused = true)]
    async fn without_rate_limit_neither_pace_nor_pauses_are_kept() {
        let budget = Budget::new(Some("1/m".parse().expect("a budget")), false, MINUTE);
        budget.heed(&limited(429, Some(60)));
        let begin = Instant::now();
        for _ in 0..100 {
            budget.admit(1).await.expect("no limit");
        }
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }
}
