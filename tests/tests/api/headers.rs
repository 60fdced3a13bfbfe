use std::time::Duration;

use marketd_tests::{FakeExchange, TestServer, config};
use reqwest::Method;

#[tokio::test]
async fn an_answer_that_was_asked_for_now_says_so_and_how_long_it_is_fresh() {
    let mut config = config();
    config.cache.ticker = Duration::from_secs(7);
    let server = TestServer::start(config, vec![FakeExchange::new("fake")]).await;
    let reply = server.get("/price/fake/BTC/USDT").await;
    assert_eq!(reply.header("cache-control"), "max-age=7");
    assert_eq!(reply.header("age"), "0");
    assert_eq!(reply.header("cache-status"), "marketd; fwd=miss");
}

#[tokio::test]
async fn without_a_cache_nobody_else_may_keep_the_answer() {
    let (server, _) = TestServer::with_fake().await;
    assert_eq!(server.get("/price/fake/BTC/USDT").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_page_of_any_origin_may_read_answers_and_errors() {
    let (server, _) = TestServer::with_fake().await;
    for path in ["/price/fake/BTC/USDT", "/nothing"] {
        let reply = server.get(path).await;
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert!(reply.header("access-control-expose-headers").contains("Retry-After"));
    }
    let preflight = server.send(server.request(Method::OPTIONS, "/price/fake/BTC/USDT")).await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-methods").contains("GET"));
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let (server, _) = TestServer::with_fake().await;
    let get = server.get("/price/fake/BTC/USDT").await;
    let head = server.send(server.request(Method::HEAD, "/price/fake/BTC/USDT")).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), get.text.len().to_string());
}
