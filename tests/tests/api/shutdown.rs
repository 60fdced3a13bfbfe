use std::time::{Duration, Instant};

use marketd_tests::TestServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn streams_are_closed_with_1001_and_the_server_ends() {
    let (mut server, _) = TestServer::with_fake().await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = server.socket("/ws/fake/BTC/USDT?poll_interval=3600").await.expect("upgraded");
        socket.json().await;
        sockets.push(socket);
    }
    let begun = Instant::now();
    server.begin_stop();
    for mut socket in sockets {
        let Message::Close(Some(frame)) = socket.message().await else { panic!("no close") };
        assert_eq!(u16::from(frame.code), 1001);
        let _ = futures_util::StreamExt::next(&mut socket.0).await;
    }
    server.stopped().await.expect("ended well");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_without_a_request_does_not_keep_the_server_from_ending() {
    let (mut server, _) = TestServer::with_fake().await;
    let mut idle = TcpStream::connect(server.address()).await.expect("connected");
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).await.expect("answered");
    assert_eq!(&answer, b"HTTP/1.1 200");
    let begun = Instant::now();
    server.begin_stop();
    server.stopped().await.expect("ended well");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_stopped_server_accepts_nothing() {
    let (server, _) = TestServer::with_fake().await;
    let address = server.address();
    server.stopped().await.expect("ended well");
    assert!(TcpStream::connect(address).await.is_err());
}
