//! An exchange's side of the wire: a world of recorded answers on a real socket, which fails when it is told to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use marketd::config::Config;
use marketd_core::{Method, Request};
use marketd_plugins::conformance::World;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How an upstream answers instead of its world.
#[derive(Clone, Debug)]
pub enum Fault {
    /// With a status, headers and a body.
    Answer {
        /// The status.
        status: u16,
        /// Header lines, each ended with `\r\n`.
        headers: &'static str,
        /// The body.
        body: Vec<u8>,
    },
    /// With the beginning of a body that is said to be longer.
    Half(&'static str),
    /// With a body that does not end.
    Endless,
    /// By closing the connection.
    Close,
    /// Not at all.
    Hang,
}

impl Fault {
    /// A 200 with this body.
    pub fn body(body: impl Into<Vec<u8>>) -> Self {
        Self::Answer { status: 200, headers: "", body: body.into() }
    }

    /// A status with this body.
    pub fn status(status: u16, body: &str) -> Self {
        Self::Answer { status, headers: "", body: body.into() }
    }
}

/// A running upstream.
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    world: World,
    fault: Mutex<Option<Fault>>,
    requests: AtomicUsize,
}

impl Upstream {
    /// Answers as the cases of this exchange say.
    pub async fn of(exchange: &str) -> Self {
        let file = format!("{}/cases/{exchange}.json", env!("CARGO_MANIFEST_DIR"));
        let cases = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        Self::answering(World::parse(&cases).expect("cases")).await
    }

    /// Answers as this world does.
    pub async fn answering(world: World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { world, fault: Mutex::new(None), requests: AtomicUsize::new(0) });
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        Self { address, shared }
    }

    /// Lets a server ask here, at once and without retries or budgets.
    pub fn configure(&self, config: &mut Config) {
        config.upstream.proxy_url = Some(format!("http://{}/{{exchange}}/", self.address));
        config.upstream.retries = 0;
        config.upstream.rate_limit = false;
    }

    /// From now on every request is answered like this, or by the world again.
    pub fn fail_with(&self, fault: Option<Fault>) {
        *self.shared.fault.lock().expect("a lock") = fault;
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream).await {
        shared.requests.fetch_add(1, Ordering::SeqCst);
        let fault = shared.fault.lock().expect("a lock").clone();
        let (status, headers, body) = match fault {
            None => {
                let response = shared.world.answer(&request);
                (response.status, "", response.body.to_vec())
            }
            Some(Fault::Answer { status, headers, body }) => (status, headers, body),
            Some(Fault::Half(body)) => {
                let _ =
                    stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{body}").as_bytes()).await;
                return;
            }
            Some(Fault::Endless) => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\"").await;
                let chunk = vec![b'x'; 1 << 20];
                // Whoever reads no further closes, and this ends.
                for _ in 0..200 {
                    if stream.write_all(&chunk).await.is_err() {
                        return;
                    }
                }
                return;
            }
            Some(Fault::Close) => return,
            Some(Fault::Hang) => std::future::pending().await,
        };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
        if stream.write_all(&[head.as_bytes(), &body].concat()).await.is_err() {
            return;
        }
    }
}

/// Reads a request whose target is `/EXCHANGE/https://…`, as the server's `proxy_url` makes it.
async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ');
    let method = if words.next()? == "POST" { Method::Post } else { Method::Get };
    let url = words.next()?.trim_start_matches('/').split_once('/')?.1.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.ok().filter(|read| *read > 0)?;
        if header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let body = (length > 0).then(|| String::from_utf8_lossy(&body).into_owned());
    Some(Request { method, url, headers: Vec::new(), body, weight: 1 })
}
