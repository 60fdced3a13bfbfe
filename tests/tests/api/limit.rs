use marketd_tests::{FakeExchange, TestServer, config};

#[tokio::test]
async fn a_client_that_asks_too_often_is_told_to_wait_but_may_ask_for_the_health() {
    let mut config = config();
    config.server.client_rate_limit = "2/h".parse().ok();
    let server = TestServer::start(config, vec![FakeExchange::new("fake")]).await;
    for _ in 0..2 {
        assert_eq!(server.get("/exchanges").await.status, 200);
    }
    let reply = server.get("/exchanges").await;
    reply.problem(429, "RateLimited");
    assert!(reply.header("retry-after").parse::<u64>().is_ok_and(|seconds| (1_700..=1_800).contains(&seconds)));
    assert_eq!(server.get("/health").await.status, 200);
    // Whoever could choose the key of its limit would have none.
    let forged = server.request(reqwest::Method::GET, "/exchanges").header("x-forwarded-for", "10.0.0.9");
    server.send(forged).await.problem(429, "RateLimited");
}
