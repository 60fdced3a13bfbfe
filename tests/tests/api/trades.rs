use marketd_tests::{NOW, TestServer};

#[tokio::test]
async fn trades_come_oldest_first_with_their_cost_and_within_bounds() {
    let (server, _) = TestServer::with_fake().await;
    let trades = server.get("/trades/fake/BTC/USDT").await.json();
    assert_eq!(trades["trades"].as_array().map(Vec::len), Some(3));
    assert_eq!(trades["trades"][0]["id"], "1");
    assert_eq!(trades["trades"][0]["cost"].as_f64(), Some(5.0));
    let trades = server.get(&format!("/trades/fake/BTC/USDT?since={}&limit=1", NOW + 2)).await.json();
    assert_eq!(trades["trades"].as_array().map(Vec::len), Some(1));
    assert_eq!(trades["trades"][0]["id"], "2");
}
