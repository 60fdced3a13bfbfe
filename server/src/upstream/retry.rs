//! Asking again when a request failed in a way that may pass.

use std::time::Duration;

use marketd_core::{Code, Request, Response, Result};
use tokio::time::sleep;
use tracing::debug;

use super::budget::{Budget, SHORT_WAIT};
use super::transport::Transport;

/// The longest wait before the first retry; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The longest wait before any.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Sends a request, again up to `retries` times; the last response or error is the outcome.
///
/// Every question here is a read, so a POST can be repeated like a GET.
pub(super) async fn send(
    transport: &dyn Transport,
    budget: &Budget,
    retries: u32,
    request: &Request,
) -> Result<Response> {
    let mut retry = 0;
    loop {
        let outcome = transport.send(request).await;
        if let Ok(response) = &outcome {
            budget.heed(response);
        }
        let wait = match wait_before(retry, &outcome) {
            Some(wait) if retry < retries => wait,
            _ => return outcome,
        };
        retry += 1;
        debug!(retry, ?wait, "asking again");
        sleep(wait).await;
        budget.charge(request.weight);
    }
}

/// How long to wait before this retry; `None` where asking again would not help or is not wanted.
fn wait_before(retry: u32, outcome: &Result<Response>) -> Option<Duration> {
    match outcome {
        Err(error) => matches!(error.code(), Code::RequestTimeout | Code::ExchangeNotAvailable).then(|| backoff(retry)),
        Ok(response) => match (response.status, response.retry_after) {
            (429 | 500 | 502..=504, Some(wait)) => (wait <= SHORT_WAIT).then(|| wait.max(backoff(retry))),
            (500 | 502..=504, None) => Some(backoff(retry)),
            _ => None,
        },
    }
}

/// Any wait up to a bound that doubles (full jitter), so that those who failed together do not come back together.
fn backoff(retry: u32) -> Duration {
    FIRST_WAIT.saturating_mul(2_u32.saturating_pow(retry)).min(LONGEST_WAIT).mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;
    use marketd_core::Error;
    use rstest::rstest;
    use tokio::time::Instant;

    use super::*;

    /// Fails with one outcome so many times, then answers 200.
    struct Failing {
        times: u32,
        outcome: fn() -> Result<Response>,
        sent: AtomicU32,
    }

    impl Transport for Failing {
        fn send<'a>(&'a self, _: &'a Request) -> BoxFuture<'a, Result<Response>> {
            let failed = self.sent.fetch_add(1, Ordering::Relaxed) < self.times;
            std::future::ready(if failed { (self.outcome)() } else { Ok(Response::ok("fine")) }).boxed()
        }
    }

    async fn send_to(times: u32, outcome: fn() -> Result<Response>) -> (Result<Response>, u32, Duration) {
        let failing = Failing { times, outcome, sent: AtomicU32::new(0) };
        let budget = Budget::new(None, true, Duration::from_secs(10));
        let begin = Instant::now();
        let outcome = send(&failing, &budget, 2, &Request::get("https://fake.test/")).await;
        (outcome, failing.sent.into_inner(), begin.elapsed())
    }

    fn status(status: u16, retry_after_ms: Option<u64>) -> Result<Response> {
        Ok(Response { status, retry_after: retry_after_ms.map(Duration::from_millis), ..Response::default() })
    }

    fn error(code: Code) -> Result<Response> {
        Err(Error::new(code, "no response"))
    }

    #[rstest]
    #[case(|| status(500, None), true)]
    #[case(|| status(502, None), true)]
    #[case(|| status(503, None), true)]
    #[case(|| status(504, None), true)]
    #[case(|| status(503, Some(1_000)), true)]
    #[case(|| status(503, Some(60_000)), false)]
    #[case(|| status(429, Some(2_000)), true)]
    #[case(|| status(429, Some(3_000)), false)]
    #[case(|| status(429, None), false)]
    #[case(|| status(418, Some(1_000)), false)]
    #[case(|| status(400, None), false)]
    #[case(|| status(404, None), false)]
    #[case(|| status(501, None), false)]
    #[case(|| error(Code::RequestTimeout), true)]
    #[case(|| error(Code::ExchangeNotAvailable), true)]
    #[case(|| error(Code::BadResponse), false)]
    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_asked_again_and_nothing_else(
        #[case] outcome: fn() -> Result<Response>,
        #[case] again: bool,
    ) {
        let (result, sent, _) = send_to(1, outcome).await;
        assert_eq!(sent, if again { 2 } else { 1 });
        assert_eq!(result.is_ok_and(|response| response.is_success()), again);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_response_is_the_outcome_when_all_retries_fail() {
        let (result, sent, took) = send_to(9, || status(503, None)).await;
        assert_eq!((result.expect("a response").status, sent), (503, 3));
        assert!(took <= FIRST_WAIT + 2 * FIRST_WAIT + Duration::from_millis(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_retry_comes_no_sooner_than_the_exchange_asked_for() {
        let (_, _, took) = send_to(1, || status(503, Some(1_500))).await;
        assert!(took >= Duration::from_millis(1_500));
    }

    #[test]
    fn waits_double_up_to_a_bound_and_are_spread_over_all_of_it() {
        let longest = |retry| (0..500).map(|_| backoff(retry)).max().expect("some");
        let shortest = |retry| (0..500).map(|_| backoff(retry)).min().expect("some");
        for (retry, bound) in [(0, 200), (1, 400), (2, 800), (40, 5_000)] {
            let bound = Duration::from_millis(bound);
            assert!(longest(retry) <= bound && longest(retry) > bound.mul_f64(0.9));
            assert!(shortest(retry) < bound.mul_f64(0.1));
        }
    }
}
