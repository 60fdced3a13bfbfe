use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use marketd_core::{About, Code, Market, Millis};
use rstest::rstest;

use super::*;
use crate::config::Config;
use crate::health::State;
use crate::testing::{Fake, LATENCY, Wire, down, well};

fn upstream(wire: &Arc<Wire>) -> Upstream {
    let config = config::Upstream { retries: 0, ..Config::default().upstream };
    Upstream::new(&*Fake::full("fake"), &config, Arc::clone(wire) as _)
}

fn url(at: usize) -> Request {
    Request::get(format!("https://fake.test/{at}"))
}

/// Asks a request more in every round, for ever.
fn endless(width: usize) -> Fetch<()> {
    Fetch::ask((0..width).map(url).collect(), move |_| endless(width + 1))
}

#[tokio::test(start_paused = true)]
async fn the_requests_of_a_round_are_made_together_and_answered_in_their_order() {
    let wire = Wire::new(|path| Ok(Response::ok(path.to_owned())));
    let began = Instant::now();
    let question = || Fetch::ask((0..10).map(url).collect(), |responses| Fetch::Done(Ok(responses)));
    let responses = upstream(&wire).run(Capability::Markets, question).await.expect("an answer");
    assert_eq!(began.elapsed(), LATENCY);
    let bodies: Vec<_> = responses.iter().map(|response| String::from_utf8_lossy(&response.body)).collect();
    assert_eq!(bodies, ["/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9"]);
}

#[rstest]
#[case::rounds(0)]
#[case::requests(500)]
#[tokio::test(start_paused = true)]
async fn an_adapter_that_asks_without_end_is_stopped(#[case] width: usize) {
    let wire = Wire::new(well);
    let error = upstream(&wire).run(Capability::Markets, move || endless(width)).await.expect_err("stopped");
    assert_eq!((error.code(), error.exchange()), (Code::BadResponse, Some("fake")));
    assert!(wire.asked("/") <= MOST_REQUESTS);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_response_ends_the_question_with_its_error() {
    let wire = Wire::new(|path| if path == "/1" { down(path) } else { well(path) });
    let question = || Fetch::ask((0..3).map(url).collect(), |_| -> Fetch<()> { panic!("not all were answered") });
    let error = upstream(&wire).run(Capability::Markets, question).await.expect_err("no response");
    assert_eq!(error.code(), Code::ExchangeNotAvailable);
}

#[rstest]
#[case::in_the_question(0)]
#[case::reading_a_small_body(10)]
#[case::reading_a_large_body(READ_ASIDE + 1)]
#[tokio::test(start_paused = true)]
async fn a_panic_of_the_adapter_is_a_bad_response(#[case] size: usize) {
    let wire = Wire::new(move |_| Ok(Response::ok(vec![b' '; size])));
    let upstream = upstream(&wire);
    let question = move || {
        assert!(size > 0, "on purpose");
        Fetch::ask(vec![url(0)], |_| -> Fetch<()> { panic!("on purpose") })
    };
    let error = upstream.run(Capability::Ticker, question).await.expect_err("panicked");
    assert_eq!((error.code(), error.exchange()), (Code::BadResponse, Some("fake")));
    assert_eq!(upstream.health().consecutive_failures, 1);
}

#[tokio::test(start_paused = true)]
async fn large_bodies_are_read_off_the_async_threads() {
    let wire = Wire::new(|_| Ok(Response::ok(vec![b' '; READ_ASIDE + 1])));
    let here = std::thread::current().id();
    let question = || Fetch::one(url(0), |_| Ok(std::thread::current().id()));
    assert_ne!(upstream(&wire).run(Capability::Ticker, question).await.expect("read"), here);
}

/// An adapter whose steps may block.
struct Blocking(Arc<dyn Exchange>);

impl Exchange for Blocking {
    fn about(&self) -> &About {
        self.0.about()
    }

    fn markets(&self, now: Millis) -> Fetch<Vec<Market>> {
        self.0.markets(now)
    }

    fn may_block(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn steps_that_may_block_are_run_off_the_async_threads_one_at_a_time() {
    let config = config::Upstream { retries: 0, ..Config::default().upstream };
    let wire = Wire::new(well);
    let upstream = Upstream::new(&Blocking(Fake::full("fake")), &config, wire as _);
    let here = std::thread::current().id();
    let running = Arc::new(AtomicBool::new(false));
    let questions = (0..20).map(|at| {
        let running = Arc::clone(&running);
        let step = move || {
            assert!(!running.swap(true, Ordering::SeqCst), "one at a time");
            let aside = std::thread::current().id() != here;
            std::thread::yield_now();
            running.store(false, Ordering::SeqCst);
            aside
        };
        upstream.run(Capability::Ticker, move || {
            let asked = step();
            Fetch::one(url(at), move |_| Ok(asked && step()))
        })
    });
    for aside in futures_util::future::join_all(questions).await {
        assert!(aside.expect("an answer"));
    }
}

#[tokio::test(start_paused = true)]
async fn answers_too_large_together_are_refused() {
    let wire = Wire::new(|_| Ok(Response::ok(vec![b' '; LARGEST_ROUND / 2])));
    let question = || Fetch::ask((0..3).map(url).collect(), |_| Fetch::Done(Ok(())));
    let error = upstream(&wire).run(Capability::Markets, question).await.expect_err("refused");
    assert_eq!(error.code(), Code::BadResponse);
}

#[tokio::test(start_paused = true)]
async fn what_a_pause_holds_back_is_no_failure_of_the_exchange() {
    let limit =
        |_: &str| Ok(Response { status: 429, retry_after: Some(Duration::from_secs(60)), ..Response::default() });
    let wire = Wire::new(limit);
    let upstream = upstream(&wire);
    let exchange = Fake::full("fake");
    let market = Arc::new(Market::spot("BTCUSDT", "BTC", "USDT"));
    for _ in 0..5 {
        let (exchange, market) = (Arc::clone(&exchange), Arc::clone(&market));
        let question = move || exchange.ticker(&market, 0);
        let error = upstream.run(Capability::Ticker, question).await.expect_err("limited");
        assert!(error.code().is_exchange_failure());
    }
    assert_eq!(wire.asked("/"), 1);
    let health = upstream.health();
    assert_eq!((health.state, health.consecutive_failures), (State::Degraded, 1));
    assert!(health.paused_until.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_question_says_nothing_about_the_exchange() {
    let wire = Wire::new(well);
    let upstream = upstream(&wire);
    let question = || Fetch::<()>::one(url(0), |_| Err(Error::new(Code::BadSymbol, "delisted")));
    upstream.run(Capability::Ticker, question).await.expect_err("unknown");
    assert_eq!(upstream.health().state, State::Unknown);
}
