use marketd_tests::TestServer;

#[tokio::test]
async fn a_book_has_both_sides_best_price_first_and_is_cut_to_the_limit() {
    let (server, _) = TestServer::with_fake().await;
    let book = server.get("/orderbook/fake/BTC/USDT").await;
    assert!(book.text.contains(r#""bids":[[1.10,5],[1.00,7.50]]"#), "{}", book.text);
    let book = server.get("/orderbook/fake/BTCUSDT?limit=1").await.json();
    assert_eq!(book["bids"].as_array().map(Vec::len), Some(1));
    assert_eq!(book["asks"].as_array().map(Vec::len), Some(1));
}
