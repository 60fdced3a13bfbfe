use marketd_tests::TestServer;
use rstest::rstest;

#[rstest]
#[case("", &["BTC/USDT", "BTC/USDT:USDT", "ETH/BTC", "OLD/USDT"])]
#[case("?type=swap", &["BTC/USDT:USDT"])]
#[case("?active=true", &["BTC/USDT"])]
#[case("?active=false", &["OLD/USDT"])]
#[case("?base=ETH", &["ETH/BTC"])]
#[case("?base=btc&type=spot", &["BTC/USDT"])]
#[case("?quote=BTC", &["ETH/BTC"])]
#[tokio::test]
async fn every_filter_narrows_the_list(#[case] query: &str, #[case] symbols: &[&str]) {
    let (server, _) = TestServer::with_fake().await;
    let reply = server.get(&format!("/markets/fake{query}")).await.json();
    assert_eq!(reply["exchange"], "fake");
    let mut found: Vec<&str> =
        reply["markets"].as_array().expect("rows").iter().filter_map(|row| row["symbol"].as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, symbols);
}
