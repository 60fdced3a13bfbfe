use marketd_tests::TestServer;

#[tokio::test]
async fn the_health_is_ok_with_version_and_uptime() {
    let (server, _) = TestServer::with_fake().await;
    let reply = server.get("/health").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("cache-control"), "no-store");
    let health = reply.json();
    assert_eq!(health["status"], "ok");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert!(health["uptime_seconds"].is_u64());
}
