use futures_util::future::join_all;
use marketd_core::{Code, Response};
use tokio::time::{advance, sleep};

use super::*;
use crate::config::{self, Config};
use crate::testing::{Fake, LATENCY, Wire, down, well};

const HOUR: Duration = Duration::from_secs(3_600);

fn store(wire: &Arc<Wire>, ttl: Duration) -> MarketStore {
    let exchange = Fake::full("fake");
    let config = config::Upstream { retries: 0, ..Config::default().upstream };
    let upstream = Arc::new(Upstream::new(&*exchange, &config, Arc::clone(wire) as _));
    MarketStore::new(exchange, upstream, ttl)
}

async fn source(store: &MarketStore) -> Source {
    store.current().await.expect("a list").1
}

#[tokio::test(start_paused = true)]
async fn a_thousand_first_callers_load_the_list_once() {
    let wire = Wire::new(well);
    let store = store(&wire, HOUR);
    let found = join_all((0..1_000).map(|_| store.find("btcusdt"))).await;
    assert!(found.into_iter().all(|market| market.expect("found").symbol == "BTC/USDT"));
    assert_eq!(wire.asked("/markets"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_list_is_served_at_once_while_a_new_one_is_loaded() {
    let wire = Wire::new(well);
    let store = store(&wire, HOUR);
    assert_eq!(source(&store).await, Source::Miss);
    advance(HOUR).await;
    wire.now(|_| Ok(Response::ok("NEW/USDT")));
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(source(&store).await, Source::Hit);
        store.find("BTC/USDT").await.expect("in the old list");
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    sleep(2 * LATENCY).await;
    store.find("NEW/USDT").await.expect("in the new list");
    assert_eq!(wire.asked("/markets"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_kept_while_the_exchange_is_down_and_asked_for_once_a_minute() {
    let wire = Wire::new(well);
    let store = store(&wire, HOUR);
    source(&store).await;
    advance(HOUR).await;
    wire.now(down);
    for _ in 0..600 {
        advance(Duration::from_secs(1)).await;
        store.find("BTC/USDT").await.expect("kept");
        sleep(LATENCY).await;
    }
    assert_eq!(source(&store).await, Source::Stale);
    assert!((10..=12).contains(&wire.asked("/markets")), "{}", wire.asked("/markets"));
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_does_not_replace_a_good_one() {
    let wire = Wire::new(well);
    let store = store(&wire, HOUR);
    source(&store).await;
    wire.now(|_| Ok(Response::ok("")));
    assert_eq!(store.load().await.err().map(|error| error.code()), Some(Code::BadResponse));
    store.find("BTC/USDT").await.expect("kept");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_symbol_loads_the_list_early_but_at_most_once_a_minute() {
    let wire = Wire::new(well);
    let store = store(&wire, HOUR);
    for _ in 0..100 {
        assert_eq!(store.find("NEW/USDT").await.expect_err("unknown").code(), Code::BadSymbol);
    }
    assert_eq!(wire.asked("/markets"), 1);
    advance(Duration::from_secs(61)).await;
    join_all((0..100).map(|_| store.find("NOT/THERE"))).await;
    assert_eq!(wire.asked("/markets"), 2);
    advance(Duration::from_secs(61)).await;
    wire.now(|_| Ok(Response::ok("NEW/USDT")));
    store.find("NEW/USDT").await.expect("in the new list");
    assert_eq!(wire.asked("/markets"), 3);
}

#[tokio::test(start_paused = true)]
async fn an_early_refresh_that_fails_leaves_the_symbol_unknown() {
    let wire = Wire::new(well);
    let store = store(&wire, HOUR);
    source(&store).await;
    advance(Duration::from_secs(61)).await;
    wire.now(down);
    assert_eq!(store.find("NEW/USDT").await.expect_err("unknown").code(), Code::BadSymbol);
}

#[tokio::test(start_paused = true)]
async fn a_first_failure_is_remembered_for_a_second() {
    let wire = Wire::new(down);
    let store = store(&wire, HOUR);
    for _ in 0..1_000 {
        assert_eq!(store.find("BTC/USDT").await.expect_err("down").code(), Code::ExchangeNotAvailable);
    }
    assert_eq!(wire.asked("/markets"), 1);
    wire.now(well);
    advance(Duration::from_secs(1)).await;
    store.find("BTC/USDT").await.expect("up again");
}

#[tokio::test(start_paused = true)]
async fn with_the_cache_off_symbols_are_still_found_without_asking_but_failures_are_not_remembered() {
    let wire = Wire::new(down);
    let store = store(&wire, Duration::ZERO);
    store.find("BTC/USDT").await.expect_err("down");
    wire.now(well);
    for _ in 0..100 {
        store.find("BTC/USDT").await.expect("found");
    }
    assert_eq!(wire.asked("/markets"), 2);
}
