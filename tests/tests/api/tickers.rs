use marketd_tests::TestServer;

#[tokio::test]
async fn all_tickers_or_those_that_are_named() {
    let (server, _) = TestServer::with_fake().await;
    let all = server.get("/tickers/fake").await.json();
    assert_eq!(all["exchange"], "fake");
    assert_eq!(all["tickers"].as_array().map(Vec::len), Some(4));
    let some = server.get("/tickers/fake?symbols=ETH/BTC,BTC%2FUSDT").await.json();
    let symbols: Vec<&str> =
        some["tickers"].as_array().expect("rows").iter().filter_map(|row| row["symbol"].as_str()).collect();
    assert_eq!(symbols.len(), 2);
    assert!(symbols.contains(&"ETH/BTC") && symbols.contains(&"BTC/USDT"));
}
