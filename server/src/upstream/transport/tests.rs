//! Against a real socket that writes raw HTTP.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

/// Answers one connection with these bytes and closes it; gives the request that came.
async fn serve(answer: impl Into<Vec<u8>>) -> (Http, String, JoinHandle<String>) {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let served = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let mut request = vec![0; 4_096];
        let read = socket.read(&mut request).await.expect("a request");
        // The client may hang up on what it refuses.
        let _ = socket.write_all(&answer).await;
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    (http(None), format!("http://{address}"), served)
}

fn http(proxy_url: Option<&str>) -> Http {
    let upstream = Upstream { proxy_url: proxy_url.map(str::to_owned), ..crate::config::Config::default().upstream };
    Http::new(client().expect("a client"), "kraken", &upstream)
}

fn response(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("writes to memory");
    encoder.finish().expect("writes to memory")
}

async fn fetch(answer: impl Into<Vec<u8>>) -> Result<Response> {
    let (http, url, _served) = serve(answer).await;
    http.send(&Request::get(url)).await
}

#[tokio::test]
async fn any_status_is_a_response_with_its_body() {
    let answer = "HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nwait";
    let response = fetch(answer).await.expect("a response");
    assert_eq!((response.status, &response.body[..]), (503, &b"wait"[..]));
    assert_eq!(response.retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_compressed_body_is_decompressed() {
    let body = br#"{"last":"1.50"}"#;
    let response = fetch(response("content-encoding: gzip\r\n", &gzip(body))).await.expect("a response");
    assert_eq!(&response.body[..], body);
}

#[rstest]
#[case::announced(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec())]
#[case::unannounced([&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b' '; LARGEST_BODY + 1]].concat())]
#[case::compressed(response("content-encoding: gzip\r\n", &gzip(&vec![b' '; LARGEST_BODY + 1])))]
#[case::not_what_it_claims(response("content-encoding: gzip\r\n", b"not gzip at all, but long enough"))]
#[tokio::test]
async fn an_oversized_or_garbled_body_is_a_bad_response(#[case] answer: Vec<u8>) {
    assert_eq!(fetch(answer).await.expect_err("refused").code(), Code::BadResponse);
}

#[rstest]
#[case::half_a_body("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"half\":")]
#[case::half_a_chunk("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{\"half\":")]
#[case::half_a_head("HTTP/1.1 200 OK\r\ncontent-le")]
#[case::nothing("")]
#[tokio::test]
async fn a_connection_that_breaks_makes_the_exchange_unavailable(#[case] answer: &str) {
    let error = fetch(answer).await.expect_err("broken");
    assert_eq!(error.code(), Code::ExchangeNotAvailable, "{error}");
}

#[tokio::test]
async fn a_refused_connection_makes_the_exchange_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/secret?key=hidden", listener.local_addr().expect("an address"));
    drop(listener);
    let error = http(None).send(&Request::get(url)).await.expect_err("refused");
    assert_eq!(error.code(), Code::ExchangeNotAvailable);
    assert!(error.message().starts_with("no connection to 127.0.0.1"), "{error}");
    assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
}

// tokio's paused clock jumps to the time limit as soon as nothing but the socket is left to wait for.
#[tokio::test(start_paused = true)]
async fn an_exchange_that_hangs_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let error = http(None).send(&Request::get(url)).await.expect_err("no answer");
    assert_eq!(error.code(), Code::RequestTimeout);
}

#[rstest]
#[case("no url")]
#[case("ftp://fake.test/")]
#[case("https://")]
#[tokio::test]
async fn an_impossible_url_is_the_fault_of_the_adapter(#[case] url: &str) {
    assert_eq!(http(None).send(&Request::get(url)).await.expect_err("refused").code(), Code::BadResponse);
}

#[tokio::test]
async fn a_proxy_gets_the_whole_url_as_the_adapter_encoded_it() {
    let (_, proxy, served) = serve(response("", b"{}")).await;
    let url = "https://api.kraken.com/0/public/Ticker?pair=XBT%2fUSD,a~b&x=%5B1%5D+[2]&t={3}";
    http(Some(&format!("{proxy}/{{exchange}}/"))).send(&Request::get(url)).await.expect("a response");
    let line = format!("GET /kraken/{url} HTTP/1.1\r\n");
    let request = served.await.expect("served");
    assert!(request.starts_with(&line), "{request}");
    assert!(request.contains(concat!("user-agent: marketd/", env!("CARGO_PKG_VERSION"))));
    assert!(request.contains("accept-encoding: gzip,br"), "{request}");
}

#[tokio::test]
async fn a_post_carries_its_body_and_headers() {
    let (http, url, served) = serve(response("", b"{}")).await;
    http.send(&Request::post_json(url, r#"{"type":"meta"}"#)).await.expect("a response");
    let request = served.await.expect("served");
    assert!(request.starts_with("POST / HTTP/1.1\r\n"));
    assert!(request.contains("content-type: application/json"));
    assert!(request.ends_with(r#"{"type":"meta"}"#), "{request}");
}

#[tokio::test]
async fn a_redirect_without_encryption_is_not_followed() {
    let answer = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(fetch(answer).await.expect("a response").status, 302);
}

#[rstest]
#[case("5", Some(5.0))]
#[case("0.5", Some(0.5))]
#[case("Sun, 06 Nov 1994 08:49:37 GMT", Some(0.0))]
#[case("-1", None)]
#[case("1e300", None)]
#[case("NaN", None)]
#[case("soon", None)]
fn retry_after_is_read_in_seconds_or_as_a_date(#[case] value: &str, #[case] seconds: Option<f64>) {
    let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().expect("a header"))]);
    assert_eq!(retry_after(&headers), seconds.map(Duration::from_secs_f64));
}
