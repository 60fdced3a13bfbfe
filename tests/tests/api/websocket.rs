use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use marketd_core::{Capability, Code, Exchange};
use marketd_tests::{FakeExchange, TestServer, config, failure};
use rstest::rstest;
use tokio_tungstenite::tungstenite::Message;

#[rstest]
#[tokio::test]
async fn a_ticker_comes_at_once_whatever_the_interval(
    #[values("/ws/fake/BTC/USDT", "/ws/fake/BTC%2FUSDT?poll_interval=3600", "/ws/FAKE/BTCUSDT?poll_interval=60")] path: &str,
) {
    let (server, _) = TestServer::with_fake().await;
    let begun = Instant::now();
    let ticker = server.socket(path).await.expect("upgraded").json().await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    let mut same = server.get("/price/fake/BTC/USDT").await.json();
    same["bidVolume"] = ticker["bidVolume"].clone();
    assert_eq!(ticker, same);
}

#[tokio::test]
async fn the_next_tickers_come_after_each_interval() {
    let (server, fake) = TestServer::with_fake().await;
    let mut socket = server.socket("/ws/fake/BTC/USDT?poll_interval=0.2").await.expect("upgraded");
    socket.json().await;
    let begun = Instant::now();
    for _ in 0..3 {
        assert_eq!(socket.json().await["symbol"], "BTC/USDT");
    }
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
    assert!(fake.tickers_asked() >= 4);
}

#[tokio::test]
async fn while_the_exchange_fails_problems_come_and_then_tickers_again() {
    let (server, fake) = TestServer::with_fake().await;
    let mut socket = server.socket("/ws/fake/BTC/USDT?poll_interval=0.1").await.expect("upgraded");
    assert_eq!(socket.json().await["symbol"], "BTC/USDT");
    fake.fail_with(Some(failure(Code::OnMaintenance)));
    let problem = loop {
        let message = socket.json().await;
        if message.get("code").is_some() {
            break message;
        }
    };
    assert_eq!((problem["code"].as_str(), problem["status"].as_u64()), (Some("OnMaintenance"), Some(503)));
    assert_eq!(problem["exchange"], "fake");
    fake.fail_with(None);
    while socket.json().await.get("last").is_none() {}
}

#[rstest]
#[case("/ws/fakee/BTC/USDT", "ExchangeNotFound")]
#[case("/ws/fake/BTC/USTD", "BadSymbol")]
#[case("/ws/bare/BTC/USDT", "NotSupported")]
#[case("/ws/fake/BTC/USDT?poll_interval=0", "BadRequest")]
#[case("/ws/fake/BTC/USDT?poll_interval=0.05", "BadRequest")]
#[case("/ws/fake/BTC/USDT?poll_interval=3601", "BadRequest")]
#[case("/ws/fake/BTC/USDT?poll_interval=soon", "BadRequest")]
#[case("/ws/fake/BTC/USDT?interval=5", "BadRequest")]
#[case("/ws/fake", "NotFound")]
#[tokio::test]
async fn what_is_wrong_refuses_the_upgrade_with_a_problem(#[case] path: &str, #[case] code: &str) {
    let bare: Arc<dyn Exchange> = FakeExchange::with_capabilities("bare", &[Capability::Markets]);
    let server = TestServer::start(config(), vec![FakeExchange::new("fake"), bare]).await;
    assert_eq!(server.refusal(path).await["code"], code);
}

#[tokio::test]
async fn a_plain_request_is_told_that_this_is_a_websocket() {
    let (server, _) = TestServer::with_fake().await;
    let problem = server.get("/ws/fake/BTC/USDT").await.problem(400, "BadRequest");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("WebSocket")));
}

#[tokio::test]
async fn pings_are_answered_small_messages_ignored_and_large_ones_end_the_stream() {
    let (server, _) = TestServer::with_fake().await;
    let mut socket = server.socket("/ws/fake/BTC/USDT?poll_interval=3600").await.expect("upgraded");
    socket.json().await;
    socket.0.send(Message::text("hello")).await.expect("sent");
    socket.0.send(Message::Ping("are you there?".into())).await.expect("sent");
    loop {
        // The server has pings of its own.
        match socket.0.next().await.expect("a message").expect("whole") {
            Message::Ping(_) => {}
            message => break assert_eq!(message, Message::Pong("are you there?".into())),
        }
    }
    socket.0.send(Message::text("x".repeat(70_000))).await.expect("sent");
    let Message::Close(Some(frame)) = socket.message().await else { panic!("no close") };
    assert_eq!(u16::from(frame.code), 1008);
}

#[tokio::test]
async fn a_slow_reader_gets_the_newest_ticker_and_no_queue_of_old_ones() {
    let (server, fake) = TestServer::with_fake().await;
    let mut socket = server.socket("/ws/fake/BTC/USDT?poll_interval=0.1").await.expect("upgraded");
    // As a client that is busy elsewhere: nothing is read, and no ping answered, while many intervals pass.
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert_eq!(socket.json().await["bidVolume"], 1);
    let asked = fake.tickers_asked() as u64;
    let next = socket.json().await;
    assert!(next["bidVolume"].as_u64().is_some_and(|number| number > asked), "{next} was kept while nobody read");
}

#[tokio::test]
async fn a_client_that_never_answers_pings_gets_its_tickers_nevertheless() {
    let (server, fake) = TestServer::with_fake().await;
    // Held open and never read.
    let _socket = server.socket("/ws/fake/BTC/USDT?poll_interval=0.1").await.expect("upgraded");
    let begun = Instant::now();
    while fake.tickers_asked() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(10), "no second ticker");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_close_of_the_client_is_answered_at_once() {
    let (server, _) = TestServer::with_fake().await;
    let mut socket = server.socket("/ws/fake/BTC/USDT?poll_interval=3600").await.expect("upgraded");
    socket.json().await;
    let begun = Instant::now();
    socket.0.close(None).await.expect("sent");
    assert!(matches!(socket.message().await, Message::Close(_)));
    assert!(socket.0.next().await.is_none());
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}
