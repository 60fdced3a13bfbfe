//! The running server: from a bound address to the last answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use poem::http::uri::Scheme;
use poem::listener::{Acceptor, TcpAcceptor};
use poem::web::{LocalAddr, RemoteAddr};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::api;
use crate::config::Config;
use crate::idle::Idle;
use crate::service::Service;
use crate::ws::Streams;

/// How long running requests may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(10);

/// How long a connection may be idle: longer than any answer takes, and than streams are quiet between two pings.
const IDLE: Duration = Duration::from_secs(300);

/// A server that has its address but answers nothing yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
    config: Config,
}

impl Server {
    /// Takes the address that the configuration names.
    ///
    /// # Errors
    /// The address is taken or not of this machine; the message says what to do.
    pub async fn bind(config: Config, service: Arc<Service>) -> io::Result<Self> {
        let wanted = SocketAddr::new(config.server.host, config.server.port);
        let explain = |error: io::Error| {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    "another program listens there; choose another port with --set server.port=8001"
                }
                io::ErrorKind::PermissionDenied => "ports below 1024 want special rights; choose one above",
                _ => "is server.host an address of this machine?",
            };
            io::Error::new(error.kind(), format!("cannot listen on {wanted}: {error}; {hint}"))
        };
        let listener = TcpListener::bind(wanted).await.map_err(explain)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, service, config })
    }

    /// The address, with the port that the system chose for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` is done; then running requests end within a bounded time and streams are closed.
    ///
    /// # Errors
    /// The listener cannot be used.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let streams = Streams::default();
        let endpoint = api::endpoint(&self.service, &streams, &self.config.server);
        let acceptor = Connections(TcpAcceptor::from_tokio(self.listener)?);
        let stop = async {
            stop.await;
            streams.end();
        };
        poem::Server::new_with_acceptor(acceptor).run_with_graceful_shutdown(endpoint, stop, Some(DRAIN)).await?;
        if timeout(DRAIN, streams.ended()).await.is_err() {
            tracing::warn!("some streams did not end in time");
        }
        Ok(())
    }
}

/// Accepts connections for small answers.
struct Connections(TcpAcceptor);

impl Acceptor for Connections {
    type Io = Idle<TcpStream>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.0.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Idle<TcpStream>, LocalAddr, RemoteAddr, Scheme)> {
        match self.0.accept().await {
            Ok((stream, local, remote, scheme)) => {
                // An answer is written at once; to wait for more would only delay it. It works without, too.
                let _ = stream.set_nodelay(true);
                Ok((Idle::new(stream, IDLE), local, remote, scheme))
            }
            Err(error) => {
                // Out of file descriptors, most likely. poem asks again at once, which would keep a core busy.
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(50)).await;
                Err(error)
            }
        }
    }
}
