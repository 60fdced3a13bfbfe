use marketd_tests::TestServer;
use rstest::rstest;

#[rstest]
#[case("BTC/USDT", "BTC/USDT")]
#[case("BTC%2FUSDT", "BTC/USDT")]
#[case("btc/usdt", "BTC/USDT")]
#[case("XBT/USDT", "BTC/USDT")]
#[case("BTCUSDT", "BTC/USDT")]
#[case("BTC/USDT:USDT", "BTC/USDT:USDT")]
#[case("BTC%2FUSDT%3AUSDT", "BTC/USDT:USDT")]
#[tokio::test]
async fn every_spelling_of_a_symbol_in_a_path_finds_its_market(#[case] path: &str, #[case] symbol: &str) {
    let (server, _) = TestServer::with_fake().await;
    let reply = server.get(&format!("/price/fake/{path}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.json()["symbol"], symbol);
    assert_eq!(reply.json()["exchange"], "fake");
}

#[tokio::test]
async fn numbers_keep_their_digits_and_what_is_unknown_is_null() {
    let (server, _) = TestServer::with_fake().await;
    let reply = server.get("/price/fake/BTC/USDT").await;
    assert!(reply.text.contains(r#""last":64000.10"#), "{}", reply.text);
    assert!(reply.text.contains(r#""bid":64000.0500"#), "{}", reply.text);
    assert!(reply.json()["markPrice"].is_null());
    assert_eq!(reply.json()["datetime"], "2025-06-13T00:20:34.567Z");
}

#[tokio::test]
async fn an_exchange_is_found_in_any_case() {
    let (server, _) = TestServer::with_fake().await;
    assert_eq!(server.get("/price/FAKE/BTC/USDT").await.status, 200);
}
