//! What a plugin does wrong costs its own exchange only.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use marketd_core::Exchange;
use marketd_plugins::dynamic;
use marketd_tests::{FakeExchange, TestServer, config};
use rstest::rstest;

use crate::build::{Placed, bad};

/// The exchanges of a plugin beside a well one.
async fn start(plugin: Vec<Arc<dyn Exchange>>) -> TestServer {
    let mut exchanges = plugin;
    exchanges.push(FakeExchange::new("fake"));
    TestServer::start(config(), exchanges).await
}

#[rstest]
#[case("faulty", "garbage", "answered nonsense to ticker: expected value at line 1 column 1")]
#[case("faulty", "huge", "answered more than 64 MiB")]
#[case("faulty", "nothing", "answered nonsense to ticker: EOF while parsing a value at line 1 column 0")]
#[case("panics", "panics", "panicked in ticker: no ticker of A/B, on purpose")]
#[tokio::test]
async fn a_fault_is_a_bad_response_of_its_exchange_alone(#[case] name: &str, #[case] id: &str, #[case] detail: &str) {
    let server = start(Placed::library(&bad(name)).load()).await;
    for _ in 0..2 {
        assert_eq!(server.get(&format!("/markets/{id}")).await.status, 200);
        let problem = server.get(&format!("/price/{id}/A/B")).await.problem(502, "BadResponse");
        let told = problem["detail"].as_str().unwrap_or_default();
        assert!(told.starts_with("plugin") && told.ends_with(detail), "{told}");
        assert_eq!(problem["exchange"], id);
        assert_eq!(server.get("/price/fake/BTC/USDT").await.status, 200);
    }
}

#[tokio::test]
async fn a_plugin_that_hangs_is_switched_off_and_nobody_else_waits() {
    let placed = Placed::library(&bad("faulty"));
    let exchanges = dynamic::load_within(&placed.path, None, Duration::from_millis(500)).expect("loaded");
    let hangs = exchanges.iter().find(|exchange| exchange.about().id == "hangs").map(Arc::clone).expect("there");
    let server = start(exchanges).await;
    // Each a question of its own, and more of them than there are threads for long answers, were each to wait on one.
    let path = |number| match number % 100 {
        0 => "/price/fake/BTC/USDT".to_owned(),
        _ => format!("/historical/hangs/A/B?timeframe=1m&since={number}"),
    };
    let paths: Vec<String> = (0..600).map(path).collect();
    for (number, reply) in join_all(paths.iter().map(|path| server.get(path))).await.iter().enumerate() {
        let expected: &[u16] = if number % 100 == 0 { &[200] } else { &[503, 504] };
        assert!(expected.contains(&reply.status.as_u16()), "{number}: {}", reply.text);
    }
    while hangs.disabled().is_none() {
        let reply = server.get(&path(1)).await;
        assert!(matches!(reply.status.as_u16(), 503 | 504), "{}", reply.text);
    }
    let problem = server.get(&path(1)).await.problem(503, "ExchangeNotAvailable");
    assert_eq!(problem["detail"].as_str(), hangs.disabled().as_deref());
    assert!(hangs.disabled().is_some_and(|why| why.starts_with("switched off: plugin")), "{problem}");
    let listed = server.get("/exchanges/hangs").await.json();
    assert_eq!((&listed["status"], &listed["reason"]), (&"failed".into(), &problem["detail"]));
    // The others of the same library go on.
    server.get("/price/garbage/A/B").await.problem(502, "BadResponse");
    assert_eq!(server.get("/price/fake/BTC/USDT").await.status, 200);
}
