//! The whole way to an exchange and back, over real sockets on both sides: a definition, its upstream, and what clients see when
//! the upstream fails.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use marketd::config::Config;
use marketd_core::Exchange;
use marketd_plugins::built_in;
use marketd_tests::{Fault, TestServer, Upstream, config};
use rstest::rstest;

const PRICE: &str = "/price/kraken/BTC/USD";

async fn start(change: impl FnOnce(&mut Config)) -> (TestServer, Upstream) {
    let upstream = Upstream::of("kraken").await;
    let mut config = config();
    upstream.configure(&mut config);
    change(&mut config);
    let kraken = built_in::definition("kraken").expect("built in").unwrap_or_else(|error| panic!("{error}"));
    let server = TestServer::start(config, vec![Arc::new(kraken) as Arc<dyn Exchange>]).await;
    (server, upstream)
}

#[rstest]
#[case::html(Fault::body("<html><body>Welcome</body></html>"), 502, "BadResponse")]
#[case::half_a_json(Fault::body(r#"{"error":[],"result":{"XXBTZUSD":{"a":["1"#), 502, "BadResponse")]
#[case::empty(Fault::body(""), 502, "BadResponse")]
#[case::null(Fault::body("null"), 502, "BadResponse")]
#[case::another_shape(Fault::body(r#"{"error":[],"data":[1,2,3]}"#), 502, "BadResponse")]
#[case::a_list(Fault::body("[]"), 502, "BadResponse")]
#[case::a_number(Fault::body("42"), 502, "BadResponse")]
#[case::no_text(Fault::body(vec![0xff, 0xfe, 0x00, 0x01]), 502, "BadResponse")]
#[case::deep_nesting(Fault::body("[".repeat(1_000_000)), 502, "BadResponse")]
#[case::an_error_inside_a_200(Fault::body(r#"{"error":["EQuery:Unknown asset pair"]}"#), 404, "BadSymbol")]
#[case::a_limit_inside_a_200(Fault::body(r#"{"error":["EAPI:Rate limit exceeded"]}"#), 503, "RateLimitExceeded")]
#[case::an_unknown_error_inside_a_200(Fault::body(r#"{"error":["EWhat:Ever"]}"#), 502, "BadResponse")]
#[case::too_many_requests(Fault::status(429, "slow down"), 503, "RateLimitExceeded")]
#[case::maintenance(Fault::status(503, "<html>maintenance</html>"), 503, "OnMaintenance")]
#[case::bad_gateway(Fault::status(502, "<html>bad gateway</html>"), 503, "ExchangeNotAvailable")]
#[case::two_hundred_megabytes(Fault::Endless, 502, "BadResponse")]
#[case::half_a_body(Fault::Half("{\"error\":"), 503, "ExchangeNotAvailable")]
#[case::nothing(Fault::Close, 503, "ExchangeNotAvailable")]
#[case::silence(Fault::Hang, 504, "RequestTimeout")]
#[tokio::test]
async fn whatever_an_upstream_does_has_its_code_and_the_server_goes_on(
    #[case] fault: Fault,
    #[case] status: u16,
    #[case] code: &str,
) {
    let (server, upstream) = start(|config| config.upstream.timeout = Duration::from_millis(1_500)).await;
    assert_eq!(server.get(PRICE).await.status, 200);
    upstream.fail_with(Some(fault));
    let reply = server.get(PRICE).await;
    let problem = reply.problem(status, code);
    assert_eq!((&problem["exchange"], &problem["symbol"]), (&"kraken".into(), &"BTC/USD".into()));
    assert_eq!(reply.header("retry-after").is_empty(), status != 503);
    upstream.fail_with(None);
    assert_eq!(server.get(PRICE).await.status, 200);
}

#[tokio::test]
async fn the_digits_of_the_exchange_arrive_as_they_were_sent() {
    let (server, _) = start(|_| {}).await;
    let reply = server.get(PRICE).await;
    assert!(reply.text.contains(r#""last":156619.85728,"#), "{}", reply.text);
    let candles = server.get("/historical/kraken/BTC/USD?timeframe=1h&limit=2&since=1759968000000").await;
    assert!(
        candles
            .text
            .contains(r#""open":174471.8,"high":160242.9,"low":168052.5,"close":103292.3,"volume":20.91077633"#),
        "{}",
        candles.text
    );
}

#[tokio::test]
async fn a_hundred_clients_that_want_one_ticker_cost_one_request() {
    let (server, upstream) = start(|config| config.cache.ticker = Duration::from_secs(60)).await;
    let replies = join_all((0..100).map(|_| server.get(PRICE))).await;
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.text == replies[0].text));
    // One for the markets, one for the ticker.
    assert_eq!(upstream.requests(), 2);
    let reply = server.get("/price/kraken/xbt/usd").await;
    assert_eq!((reply.header("cache-status"), upstream.requests()), ("marketd; hit", 2));
}

#[tokio::test]
async fn a_kept_answer_is_served_while_the_exchange_fails() {
    let (server, upstream) = start(|config| {
        config.cache.ticker = Duration::from_millis(1);
        config.cache.stale_if_error = Duration::from_secs(60);
    })
    .await;
    let fresh = server.get(PRICE).await;
    upstream.fail_with(Some(Fault::Close));
    // The first answer has grown old as soon as a millisecond has passed, which the first of these requests may not take.
    for _ in 0..1_000 {
        let reply = server.get(PRICE).await;
        assert_eq!((reply.status.as_u16(), &reply.text), (200, &fresh.text));
        if reply.header("cache-status").contains("stale") {
            return;
        }
    }
    panic!("never stale");
}

#[tokio::test]
async fn the_streams_of_one_market_share_its_polls() {
    let (server, upstream) = start(|config| config.cache.ticker = Duration::from_secs(10)).await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(server.socket("/ws/kraken/BTC/USD?poll_interval=3600").await.expect("upgraded"));
    }
    for socket in &mut sockets {
        assert_eq!(socket.json().await["symbol"], "BTC/USD");
    }
    assert_eq!(upstream.requests(), 2);
}

#[tokio::test]
async fn streams_out_of_step_share_their_polls_too() {
    let (server, upstream) = start(|config| config.cache.ticker = Duration::from_secs(10)).await;
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(server.socket("/ws/kraken/BTC/USD?poll_interval=0.5").await.expect("upgraded"));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = upstream.requests();
    // Three messages each take one and a half intervals more than the last that each of them got.
    for _ in 0..4 {
        for socket in &mut sockets {
            socket.json().await;
        }
    }
    assert!(upstream.requests() - before <= 6, "{} polls", upstream.requests() - before);
}

#[tokio::test]
async fn an_unknown_symbol_costs_at_most_one_refresh_of_the_markets() {
    let (server, upstream) = start(|_| {}).await;
    for _ in 0..5 {
        let problem = server.get("/price/kraken/BTC/USX").await.problem(404, "BadSymbol");
        assert!(problem["suggestions"].as_array().is_some_and(|near| near.contains(&"BTC/USD".into())), "{problem}");
    }
    assert!(upstream.requests() <= 2, "{}", upstream.requests());
}
