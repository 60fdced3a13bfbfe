use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use marketd_core::{Code, Error};
use rstest::rstest;
use tokio::time::{advance, sleep};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A cache, and an exchange behind it that counts how often it is asked and fails when told to.
struct World {
    cache: AnswerCache,
    asked: Arc<AtomicUsize>,
    terms: Terms,
}

impl World {
    fn new(ttl: Duration) -> Self {
        let terms = Terms { ttl, stale_if_error: 60 * SECOND, max_age: None };
        Self { cache: AnswerCache::new(), asked: Arc::default(), terms }
    }

    async fn ask(&self, outcome: fn() -> Result<Bytes>) -> Result<Answer> {
        self.ask_younger_than(None, outcome).await
    }

    async fn ask_younger_than(&self, max_age: Option<Duration>, outcome: fn() -> Result<Bytes>) -> Result<Answer> {
        let key = Key { exchange: 0, question: Question::Ticker { symbol: "BTC/USDT".into() } };
        let asked = Arc::clone(&self.asked);
        let work = || async move {
            asked.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(50)).await;
            outcome()
        };
        self.cache.answer(key, Terms { max_age, ..self.terms }, work).await
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn good() -> Result<Bytes> {
    Ok(Bytes::from_static(b"{}"))
}

fn down() -> Result<Bytes> {
    Err(Error::new(Code::ExchangeNotAvailable, "down"))
}

fn source(result: Result<Answer>) -> Source {
    result.expect("an answer").source
}

#[tokio::test(start_paused = true)]
async fn a_kept_answer_is_served_until_its_ttl_and_hits_do_not_renew_it() {
    let world = World::new(10 * SECOND);
    assert_eq!(source(world.ask(good).await), Source::Miss);
    for _ in 0..9 {
        advance(SECOND).await;
        assert_eq!(source(world.ask(good).await), Source::Hit);
    }
    assert_eq!(world.asked(), 1);
    advance(SECOND).await;
    assert_eq!(source(world.ask(good).await), Source::Miss);
    assert_eq!(world.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_tells_its_age_and_its_ttl() {
    let world = World::new(10 * SECOND);
    let answer = world.ask(good).await.expect("an answer");
    assert_eq!((answer.age, answer.ttl), (Duration::ZERO, 10 * SECOND));
    advance(3 * SECOND).await;
    assert_eq!(world.ask(good).await.expect("an answer").age, 3 * SECOND);
}

#[rstest]
#[case(70, true)]
#[case(71, false)]
#[tokio::test(start_paused = true)]
async fn a_stale_answer_stands_in_for_an_exchange_failure_within_its_bound(#[case] age: u32, #[case] served: bool) {
    let world = World::new(10 * SECOND);
    world.ask(good).await.expect("an answer");
    // The failure takes 50 ms to come.
    advance(age * SECOND - Duration::from_millis(50)).await;
    let result = world.ask(down).await;
    assert_eq!(result.as_ref().ok().map(|answer| answer.source), served.then_some(Source::Stale));
    assert_eq!(result.err().map(|error| error.code()), (!served).then_some(Code::ExchangeNotAvailable));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_question_is_not_covered_up_by_a_stale_answer() {
    let world = World::new(10 * SECOND);
    world.ask(good).await.expect("an answer");
    advance(11 * SECOND).await;
    let error = world.ask(|| Err(Error::new(Code::BadSymbol, "delisted"))).await.expect_err("an error");
    assert_eq!(error.code(), Code::BadSymbol);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_remembered_for_a_second() {
    let world = World::new(10 * SECOND);
    for _ in 0..1_000 {
        world.ask(down).await.expect_err("down");
    }
    assert_eq!(world.asked(), 1);
    advance(SECOND).await;
    assert_eq!(source(world.ask(good).await), Source::Miss);
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_is_off_keeps_neither_answers_nor_failures() {
    let world = World::new(Duration::ZERO);
    for _ in 0..3 {
        world.ask(down).await.expect_err("down");
        assert_eq!(source(world.ask(good).await), Source::Miss);
    }
    assert_eq!(world.asked(), 6);
}

#[rstest]
#[case::with_a_cache(10 * SECOND, good)]
#[case::with_the_cache_off(Duration::ZERO, good)]
#[case::when_it_fails(10 * SECOND, down)]
#[tokio::test(start_paused = true)]
async fn a_thousand_callers_at_once_ask_the_exchange_once(
    #[case] ttl: Duration,
    #[case] outcome: fn() -> Result<Bytes>,
) {
    let world = World::new(ttl);
    join_all((0..1_000).map(|_| world.ask(outcome))).await;
    assert_eq!(world.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_older_than_the_asker_wants_is_asked_anew() {
    let world = World::new(10 * SECOND);
    world.ask(good).await.expect("an answer");
    advance(2 * SECOND).await;
    assert_eq!(source(world.ask_younger_than(Some(3 * SECOND), good).await), Source::Hit);
    assert_eq!(source(world.ask_younger_than(Some(2 * SECOND), good).await), Source::Miss);
    assert_eq!(source(world.ask(good).await), Source::Hit);
    assert_eq!(world.asked(), 2);
}
