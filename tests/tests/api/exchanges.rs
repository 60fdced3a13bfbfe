use std::sync::Arc;

use marketd_core::{Capability, Exchange};
use marketd_tests::{FakeExchange, TestServer, config};

#[tokio::test]
async fn exchanges_say_who_they_are_and_what_they_can_do() {
    let bare: Arc<dyn Exchange> = FakeExchange::with_capabilities("bare", &[Capability::Markets]);
    let server = TestServer::start(config(), vec![FakeExchange::new("fake"), bare]).await;
    let all = server.get("/exchanges").await.json();
    let ids: Vec<&str> =
        all["exchanges"].as_array().expect("rows").iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(ids, ["bare", "fake"]);
    let one = server.get("/exchanges/fake").await.json();
    assert_eq!(one, all["exchanges"][1]);
    assert_eq!(one["name"], "The fake exchange");
    assert_eq!(one["kind"], "native");
    assert_eq!(one["synthetic"], true);
    assert_eq!(one["timeframes"], serde_json::json!(["1m", "1h", "1d"]));
    assert_eq!(one["capabilities"].as_array().map(Vec::len), Some(6));
    assert_eq!(one["links"]["www"], "https://fake.example");
    assert_eq!(one["budget"], "1200/m");
    assert_eq!(one["status"], "unknown");
    assert_eq!(one["health"]["consecutive_failures"], 0);
}

#[tokio::test]
async fn only_those_that_are_enabled_are_served() {
    let mut config = config();
    config.exchanges.enabled = Some(vec!["fake".to_owned()]);
    let server = TestServer::start(config, vec![FakeExchange::new("fake"), FakeExchange::new("other")]).await;
    assert_eq!(server.get("/exchanges").await.json()["exchanges"].as_array().map(Vec::len), Some(1));
    server.get("/exchanges/other").await.problem(404, "ExchangeNotFound");
}
