use marketd_tests::TestServer;

#[tokio::test]
async fn candles_are_days_unless_another_timeframe_is_asked_for() {
    let (server, _) = TestServer::with_fake().await;
    let days = server.get("/historical/fake/BTC/USDT").await.json();
    assert_eq!(days["timeframe"], "1d");
    assert_eq!(days["symbol"], "BTC/USDT");
    let hours = server.get("/historical/fake/BTC%2FUSDT?timeframe=1h").await.json();
    assert_eq!(hours["timeframe"], "1h");
}

#[tokio::test]
async fn since_and_limit_bound_the_candles_oldest_first() {
    let (server, _) = TestServer::with_fake().await;
    let all = server.get("/historical/fake/BTC/USDT?timeframe=1h").await.json();
    let times: Vec<i64> =
        all["candles"].as_array().expect("rows").iter().filter_map(|row| row["timestamp"].as_i64()).collect();
    assert_eq!(times.len(), 10);
    assert!(times.is_sorted());
    let path = format!("/historical/fake/BTC/USDT?timeframe=1h&since={}&limit=2", times[3]);
    let some = server.get(&path).await.json();
    assert_eq!(some["candles"].as_array().map(Vec::len), Some(2));
    assert_eq!(some["candles"][0]["timestamp"], times[3]);
}
