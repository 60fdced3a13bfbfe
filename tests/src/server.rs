//! A server on a port of its own, reached through real sockets.

use std::net::SocketAddr;
use std::sync::{Arc, Once};

use futures_util::StreamExt;
use marketd::Server;
use marketd::config::Config;
use marketd::service::Service;
use marketd_core::Exchange;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::{FakeExchange, config};

/// A running server.
pub struct TestServer {
    address: SocketAddr,
    client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<std::io::Result<()>>,
}

/// What the server answered.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it came.
    pub text: String,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The text of a header, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The problem that this reply must be, with this status and code.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("/problems/{code}"));
        for key in ["title", "detail"] {
            assert!(problem[key].as_str().is_some_and(|text| !text.is_empty()), "{key} of {problem}");
        }
        problem
    }
}

impl TestServer {
    /// Starts a server with these exchanges.
    pub async fn start(config: Config, exchanges: Vec<Arc<dyn Exchange>>) -> Self {
        let service = Service::new(exchanges.into(), &config).expect("a service");
        Self::of(config, Arc::new(service)).await
    }

    /// Starts a server of a service, whose exchanges can then be swapped.
    pub async fn of(config: Config, service: Arc<Service>) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let server = Server::bind(config, service).await.expect("a free port");
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async {
            // A server whose test has failed stops too.
            let _ = stopped.await;
        }));
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { address, client: client.build().expect("a client"), stop: Some(stop), running }
    }

    /// Starts a server with one exchange, `fake`, that can be asked everything.
    pub async fn with_fake() -> (Self, Arc<FakeExchange>) {
        let fake = FakeExchange::new("fake");
        (Self::start(config(), vec![Arc::clone(&fake) as Arc<dyn Exchange>]).await, fake)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// GETs a path.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    /// A request to a path, to be completed.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    /// Sends a request.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        Reply { status, headers, text: response.text().await.expect("a body") }
    }

    /// Opens a WebSocket.
    ///
    /// # Errors
    /// The upgrade was refused.
    pub async fn socket(&self, path: &str) -> Result<Socket, Box<tungstenite::Error>> {
        let url = format!("ws://{}{path}", self.address);
        connect_async(url).await.map(|(stream, _)| Socket(stream)).map_err(Box::new)
    }

    /// The problem that an upgrade is refused with.
    pub async fn refusal(&self, path: &str) -> Value {
        let Err(error) = self.socket(path).await else { panic!("the upgrade was not refused") };
        let tungstenite::Error::Http(response) = *error else { panic!("{error}") };
        let problem: Value = serde_json::from_slice(response.body().as_deref().unwrap_or_default()).expect("JSON");
        assert_eq!(response.status().as_u16(), problem["status"]);
        problem
    }

    /// Tells the server to stop, without waiting.
    pub fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has stopped.
    pub async fn stopped(mut self) -> std::io::Result<()> {
        self.begin_stop();
        self.running.await.expect("the server did not panic")
    }
}

/// A WebSocket to the server.
pub struct Socket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// The next message that is neither a ping nor a pong.
    pub async fn message(&mut self) -> Message {
        loop {
            match self.0.next().await.expect("a message").expect("a whole message") {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    /// The next text message, as JSON.
    pub async fn json(&mut self) -> Value {
        match self.message().await {
            Message::Text(text) => serde_json::from_str(&text).expect("JSON"),
            other => panic!("{other:?} is no text"),
        }
    }
}
