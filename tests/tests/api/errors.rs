use std::sync::Arc;
use std::time::Duration;

use marketd_core::{Capability, Code, Exchange};
use marketd_tests::{FakeExchange, TestServer, config, failure};
use reqwest::Method;
use rstest::rstest;

#[rstest]
#[case("/historical/fake/BTC/USDT?limit=0", "limit", "0", "1 to 5000")]
#[case("/historical/fake/BTC/USDT?limit=5001", "limit", "5001", "1 to 5000")]
#[case("/historical/fake/BTC/USDT?limit=ten", "limit", "ten", "1 to 5000")]
#[case("/historical/fake/BTC/USDT?limit=", "limit", "", "1 to 5000")]
#[case("/historical/fake/BTC/USDT?since=-1", "since", "-1", "milliseconds")]
#[case("/historical/fake/BTC/USDT?since=yesterday", "since", "yesterday", "milliseconds")]
#[case("/historical/fake/BTC/USDT?since=99999999999999999999", "since", "99999999999999999999", "9999")]
#[case("/historical/fake/BTC/USDT?timeframe=1x", "timeframe", "1x", "15m")]
#[case("/historical/fake/BTCUSDT?timeframe=", "timeframe", "", "15m")]
#[case("/orderbook/fake/BTC/USDT?limit=-5", "limit", "-5", "1 to 5000")]
#[case("/trades/fake/BTC/USDT?limit=1.5", "limit", "1.5", "1 to 5000")]
#[case("/tickers/fake?symbols=", "symbols", "", "1 to 500")]
#[case("/markets/fake?type=margin", "type", "margin", "spot")]
#[case("/markets/fake?active=maybe", "active", "maybe", "true or false")]
#[case("/markets/fake?base=", "base", "", "1 to 64")]
#[tokio::test]
async fn a_wrong_parameter_says_which_what_it_was_and_what_is_allowed(
    #[case] path: &str,
    #[case] name: &str,
    #[case] value: &str,
    #[case] allowed: &str,
) {
    let (server, _) = TestServer::with_fake().await;
    let problem = server.get(path).await.problem(400, "BadRequest");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.starts_with(&format!("{name} is `{value}`")) && detail.contains(allowed), "{detail}");
}

#[rstest]
#[case("/historical/fake/BTC/USDT?limt=5", "limt", "limit")]
#[case("/price/fake/BTC/USDT?symbol=x", "symbol", "none")]
#[case("/markets/fake?kind=spot", "kind", "type, active, base, quote")]
#[case("/trades/fake/BTC/USDT?limit=1&limit=2", "limit", "twice")]
#[case("/health?verbose=1", "verbose", "none")]
#[tokio::test]
async fn an_unknown_or_doubled_parameter_is_refused(#[case] path: &str, #[case] name: &str, #[case] says: &str) {
    let (server, _) = TestServer::with_fake().await;
    let problem = server.get(path).await.problem(400, "BadRequest");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains(name) && detail.contains(says), "{detail}");
}

#[rstest]
#[tokio::test]
async fn a_symbol_that_cannot_be_one_is_refused(
    #[values("%FF%FE", "%00", "A%0AB", &"A".repeat(65), &format!("{}/USDT", "A".repeat(60)))] symbol: &str,
) {
    let (server, _) = TestServer::with_fake().await;
    let problem = server.get(&format!("/price/fake/{symbol}")).await.problem(400, "BadRequest");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.starts_with("symbol is")), "{problem}");
}

#[tokio::test]
async fn a_symbol_is_decoded_once() {
    let (server, _) = TestServer::with_fake().await;
    let problem = server.get("/price/fake/BTC%252FUSDT").await.problem(404, "BadSymbol");
    assert_eq!(problem["symbol"], "BTC%2FUSDT");
}

#[tokio::test]
async fn an_unknown_exchange_or_market_comes_with_the_nearest_names() {
    let (server, _) = TestServer::with_fake().await;
    let problem = server.get("/price/fakee/BTC/USDT").await.problem(404, "ExchangeNotFound");
    assert_eq!(problem["exchange"], "fakee");
    assert_eq!(problem["suggestions"][0], "fake");
    for route in ["price", "historical", "orderbook", "trades"] {
        let problem = server.get(&format!("/{route}/fake/BTC/USTD")).await.problem(404, "BadSymbol");
        assert_eq!(problem["exchange"], "fake");
        assert_eq!(problem["symbol"], "BTC/USTD");
        assert_eq!(problem["suggestions"][0], "BTC/USDT");
    }
    for route in ["tickers", "markets", "exchanges"] {
        server.get(&format!("/{route}/fakee")).await.problem(404, "ExchangeNotFound");
    }
}

#[rstest]
#[case(Code::BadResponse, 502)]
#[case(Code::RateLimitExceeded, 503)]
#[case(Code::ExchangeNotAvailable, 503)]
#[case(Code::OnMaintenance, 503)]
#[case(Code::RequestTimeout, 504)]
#[tokio::test]
async fn a_failure_of_the_exchange_has_its_status_and_503_says_when_to_come_back(
    #[case] code: Code,
    #[case] status: u16,
) {
    let (server, fake) = TestServer::with_fake().await;
    fake.fail_with(Some(failure(code).with_retry_after(Duration::from_millis(1_500))));
    let reply = server.get("/price/fake/BTC/USDT").await;
    let problem = reply.problem(status, code.name());
    assert_eq!(problem["exchange"], "fake");
    assert_eq!(problem["symbol"], "BTC/USDT");
    if status == 503 {
        assert!(reply.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1), "{:?}", reply.headers);
    } else {
        assert_eq!(reply.header("retry-after"), "");
    }
}

#[rstest]
#[tokio::test]
async fn what_an_exchange_cannot_be_asked_is_not_supported(
    #[values(
        "price/bare/BTC/USDT",
        "historical/bare/BTC/USDT",
        "tickers/bare",
        "orderbook/bare/BTC/USDT",
        "trades/bare/BTC/USDT"
    )]
    path: &str,
) {
    let bare: Arc<dyn Exchange> = FakeExchange::with_capabilities("bare", &[Capability::Markets]);
    let server = TestServer::start(config(), vec![bare]).await;
    let problem = server.get(&format!("/{path}")).await.problem(501, "NotSupported");
    assert_eq!(problem["exchange"], "bare");
}

#[rstest]
#[tokio::test]
async fn an_unknown_route_is_a_problem(
    #[values(
        "/nothing",
        "/price",
        "/price/fake",
        "/price/fake/",
        "/price/fake/A/B/C",
        "/problems/Nothing",
        "//",
        "/docs/x"
    )]
    path: &str,
) {
    let (server, _) = TestServer::with_fake().await;
    server.get(path).await.problem(404, "NotFound");
}

#[rstest]
#[tokio::test]
async fn another_method_is_refused_with_what_is_allowed(
    #[values("/price/fake/BTC/USDT", "/health", "/docs", "/openapi.json", "/ws/fake/BTC/USDT")] path: &str,
    #[values(Method::POST, Method::PUT, Method::DELETE, Method::PATCH)] method: Method,
) {
    let (server, _) = TestServer::with_fake().await;
    let reply = server.send(server.request(method, path)).await;
    reply.problem(405, "MethodNotAllowed");
    assert_eq!(reply.header("allow"), "GET, HEAD, OPTIONS");
}

#[tokio::test]
async fn a_path_that_is_too_long_and_a_body_that_is_too_large_are_refused() {
    let (server, _) = TestServer::with_fake().await;
    server.get(&format!("/price/fake/{}", "A".repeat(10_000))).await.problem(414, "UriTooLong");
    let request = server.request(Method::GET, "/health").body(vec![b' '; 100_000]);
    server.send(request).await.problem(413, "ContentTooLarge");
}

#[tokio::test]
async fn every_type_of_a_problem_leads_to_what_it_means() {
    let (server, _) = TestServer::with_fake().await;
    let all = server.get("/problems").await.json();
    let all = all["problems"].as_array().expect("rows");
    assert_eq!(all.len(), Code::ALL.len() + 5);
    for kind in all {
        let code = kind["code"].as_str().expect("a code");
        assert_eq!(&server.get(&format!("/problems/{code}")).await.json(), kind);
    }
}
